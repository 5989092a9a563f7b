"""Light and weather: what colour the sky is, and what it does to everything under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unclip.corpus import scene
from unclip.corpus.colours import RGB
from unclip.corpus.places.painter import Colour, Painter, Plane, edge, mixed, noise, rgb


@dataclass(frozen=True)
class Light:
    """A time of day.

    Args:
        top, low: the sky overhead and at the horizon.
        land: what light does to the colours of the land: factors of red, green and blue.
        things: the same for the objects, which stay brighter.
        cloud: colour of a cloud.
    """

    top: RGB
    low: RGB
    land: tuple[float, float, float]
    things: tuple[float, float, float]
    cloud: RGB


LIGHTS: dict[scene.Light, Light] = {
    "day": Light((70, 154, 234), (200, 230, 250), (1, 1, 1), (1, 1, 1), (255, 255, 255)),
    "dawn": Light(
        (132, 164, 218), (255, 212, 196), (0.95, 0.86, 0.88), (1, 0.95, 0.94), (255, 232, 226)
    ),
    "golden hour": Light(
        (112, 160, 210), (255, 212, 132), (1.05, 0.90, 0.66), (1, 0.93, 0.80), (255, 236, 200)
    ),
    "sunset": Light(
        (94, 58, 136), (255, 150, 78), (0.80, 0.52, 0.48), (1, 0.85, 0.76), (250, 150, 128)
    ),
    "dusk": Light(
        (38, 42, 100), (204, 128, 160), (0.50, 0.44, 0.62), (0.82, 0.77, 0.92), (126, 96, 146)
    ),
    "night": Light(
        (9, 13, 42), (42, 56, 112), (0.24, 0.31, 0.52), (0.68, 0.73, 0.94), (52, 62, 104)
    ),
}
_GREY: dict[scene.Weather, float] = {"cloudy": 0.65, "rain": 0.8, "snow": 0.7, "fog": 0.85}
_HAZE: dict[scene.Weather, float] = {"fog": 1.0, "rain": 0.6, "snow": 0.55, "cloudy": 0.3}
_FALLING: dict[scene.Weather, RGB] = {"rain": (214, 226, 242), "snow": (255, 255, 255)}
VEILED: tuple[scene.Weather, ...] = ("fog", "rain", "snow")
"""Weathers with something in the air before everything."""
_RAINBOW: tuple[RGB, ...] = (
    (236, 64, 64), (250, 150, 50), (252, 226, 80), (96, 200, 96), (70, 140, 236), (150, 84, 206),
)  # fmt: skip


class Mood:
    """Light and weather together: mixes colours as they look in both."""

    def __init__(self, light: scene.Light, weather: scene.Weather) -> None:
        self.light, self.weather = light, weather
        self._light = LIGHTS[light]
        grey = _GREY.get(weather, 0.0)
        dim = np.float32(0.86 if weather in ("rain", "cloudy") else 1.0)
        self.top: Plane = mixed(self._light.top, _greyed(self._light.top), grey) * dim
        self.low: Plane = mixed(self._light.low, _greyed(self._light.low), grey) * dim
        if weather == "fog":
            self.top = mixed(self.top, self.low, 0.9)
        self._haze = _HAZE.get(weather, 0.25)
        self._dull = 0.3 * grey

    def ink(self, colour: Colour, far: float = 0.0) -> Plane:
        """A colour of the land as it looks in this light, `far` (0 to 1) off in the haze."""
        lit: Plane = rgb(colour) * rgb(self._light.land)
        lit = mixed(lit, _greyed(lit), self._dull)
        if self.weather == "snow":
            lit = mixed(lit, rgb((240, 244, 250)) * rgb(self._light.land), 0.35)
        near = 0.25 if self.weather == "fog" else 0.0
        return mixed(lit, self.low, near + (0.95 - near) * far * self._haze)

    def cloud(self) -> Plane:
        """The colour of clouds."""
        grey = _GREY.get(self.weather, 0.0)
        return mixed(self._light.cloud, rgb(_greyed(self._light.cloud)) * np.float32(0.9), grey)

    def veil(self) -> Plane:
        """The colour of mist, rain or snow before everything."""
        if self.weather == "fog":
            return self.low
        return rgb(_FALLING[self.weather]) * rgb(self._light.things)

    @property
    def dark(self) -> bool:
        """Whether lamps are lit."""
        return self.light in ("dusk", "night")


def _greyed(colour: Colour) -> Plane:
    c = rgb(colour)
    return np.full(3, 0.3 * c[0] + 0.55 * c[1] + 0.15 * c[2], np.float32)


def paint_sky(p: Painter, mood: Mood, seed: int, horizon: float) -> None:
    """Sky with sun, moon, stars, clouds and rainbow, down to a horizon (y) and beyond."""
    rng = np.random.default_rng((seed, 1))
    p.fade(mood.top, mood.low, 0.0, horizon)
    x, clear = p.width * (0.15 + 0.7 * rng.random()), mood.weather in ("clear", "rainbow")
    lift = rng.random()
    if clear and mood.light == "night":
        _stars(p, rng, horizon)
        y = (0.12 + 0.1 * lift) * p.height
        p.glow(x, y, 0.26, (190, 200, 240), 0.35)
        p.disc(x, y, 0.065, (252, 246, 214))
        for dx, dy, r in ((-0.02, -0.015, 0.014), (0.022, 0.012, 0.018), (-0.012, 0.03, 0.01)):
            p.disc(x + dx, y + dy, r, (230, 222, 184))
    elif clear and mood.light in ("sunset", "dawn"):
        y = horizon - 0.03 - 0.08 * lift
        core, halo = (
            ((255, 232, 160), (255, 190, 104))
            if mood.light == "sunset"
            else ((255, 246, 214), (255, 226, 190))
        )
        p.glow(x, y, 0.5, halo, 0.75)
        p.disc(x, y, 0.1, core)
    elif clear and mood.light in ("day", "golden hour"):
        y = (0.13 if mood.light == "day" else 0.34) * p.height + 0.06 * lift
        p.glow(x, y, 0.3, (255, 244, 196), 0.6)
        p.disc(x, y, 0.06, (255, 236, 130) if mood.light == "day" else (255, 226, 120))
    if mood.weather == "rainbow":
        _rainbow(p, rng, horizon)
    if mood.weather in ("cloudy", "rain", "snow"):
        _overcast(p, mood, seed, horizon)
    few = {"cloudy": 5, "fog": 0, "rain": 4, "snow": 3}.get(mood.weather, 3)
    if mood.light == "night" and clear:
        few = 1
    for _ in range(few):
        _cloud(p, rng, mood.cloud(), horizon)


def _cloud(p: Painter, rng: np.random.Generator, colour: Plane, horizon: float) -> None:
    """One cloud of a few puffs on a flat base, in the upper half of the sky."""
    x, y = p.width * rng.random(), horizon * (0.16 + 0.42 * rng.random())
    side = 0.05 + 0.05 * rng.random()
    shade = mixed(colour, colour * np.float32(0.88), 1.0)
    puffs = [(-1.3, 0.45), (-0.6, 0.8), (0.1, 1.0), (0.8, 0.7), (1.4, 0.4)]
    grown = [(dx + 0.2 * (rng.random() - 0.5), r * (0.85 + 0.3 * rng.random())) for dx, r in puffs]
    base = y + 0.28 * side
    p.puffs([(x + dx * side, y, r * side) for dx, r in grown], shade, base)
    lit = [(x + dx * side, y - 0.2 * side * r, 0.94 * r * side) for dx, r in grown]
    p.puffs(lit, colour, base - 0.16 * side)


def _stars(p: Painter, rng: np.random.Generator, horizon: float) -> None:
    x, y, r = rng.random((3, int(30 * p.width)))
    p.scatter(x * p.width, y * horizon, 0.003 + 0.005 * r**2, (250, 246, 224), soft=0.003)


def _rainbow(p: Painter, rng: np.random.Generator, horizon: float) -> None:
    x, y = p.width * (0.35 + 0.3 * rng.random()), horizon + 0.05
    reach, wide = 0.42 + 0.08 * rng.random(), 0.018
    far = np.hypot(p.u - x, p.v - y)
    for i, colour in enumerate(_RAINBOW):
        ring = edge(np.abs(far - reach + i * wide) - wide / 2, max(p.pixel, 0.006))
        p.cover(colour, 0.7 * ring)


def _overcast(p: Painter, mood: Mood, seed: int, horizon: float) -> None:
    spots = noise(p.u, p.v, (3, 7), seed + 77, p.pixel)
    fade = np.clip(1 - p.v / horizon, 0, 1)
    p.cover(mood.cloud(), np.clip(0.5 * spots + 0.25, 0, 0.7) * fade)


def paint_veil(p: Painter, weather: scene.Weather, seed: int) -> None:
    """How thick mist, rain or snow hides what is behind it, white on black."""
    rng = np.random.default_rng((seed, 3))
    white = (255, 255, 255)
    if weather == "fog":
        drift = noise(p.u, p.v, (2, 5), seed + 5, p.pixel, 2)
        p.cover(white, np.clip(0.26 + 0.14 * drift, 0, 1))
    elif weather == "rain":
        p.cover(white, 0.06)
        x, y, long, bright = rng.random((4, int(56 * p.width * p.height)))
        p.scatter(x * (p.width + 0.1), y * (p.height + 0.1), 0.03 + 0.03 * long, white,
                  0.35 + 0.3 * bright, _streak, reach=(0.35, 1.1))  # fmt: skip
    elif weather == "snow":
        x, y, r = rng.random((3, int(60 * p.width * p.height)))
        p.scatter(x * p.width, y * p.height, 0.004 + 0.009 * r**2, white, soft=0.006)


def _streak(x: Plane, y: Plane) -> Plane:
    """A slanting line of falling rain."""
    drop: Plane = np.maximum(np.abs(x + 0.25 * y) - 0.07, np.abs(y) - 1)
    return drop
