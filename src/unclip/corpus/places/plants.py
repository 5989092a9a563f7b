"""Trees, flowers and the like, for the places they grow in."""

from __future__ import annotations

import functools

import numpy as np

from unclip.corpus.colours import RGB
from unclip.corpus.places.painter import Colour, Painter, Plane, mixed, rgb
from unclip.corpus.places.sky import Mood

LEAVES: tuple[RGB, ...] = ((86, 158, 66), (66, 138, 62), (112, 172, 70), (54, 124, 74))
PETALS: tuple[RGB, ...] = (
    (252, 250, 244), (250, 214, 70), (244, 120, 150), (232, 78, 70), (170, 110, 210),
)  # fmt: skip


def pine(
    p: Painter, mood: Mood, x: float, foot: float, tall: float, far: float, snowy: bool = False
) -> None:
    """A conifer of three tiers."""
    p.box(x - 0.035 * tall, foot - 0.16 * tall, x + 0.035 * tall, foot, mood.ink((98, 66, 44), far))
    for i, (top, low, half) in enumerate(((0.34, 0.88, 0.30), (0.16, 0.64, 0.24), (0, 0.4, 0.17))):
        green = mood.ink(mixed((40, 98, 66), (62, 128, 80), i / 2), far)
        peak, base = foot - (1 - top) * tall, foot - (1 - low) * tall
        p.triangle(x, peak, base, half * tall, green)
        if snowy:
            p.triangle(x, peak, peak + 0.5 * (base - peak), half * tall * 0.5,
                       mood.ink((244, 248, 252), far))  # fmt: skip


def round_tree(
    p: Painter, mood: Mood, rng: np.random.Generator, x: float, foot: float, tall: float, far: float
) -> None:
    """A broad-leaved tree with a crown of puffs."""
    green = rgb(LEAVES[int(rng.random() * len(LEAVES))])
    trunk = mood.ink((112, 76, 50), far)
    p.box(x - 0.045 * tall, foot - 0.5 * tall, x + 0.045 * tall, foot, trunk)
    for shift, side, shade in ((0.0, 1.0, 0.86), (0.035, 0.8, 1.0)):
        crown = [
            (x + (dx - shift) * tall, foot - (dy + shift) * tall, r * side * tall)
            for dx, dy, r in _CROWN
        ]
        p.puffs(crown, mood.ink(green * np.float32(shade), far))


_CROWN = ((-0.17, 0.55, 0.19), (0.17, 0.54, 0.19), (0.0, 0.76, 0.22), (0.0, 0.56, 0.2))


def bush(p: Painter, mood: Mood, rng: np.random.Generator, x: float, foot: float, r: float) -> None:
    """A low bush that stands on `foot`."""
    green = rgb(LEAVES[int(rng.random() * len(LEAVES))])
    for shade, parts in ((0.84, ((-0.8, 0.7), (0.8, 0.75))), (0.94, ((0.0, 1.0),))):
        discs = [(x + shift * r, foot - 0.35 * size * r, size * r) for shift, size in parts]
        p.puffs(discs, mood.ink(green * np.float32(shade), 0.1), base=foot)


def flowers(p: Painter, mood: Mood, rng: np.random.Generator, foot: float, number: int) -> None:
    """A bed of flowers on stems, as many to a picture side as `number`."""
    n = int(number * p.width)
    x, near, pick = rng.random((3, n))
    x, near = x * p.width, np.sort(near)
    r = 0.018 + 0.01 * near
    stem, head = foot + 0.04 * near, foot + 0.04 * near - 3.4 * r
    petals = np.stack([mood.ink(c) for c in PETALS])[(pick * len(PETALS)).astype(int)]
    p.scatter(x, stem, r, mood.ink((62, 132, 60)), form=_stem, reach=(0.3, 3.4))
    p.scatter(x, head, r, petals, form=_petals)
    p.scatter(x, head, 0.34 * r, mood.ink((246, 190, 60)))


def _stem(x: Plane, y: Plane) -> Plane:
    stem: Plane = np.maximum(np.abs(x) - 0.14, np.maximum(y, -3.4 - y))
    return stem


def _petals(x: Plane, y: Plane) -> Plane:
    a, b = np.abs(x), np.abs(y)
    cross: Plane = np.hypot(np.maximum(a, b) - 0.5, np.minimum(a, b)) - 0.46
    return cross


def meadow_flowers(
    p: Painter, mood: Mood, rng: np.random.Generator, top: float, number: int
) -> None:
    """Dots of colour in grass, larger towards the viewer."""
    x, near, pick = rng.random((3, int(number * p.width)))
    at = top + (p.height - top) * near**0.7
    petals = np.stack([mood.ink(c) for c in PETALS])[(pick * len(PETALS)).astype(int)]
    r = 0.003 + 0.007 * near**0.7
    p.scatter(x * p.width, at, r, petals)
    p.scatter(x * p.width, at, 0.4 * r, mood.ink((246, 196, 70)))


def grass(p: Painter, mood: Mood, rng: np.random.Generator, top: float, colour: Colour) -> None:
    """Tufts of blades over a lawn, larger towards the viewer."""
    x, near = rng.random((2, int(34 * p.width)))
    at = top + (p.height - top) * near**0.8
    p.scatter(x * p.width, at, 0.014 + 0.024 * near, mood.ink(colour), form=_tuft,
              reach=(0.5, 1.0))  # fmt: skip


def _tuft(x: Plane, y: Plane) -> Plane:
    """Three blades that spread from one root."""
    width = 0.08 * (1 + y)
    blades = [np.abs(x - lean * y) - width for lean in (-0.45, 0.0, 0.45)]
    tuft: Plane = np.maximum(functools.reduce(np.minimum, blades), y)
    return tuft


def palm(p: Painter, mood: Mood, x: float, foot: float, tall: float, lean: float) -> None:
    """A coconut palm that leans by `lean` of its height."""
    bends = [(x + lean * tall * t**1.6, foot - tall * t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    p.stroke(bends, 0.075 * tall, mood.ink((150, 108, 70), 0.1), end=0.045 * tall)
    cx, cy = bends[-1]
    for dx, dy in ((-0.42, 0.1), (-0.34, -0.16), (-0.08, -0.27), (0.24, -0.22), (0.42, -0.02),
                   (0.36, 0.2), (-0.3, 0.26)):  # fmt: skip
        droop = [(cx, cy), (cx + 0.5 * dx * tall, cy + 0.5 * dy * tall - 0.06 * tall),
                 (cx + dx * tall, cy + dy * tall + 0.03 * tall)]  # fmt: skip
        p.stroke(droop, 0.085 * tall, mood.ink((64, 144, 72), 0.1), end=0.012 * tall)


def cactus(p: Painter, mood: Mood, x: float, foot: float, tall: float, far: float) -> None:
    """A saguaro with two arms."""
    green, thick = mood.ink((78, 138, 82), far), 0.17 * tall
    p.stroke(((x, foot), (x, foot - tall + thick / 2)), thick, green)
    for side, low, high in ((-1, 0.36, 0.68), (1, 0.48, 0.8)):
        out = x + side * 0.26 * tall
        arm = ((x, foot - low * tall), (out, foot - low * tall), (out, foot - high * tall))
        p.stroke(arm, 0.12 * tall, green)


def seaweed(p: Painter, rng: np.random.Generator, x: float, foot: float, tall: float) -> None:
    """A ribbon that sways under water."""
    phase, colour = rng.random() * 6.28, ((40, 130, 90), (60, 150, 80), (30, 110, 100))
    bends = [
        (x + 0.09 * tall * float(np.sin(phase + 5 * t)), foot - tall * t)
        for t in (0.0, 0.17, 0.33, 0.5, 0.67, 0.83, 1.0)
    ]
    p.stroke(bends, 0.13 * tall, colour[int(rng.random() * 3)], end=0.02 * tall)


def coral(p: Painter, rng: np.random.Generator, x: float, foot: float, tall: float) -> None:
    """A branching coral."""
    colour: RGB = ((238, 110, 110), (244, 150, 90), (214, 110, 180))[int(rng.random() * 3)]
    for lean, high in ((-0.45, 0.75), (-0.2, 1.0), (0.12, 0.85), (0.4, 0.95), (0.6, 0.6)):
        bend = ((x, foot), (x + 0.4 * lean * tall, foot - 0.45 * high * tall),
                (x + lean * tall, foot - high * tall))  # fmt: skip
        p.stroke(bend, 0.14 * tall, colour, end=0.09 * tall)
