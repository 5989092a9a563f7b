"""How many captioned 64-px pictures a second one core composes.

python benchmarks/corpus.py [--pictures 20000] [--size 64] [--repeats 10] [--store PATH]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from unclip.corpus.batches import batch
from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore


def main() -> None:
    """Print one line: pictures a second of processor time, the best and the median repeat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--store", type=Path, default=None)
    args = parser.parse_args()
    composer = Composer(SpriteStore(args.store))
    for index in range(300):  # warm: map and measure the sprites, draw the views of the places
        batch(composer, 1, index, 100, args.size)
    each = max(1, args.pictures // 100 // args.repeats)
    rates: list[float] = []
    wall = time.perf_counter()
    for repeat in range(args.repeats):  # other pictures every time, as in training
        begin = time.process_time()
        for index in range(1 + repeat * each, 1 + (repeat + 1) * each):
            batch(composer, 0, index, 100, args.size)
        rates.append(100 * each / (time.process_time() - begin))
    wall = time.perf_counter() - wall
    rates.sort()
    print(
        f"{args.size} px: {rates[-1]:,.0f} pictures a second of one core at best, "
        f"{rates[len(rates) // 2]:,.0f} in the median of {args.repeats} repeats, "
        f"{100 * each * args.repeats / wall:,.0f} by the clock"
    )


if __name__ == "__main__":
    main()
