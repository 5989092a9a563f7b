"""All six stages for a few steps each, at the size of the tests, and a picture from the result.

    python examples/train_tiny.py [--store PATH] [--out out/tiny]

It shows the way from drawings to a picture, not a picture worth looking at. It needs the corpus
(`unclip corpus build`) and no more than a minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import unclip
from unclip.training.run import train_all
from unclip.training.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="the corpus, if not where it is built")
    parser.add_argument("--out", type=Path, default=Path("out/tiny"))
    options = parser.parse_args()

    run = options.out / "run"
    bundle = train_all(60, run, options.out / "bundle", recipe="tiny", store=options.store)
    for stage, entry in Workspace(run).record.items():
        print(f"{stage}: {entry['pictures']} pictures, loss {entry['losses']['loss']:.3f}")
    picture = unclip.load(bundle).generate("a red apple", seed=7, size="256x256")[0]
    picture.image.save(options.out / "apple.png")
    print(options.out / "apple.png")


if __name__ == "__main__":
    main()
