"""Where things are put: cells of groups, and how two things that touch are placed together.

Lengths are in picture sides. Of a drawing, what counts is its ink, not the square around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unclip.corpus.choice import pick
from unclip.corpus.figures import Extent, Figures
from unclip.corpus.relations import LISTED
from unclip.corpus.scene import CloseRelation, Placed, Relation
from unclip.corpus.store import Sprite

Cell = tuple[float, float, float]

# Cells (x, y, side) of tidy groups, in a square of side 1.
CELLS: dict[int, tuple[tuple[Cell, ...], ...]] = {
    2: (
        ((0.25, 0.5, 0.49), (0.75, 0.5, 0.49)),
        ((0.26, 0.26, 0.46), (0.74, 0.74, 0.46)),
        ((0.5, 0.25, 0.49), (0.5, 0.75, 0.49)),
    ),
    3: (
        ((0.5, 0.26, 0.46), (0.26, 0.74, 0.46), (0.74, 0.74, 0.46)),
        ((0.18, 0.5, 0.32), (0.5, 0.5, 0.32), (0.82, 0.5, 0.32)),
    ),
    4: (((0.26, 0.26, 0.46), (0.74, 0.26, 0.46), (0.26, 0.74, 0.46), (0.74, 0.74, 0.46)),),
    5: (
        ((0.2, 0.2, 0.36), (0.8, 0.2, 0.36), (0.5, 0.5, 0.36), (0.2, 0.8, 0.36), (0.8, 0.8, 0.36)),
        ((0.29, 0.3, 0.34), (0.71, 0.3, 0.34), *((x, 0.7, 0.32) for x in (0.17, 0.5, 0.83))),
        (*((x, 0.3, 0.32) for x in (0.17, 0.5, 0.83)), (0.29, 0.7, 0.34), (0.71, 0.7, 0.34)),
    ),
    6: (
        tuple((x, y, 0.32) for y in (0.3, 0.7) for x in (0.17, 0.5, 0.83)),
        tuple((x, y, 0.32) for y in (0.17, 0.5, 0.83) for x in (0.3, 0.7)),
    ),
}
SIDES: dict[Relation | CloseRelation, tuple[tuple[float, float], tuple[float, float]]] = {
    "left of": ((0.26, 0.5), (0.74, 0.5)),
    "right of": ((0.74, 0.5), (0.26, 0.5)),
    "above": ((0.5, 0.26), (0.5, 0.74)),
    "below": ((0.5, 0.74), (0.5, 0.26)),
}
"""Centres of two things, in widths and heights of the picture."""


@dataclass(frozen=True)
class Figure:
    """A drawing that is to be placed."""

    figures: Figures
    sprite: Sprite
    index: int
    colour: str | None = None
    flip: bool = False

    @property
    def extent(self) -> Extent:
        """Where it has ink."""
        return self.figures.extent(self.index)

    @property
    def longest(self) -> float:
        """The longer side of its ink, in sides of its square."""
        return max(self.extent.width, self.extent.height)

    def at(self, x: float, y: float, size: float) -> Placed:
        """Its square with its centre there."""
        return Placed(self.sprite, self.index, x, y, size, self.colour, self.flip)

    def stood(self, x: float, foot: float, size: float) -> Placed:
        """So that the middle of its ink is at `x` and the lowest of it at `foot`."""
        middle = (self.extent.left + self.extent.right) / 2 - 0.5
        shift = middle if self.flip else -middle
        return self.at(x + shift * size, foot - (self.extent.bottom - 0.5) * size, size)


def row(
    figures: Sequence[Figure], foot: float, longest: float, left: float, right: float
) -> list[Placed]:
    """Things side by side on one ground, none wider or higher than `longest`."""
    step = (right - left) / len(figures)
    return [
        figure.stood(left + (i + 0.5) * step, foot, longest / figure.longest)
        for i, figure in enumerate(figures)
    ]


@dataclass(frozen=True)
class _Part:
    """One thing of two, with the middle of its foot at (x, foot), y downwards."""

    figure: Figure
    x: float
    foot: float
    size: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        half = self.figure.extent.width * self.size / 2
        top = self.foot - self.figure.extent.height * self.size
        return self.x - half, top, self.x + half, self.foot


def together(
    relation: Relation | CloseRelation, figures: Sequence[Figure], rng: np.random.Generator,
    middle: tuple[float, float], foot: float | None, widest: float, highest: float,
) -> list[Placed]:  # fmt: skip
    """Two things in a close relation, as large as fits.

    They stand on `foot` about x of `middle`; with no foot, `middle` is the middle of both.
    """
    first, second = figures
    rim: float | None = None
    one, two = _arranged(relation, first, second, rng)
    if relation == "inside":
        rim = _height_of(relation, second, two)
    left, top, right, low = (
        f(a, b) for f, a, b in zip((min, min, max, max), one.box, two.box, strict=True)
    )
    if rim is not None:
        low = two.foot
    scale = min(widest / (right - left), highest / (low - top))
    centre = (left + right) / 2
    if foot is None:
        foot = middle[1] + (low - top) * scale / 2
    placed = [
        part.figure.stood(
            middle[0] + (part.x - centre) * scale,
            foot + (part.foot - low) * scale,
            part.size * scale,
        )
        for part in (one, two)
    ]
    if rim is not None:
        placed[0] = replace(placed[0], rim=foot + (rim - low) * scale, layer=1)
    if relation == "riding":
        placed[0] = replace(placed[0], layer=-1)
    if relation in ("on", "under"):
        placed[0] = replace(placed[0], layer=1)
    return placed


def _height_of(relation: Relation | CloseRelation, figure: Figure, part: _Part) -> float:
    """y of the rim, seat, or surface that the second thing of a relation has."""
    fraction = LISTED[relation][1][figure.sprite.concept]
    extent = figure.extent
    if fraction is None:
        fraction = (extent.profile - extent.top) / extent.height
    return part.foot - (1 - fraction) * extent.height * part.size


def _arranged(
    relation: Relation | CloseRelation, first: Figure, second: Figure, rng: np.random.Generator
) -> tuple[_Part, _Part]:
    """Both in units of the second thing's longer side (of the first's, if that holds it)."""
    side = -1.0 if rng.random() < 0.5 else 1.0
    loose, more = rng.random() - 0.5, rng.random()
    if relation == "beside":
        one = _Part(first, 0.0, 0.0, (0.85 + 0.15 * more) / first.longest)
        two = _Part(second, 0.0, 0.0, 1 / second.longest)
        gap = 0.06 + 0.06 * more
        away = (first.extent.width * one.size + second.extent.width * two.size) / 2 + gap
        return replace(one, x=side * away), two
    if relation == "holding":
        one = _Part(first, 0.0, 0.0, 1 / first.longest)
        size = (0.4 + 0.14 * more) / second.longest
        grip = LISTED[relation][1][second.sprite.concept]
        assert grip is not None
        hand = 0.3 + 0.06 * loose
        foot = -hand * first.extent.height * one.size + (1 - grip) * second.extent.height * size
        x = side * 0.4 * first.extent.width * one.size
        return one, _Part(second, x, foot, size)
    two = _Part(second, 0.0, 0.0, 1 / second.longest)
    wide, high = (s * two.size for s in (second.extent.width, second.extent.height))
    y = _height_of(relation, second, two)
    if relation == "inside":
        size = min((0.6 + 0.15 * more) * wide / first.extent.width, 0.8 / first.extent.height)
        foot = min(y + 0.28 * first.extent.height * size, 0.0)
        return _Part(first, 0.14 * loose * wide, foot, size), two
    if relation == "on":
        size = (0.45 + 0.2 * more) / first.longest
        size = min(size, 0.9 * wide / first.extent.width)
        return _Part(first, 0.16 * loose * wide, y + 0.015, size), two
    if relation == "riding":
        size = (0.55 + 0.15 * more) / first.longest
        return _Part(first, 0.08 * loose * wide, y + 0.12, size), two
    assert relation == "under"
    fraction = LISTED[relation][1][second.sprite.concept]
    if fraction:
        size = fraction * high * (0.85 + 0.15 * more) / first.extent.height
        size = min(size, 0.8 * wide / first.extent.width)
        return _Part(first, 0.3 * loose * wide, 0.01, size), two
    size = (0.7 + 0.3 * more) / first.longest
    return _Part(first, 0.1 * loose, 0.08 + first.extent.height * size, size), two


def cells(
    figures: Sequence[Figure], rng: np.random.Generator, width: float, height: float
) -> list[Placed]:
    """A tidy group in a frame."""
    chosen, scale = pick(rng, CELLS[len(figures)]), 0.84 + 0.14 * rng.random()
    return [
        figure.at(x * width, y * height, side * scale)
        for figure, (x, y, side) in zip(figures, chosen, strict=True)
    ]
