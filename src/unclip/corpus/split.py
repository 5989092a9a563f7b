"""Which combinations training never shows, so that a model can be asked for them unseen."""

from __future__ import annotations

import zlib
from typing import Literal

Split = Literal["train", "heldout", "combinations"]
HELD_OUT = 3
"""One combination in so many is held out."""


def held_out_combination(concept: str, attribute: str | int) -> bool:
    """Whether a concept is never trained on in this colour, this count or this painted style."""
    return zlib.crc32(f"{concept}/{attribute}".encode()) % HELD_OUT == 0


def held_out_pair(concept: str, other: str) -> bool:
    """Whether two concepts, in either order, are never trained on together."""
    first, second = sorted((concept, other))
    return zlib.crc32(f"{first}&{second}".encode()) % HELD_OUT == 0


def allowed(split: Split, concept: str, attribute: str | int) -> bool:
    """Whether a split may show a combination: training and "combinations" never share one."""
    return split == "heldout" or held_out_combination(concept, attribute) == _wanted(split)


def pair_allowed(split: Split, concept: str, other: str) -> bool:
    """The same for two concepts."""
    return split == "heldout" or held_out_pair(concept, other) == _wanted(split)


def _wanted(split: Split) -> bool:
    return split == "combinations"
