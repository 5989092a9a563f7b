"""Batches stay what they were: a run that is resumed must see the pictures that it would have seen.

python tests/corpus/test_golden.py STORE > tests/golden/corpus.json  writes the numbers anew, where
STORE is the tiny store that `conftest.py` builds.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from unclip.corpus.batches import batch
from unclip.corpus.composer import Composer, Mixture
from unclip.corpus.store import SpriteStore

GOLDEN = Path(__file__).parents[1] / "golden" / "corpus.json"
MIXTURES = (Mixture(), Mixture(0.2, 0.2, 0.2, 0.2, 0.2, white=0.1, gradient=0.5))


def golden_batches(store: SpriteStore) -> list[dict[str, str | int]]:
    """A checksum of the captions and the pictures at an eighth of their size, batch by batch."""
    found: list[dict[str, str | int]] = []
    for mixture in MIXTURES:
        for index in (0, 7):
            made = batch(Composer(store, mixture), 11, index, 24)
            thumbnails = made.pixels.reshape(24, 8, 8, 8, 8, 3).mean((2, 4)).round()
            found.append(
                {
                    "captions": zlib.crc32("\n".join(made.captions).encode()),
                    "thumbnails": base64.b64encode(thumbnails.astype(np.uint8)).decode(),
                }
            )
    return found


@pytest.mark.golden
def test_batches_stay_what_they_were(store: SpriteStore) -> None:
    for made, kept in zip(golden_batches(store), json.loads(GOLDEN.read_text()), strict=True):
        assert made["captions"] == kept["captions"]
        pixels, before = (
            np.frombuffer(base64.b64decode(str(x["thumbnails"])), np.uint8).astype(int)
            for x in (made, kept)
        )
        assert np.abs(pixels - before).max() <= 2


if __name__ == "__main__":
    print(json.dumps(golden_batches(SpriteStore(Path(sys.argv[1]))), indent=1))
