"""Places without walls: land, sea and sky."""

from __future__ import annotations

import numpy as np

from unclip.corpus.places import plants
from unclip.corpus.places.painter import Painter, Plane, edge, hills, mixed, noise, rgb, ridge
from unclip.corpus.places.sky import Mood, paint_sky


def _land(seed: int) -> np.random.Generator:
    """The land's own randomness: the same land under any sky."""
    return np.random.default_rng((seed, 2))


def meadow(p: Painter, mood: Mood, seed: int) -> None:
    """Grass with flowers before rolling hills."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.62 * h)
    p.below(hills(rng, 0.56 * h, 0.03), mood.ink((120, 178, 116), 0.75))
    far = hills(rng, 0.61 * h, 0.025)
    p.below(far, mood.ink((134, 194, 96), 0.35))
    for x in rng.random(int(3 * p.width)).tolist():
        at = x * p.width
        foot = float(far.at(np.array(at)))
        plants.round_tree(p, mood, rng, at, foot + 0.015, 0.11 + 0.05 * rng.random(), 0.3)
    near = hills(rng, 0.70 * h, 0.015)
    p.below(near, mood.ink((118, 188, 78), 0.1), mood.ink((70, 144, 54)))
    p.texture(near, (5, 14), 0.05, seed)
    plants.grass(p, mood, rng, 0.73 * h, (56, 122, 46))
    plants.meadow_flowers(p, mood, rng, 0.74 * h, 34)


def snowfield(p: Painter, mood: Mood, seed: int) -> None:
    """Snow hills with pines."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.62 * h)
    p.below(ridge(rng, 0.55 * h, 0.05, 3), mood.ink((196, 212, 232), 0.6))
    p.below(hills(rng, 0.60 * h, 0.02), mood.ink((224, 234, 245), 0.3))
    for x, y in sorted(rng.random((int(7 * p.width), 2)).tolist(), key=lambda t: t[1]):
        plants.pine(p, mood, x * p.width, (0.62 + 0.06 * y) * h, 0.15 + 0.1 * y, 0.3, snowy=True)
    near = hills(rng, 0.69 * h, 0.015)
    p.below(near, mood.ink((250, 252, 255)), mood.ink((216, 228, 244)))
    p.texture(near, (4, 12), 0.03, seed)


def desert(p: Painter, mood: Mood, seed: int) -> None:
    """Dunes with cacti."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.62 * h)
    p.below(ridge(rng, 0.58 * h, 0.03, 2), mood.ink((206, 150, 106), 0.6))
    back = hills(rng, 0.62 * h, 0.025)
    p.below(back, mood.ink((236, 190, 118), 0.2), mood.ink((226, 174, 100)))
    for x, y in rng.random((int(3 * p.width), 2)).tolist():
        plants.cactus(p, mood, x * p.width, (0.66 + 0.03 * y) * h, 0.09 + 0.07 * y, 0.15)
    near = hills(rng, 0.72 * h, 0.02)
    p.below(near, mood.ink((246, 208, 140)), mood.ink((228, 178, 104)))
    ripple = noise(p.u * 0.35 + p.v * 0, p.v, (6, 30), seed, p.pixel)
    shade = np.clip(ripple, 0, 1) * edge(near.at(p.u) - p.v, p.pixel)
    p.cover(mood.ink((206, 152, 84)), 0.3 * shade)


def mountains(p: Painter, mood: Mood, seed: int) -> None:
    """Two ranges with snow on their peaks, behind a green valley."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.62 * h)
    for height, rough, peaks, far in ((0.42, 0.13, 2, 0.7), (0.50, 0.11, 3, 0.35)):
        line = ridge(rng, height * h, rough, peaks)
        p.below(line, mood.ink((112, 124, 150), far), mood.ink((84, 98, 118), far))
        snow = ridge(rng, height * h + 0.01, 0.045, 8)
        cap = edge(p.v - snow.at(p.u), p.pixel) * edge(line.at(p.u) - p.v, p.pixel)
        p.cover(mood.ink((246, 249, 254), far * 0.6), cap)
    p.below(hills(rng, 0.62 * h, 0.02), mood.ink((74, 122, 82), 0.3))
    for x, y in sorted(rng.random((int(9 * p.width), 2)).tolist(), key=lambda t: t[1]):
        plants.pine(p, mood, x * p.width, (0.65 + 0.05 * y) * h, 0.09 + 0.06 * y, 0.2)
    near = hills(rng, 0.71 * h, 0.015)
    p.below(near, mood.ink((128, 182, 84)), mood.ink((86, 142, 62)))
    p.texture(near, (5, 14), 0.05, seed)
    plants.grass(p, mood, rng, 0.74 * h, (68, 118, 50))


def forest(p: Painter, mood: Mood, seed: int) -> None:
    """Rows of trees behind a clearing: pines by one seed, broad-leaved trees by another."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.6 * h)
    p.below(0.3 * h, mood.ink((120, 158, 128), 0.9), mood.ink((64, 110, 70), 0.6))
    pines = rng.random() < 0.5
    for foot, tall, far, number in (
        (0.60, 0.42, 0.75, 11), (0.65, 0.56, 0.4, 8), (0.72, 0.72, 0.1, 4),
    ):  # fmt: skip
        for i in range(int(number * p.width)):
            x = (i + 0.5 + 0.7 * (rng.random() - 0.5)) / number
            size, low = tall * (0.85 + 0.3 * rng.random()), (foot + 0.03 * rng.random()) * h
            if far < 0.2 and abs(x - p.width / 2) < 0.24 * p.width:
                continue  # the clearing
            if pines:
                plants.pine(p, mood, x, low, size, far)
            else:
                plants.round_tree(p, mood, rng, x, low, size, far)
        top = foot * h + 0.005
        p.below(top, mood.ink((104, 142, 72), 0.6 * far), mood.ink((66, 102, 50), 0.3 * far))
    p.texture(0.72 * h, (6, 16), 0.08, seed)
    plants.grass(p, mood, rng, 0.75 * h, (54, 96, 44))
    x, y = rng.random((2, int(5 * p.width)))
    x, y, r = x * p.width, (0.76 + 0.2 * y) * h, 0.012 + 0.008 * y
    p.scatter(x, y, r, mood.ink((240, 232, 214)), form=_stalk, reach=(0.3, 1.1))
    p.scatter(x, y, r, mood.ink((206, 74, 60)), form=_cap)


def _stalk(x: Plane, y: Plane) -> Plane:
    stalk: Plane = np.maximum(np.abs(x) - 0.28, np.maximum(-y, y - 1.1))
    return stalk


def _cap(x: Plane, y: Plane) -> Plane:
    cap: Plane = np.maximum(np.hypot(x, y) - 1, y - 0.2)
    return cap


def sea(p: Painter, mood: Mood, seed: int) -> None:
    """Open water up to the horizon."""
    h = p.height
    paint_sky(p, mood, seed, 0.55 * h)
    _water(p, mood, seed, 0.54 * h, 1.0)


def _water(p: Painter, mood: Mood, seed: int, top: float, foot: float) -> None:
    """Water from the horizon `top` on, with waves that grow towards the viewer."""
    deep = mixed(mood.ink((24, 96, 168)), mood.low, 0.06)
    p.below(top, mixed(mood.ink((62, 148, 206)), mood.low, 0.45), deep)
    depth = np.clip((p.v - top) / (p.height - top), 1e-3, 1)
    # equal steps of the logarithm are equal steps of distance
    away = np.log(depth + 0.06).astype(np.float32)
    crest = noise(p.u * 0.6, away, (7, 9), seed + 9, p.pixel * 2)
    wave = np.clip(crest * 1.6 - 0.35, 0, 1) * edge(top - p.v, p.pixel)
    p.cover(mixed(mood.ink((150, 206, 236)), mood.low, 0.3), 0.6 * wave)
    wave = np.clip(-crest * 1.6 - 0.45, 0, 1) * edge(top - p.v, p.pixel)
    p.cover(mood.ink((18, 74, 140)), 0.35 * wave)
    if mood.weather in ("clear", "rainbow") and mood.light != "day":
        gleam = np.clip(1 - np.abs(p.u - p.width / 2) / 0.3, 0, 1) * np.clip(crest + 0.2, 0, 1)
        p.cover(mood.low, 0.3 * gleam * edge(top - p.v, p.pixel))


def beach(p: Painter, mood: Mood, seed: int) -> None:
    """Sand before the sea, with a palm to one side."""
    rng, h = _land(seed), p.height
    paint_sky(p, mood, seed, 0.5 * h)
    _water(p, mood, seed, 0.47 * h, 0.7)
    shore = hills(rng, 0.66 * h, 0.012)
    p.below(shore.lower(-0.022), mood.ink((238, 248, 252)))
    p.below(shore, mood.ink((214, 188, 140)))
    p.below(shore.lower(0.02), mood.ink((246, 222, 172)), mood.ink((232, 196, 134)))
    p.texture(shore.lower(0.02), (8, 16), 0.035, seed)
    side = 1 if rng.random() < 0.5 else -1
    x = p.width / 2 + side * (0.36 + 0.06 * rng.random()) * p.width
    plants.palm(p, mood, x, 0.74 * h, 0.42 * min(1.3, h), -0.18 * side)
    x, y, pick = rng.random((3, int(8 * p.width)))
    shells = np.stack([mood.ink(c) for c in ((250, 236, 220), (244, 190, 170), (206, 168, 120))])
    p.scatter(x * p.width, (0.76 + 0.22 * y) * h, 0.005 + 0.004 * y, shells[(3 * pick).astype(int)])


def underwater(p: Painter, mood: Mood, seed: int) -> None:
    """The bottom of the sea, with weed, coral, bubbles and light from above."""
    rng, h = _land(seed), p.height
    p.fade((104, 212, 232), (14, 78, 142), 0.0, 0.95 * h)
    for x, wide, lean in rng.random((int(5 * p.width), 3)).tolist():
        at = x * p.width + (0.3 * lean - 0.15) * p.v / h
        beam = np.clip(1 - np.abs(p.u - at) / (0.03 + 0.05 * wide + 0.05 * p.v / h), 0, 1)
        p.cover((214, 248, 250), 0.3 * beam * np.clip(1 - p.v / (0.8 * h), 0, 1))
    p.below(hills(rng, 0.74 * h, 0.03), (46, 118, 150), (40, 104, 138))
    floor = hills(rng, 0.82 * h, 0.02)
    for x, tall in rng.random((int(7 * p.width), 2)).tolist():
        plants.seaweed(p, rng, x * p.width, 0.84 * h, 0.12 + 0.2 * tall)
    p.below(floor, (196, 190, 146), (150, 152, 122))
    p.texture(floor, (7, 18), 0.06, seed)
    for x, y in rng.random((int(3 * p.width), 2)).tolist():
        plants.coral(p, rng, x * p.width, (0.86 + 0.08 * y) * h, 0.09 + 0.05 * y)
    x, y, r = rng.random((3, int(12 * p.width)))
    x, y, r = x * p.width, 0.75 * h * y, 0.006 + 0.012 * r
    p.scatter(x, y, r, (226, 248, 252), 0.45)
    p.scatter(x - 0.3 * r, y - 0.3 * r, 0.35 * r, (255, 255, 255), 0.8)


_NEBULAE = (
    ((112, 60, 168), (36, 100, 180)), ((170, 56, 120), (70, 50, 150)),
    ((30, 120, 140), (90, 60, 170)),
)  # fmt: skip
_PLANETS = ((214, 140, 90), (120, 170, 210), (196, 110, 140), (150, 190, 140), (226, 196, 130))


def space(p: Painter, mood: Mood, seed: int) -> None:
    """Stars, a nebula and planets."""
    rng, h = _land(seed), p.height
    p.fade((8, 8, 28), (20, 14, 46), 0.0, h)
    colours = _NEBULAE[int(rng.random() * len(_NEBULAE))]
    for x, y, r, pick in rng.random((9, 4)).tolist():
        p.glow(x * p.width, y * h, 0.25 + 0.35 * r, colours[int(2 * pick)], 0.4)
    x, y, r = rng.random((3, int(60 * p.width * h)))
    p.scatter(x * p.width, y * h, 0.0025 + 0.005 * r**4, (255, 252, 240), soft=0.003)
    for i in range(2):
        side, y, r = float(i), rng.random(), 0.06 + 0.07 * rng.random()
        x = p.width * (0.12 + 0.76 * side) + 0.08 * (rng.random() - 0.5)
        _planet(p, x, (0.12 + 0.76 * y) * h, r, rgb(_PLANETS[int(rng.random() * 5)]), i == 0)


def _planet(p: Painter, x: float, y: float, r: float, colour: Plane, ringed: bool) -> None:
    if ringed:
        p.disc(x, y, 1.7 * r, mixed(colour, (255, 240, 220), 0.4), 4.2, share=0.75)
        p.disc(x, y, 1.35 * r, mixed(colour, (20, 14, 40), 0.7), 4.2, share=0.75)
    p.disc(x, y, r, colour * np.float32(0.62))
    p.disc(x - 0.1 * r, y - 0.1 * r, 0.87 * r, colour * np.float32(0.85), soft=0.25 * r)
    p.disc(x - 0.22 * r, y - 0.24 * r, 0.6 * r, mixed(colour, (255, 255, 255), 0.12), soft=0.5 * r)
    if ringed:  # the near half of the ring passes before the planet
        ring = mixed(colour, (255, 240, 220), 0.4)
        bends = [(x + 1.52 * r * float(np.cos(a)), y + 0.37 * r * float(np.sin(a)))
                 for a in np.linspace(0.1, np.pi - 0.1, 9)]  # fmt: skip
        p.stroke(bends, 0.13 * r, ring)
