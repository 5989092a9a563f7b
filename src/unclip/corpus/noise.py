"""Value noise: random numbers on a lattice, smoothly joined, the same at any size and crop."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating]
_SIDE = 64
"""Cells after which a lattice repeats."""


@functools.lru_cache(maxsize=1024)
def _lattice(seed: int) -> Plane:
    return np.random.default_rng(seed).random((_SIDE, _SIDE), np.float32) * 2 - 1


def _cell(x: Plane) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Plane]:
    """The lattice points on both sides of x, and how far it is between them."""
    whole = np.floor(x)
    t = x - whole
    low = whole.astype(np.intp) & (_SIDE - 1)
    return low, (low + 1) & (_SIDE - 1), t * t * (3 - 2 * t)


def spots(x: Plane, y: Plane, seed: int) -> Plane:
    """Noise in [-1, 1], [h, w], of columns `x` [w] and rows `y` [h], in cells."""
    lattice = _lattice(seed)
    left, right, across = _cell(x)
    top, low, along = _cell(y)
    wide = lattice[:, left] + (lattice[:, right] - lattice[:, left]) * across
    high = wide[top]
    joined: Plane = high + (wide[low] - high) * along[:, None]
    return joined


def grain(x: Plane, y: Plane, seed: int) -> Plane:
    """The same at any points [h, w]: three times slower."""
    lattice = _lattice(seed)
    left, right, across = _cell(x)
    top, low, along = _cell(y)
    high = lattice[top, left] + (lattice[top, right] - lattice[top, left]) * across
    deep = lattice[low, left] + (lattice[low, right] - lattice[low, left]) * across
    value: Plane = high + (deep - high) * along
    return value


def hashed(x: Plane, y: Plane, seed: int) -> Plane:
    """A random value in [-1, 1] for each pair of whole numbers [h, w]."""
    value: Plane = _lattice(seed)[y.astype(np.intp) & (_SIDE - 1), x.astype(np.intp) & (_SIDE - 1)]
    return value


def shown(cells: float, pixel: float) -> float:
    """How much of a grain of `cells` to a side shows in pixels of side `pixel`: none below two."""
    return min(1.0, max(0.0, 1 / (cells * pixel) - 1))
