"""Peak resident memory of a whole command, for one and for four 1024-pixel pictures.

    python benchmarks/memory.py [--threads 2]

The target is 1.5 GB.
"""

from __future__ import annotations

import sys
import tempfile

from common import PROMPT, Row, arguments, environment, report, run, summary

CHILD = """
import resource, sys
from unclip.cli import main
try:
    main(sys.argv[1:])
except SystemExit as stopped:
    if stopped.code:
        raise
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    options = arguments(__doc__, repeats=3).parse_args()
    scale = 1e9 if sys.platform == "darwin" else 1e6  # the kernel counts bytes there, KB elsewhere
    rows: list[Row] = []
    for n in (1, 4):
        peaks = []
        for seed in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", CHILD, "generate", PROMPT, "-n", str(n)]
                command += ["--seed", str(seed), "--model", options.model, "-o", folder]
                peaks.append(int(run(command, environment(options.threads)).split()[-1]) / scale)
        rows.append({"n": n, "what": "peak GB", **summary(peaks)})
    report(rows, options)


if __name__ == "__main__":
    main()
