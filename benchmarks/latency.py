"""Warm time to a 1024-pixel picture, one and four at a time, with the time of each stage.

    python benchmarks/latency.py [--threads 2] [--repeats 20]

One picture and four are measured in turns, so that a busy moment falls on both. The target is 1.0 s
for one, and at most three times that for four, on two cores.
"""

from __future__ import annotations

import statistics

from common import PROMPT, Row, arguments, report, summary


def main() -> None:
    parser = arguments(__doc__, repeats=20)
    parser.add_argument("--size", default="1024x1024")
    options = parser.parse_args()

    import torch

    import unclip

    if options.threads:
        torch.set_num_threads(options.threads)
    engine = unclip.load(options.model)
    totals: dict[int, list[float]] = {1: [], 4: []}
    stages: dict[int, dict[str, list[float]]] = {1: {}, 4: {}}
    for n in (1, 4):
        for seed in range(3):  # warm
            engine.generate(PROMPT, n=n, seed=seed, size=options.size)
    for repeat in range(options.repeats):
        for n in (1, 4):
            seconds = engine.generate(PROMPT, n=n, seed=repeat, size=options.size).seconds
            totals[n].append(sum(seconds.values()))
            for stage, spent in seconds.items():
                stages[n].setdefault(stage, []).append(spent)
    rows: list[Row] = []
    for n in (1, 4):
        rows += [{"n": n, "stage": s, **summary(times)} for s, times in stages[n].items()]
        rows.append({"n": n, "stage": "all", **summary(totals[n])})
    ratio = statistics.median(totals[4]) / statistics.median(totals[1])
    options.threads = torch.get_num_threads()
    report(rows, options, dtype=str(engine.bundle.dtype), four_to_one=round(ratio, 2))


if __name__ == "__main__":
    main()
