"""How many captioned 64-px pictures a second one core composes.

python benchmarks/corpus.py [--pictures 20000] [--size 64] [--store PATH]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from unclip.corpus.batches import batch
from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore


def main() -> None:
    """Print one line: pictures a second, by wall clock and by processor time of this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--store", type=Path, default=None)
    args = parser.parse_args()
    composer = Composer(SpriteStore(args.store))
    batch(composer, 0, 0, 2_000, args.size)  # warm: map the sprites, draw the sceneries
    wall, processor = time.perf_counter(), time.process_time()
    for index in range(1, 1 + args.pictures // 100):
        batch(composer, 0, index, 100, args.size)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    done = args.pictures // 100 * 100
    print(
        f"{args.size} px: {done / wall:,.0f} pictures/s by the clock, "
        f"{done / processor:,.0f} a second of one core"
    )


if __name__ == "__main__":
    main()
