"""Painterly styles: filters that repaint a finished picture.

Every length is a share of the picture's side and every grain is laid out in picture coordinates,
so that a picture reads the same at 64 and at 1024 px, and a part of it comes out as it does in the
whole, given `Filter.reach` px around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from unclip.corpus.noise import grain, hashed, shown, spots
from unclip.corpus.raster import Pixels

Plane = npt.NDArray[np.floating]


@dataclass(frozen=True)
class View:
    """Where pixels lie in a picture whose shorter side is `size` px: their corner, and its frame.

    Args:
        corner: x and y of the first of them, in px.
        frame: width and height of the whole picture, in px.
        seed: of the strokes.
    """

    size: int
    corner: tuple[int, int]
    frame: tuple[int, int]
    seed: int

    def axes(self, pixels: Pixels) -> tuple[Plane, Plane]:
        """Pixel centres in picture sides: x as [1, w], y as [h, 1]."""
        u, v = (
            ((np.arange(start, start + n) + 0.5) / self.size).astype(np.float32)
            for start, n in zip(self.corner, pixels.shape[1::-1], strict=True)
        )
        return u[None, :], v[:, None]


@dataclass(frozen=True)
class Filter:
    """A style. `around` is how far a pixel's colour depends on others, in picture sides."""

    apply: Callable[[Pixels, View], Pixels]
    around: float

    def reach(self, size: int) -> int:
        """The same in px of a picture of `size` px."""
        return math.ceil(self.around * size) + 3


def _planes(pixels: Pixels) -> Plane:
    """uint8 [h, w, 3] as float32 [3, h, w]."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)


def _pixels(planes: Plane) -> Pixels:
    """The inverse, rounded and kept in range."""
    rounded: Pixels = np.clip(planes + 0.5, 0, 255.5).astype(np.uint8)
    return rounded.transpose(1, 2, 0)


def _blurred(pixels: Pixels, radius: float) -> Plane:
    """Gaussian blur of `radius` px, float32 [3, h, w]."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return _planes(np.asarray(picture.filter(ImageFilter.GaussianBlur(radius))))


def _light(planes: Plane) -> Plane:
    """Luminance [h, w]."""
    light: Plane = 0.299 * planes[0] + 0.587 * planes[1] + 0.114 * planes[2]
    return light


def _turned(u: Plane, v: Plane, angle: float) -> tuple[Plane, Plane]:
    """Coordinates along and across a direction, [h, w]."""
    c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return u * c + v * s, v * c - u * s


def _daubed(pixels: Pixels, radius: int) -> Plane:
    """Each pixel takes the mean of the most even of four windows (Kuwahara 1976)."""
    wide = np.pad(pixels, ((2 * radius,) * 2, (2 * radius,) * 2, (0, 0)), mode="edge")
    box = ImageFilter.BoxBlur(radius)
    mean = np.asarray(Image.fromarray(wide).filter(box))
    light = np.asarray(Image.fromarray(wide).convert("L")).astype(np.int16)
    uneven = np.abs(light - np.asarray(Image.fromarray(mean).convert("L"))).astype(np.uint8)
    spread = np.asarray(Image.fromarray(uneven).filter(box))
    h, w = pixels.shape[:2]
    best, least = mean[:h, :w], spread[:h, :w]
    for y, x in ((0, 1), (1, 0), (1, 1)):
        rows, columns = (slice(2 * radius * k, 2 * radius * k + n) for k, n in ((y, h), (x, w)))
        better = spread[rows, columns] < least
        best = np.where(better[..., None], mean[rows, columns], best)
        least = np.minimum(spread[rows, columns], least)
    return _planes(best)


def oil(pixels: Pixels, view: View) -> Pixels:
    """Strokes of even colour that follow two directions."""
    daubed = _daubed(pixels, max(1, round(view.size / 64)))
    u, v = view.axes(pixels)
    made = daubed
    for angle, long, wide in ((0.6, 9, 26), (2.3, 13, 38)):
        along, across = _turned(u, v, angle)
        bent = across + 0.015 * np.sin(9 * along + view.seed)
        row = np.floor(bent * wide)
        place = along * long + 0.37 * row  # bricks: every row of strokes begins elsewhere
        stroke = np.floor(place)
        back = (stroke + 0.5 - 0.37 * row) / long - along, (row + 0.5) / wide - bent
        taken = _sampled(daubed, *_turned(back[0], back[1], -angle), view)
        keep = np.abs(taken - made).max(0) < 44  # a stroke does not cross an edge
        tone = hashed(stroke, row, view.seed) * 9 * (1.1 - _light(made) / 255)
        ridge = np.abs(bent * wide - row - 0.5) ** 3 * 56 * shown(2 * wide, 1 / view.size)
        made = np.where(keep, taken + (made - taken) * np.float32(0.35), made) + tone - ridge
    mean = _light(made)
    return _pixels(mean + (made - mean) * np.float32(1.15))


def _sampled(planes: Plane, dx: Plane, dy: Plane, view: View) -> Plane:
    """Each pixel takes the colour that is `dx`, `dy` picture sides away."""
    h, w = planes.shape[1:]
    column = np.arange(w) + np.rint(dx * view.size).astype(np.intp)
    row = np.arange(h)[:, None] + np.rint(dy * view.size).astype(np.intp)
    taken: Plane = planes[:, np.clip(row, 0, h - 1), np.clip(column, 0, w - 1)]
    return taken


def watercolour(pixels: Pixels, view: View) -> Pixels:
    """Thin colour that pools at its edges, on paper that it leaves bare at the border."""
    x, y = view.axes(pixels)

    def cloud(cells: float, layer: int) -> Plane:
        return spots(x[0] * cells, y[:, 0] * cells, 8 * view.seed + layer)

    flowed = _pixels(_sampled(_planes(pixels), 0.007 * cloud(14, 0), 0.007 * cloud(14, 1), view))
    soft, wide = _blurred(flowed, view.size / 160), _blurred(flowed, view.size / 32)
    pool = np.clip(_light(wide - soft) - 4, 0, 60)
    pigment = 0.78 + 0.12 * cloud(4, 2) + 0.08 * cloud(11, 3)
    if grainy := shown(150, 1 / view.size):
        pigment += 0.07 * grainy * cloud(150, 4)
    made = 253 - (253 - soft) * pigment - 0.7 * pool
    width, height = (side / view.size for side in view.frame)
    inside = np.minimum(np.minimum(x, width - x), np.minimum(y, height - y))
    bare = inside - 0.035 - 0.022 * cloud(9, 5)
    made += (_column(253, 251, 246) - made) * np.clip(0.5 - bare / max(1 / view.size, 0.008), 0, 1)
    return _pixels(made)


def _column(r: float, g: float, b: float) -> Plane:
    """A colour as [3, 1, 1]."""
    return np.array((r, g, b), np.float32)[:, None, None]


def pencil(pixels: Pixels, view: View) -> Pixels:
    """Outlines and hatching in colour on paper."""
    planes = _planes(pixels)
    u, v = view.axes(pixels)
    light = _light(planes)
    around = _light(_blurred(pixels, view.size / 50))
    outline = np.clip((around - light) / 40, 0, 1)
    along, across = _turned(u, v, 0.9)
    hatch = 0.26 * grain(along * 4, across * 27, view.seed)
    for cells, share in ((60, 0.2), (130, 0.16)):
        if fine := share * shown(cells, 1 / view.size):
            hatch += fine * grain(along * cells / 9, across * cells, view.seed + cells)
    cover = np.clip(0.5 + 0.35 * (1 - light / 255) + hatch, 0.12, 1)
    paper = _column(250, 248, 242)
    made = paper - (paper - planes) * cover
    made -= (made - 58) * 0.75 * outline * np.clip(0.9 + hatch, 0, 1)
    return _pixels(made)


_BLOCKS = 32


def pixel_art(pixels: Pixels, view: View) -> Pixels:
    """Blocks of few colours, 32 to a side."""
    starts = []
    for start, n in zip(view.corner, pixels.shape[1::-1], strict=True):
        block = (np.arange(start, start + n) * _BLOCKS) // view.size
        starts.append(np.flatnonzero(np.diff(block, prepend=block[0] - 1)))
    columns, rows = starts
    total = np.add.reduceat(np.add.reduceat(_planes(pixels), rows, axis=1), columns, axis=2)
    high = np.diff(rows, append=pixels.shape[0])
    wide = np.diff(columns, append=pixels.shape[1])
    mean = total / (high[:, None] * wide[None, :])
    grey = _light(mean)
    vivid = grey + (mean - grey) * np.float32(1.2)
    few = np.rint(np.clip(vivid, 0, 255) / 36.4) * 36.4
    return _pixels(few.repeat(high, axis=1).repeat(wide, axis=2))


def halftone(pixels: Pixels, view: View) -> Pixels:
    """Dots of ink on paper, larger where the picture is darker."""
    u, v = view.axes(pixels)
    along, across = _turned(u, v, math.pi / 4)
    turns = 2 * math.pi * 16
    screen = 0.5 + 0.5 * np.cos(turns * along) * np.cos(turns * across)
    ink = 1 - _planes(pixels) / 255
    soft = 36 / view.size + 0.06  # of a dot's rim: a pixel, at the slope of the screen
    dots = np.clip((ink - 0.06 - 0.9 * screen) / soft + 0.5, 0, 1) * np.minimum(8 * ink, 1)
    return _pixels(_column(254, 250, 240) * (1 - 0.55 * dots - 0.37 * ink))


def neon(pixels: Pixels, view: View) -> Pixels:
    """Glowing outlines in the dark."""
    unit = view.size / 64
    fine, wide = _blurred(pixels, 0.45 * unit), _blurred(pixels, 1.3 * unit)
    line = np.clip(np.abs(fine - wide).max(0) / 26 - 0.12, 0, 1)
    high, low = fine.max(0), fine.min(0)
    vivid = (fine - 0.75 * low) * (255 / np.maximum(high - 0.75 * low, 30))
    tube = np.minimum(vivid, 255) * line
    glow = _blurred(_pixels(tube), 2.2 * unit)
    return _pixels(_column(10, 7, 24) + 0.07 * fine + 0.9 * tube + 0.9 * glow)


FILTERS: dict[str, Filter] = {
    "oil painting": Filter(oil, 0.15),
    "watercolour": Filter(watercolour, 0.12),
    "pencil drawing": Filter(pencil, 0.08),
    "pixel art": Filter(pixel_art, 1 / _BLOCKS),
    "halftone": Filter(halftone, 0.0),
    "neon": Filter(neon, 0.18),
}
"""By the name of the style."""
DARK = frozenset(("neon",))
"""Filters that leave nothing of the colours of a background and of the light in it."""
