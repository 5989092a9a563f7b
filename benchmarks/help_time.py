"""Time of `unclip --help`, in a new process each time. The target is 0.3 s.

python benchmarks/help_time.py [--repeats 20]
"""

from __future__ import annotations

import sys
import time

from common import arguments, environment, report, run, summary


def main() -> None:
    options = arguments(__doc__, repeats=20).parse_args()
    samples = []
    for _ in range(options.repeats):
        before = time.perf_counter()
        run([sys.executable, "-m", "unclip.cli", "--help"], environment(options.threads))
        samples.append(time.perf_counter() - before)
    report([{"what": "unclip --help", **summary(samples)}], options)


if __name__ == "__main__":
    main()
