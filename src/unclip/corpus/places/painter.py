"""Shapes in a picture that may be a crop of any size: drawn from coordinates, antialiased.

Lengths are in picture sides: x runs from 0 to `width`, y from 0 to `height`, of which the shorter
is 1. What is drawn depends on the seed alone; a larger size only shows it sharper.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unclip.corpus.colours import RGB
from unclip.corpus.noise import shown, spots
from unclip.corpus.raster import Pixels
from unclip.corpus.scene import Box, Shape

Plane = npt.NDArray[np.floating]
Colour = RGB | Plane
"""What the painter takes: red, green, blue from 0 to 255."""
Form = Callable[[Plane, Plane], Plane]


def axes(size: int, box: Box) -> tuple[Plane, Plane]:
    """Pixel centres in picture sides: x as [1, w], y as [h, 1]."""
    x0, y0, x1, y1 = box
    u = (np.arange(x0, x1, dtype=np.float32) + 0.5) / size
    v = (np.arange(y0, y1, dtype=np.float32) + 0.5) / size
    return u[None, :], v[:, None]


def edge(distance: Plane, pixel: float) -> Plane:
    """Coverage of a shape from its signed distance (negative inside)."""
    covered: Plane = np.clip(0.5 - distance / pixel, 0, 1)
    return covered


def rgb(colour: tuple[float, float, float] | Plane) -> Plane:
    """A colour, or a factor for each channel, as float32 [3]."""
    return np.asarray(colour, np.float32)


def mixed(a: Colour, b: Colour, t: float) -> Plane:
    """From `a` at t = 0 to `b` at 1."""
    first = rgb(a)
    between: Plane = first + (rgb(b) - first) * np.float32(t)
    return between


@dataclass(frozen=True)
class Line:
    """A line from left to right: `at` gives y for x, none of it above `top`."""

    top: float
    at: Callable[[Plane], Plane]

    def lower(self, by: float) -> Line:
        """The same line farther down."""
        return Line(self.top + by, lambda u: self.at(u) + by)


def _round(x: Plane, y: Plane) -> Plane:
    away: Plane = np.hypot(x, y) - 1
    return away


class Painter:
    """A float picture [3, h, w] of the part `box` (px) of a frame, and brushes to fill it."""

    def __init__(self, size: int, box: Box, shape: Shape) -> None:
        self.u, self.v = axes(size, box)
        self.pixel = 1 / size
        self.width, self.height = shape
        self.picture: Plane = np.zeros((3, self.v.shape[0], self.u.shape[1]), np.float32)

    def pixels(self) -> Pixels:
        """The picture as uint8 [h, w, 3]."""
        rounded: Pixels = np.clip(self.picture + 0.5, 0, 255.5).astype(np.uint8)
        return rounded.transpose(1, 2, 0)

    def fade(self, top: Colour, low: Colour, y0: float, y1: float) -> None:
        """Fill everything with a vertical gradient from `y0` to `y1`."""
        t = np.clip((self.v - y0) / (y1 - y0), 0, 1)
        self.picture[...] = _mix(rgb(top)[:, None, None], low, t)

    def below(self, line: float | Line, top: Colour, low: Colour | None = None) -> None:
        """Fill what lies below a line down to the lower edge, from `top` there to `low`."""
        first, y = self._line(line)
        rows = self._rows(first - self.pixel, self.height + 1)
        v = self.v[rows]
        t = np.clip((v - first) / max(self.height - first, 1e-3), 0, 1)
        colour = rgb(top)[:, None, None]
        if low is not None:
            colour = _mix(colour, low, t)
        self._lay((rows, slice(None)), colour, edge(y - v, self.pixel))

    def _line(self, line: float | Line) -> tuple[float, float | Plane]:
        """Its highest point, and y for each column."""
        return (line.top, line.at(self.u)) if isinstance(line, Line) else (line, line)

    def disc(
        self, x: float, y: float, r: float, colour: Colour,
        flat: float = 1.0, share: float = 1.0, soft: float = 0.0,
    ) -> None:  # fmt: skip
        """A disc `flat` times wider than high; `share` is how much it hides, `soft` its rim."""
        soft = max(soft, self.pixel)
        reach = r + soft / 2
        where = self._window(x - reach, y - reach / flat, x + reach, y + reach / flat)
        u, v = self.u[:, where[1]], self.v[where[0]]
        covered = edge(np.hypot(u - x, (v - y) * flat) - r, soft)
        # a dot below a pixel covers only its share of it
        share *= min(1.0, 2 * r / self.pixel) * min(1.0, 2 * r / flat / self.pixel)
        self._lay(where, rgb(colour)[:, None, None], share * covered)

    def puffs(
        self, discs: Sequence[tuple[float, float, float]], colour: Colour, base: float | None = None
    ) -> None:
        """One shape out of several discs (x, y, r); nothing of it is drawn below `base`."""
        x, y, r = np.array(discs).T
        low, high = np.array((x - r, y - r)).min(1), np.array((x + r, y + r)).max(1)
        where = self._window(*(low - self.pixel).tolist(), *(high + self.pixel).tolist())
        u, v = self.u[:, where[1]], self.v[where[0]]
        if not u.size or not v.size:
            return
        covered = edge(
            functools.reduce(np.minimum, (np.hypot(u - dx, v - dy) - dr for dx, dy, dr in discs)),
            self.pixel,
        )
        if base is not None:
            covered *= edge(v - base, self.pixel)
        self._lay(where, rgb(colour)[:, None, None], covered)

    def glow(self, x: float, y: float, r: float, colour: Colour, share: float) -> None:
        """Light that fades from a point to nothing at distance `r`."""
        where = self._window(x - r, y - r, x + r, y + r)
        far = np.hypot(self.u[:, where[1]] - x, self.v[where[0]] - y) / r
        self._lay(where, rgb(colour)[:, None, None], share * np.clip(1 - far, 0, 1) ** 2)

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour,
        low: Colour | None = None, share: float = 1.0,
    ) -> None:  # fmt: skip
        """A rectangle, from `colour` at its top to `low` at its foot."""
        half = self.pixel / 2
        where = self._window(x0 - half, y0 - half, x1 + half, y1 + half)
        u, v = self.u[:, where[1]], self.v[where[0]]
        across = _between(u, x0, x1, self.pixel)
        along = _between(v, y0, y1, self.pixel)
        paint = rgb(colour)[:, None, None]
        if low is not None:
            paint = _mix(paint, low, np.clip((v - y0) / (y1 - y0), 0, 1))
        self._lay(where, paint, share * across * along)

    def panes(
        self, first: tuple[float, float], side: tuple[float, float], step: tuple[float, float],
        share: Plane, colour: Colour,
    ) -> None:  # fmt: skip
        """Rows and columns of rectangles from `first` on; `share` [rows, columns] of each."""
        rows, columns = share.shape
        (x, y), (wide, tall), (dx, dy) = first, side, step
        where = self._window(
            x - self.pixel,
            y - self.pixel,
            x + columns * dx + self.pixel,
            y + rows * dy + self.pixel,
        )
        left, high = x + dx * np.arange(columns)[:, None], y + dy * np.arange(rows)[None, :]
        across = _between(self.u[0, where[1]], left, left + wide, self.pixel)
        along = _between(self.v[where[0]], high, high + tall, self.pixel)
        self._lay(where, rgb(colour)[:, None, None], (along @ share @ across).astype(np.float32))

    def triangle(
        self, x: float, top: float, foot: float, half: float, colour: Colour, share: float = 1.0
    ) -> None:
        """A triangle on its base, `half` wide to each side at `foot`; upside down if top > foot."""
        high, low = min(top, foot), max(top, foot)
        where = self._window(x - half - self.pixel, high - self.pixel, x + half + self.pixel, low)
        u, v = self.u[:, where[1]], self.v[where[0]]
        slope = half / (foot - top)
        side = (np.abs(u - x) - (v - top) * slope) / np.sqrt(1 + slope**2)
        covered = edge(side, self.pixel) * _between(v, high, low, self.pixel)
        self._lay(where, rgb(colour)[:, None, None], share * covered)

    def stroke(
        self, points: Sequence[tuple[float, float]], thick: float, colour: Colour,
        share: float = 1.0, end: float | None = None,
    ) -> None:  # fmt: skip
        """A line through `points` with round ends, from `thick` to `end` wide."""
        end = thick if end is None else end
        xs, ys = zip(*points, strict=True)
        reach = max(thick, end) / 2 + self.pixel
        where = self._window(min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach)
        u, v = self.u[:, where[1]], self.v[where[0]]
        if not u.size or not v.size:
            return
        nearest: Plane | None = None
        steps = len(points) - 1
        for i, ((ax, ay), (bx, by)) in enumerate(itertools.pairwise(points)):
            dx, dy = bx - ax, by - ay
            t = np.clip(((u - ax) * dx + (v - ay) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
            width = thick + (end - thick) * (i + t) / steps
            far = np.hypot(u - ax - t * dx, v - ay - t * dy) - width / 2
            nearest = far if nearest is None else np.minimum(nearest, far)
        assert nearest is not None
        share *= min(1.0, max(thick, end) / self.pixel)  # a hair covers its share of a pixel
        soft = max(self.pixel, 1e-6)
        self._lay(where, rgb(colour)[:, None, None], share * edge(nearest, soft))

    def scatter(
        self, x: Plane, y: Plane, r: Plane, colours: Colour,
        share: float | Plane = 1.0, form: Form = _round, soft: float = 0.0,
        reach: tuple[float, float] = (1.0, 1.0),
    ) -> None:  # fmt: skip
        """Many small shapes at once: [n] centres and radii, one colour or [n, 3].

        `form` is the signed distance from x and y, all in radii; it ends at `reach` radii.
        """
        soft = max(soft, self.pixel)
        reaches = [int(np.max(r) * k / self.pixel + soft / self.pixel) + 1 for k in reach]
        column, u = self._near(self.u[0], x, reaches[0])
        row, v = self._near(self.v[:, 0], y, reaches[1])
        away = form((u / r[:, None])[:, None, :], (v / r[:, None])[:, :, None]) * r[:, None, None]
        small = np.minimum(1, 2 * np.min(reach) * r / self.pixel) ** 2
        cover = edge(away, soft) * (small * share)[:, None, None]
        inside = ((column >= 0) & (column < self.u.shape[1]))[:, None, :] & (
            (row >= 0) & (row < self.v.shape[0])
        )[:, :, None]
        n, i, j = np.nonzero(inside & (cover > 0.004))
        paint = np.broadcast_to(rgb(colours), (len(x), 3))[n].T
        where = (slice(None), row[n, i], column[n, j])
        self.picture[where] += (paint - self.picture[where]) * cover[n, i, j]

    def _near(self, at: Plane, centres: Plane, reach: int) -> tuple[npt.NDArray[np.intp], Plane]:
        """Numbers of the pixels within `reach` of each centre, and how far they are: [n, k]."""
        first = float(at[0]) if len(at) else 0.0
        number = np.round((centres - first) / self.pixel).astype(np.intp)[:, None]
        number = number + np.arange(-reach, reach + 1)
        return number, first + number * self.pixel - centres[:, None]

    def texture(
        self, line: float | Line, cells: tuple[float, float], amount: float, seed: int
    ) -> None:
        """Lighter and darker spots below a line; `cells` are how many fit along x and y."""
        first, y = self._line(line)
        rows = self._rows(first, self.height + 1)
        grain = noise(self.u, self.v[rows], cells, seed, self.pixel)
        grain *= amount * edge(y - self.v[rows], self.pixel)
        self.picture[:, rows] *= 1 + grain

    def cover(self, colour: Colour, share: float | Plane) -> None:
        """Lay one colour over everything, as thick as `share` [h, w] says."""
        self._lay((slice(None), slice(None)), rgb(colour)[:, None, None], share)

    def _lay(self, where: tuple[slice, slice], colour: Plane, share: float | Plane) -> None:
        part = self.picture[:, where[0], where[1]]
        part += (colour - part) * share

    def _rows(self, y0: float, y1: float) -> slice:
        top, bottom = np.searchsorted(self.v[:, 0], (y0, y1))
        return slice(int(top), int(bottom))

    def _window(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        left, right = np.searchsorted(self.u[0], (x0, x1))
        return self._rows(y0, y1), slice(int(left), int(right))


def _mix(a: Plane, b: Colour, t: Plane) -> Plane:
    between: Plane = a + (rgb(b)[:, None, None] - a) * t
    return between


def _between(x: Plane, low: float | Plane, high: float | Plane, pixel: float) -> Plane:
    """How much of each pixel lies in an interval, also where that is narrower than a pixel."""
    half = pixel / 2
    covered: Plane = np.clip((np.minimum(x + half, high) - np.maximum(x - half, low)) / pixel, 0, 1)
    return covered


def noise(
    u: Plane, v: Plane, cells: tuple[float, float], seed: int, pixel: float, octaves: int = 3
) -> Plane:
    """Smooth spots in [-1, 1], [h, w], without what a pixel is too coarse to show."""
    total = np.zeros((v.shape[0], u.shape[1]), np.float32)
    weight = 1.0
    for octave in range(octaves):
        nx, ny = cells[0] * 2**octave, cells[1] * 2**octave
        if share := weight * shown(max(nx, ny), pixel):
            total += share * spots(u[0] * nx, v[:, 0] * ny, seed * 8 + octave)
        weight *= 0.5
    return total


def hills(rng: np.random.Generator, height: float, rough: float) -> Line:
    """A gently rolling line."""
    a, b, c = (float(x) for x in rng.random(3))

    def at(u: Plane) -> Plane:
        line: Plane = height + rough * (
            np.sin(2 * np.pi * (u * (0.6 + 0.5 * a) + b)) + 0.4 * np.sin(2 * np.pi * (u * 1.9 + c))
        )
        return line

    return Line(height - 1.4 * rough, at)


def ridge(rng: np.random.Generator, height: float, rough: float, peaks: int) -> Line:
    """A jagged line about `height`, with about `peaks` peaks to a side."""
    octaves: list[tuple[float, Plane, Plane]] = []
    for octave in range(4):
        knots = peaks * 2 ** (octave + 1)
        number = 2 * knots + 2
        x = (np.arange(number) + 0.6 * (rng.random(number) - 0.5)) / knots - 0.1
        y = rng.random(number) * 2 - 1
        if octave == 0:  # every second knot a peak
            y = np.where(np.arange(number) % 2, -0.4 - 0.6 * np.abs(y), 0.3 + 0.5 * np.abs(y))
        octaves.append((rough * 0.42**octave, x, y))

    def at(u: Plane) -> Plane:
        line: Plane = height + np.sum([r * np.interp(u, x, y) for r, x, y in octaves], axis=0)
        return line.astype(np.float32)

    return Line(height - 1.7 * rough, at)
