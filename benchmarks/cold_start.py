"""Time from the command to the first finished file, in a new process each time.

    python benchmarks/cold_start.py [--threads 2] [--repeats 5]

The target is 8 s on two cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from common import PROMPT, arguments, environment, report, run, summary


def main() -> None:
    options = arguments(__doc__, repeats=5).parse_args()
    samples = []
    for seed in range(options.repeats):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "unclip.cli", "generate", PROMPT]
            command += ["--seed", str(seed), "--model", options.model, "-o", folder]
            before = time.perf_counter()
            run(command, environment(options.threads))
            samples.append(time.perf_counter() - before)
            assert list(Path(folder).glob("*.png")), "no picture was made"
    report([{"what": "command to file", **summary(samples)}], options)


if __name__ == "__main__":
    main()
