"""What a composer must know of a drawing beside its name: where its ink is, and its one colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unclip.corpus.colours import HSV, dye
from unclip.corpus.store import SpriteStore


@dataclass(frozen=True)
class Extent:
    """Where a drawing has ink, in sides of its square.

    `profile` is y of its outline from above, in its middle.
    """

    left: float
    top: float
    right: float
    bottom: float
    profile: float

    @property
    def width(self) -> float:
        """Of the ink."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Of the ink."""
        return self.bottom - self.top


class Figures:
    """Measures the drawings of a store, each once."""

    def __init__(self, store: SpriteStore) -> None:
        self.store = store
        self._extents: dict[int, Extent] = {}
        self._dyes: dict[int, HSV | None] = {}

    def extent(self, index: int) -> Extent:
        """Where the drawing has ink."""
        found = self._extents.get(index)
        if found is None:
            found = self._extents[index] = _extent(self.store.small[index, ..., 3] > 40)
        return found

    def dye(self, index: int) -> HSV | None:
        """The colour of the drawing that another may take the place of, if it has one."""
        if index not in self._dyes:
            sprite = self.store[index]
            coloured = sprite.style not in ("silhouette", "black and white drawing")
            own = sprite.main_colour
            if own is None and coloured and sprite.category not in ("people", "faces"):
                own = dye(self.store.small[index])
            self._dyes[index] = own
        return self._dyes[index]


def _extent(ink: np.ndarray) -> Extent:
    side = len(ink)
    columns, rows = np.flatnonzero(ink.any(0)), np.flatnonzero(ink.any(1))
    if not len(rows):
        return Extent(0.0, 0.0, 1.0, 1.0, 0.0)
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    reach = max(1, (right - left) // 6)
    middle = ink[:, (left + right) // 2 - reach : (left + right) // 2 + reach]
    outline = np.where(middle.any(0), middle.argmax(0), bottom)
    return Extent(*(float(x / side) for x in (left, top, right, bottom, np.median(outline))))
