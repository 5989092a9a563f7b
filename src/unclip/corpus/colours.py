"""Named colours: what a caption calls them, and giving a drawing another one."""

from __future__ import annotations

import colorsys
import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unclip.corpus.raster import Pixels

RGB = tuple[int, int, int]
HSV = tuple[float, float, float]
Plane = npt.NDArray[np.floating]

OBJECT_COLOURS: dict[str, HSV] = {
    "red": (0.995, 0.85, 0.88),
    "orange": (0.075, 0.85, 0.97),
    "yellow": (0.135, 0.75, 0.99),
    "green": (0.36, 0.72, 0.68),
    "turquoise": (0.485, 0.72, 0.82),
    "blue": (0.60, 0.78, 0.86),
    "purple": (0.77, 0.60, 0.70),
    "pink": (0.93, 0.42, 0.98),
    "brown": (0.065, 0.62, 0.50),
    "grey": (0.60, 0.03, 0.62),
    "black": (0.60, 0.05, 0.17),
    "white": (0.60, 0.02, 0.97),
}
"""Hue, saturation and value of each colour an object may take."""

COLOUR_SYNONYMS: dict[str, tuple[str, ...]] = {
    "grey": ("grey", "gray"),
    "purple": ("purple", "purple", "violet"),
    "turquoise": ("turquoise", "turquoise", "teal", "cyan"),
}
"""What captions call a colour where that is not its own name alone."""

BACKGROUND_COLOURS: dict[str, RGB] = {
    "white": (255, 255, 255),
    "black": (14, 14, 16),
    "grey": (150, 152, 156),
    "light grey": (222, 224, 227),
    "red": (214, 48, 44),
    "orange": (246, 142, 42),
    "yellow": (252, 214, 62),
    "green": (72, 168, 82),
    "light green": (182, 226, 170),
    "dark green": (24, 84, 48),
    "teal": (32, 148, 146),
    "blue": (52, 112, 214),
    "light blue": (166, 212, 246),
    "navy blue": (22, 36, 84),
    "purple": (126, 72, 178),
    "lavender": (206, 192, 238),
    "pink": (248, 172, 196),
    "brown": (122, 80, 52),
    "beige": (240, 228, 204),
}


def luminance(rgb: RGB) -> float:
    """Perceived brightness in [0, 1] (Rec. 601)."""
    return (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255


def oklab(rgb: npt.ArrayLike) -> Plane:
    """sRGB, 0 to 255, as OKLab [..., 3], in which distances are seen (Ottosson 2020)."""
    c = np.asarray(rgb, np.float64) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    lab: Plane = np.cbrt(linear @ _TO_LMS) @ _TO_LAB
    return lab


_TO_LMS = np.array(
    [
        [0.4122214708, 0.2119034982, 0.0883024619],
        [0.5363325363, 0.6806995451, 0.2817188376],
        [0.0514459929, 0.1073969566, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 1.9779984951, 0.0259040371],
        [0.7936177850, -2.4285922050, 0.7827717662],
        [-0.0040720468, 0.4505937099, -0.8086757660],
    ]
)

_LMS, _LAB = _TO_LMS.T.tolist(), _TO_LAB.T.tolist()


def object_rgb(colour: str) -> RGB:
    """The named object colour in sRGB."""
    r, g, b = (round(255 * c) for c in colorsys.hsv_to_rgb(*OBJECT_COLOURS[colour]))
    return r, g, b


_NAMES = tuple(OBJECT_COLOURS)
_LABS = oklab([object_rgb(name) for name in _NAMES])


def nearest_colour(pixels: npt.NDArray[np.uint8]) -> str:
    """The object colour that most of the pixels [n, 3] are nearest to."""
    return _NAMES[int(np.bincount(_nearest(pixels), minlength=len(_NAMES)).argmax())]


def is_nearest(pixels: npt.NDArray[np.uint8], colour: str) -> npt.NDArray[np.bool_]:
    """Which of the pixels [n, 3] are nearer to an object colour than to any other."""
    nearest: npt.NDArray[np.bool_] = _nearest(pixels) == _NAMES.index(colour)
    return nearest


def _nearest(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    away: npt.NDArray[np.intp] = ((oklab(pixels)[:, None] - _LABS) ** 2).sum(-1).argmin(1)
    return away


def alike(a: RGB, b: RGB) -> bool:
    """Whether a thing of one colour would be lost before the other."""
    return math.dist(_lab(a), _lab(b)) < 0.13


@functools.lru_cache(maxsize=16384)
def _lab(rgb: RGB) -> tuple[float, float, float]:
    """`oklab` of one colour, many times faster."""
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    lms = [math.cbrt(_dot(linear, column)) for column in _LMS]
    light, a, b = (_dot(lms, column) for column in _LAB)
    return light, a, b


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def colour_name(main: HSV) -> str | None:
    """What a person would call a main colour, or None where they might not agree."""
    h, s, v = main
    if s < 0.6:
        return None

    def distance(named: HSV) -> float:
        turn = abs((h - named[0] + 0.5) % 1 - 0.5)
        return turn * 6 + abs(v - named[2]) + 0.3 * abs(s - named[1])

    vivid = {name: hsv for name, hsv in OBJECT_COLOURS.items() if hsv[1] > 0.1}
    best = min(vivid, key=lambda name: distance(vivid[name]))
    return best if distance(vivid[best]) < 0.2 else None


_NEUTRAL = 0.22
"""Saturation below which a colour has no hue to speak of."""


def dye(pixels: Pixels, least: float = 0.64) -> HSV | None:
    """The one colour that fills at least this share of a drawing and may be changed, or None.

    Hue, saturation and value of premultiplied RGBA [h, w, 4]; a saturation below a fifth means
    that the drawing is mostly white, grey or black.
    """
    thin = pixels[::2, ::2]
    solid = thin.reshape(-1, 4)[np.flatnonzero(thin[..., 3] > 200)]
    if len(solid) < 100:
        return None
    r, g, b, _ = np.ascontiguousarray(solid.T) / np.float32(255)
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    saturation = (high - low) / np.maximum(high, 1e-6)
    hued = (saturation > _NEUTRAL) & (high > 0.2)
    if hued.mean() < 0.5:
        grey = ~hued
        value = _middle(high[grey])
        ours = grey & (np.abs(high - value) < 0.22)
        if ours.mean() < least + 0.04:
            return None
        return 0.0, _middle(saturation[ours]), value
    angle = np.arctan2(np.sqrt(3) / 2 * (g - b), r - (g + b) / 2)[hued]
    counts = np.bincount((angle * 18 / np.pi).astype(int) % 36, minlength=36)
    around = np.concatenate([counts[-2:], counts, counts[:2]])
    peak = int(np.argmax(np.convolve(around, np.ones(5), "valid")))
    centre = (peak + 0.5) * np.pi / 18
    off = (angle - centre + np.pi) % (2 * np.pi) - np.pi
    close = np.abs(off) < 0.5
    if close.sum() < max(1, least * len(solid)):
        return None
    hue = (centre + float(off[close].mean())) / (2 * np.pi) % 1
    return hue, _middle(saturation[hued][close]), _middle(high[hued][close])


def _middle(x: Plane) -> float:
    """The median, faster."""
    return float(np.partition(x, len(x) // 2)[len(x) // 2])


def _unit(x: Plane) -> Plane:
    """`x` kept in [0, 1]: `np.clip`, faster."""
    kept: Plane = np.minimum(np.maximum(x, 0), 1)
    return kept


def recolour(pixels: Pixels, main: HSV, colour: str) -> Pixels:
    """Give a drawing whose main colour is `main` the named colour, pixel by pixel.

    Only pixels near the main colour change; their shading stays.

    Args:
        pixels: premultiplied RGBA, [h, w, 4].
        main: hue, saturation and value in [0, 1], as `dye` finds them.
        colour: a key of `OBJECT_COLOURS`.
    """
    hue, main_s, main_v = main
    target_h, target_s, target_v = OBJECT_COLOURS[colour]
    inked = np.flatnonzero(pixels[..., 3])
    out = pixels.reshape(-1, 4).copy()
    planes = np.ascontiguousarray(out[inked].T) / np.float32(255)
    alpha = planes[3]
    rgb = np.minimum(planes[:3] / alpha, 1.0)
    r, g, b = rgb
    v = np.maximum(np.maximum(r, g), b)
    spread = v - np.minimum(np.minimum(r, g), b)
    s = spread / np.maximum(v, 1e-6)
    # pale colours take little of the shading, or their shadows would look like another colour
    depth = 0.4 if target_s < 0.1 and target_v > 0.9 else 1.0
    if main_s < _NEUTRAL:
        light = main_v > 0.5
        ours = _unit((0.36 - s) * 8)
        ours *= _unit((v - main_v + 0.42 if light else main_v + 0.34 - v) * 6)
        shine = _unit((v - main_v) / (1.02 - main_v)) if light else 0.0
        s = target_s * (1 - np.float32(0.6) * shine)
        even = 0.0 if light else 0.95 - 0.7 * main_v  # black shows no shading to keep
        ratio = np.minimum(even + (1 - even) * v / max(main_v, 0.05), 1.3)
    else:
        x, y = r - (g + b) / 2, np.float32(np.sqrt(3) / 2) * (g - b)
        turn = 2 * np.pi * hue
        along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn))
        near = along / np.maximum(np.hypot(x, y), 1e-6)  # cosine of the angle between hues
        ours = _unit((near - 0.48) * 4) * _unit(s * 5 - 0.5)
        s = np.minimum(s * np.float32(target_s / main_s), 1.0)
        ratio = v / main_v
    if depth != 1.0:
        ratio = ratio**depth
    value = np.minimum(np.float32(target_v) * ratio, 1.0)
    empty = np.array([1 - c for c in colorsys.hsv_to_rgb(target_h, 1.0, 1.0)], np.float32)
    changed = value * (1 - s * empty[:, None])
    mixed = np.minimum(planes[:3] + (changed - rgb) * (ours * alpha), alpha)
    out[inked, :3] = (255 * mixed + 0.5).astype(np.uint8).T
    return out.reshape(pixels.shape)
