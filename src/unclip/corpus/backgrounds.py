"""Backgrounds, drawn pixel by pixel from coordinates, so that any crop at any size agrees."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unclip.corpus.colours import RGB
from unclip.corpus.raster import Packed, Pixels, packed, unpacked
from unclip.corpus.scene import Background, Box

Plane = npt.NDArray[np.floating]
SCENERY_SEEDS = 64
"""How many different views there are of each scenery."""

Scenery = Callable[[Plane, Plane, np.random.Generator, float], Plane]


def draw(background: Background, size: int, box: Box) -> Pixels:
    """The part `box` (px) of a background of `size` px, uint8 [h, w, 3], writable."""
    return unpacked(canvas(background, size, box))


def canvas(background: Background, size: int, box: Box) -> Packed:
    """What `draw` gives, packed for `raster.over`: [h, w], writable."""
    x0, y0, x1, y1 = box
    if background.kind == "plain":
        colour = int.from_bytes(bytes(background.colours[0]), "little")
        return np.full((y1 - y0, x1 - x0), colour, "<u4")
    u, v = _axes(size, box)
    if background.kind == "gradient":
        turn = 2 * np.pi * background.angle
        dx, dy = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        reach = (abs(dx) + abs(dy)) / 2
        t = ((u - 0.5) * dx + (v - 0.5) * dy) / (2 * reach) + 0.5
        first, second = background.colours
        shown = _blend(first, second, t) + 0.5
    elif size <= 128:
        return _small_scenery(background.kind, background.seed, size)[y0:y1, x0:x1].copy()
    else:
        shown = _scenery(background.kind, background.seed, size, u, v)
    return packed(shown.astype(np.uint8).transpose(1, 2, 0))


def _scenery(kind: str, seed: int, size: int, u: Plane, v: Plane) -> Plane:
    picture: Plane = SCENERIES[kind](u, v, np.random.default_rng(seed), 1 / size)
    return np.clip(picture, 0, 255)


@functools.lru_cache(maxsize=SCENERY_SEEDS * 6)
def _small_scenery(kind: str, seed: int, size: int) -> Packed:
    """Small sceneries are drawn once: they cost several times what the rest of a picture does."""
    shown = _scenery(kind, seed, size, *_axes(size, (0, 0, size, size)))
    return packed(shown.astype(np.uint8).transpose(1, 2, 0))


@functools.lru_cache(maxsize=4)
def _axes(size: int, box: Box) -> tuple[Plane, Plane]:
    """Pixel centres in [0, 1]: x as [1, w], y as [h, 1]."""
    x0, y0, x1, y1 = box
    u = (np.arange(x0, x1, dtype=np.float32) + 0.5) / size
    v = (np.arange(y0, y1, dtype=np.float32) + 0.5) / size
    return u[None, :], v[:, None]


def _blend(a: RGB | Plane, b: RGB | Plane, t: Plane) -> Plane:
    """From `a` at t = 0 to `b` at 1, as planes [3, h, w]."""
    first, second = (
        np.array(x, np.float32)[:, None, None] if isinstance(x, tuple) else x for x in (a, b)
    )
    mixed: Plane = first + (second - first) * t
    return mixed


def _disc(
    picture: Plane, colour: RGB, u: Plane, v: Plane, x: float, y: float, r: float,
    soft: float, flat: float = 1.0, share: float = 1.0,
) -> None:  # fmt: skip
    """Lay a disc, `flat` times wider than high, over the pixels that it touches, in place.

    `soft` is the width of its rim; `share` how much of what is under it is hidden.
    """
    reach = r + soft / 2
    left, right = np.searchsorted(u[0], (x - reach, x + reach))
    top, bottom = np.searchsorted(v[:, 0], (y - reach / flat, y + reach / flat))
    part = picture[:, top:bottom, left:right]
    distance = np.hypot(u[:, left:right] - x, (v[top:bottom] - y) * flat) - r
    part[...] = _blend(part, colour, share * _edge(distance, soft))


def _edge(distance: Plane, pixel: float) -> Plane:
    """Coverage of a shape from its signed distance (negative inside), antialiased."""
    covered: Plane = np.clip(0.5 - distance / pixel, 0, 1)
    return covered


def _sky(v: Plane, u: Plane, top: RGB, low: RGB, horizon: float) -> Plane:
    t = np.clip(v / horizon, 0, 1) + 0 * u
    return _blend(top, low, t)


def _hill(u: Plane, rng: np.random.Generator, height: float, rough: float) -> Plane:
    a, b, c = (float(x) for x in rng.random(3))
    line: Plane = height + rough * (
        np.sin(2 * np.pi * (u * (0.6 + 0.5 * a) + b)) + 0.4 * np.sin(2 * np.pi * (u * 1.9 + c))
    )
    return line


def _clouds(picture: Plane, u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    for _ in range(2):
        cx, cy, w = rng.random() * 0.9 + 0.05, 0.1 + 0.18 * rng.random(), 0.06 + 0.05 * rng.random()
        for shift, scale in ((-1.0, 0.7), (0.0, 1.0), (1.0, 0.75)):
            x, r = cx + shift * w, w * 0.62 * scale
            _disc(picture, (255, 255, 255), u, v, x, cy, r, max(pixel, 0.012), 1.6, 0.85)
    return picture


def _meadow(u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    picture = _clouds(_sky(v, u, (92, 172, 238), (200, 230, 250), 0.7), u, v, rng, pixel)
    far, near = _hill(u, rng, 0.62, 0.03), _hill(u, rng, 0.72, 0.02)
    picture = _blend(picture, (136, 196, 98), _edge(far - v, pixel))
    ground = _blend((112, 184, 76), (70, 142, 52), np.clip((v - 0.68) / 0.32, 0, 1) + 0 * u)
    return _blend(picture, ground, _edge(near - v, pixel))


def _sunset(u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    picture = _sky(v, u, (96, 62, 132), (255, 168, 84), 0.7)
    cx = 0.2 + 0.6 * rng.random()
    sun = np.hypot(u - cx, v - 0.6) - 0.13
    picture = _blend(picture, (255, 196, 110), 0.6 * np.clip(1 - sun / 0.3, 0, 1))
    picture = _blend(picture, (255, 236, 170), _edge(sun, pixel))
    return _blend(picture, (64, 42, 66), _edge(_hill(u, rng, 0.72, 0.02) - v, pixel))


def _night(u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    picture = _sky(v, u, (10, 14, 44), (44, 54, 110), 1.0)
    for x, y, r in rng.random((26, 3)):
        radius, soft = 0.003 + 0.006 * r, max(pixel, 0.008)
        _disc(picture, (250, 246, 220), u, v, x, y * 0.8, radius, soft)
    cx, cy = 0.15 + 0.7 * rng.random(), 0.12 + 0.06 * rng.random()
    _disc(picture, (252, 244, 206), u, v, cx, cy, 0.075, pixel)
    return _blend(picture, (20, 32, 42), _edge(_hill(u, rng, 0.8, 0.02) - v, pixel))


def _sea(u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    picture = _clouds(_sky(v, u, (104, 184, 240), (214, 238, 250), 0.6), u, v, rng, pixel)
    water = _blend((52, 142, 206), (18, 84, 158), np.clip((v - 0.58) / 0.42, 0, 1) + 0 * u)
    phase = float(rng.random())
    ripple = np.sin(2 * np.pi * (v * 14 + 0.25 * np.sin(2 * np.pi * (u * 2.3 + phase))))
    water = _blend(water, (120, 190, 232), 0.35 * np.clip(ripple - 0.55, 0, 1))
    return _blend(picture, water, _edge(0.58 - v + 0 * u, pixel))


def _snow(u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    picture = _sky(v, u, (168, 196, 224), (226, 236, 246), 0.7)
    picture = _blend(picture, (214, 226, 240), _edge(_hill(u, rng, 0.62, 0.03) - v, pixel))
    picture = _blend(picture, (246, 250, 255), _edge(_hill(u, rng, 0.72, 0.02) - v, pixel))
    for x, y, r in rng.random((30, 3)):
        _disc(picture, (255, 255, 255), u, v, x, y, 0.004 + 0.007 * r, max(pixel, 0.008))
    return picture


def _desert(u: Plane, v: Plane, rng: np.random.Generator, pixel: float) -> Plane:
    picture = _sky(v, u, (116, 190, 236), (250, 232, 196), 0.7)
    picture = _blend(picture, (232, 184, 112), _edge(_hill(u, rng, 0.6, 0.04) - v, pixel))
    return _blend(picture, (242, 204, 138), _edge(_hill(u, rng, 0.72, 0.03) - v, pixel))


SCENERIES: dict[str, Scenery] = {
    "meadow": _meadow,
    "sunset": _sunset,
    "night": _night,
    "sea": _sea,
    "snow": _snow,
    "desert": _desert,
}
"""Sceneries by name; each takes x, y in [0, 1], a generator, and the side of a pixel."""
