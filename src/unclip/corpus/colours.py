"""Named colours: what a caption calls them, and recolouring art of one main hue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from unclip.corpus.raster import Pixels

RGB = tuple[int, int, int]

HSV = tuple[float, float, float]

OBJECT_COLOURS: dict[str, HSV] = {
    "red": (0.995, 0.85, 0.88),
    "orange": (0.075, 0.85, 0.97),
    "yellow": (0.135, 0.75, 0.99),
    "green": (0.36, 0.72, 0.68),
    "teal": (0.49, 0.80, 0.66),
    "blue": (0.60, 0.78, 0.86),
    "purple": (0.77, 0.60, 0.70),
    "pink": (0.93, 0.42, 0.98),
    "brown": (0.065, 0.62, 0.50),
    "grey": (0.60, 0.03, 0.62),
    "black": (0.60, 0.05, 0.17),
    "white": (0.60, 0.02, 0.97),
}
"""Hue, saturation and value of each colour an object may take."""

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


def recolour(pixels: Pixels, main: HSV, colour: str) -> Pixels:
    """Give art whose main colour is `main` the named colour, pixel by pixel.

    Only pixels within a sixth of the colour circle of the main hue change; their shading stays.

    Args:
        pixels: premultiplied RGBA, [h, w, 4].
        main: hue, saturation and value in [0, 1], as `raster.main_colour` finds them.
        colour: a key of `OBJECT_COLOURS`.
    """
    target = OBJECT_COLOURS[colour]
    whole = np.stack([pixels[..., c] for c in range(4)])
    planes = whole / np.float32(255)
    rgb, alpha = planes[:3], planes[3]
    rgb = np.minimum(rgb / np.maximum(alpha, 1 / 255), 1.0)
    h, s, v = _to_hsv(rgb)
    off = _wrapped(h - main[0] + 0.5, 1) - 0.5
    ours = np.clip((0.17 - np.abs(off)) * 20, 0, 1) * np.clip(s * 5 - 0.5, 0, 1)
    # pale colours take little of the shading, or their shadows would look like another colour
    depth = 0.4 if target[1] < 0.1 and target[2] > 0.9 else 1.0
    changed = _from_hsv(
        _wrapped(target[0] + 0.4 * off, 1),
        np.clip(s * (target[1] / main[1]), 0, 1),
        np.clip(target[2] * (v / main[2]) ** depth, 0, 1),
    )
    mixed = (rgb + (changed - rgb) * ours) * alpha * 255 + 0.5
    out = pixels.copy()
    for c in range(3):
        out[..., c] = np.minimum(mixed[c], pixels[..., 3])
    return out


Plane = npt.NDArray[np.floating]


def _to_hsv(rgb: Plane) -> tuple[Plane, Plane, Plane]:
    """Hue in [0, 1), saturation, value, each [h, w], of planes [3, h, w]."""
    r, g, b = rgb
    high, low = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    spread = high - low
    safe = np.maximum(spread, 1e-6)
    red, green = high == r, high == g
    hue = np.where(red, g - b, np.where(green, b - r, r - g)) / safe
    hue = np.where(red, _wrapped(hue, 6), hue + np.where(green, np.float32(2), np.float32(4)))
    return hue / 6, spread / np.maximum(high, 1e-6), high


def _from_hsv(h: Plane, s: Plane, v: Plane) -> Plane:
    """The inverse of `_to_hsv`."""

    def channel(n: float) -> Plane:
        k = _wrapped(n + h * 6, 6)
        level: Plane = v - v * s * np.clip(np.minimum(k, 4 - k), 0, 1)
        return level

    return np.stack([channel(5), channel(3), channel(1)]).astype(np.float32)


def _wrapped(x: Plane, turn: int) -> Plane:
    """`x % turn`, several times faster."""
    left: Plane = x - turn * np.floor(x / turn)
    return left
