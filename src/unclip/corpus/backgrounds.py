"""Backgrounds, drawn pixel by pixel from coordinates, so that any crop at any size agrees."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from unclip.corpus.colours import RGB
from unclip.corpus.raster import Pixels
from unclip.corpus.scene import Background, Box

Plane = npt.NDArray[np.floating]
SCENERY_SEEDS = 64
"""How many different views there are of each scenery."""

Scenery = Callable[[Plane, Plane, np.random.Generator, float], Plane]


def draw(background: Background, size: int, box: Box) -> Pixels:
    """The part `box` (px) of a background of `size` px, uint8 [h, w, 3], writable."""
    x0, y0, x1, y1 = box
    height, width = y1 - y0, x1 - x0
    if background.kind == "plain":  # bytes repeat faster than numpy broadcasts three of them
        row = bytearray(bytes(background.colours[0]) * (height * width))
        return np.frombuffer(row, np.uint8).reshape(height, width, 3)
    out = np.empty((height, width, 3), np.uint8)
    u, v = _axes(size, box)
    if background.kind == "gradient":
        turn = 2 * np.pi * background.angle
        dx, dy = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        reach = (abs(dx) + abs(dy)) / 2
        t = ((u - 0.5) * dx + (v - 0.5) * dy) / (2 * reach) + 0.5
        a, b = (np.array(c, np.float32) for c in background.colours)
        out[:] = a + (b - a) * t[..., None] + 0.5
        return out
    if size <= 128:
        return _small_scenery(background.kind, background.seed, size)[y0:y1, x0:x1].copy()
    out[:] = _scenery(background.kind, background.seed, size, u, v)
    return out


def _scenery(kind: str, seed: int, size: int, u: Plane, v: Plane) -> Plane:
    picture: Plane = SCENERIES[kind](u, v, np.random.default_rng(seed), 1 / size)
    return np.clip(picture, 0, 255)


@functools.lru_cache(maxsize=SCENERY_SEEDS * 6)
def _small_scenery(kind: str, seed: int, size: int) -> Pixels:
    """Small sceneries are drawn once: they cost ten times what the rest of a picture does."""
    return _scenery(kind, seed, size, *_axes(size, (0, 0, size, size))).astype(np.uint8)


@functools.lru_cache(maxsize=4)
def _axes(size: int, box: Box) -> tuple[Plane, Plane]:
    """Pixel centres in [0, 1]: x as [1, w], y as [h, 1]."""
    x0, y0, x1, y1 = box
    u = (np.arange(x0, x1, dtype=np.float32) + 0.5) / size
    v = (np.arange(y0, y1, dtype=np.float32) + 0.5) / size
    return u[None, :], v[:, None]


def _blend(a: RGB | Plane, b: RGB | Plane, t: Plane) -> Plane:
    first, second = np.asarray(a, np.float32), np.asarray(b, np.float32)
    mixed: Plane = first + (second - first) * t[..., None]
    return mixed


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
            far = np.hypot(u - cx - shift * w, (v - cy) * 1.6) - w * 0.62 * scale
            picture = _blend(picture, (255, 255, 255), 0.85 * _edge(far, max(pixel, 0.012)))
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
        star = np.hypot(u - x, v - y * 0.8) - (0.003 + 0.006 * r)
        picture = _blend(picture, (250, 246, 220), _edge(star, max(pixel, 0.008)))
    cx, cy = 0.15 + 0.7 * rng.random(), 0.12 + 0.06 * rng.random()
    moon = np.hypot(u - cx, v - cy) - 0.075
    picture = _blend(picture, (252, 244, 206), _edge(moon, pixel))
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
        flake = np.hypot(u - x, v - y) - (0.004 + 0.007 * r)
        picture = _blend(picture, (255, 255, 255), _edge(flake, max(pixel, 0.008)))
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
