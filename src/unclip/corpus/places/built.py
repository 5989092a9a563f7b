"""Places that people made: streets, gardens and rooms."""

from __future__ import annotations

import numpy as np

from unclip.corpus.colours import RGB
from unclip.corpus.places import plants
from unclip.corpus.places.painter import Painter, Plane, edge, hills, mixed, rgb
from unclip.corpus.places.sky import LIGHTS, Mood, paint_sky


def _land(seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, 2))


_WALLS: tuple[RGB, ...] = (
    (214, 132, 104), (232, 200, 150), (150, 172, 196), (196, 160, 176), (176, 190, 160),
    (222, 216, 206),
)  # fmt: skip


def city(p: Painter, mood: Mood, seed: int) -> None:
    """A street before a row of houses, with towers behind."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.66 * h)
    x = -0.03
    while x < p.width:
        wide = 0.08 + 0.08 * rng.random()
        top = (0.16 + 0.26 * rng.random()) * h
        _building(p, mood, rng, x, x + wide, top, 0.7 * h, rgb((128, 146, 176)), 0.65, 0.026)
        x += wide + 0.012
    x = -0.06 * rng.random()
    while x < p.width:
        wide = 0.17 + 0.1 * rng.random()
        top = (0.36 + 0.14 * rng.random()) * h
        wall = rgb(_WALLS[int(rng.random() * len(_WALLS))])
        _building(p, mood, rng, x, x + wide, top, 0.72 * h, wall, 0.1, 0.052)
        x += wide
    p.below(0.72 * h, mood.ink((190, 188, 186)), mood.ink((168, 166, 166)))
    p.below(0.785 * h, mood.ink((136, 136, 140)))
    p.below(0.80 * h, mood.ink((92, 94, 102)), mood.ink((74, 76, 84)))
    for i in range(int(6 * p.width) + 1):
        at = (i + 0.2) / 6
        p.box(at, 0.905 * h, at + 0.09, 0.918 * h, mood.ink((236, 232, 214)))
    for side in (0.1, 0.9):
        _lamp(p, mood, side * p.width, 0.775 * h, 0.32)


def _building(
    p: Painter, mood: Mood, rng: np.random.Generator, x0: float, x1: float, top: float,
    foot: float, wall: Plane, far: float, cell: float,
) -> None:  # fmt: skip
    """A house with rows of windows, some of them lit after dark."""
    p.box(x0, top, x1, foot, mood.ink(wall, far), mood.ink(wall * np.float32(0.86), far))
    p.box(x0, top - 0.012, x1, top + 0.006, mood.ink(wall * np.float32(0.72), far))
    columns, rows = int((x1 - x0) / cell - 0.3), int((foot - top) / (1.25 * cell) - 0.4)
    if columns < 1 or rows < 1:
        return
    gap = (x1 - x0 - columns * cell) / 2
    x, y = x0 + gap + 0.24 * cell, top + 0.56 * cell
    lit = (rng.random((rows, columns)) < 0.55) * float(mood.dark)
    dark = mood.ink(mixed((70, 92, 124), wall, 0.15), far)
    for shown, glass in ((1 - lit, dark), (lit, mixed((255, 218, 130), dark, 0.4 * far))):
        p.panes((x, y), (0.52 * cell, 0.66 * cell), (cell, 1.25 * cell), shown, glass)


def _lamp(p: Painter, mood: Mood, x: float, foot: float, tall: float) -> None:
    """A street lamp."""
    p.stroke(((x, foot), (x, foot - tall)), 0.012, mood.ink((62, 66, 76)))
    p.disc(x, foot - tall, 0.022, (255, 232, 160) if mood.dark else mood.ink((238, 234, 214)))
    if mood.dark:
        p.glow(x, foot - tall, 0.16, (255, 224, 140), 0.55)


def road(p: Painter, mood: Mood, seed: int) -> None:
    """A road through fields that runs to the horizon."""
    rng, h = _land(seed), p.height
    horizon = 0.55 * h
    paint_sky(p, mood, seed, horizon)
    p.below(hills(rng, 0.53 * h, 0.03), mood.ink((120, 164, 120), 0.6))
    p.below(horizon, mood.ink((150, 190, 96), 0.25), mood.ink((92, 150, 66)))
    p.texture(horizon, (5, 20), 0.05, seed)
    x = p.width / 2 + 0.12 * (rng.random() - 0.5)
    depth = np.clip((p.v - horizon) / (h - horizon), 1e-3, 1)
    below = edge(horizon - p.v, p.pixel)
    middle = x + (p.width / 2 - x) * depth
    off = np.abs(p.u - middle)
    for wide, colour in ((0.5, (176, 168, 146)), (0.46, (98, 100, 108)), (0.43, (240, 238, 226)),
                         (0.415, (98, 100, 108))):  # fmt: skip
        p.cover(mood.ink(colour), edge(off - wide * depth, p.pixel) * below)
    # dashes of equal length on the road: distance goes as 1 / depth
    along = (1 / depth - 1) * 1.6
    step = 1.6 * p.pixel / ((h - horizon) * depth**2)
    dash = np.clip(0.5 + (0.25 - np.abs(along % 1 - 0.5)) / np.maximum(step, 1e-3), 0, 1)
    p.cover(mood.ink((244, 226, 150)), edge(off - 0.016 * depth, p.pixel) * dash * below)
    for side in (-1, 1):
        for near in (0.03, 0.09, 0.2):
            foot = horizon + near * (h - horizon)
            at = x + side * (0.12 + 1.1 * near + 0.12 * rng.random())
            plants.round_tree(p, mood, rng, at, foot, 0.1 + 0.9 * near, 0.4 * (1 - 3 * near))


def park(p: Painter, mood: Mood, seed: int) -> None:
    """A lawn with a winding path, trees, bushes and a bench."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.58 * h)
    p.below(hills(rng, 0.55 * h, 0.012), mood.ink((104, 156, 96), 0.5))
    for i in range(int(5 * p.width)):
        x = (i + 0.3 + 0.5 * rng.random()) / 5
        plants.round_tree(p, mood, rng, x, (0.6 + 0.03 * rng.random()) * h,
                          0.3 + 0.14 * rng.random(), 0.2)  # fmt: skip
    p.below(0.6 * h, mood.ink((140, 196, 92), 0.15), mood.ink((88, 158, 64)))
    p.texture(0.6 * h, (5, 16), 0.05, seed)
    turn = (0.2 if rng.random() < 0.5 else -0.2) * p.width
    depth = np.clip((p.v - 0.6 * h) / (0.4 * h), 1e-3, 1)
    middle = p.width / 2 + turn * np.cos(3 * depth) * (1 - 0.5 * depth)
    path = edge(np.abs(p.u - middle) - 0.03 - 0.19 * depth, p.pixel) * edge(0.6 * h - p.v, p.pixel)
    p.cover(mood.ink((222, 204, 164)), path)
    for x in rng.random(int(4 * p.width)).tolist():
        plants.bush(p, mood, rng, x * p.width, 0.655 * h, 0.045)
    _lamp(p, mood, p.width * (0.08 if turn > 0 else 0.92), 0.7 * h, 0.3)


def garden(p: Painter, mood: Mood, seed: int) -> None:
    """A lawn before a fence and beds of flowers."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.58 * h)
    for i in range(int(4 * p.width)):
        x = (i + 0.3 + 0.5 * rng.random()) / 4
        plants.round_tree(p, mood, rng, x, 0.6 * h, 0.34 + 0.12 * rng.random(), 0.25)
    foot, tall = 0.645 * h, 0.17
    white, shade = mood.ink((250, 248, 242)), mood.ink((226, 222, 212))
    p.below(0.6 * h, mood.ink((96, 150, 78), 0.1))
    for y in (0.55, 0.2):
        p.box(0, foot - (y + 0.1) * tall, p.width, foot - y * tall, shade)
    number = int(15 * p.width)
    step = p.width / number
    pales = np.arange(number + 1) * step
    p.panes((-0.017, foot - 0.82 * tall), (0.034, 0.82 * tall), (step, tall),
            np.ones((1, number + 1), np.float32), white)  # fmt: skip
    p.scatter(pales, 0 * pales + foot - 0.8 * tall, 0 * pales + 0.03, white, form=_peak)
    p.below(foot, mood.ink((118, 90, 62)))
    plants.flowers(p, mood, rng, foot + 0.01, 20)
    lawn = hills(rng, 0.70 * h, 0.008)
    p.below(lawn, mood.ink((132, 196, 84)), mood.ink((82, 156, 62)))
    p.texture(lawn, (5, 14), 0.05, seed)
    plants.grass(p, mood, rng, 0.74 * h, (64, 132, 50))


def _peak(x: Plane, y: Plane) -> Plane:
    """The pointed end of a pale."""
    inside: Plane = np.maximum(np.abs(x) - 0.57 * (1 + y), y)
    return inside


_ROOMS: tuple[tuple[RGB, RGB], ...] = (  # wall, floor
    ((236, 222, 196), (176, 122, 78)), ((176, 208, 214), (196, 150, 104)),
    ((238, 196, 180), (150, 104, 72)), ((198, 214, 178), (184, 140, 96)),
    ((222, 206, 226), (170, 130, 100)), ((244, 226, 160), (160, 112, 74)),
)  # fmt: skip


def room(p: Painter, mood: Mood, seed: int) -> None:
    """A room with a window, a picture, a rug and a wooden floor."""
    rng, h = _land(seed), p.height
    wall, floor = (rgb(c) for c in _ROOMS[int(rng.random() * len(_ROOMS))])
    lamp = np.array((0.80, 0.70, 0.60) if mood.light == "night" else (1, 1, 1), np.float32)
    p.fade(wall * lamp, wall * lamp * np.float32(0.92), 0.0, 0.68 * h)
    left = rng.random() < 0.5
    x = p.width * (0.26 if left else 0.74)
    _window(p, mood, x, 0.13 * h, 0.36, 0.36)
    _picture(p, rng, p.width - x + 0.04, 0.16 * h, lamp)
    p.box(0, 0.655 * h, p.width, 0.68 * h, rgb((248, 244, 236)) * lamp)
    p.below(0.68 * h, floor * lamp, floor * lamp * np.float32(0.86))
    edges = [0.68 + 0.32 * t for t in (0.16, 0.36, 0.62)]
    for i, y in enumerate(edges):
        p.box(0, y * h, p.width, (y + 0.005) * h, floor * lamp * np.float32(0.74))
        for joint in rng.random(int(2 * p.width)).tolist():
            low = edges[i + 1] if i < 2 else 1.0
            p.box(joint * p.width, y * h, joint * p.width + 0.005, low * h,
                  floor * lamp * np.float32(0.74))  # fmt: skip
    rug = rgb(_WALLS[int(rng.random() * len(_WALLS))]) * lamp
    p.disc(p.width / 2, 0.87 * h, 0.4, rug * np.float32(0.8), 4.2)
    p.disc(p.width / 2, 0.87 * h, 0.36, rug, 4.2)
    p.disc(p.width / 2, 0.87 * h, 0.27, mixed(rug, (255, 250, 240), 0.3), 4.2)
    if mood.light == "night":
        p.glow(p.width - x, 0.12 * h, 0.7, (255, 214, 140), 0.4)


def _window(p: Painter, mood: Mood, x: float, top: float, wide: float, tall: float) -> None:
    """A window with curtains, and the sky in it."""
    sky = LIGHTS[mood.light]
    x0, x1 = x - wide / 2, x + wide / 2
    p.box(x0, top, x1, top + tall, sky.top, sky.low)
    if mood.light == "night":
        p.disc(x + 0.25 * wide, top + 0.3 * tall, 0.03, (252, 246, 214))
    else:
        p.disc(x - 0.1 * wide, top + 0.42 * tall, 0.035, sky.cloud, 1.4)
        p.disc(x, top + 0.38 * tall, 0.045, sky.cloud, 1.4)
    frame = (250, 247, 240)
    for y in (top, top + 0.5 * tall, top + tall):
        p.box(x0 - 0.01, y - 0.009, x1 + 0.01, y + 0.009, frame)
    for at in (x0, x, x1):
        p.box(at - 0.009, top, at + 0.009, top + tall, frame)
    cloth = (226, 120, 104) if mood.light != "night" else (170, 84, 76)
    for side in (-1, 1):
        at = x + side * (wide / 2 + 0.02)
        p.box(at - 0.035, top - 0.025, at + 0.035, top + tall + 0.06, cloth)
    p.box(x0 - 0.07, top - 0.035, x1 + 0.07, top - 0.018, (120, 84, 58))


def _picture(p: Painter, rng: np.random.Generator, x: float, top: float, lamp: Plane) -> None:
    """A landscape in a frame."""
    half, tall = 0.1, 0.16
    p.box(x - half - 0.015, top - 0.015, x + half + 0.015, top + tall + 0.015,
          rgb((150, 104, 66)) * lamp)  # fmt: skip
    p.box(x - half, top, x + half, top + tall, rgb((250, 240, 220)) * lamp)
    green = rgb(plants.LEAVES[int(rng.random() * len(plants.LEAVES))])
    for shift, peak in ((-0.03, 0.35), (0.03, 0.5)):
        p.triangle(x + shift, top + peak * tall, top + tall, 0.065, green * lamp)
    p.disc(x + 0.05, top + 0.05, 0.02, rgb((244, 176, 92)) * lamp)
