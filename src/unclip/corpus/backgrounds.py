"""Backgrounds and what is in the air before the objects: any crop at any size agrees."""

from __future__ import annotations

import functools

import numpy as np

from unclip.corpus.colours import RGB
from unclip.corpus.places.catalogue import PLACES
from unclip.corpus.places.painter import Painter, Plane, axes, rgb
from unclip.corpus.places.sky import LIGHTS, VEILED, Mood, paint_veil
from unclip.corpus.raster import Packed, Pixels, packed, unpacked
from unclip.corpus.scene import SQUARE, Background, Box, Light, Shape, Weather, frame

_VIEWS = (24, 6, 2)
"""How many different views a place has on a clear day, where one of the two is otherwise, both."""
_SMALL, _KEPT = 96, 2048
"""Views up to so many pixels a side are drawn once, and so many of them kept."""


def views(light: Light, weather: Weather) -> int:
    """How many seeds are worth drawing: the rarer the mood, the fewer, so that views are reused."""
    return _VIEWS[(light != "day") + (weather != "clear")]


def draw(background: Background, size: int, box: Box, shape: Shape = SQUARE) -> Pixels:
    """The part `box` (px) of a background whose shorter side is `size` px, uint8 [h, w, 3]."""
    return unpacked(canvas(background, size, box, shape))


def canvas(background: Background, size: int, box: Box, shape: Shape = SQUARE) -> Packed:
    """What `draw` gives, packed for `raster.over`: [h, w], writable."""
    x0, y0, x1, y1 = box
    if background.kind == "plain":
        colour = int.from_bytes(bytes(background.colours[0]), "little")
        return np.full((y1 - y0, x1 - x0), colour, "<u4")
    if background.kind == "gradient":
        return packed(_gradient(background, size, box, shape))
    view = (background.kind, background.light, background.weather, background.seed, size, shape)
    if size > _SMALL:
        return packed(_place(*view, box))
    return _small_place(*view)[y0:y1, x0:x1].copy()


def veil(background: Background, size: int, box: Box, shape: Shape = SQUARE) -> Pixels | None:
    """Mist, rain or snow before everything, premultiplied RGBA [h, w, 4]; None in clear air."""
    if background.weather not in VEILED:
        return None
    x0, y0, x1, y1 = box
    view = (background.light, background.weather, background.seed, size, shape)
    if size > _SMALL:
        return _veil(*view, box)
    return np.ascontiguousarray(_small_veil(*view)[y0:y1, x0:x1])


def tint(background: Background) -> tuple[float, float, float] | None:
    """What the light of a place does to red, green and blue of a thing in it; None for nothing."""
    if background.kind == "underwater":
        return (0.84, 0.97, 1.0)
    if not background.is_place or background.light == "day":
        return None
    place = PLACES[background.kind]
    if not place.sky:
        return (0.94, 0.86, 0.78)  # lamps
    return LIGHTS[background.light].things if place.holds != "nothing" else None


def _gradient(background: Background, size: int, box: Box, shape: Shape) -> Pixels:
    u, v = axes(size, box)
    turn = 2 * np.pi * background.angle
    dx, dy = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    reach = (abs(dx) + abs(dy)) / 2
    along: Plane = (u / shape[0] - 0.5) * dx + (v / shape[1] - 0.5) * dy
    first, second = (_column(c) for c in background.colours)
    shown: Plane = first + (second - first) * (along / (2 * reach) + 0.5) + 0.5
    pixels: Pixels = shown.astype(np.uint8)
    return pixels.transpose(1, 2, 0)


def _column(colour: RGB | Plane) -> Plane:
    return rgb(colour)[:, None, None]


def _place(
    kind: str, light: Light, weather: Weather, seed: int, size: int, shape: Shape, box: Box
) -> Pixels:
    painter = Painter(size, box, shape)
    PLACES[kind].paint(painter, Mood(light, weather), seed)
    return painter.pixels()


def _veil(light: Light, weather: Weather, seed: int, size: int, shape: Shape, box: Box) -> Pixels:
    painter = Painter(size, box, shape)
    paint_veil(painter, weather, seed)
    thickness = painter.picture[0] / 255
    colour = _column(Mood(light, weather).veil()) * thickness
    pixels: Pixels = (np.concatenate([colour, 255 * thickness[None]]) + 0.5).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


def _whole(size: int, shape: Shape) -> Box:
    return 0, 0, *frame(shape, size)


@functools.lru_cache(maxsize=_KEPT)
def _small_place(
    kind: str, light: Light, weather: Weather, seed: int, size: int, shape: Shape
) -> Packed:
    return packed(_place(kind, light, weather, seed, size, shape, _whole(size, shape)))


@functools.lru_cache(maxsize=_KEPT // 32)
def _small_veil(light: Light, weather: Weather, seed: int, size: int, shape: Shape) -> Pixels:
    return _veil(light, weather, seed, size, shape, _whole(size, shape))
