"""Where a picture is set: its background, and how its things are arranged before it."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unclip.corpus import layout
from unclip.corpus.backgrounds import views
from unclip.corpus.casting import Cast
from unclip.corpus.choice import pick
from unclip.corpus.colours import BACKGROUND_COLOURS, RGB, alike, object_rgb
from unclip.corpus.layout import SIDES, Figure
from unclip.corpus.mixture import Mixture
from unclip.corpus.places.catalogue import PLACES, Place
from unclip.corpus.relations import FLIES, FLOATS, SKY, at_home, placeable
from unclip.corpus.scene import (
    Background,
    CloseRelation,
    Composition,
    Light,
    Placed,
    Relation,
    Scene,
    Shape,
    Stance,
)

_COLOURED = tuple((name, rgb) for name, rgb in BACKGROUND_COLOURS.items() if name != "white")
_ANGLES = (0.0, 0.125, 0.25, 0.375, 0.5, 0.75)
_HOME, _DAY, _CLEAR = 0.65, 0.45, 0.55
_TRIES = 64
_TRUE_LIGHTS: tuple[Light, ...] = ("day", "dawn", "golden hour")
"""Lights in which a named colour still looks like its name."""
_FRAMES: tuple[Composition, ...] = (
    "close-up", "wide shot", "centred", "left", "right", "top", "bottom",
)  # fmt: skip
_PLACE_FRAMES: tuple[Composition, ...] = ("close-up", "wide shot", "centred", "left", "right")


class Stage:
    """Sets casts before plain backgrounds and into places."""

    def __init__(self, mixture: Mixture) -> None:
        self._mixture = mixture

    def scene(self, cast: Cast, rng: np.random.Generator, shape: Shape) -> Scene:
        """A scene with this cast."""
        in_place = cast.scenic or (
            rng.random() < self._mixture.placed
            and (len(cast.figures) > 1 or cast.figures[0].colour is not None)
            and cast.relation not in ("above", "below")
            and all(placeable(f.sprite.concept, f.sprite.category) for f in cast.figures)
        )
        if in_place and (background := self._place(cast.figures, rng)) is not None:
            return self._in_place(cast, background, rng, shape)
        return self._before_plain(cast, rng, shape)

    def _before_plain(self, cast: Cast, rng: np.random.Generator, shape: Shape) -> Scene:
        width, height = shape
        objects: Sequence[Placed]
        composition: Composition | None = None
        figures = cast.figures
        if cast.relation is None and len(figures) == 1:
            if rng.random() < self._mixture.framed:
                composition = pick(rng, _FRAMES)
            objects = [_framed(figures[0], composition, rng, shape, self._mixture.size)]
        elif cast.relation is None:
            objects = layout.cells(figures, rng, width, height)
        elif cast.relation in SIDES:
            size = 0.37 + 0.07 * rng.random()
            objects = [
                figure.at((x + 0.03 * (rng.random() - 0.5)) * width, y * height, size)
                for figure, (x, y) in zip(figures, SIDES[cast.relation], strict=True)
            ]
        else:
            reach = 0.8 + 0.14 * rng.random()
            middle, widest = (width / 2, height / 2), reach * min(width, 1.3)
            objects = layout.together(cast.relation, figures, rng, middle, None, widest, reach)
        background = self._plain(rng, figures)
        return Scene(
            tuple(objects), background, cast.style, cast.relation, composition, shape=shape
        )

    def _plain(self, rng: np.random.Generator, figures: Sequence[Figure]) -> Background:
        """A plain or gradient background in which nothing is lost."""
        for _ in range(_TRIES):
            background = self._any_plain(rng)
            if not any(_lost(figure, background) for figure in figures):
                return background
        # a mixture may ask for one background only
        flat = (Background("plain", name, (rgb,)) for name, rgb in BACKGROUND_COLOURS.items())
        return next(b for b in flat if not any(_lost(figure, b) for figure in figures))

    def _any_plain(self, rng: np.random.Generator) -> Background:
        m = self._mixture
        if rng.random() < m.white:
            return Background("plain", "white", ((255, 255, 255),))
        name, rgb = pick(rng, _COLOURED)
        colour = _shifted(rgb, [int(24 * (rng.random() - 0.5)) for _ in range(3)])
        if rng.random() >= m.gradient:
            return Background("plain", name, (colour,))
        angle = pick(rng, _ANGLES)
        if rng.random() < 0.6:  # the same colour, lighter to darker
            step = 30 + int(25 * rng.random())
            ends = _shifted(colour, (step,) * 3), _shifted(colour, (-step,) * 3)
            return Background("gradient", name, ends, angle)
        other, second = pick(rng, _COLOURED)
        name = name if other == name else f"{name} and {other}"
        return Background("gradient", name, (colour, second), angle)

    def _place(self, figures: Sequence[Figure], rng: np.random.Generator) -> Background | None:
        """A place where things of these colours show, mostly one that they are at home in."""
        homes = at_home(figures[0].sprite.concept, figures[0].sprite.category)
        kind = pick(rng, homes) if homes and rng.random() < _HOME else pick(rng, _KINDS)
        place = PLACES[kind]
        colours = [figure.colour for figure in figures if figure.colour]
        if any(colour in place.colours for colour in colours):
            return None
        lights, weathers = place.lights, place.weathers
        if colours:
            lights = tuple(x for x in lights if x in _TRUE_LIGHTS) or lights
            weathers = tuple(x for x in weathers if x not in ("fog", "snow")) or weathers
        light = lights[0] if rng.random() < _DAY else pick(rng, lights)
        weather = weathers[0] if rng.random() < _CLEAR else pick(rng, weathers)
        if weather == "rainbow" and light not in ("day", "golden hour"):
            weather = "clear"
        seed = int(rng.random() * views(light, weather))
        return Background(kind, "", seed=seed, light=light, weather=weather)

    def _in_place(
        self, cast: Cast, background: Background, rng: np.random.Generator, shape: Shape
    ) -> Scene:
        place, figures = PLACES[background.kind], cast.figures
        stance = _stance(cast, place, rng)
        composition: Composition | None = None
        width, height = shape
        far, near = (y * height for y in place.ground)
        foot = far + (near - far) * rng.random()
        objects: list[Placed]
        if len(figures) == 1:
            if rng.random() < self._mixture.framed:
                composition = pick(rng, _PLACE_FRAMES)
            objects = [_scenic(figures[0], stance, composition, rng, shape, place)]
        elif cast.relation is None:
            objects = _rows(figures, stance, rng, shape, place)
        elif cast.relation in SIDES:
            size = 0.32 + 0.08 * rng.random()
            objects = [
                figure.stood(SIDES[cast.relation][i][0] * width, foot, size / figure.longest)
                for i, figure in enumerate(figures)
            ]
        else:
            widest, highest = 0.8 * min(width, 1.2), 0.84 * foot
            middle = (width / 2, height / 2)
            stood = None if place.holds == "nothing" else foot
            objects = layout.together(cast.relation, figures, rng, middle, stood, widest, highest)
        if stance == "floating":
            objects = _awash(objects, cast)
        elif stance == "standing":
            objects = [
                replace(placed, shadow=_on_ground(cast.relation, i, figures[i]))
                for i, placed in enumerate(objects)
            ]
        return Scene(
            tuple(objects), background, cast.style, cast.relation, composition,
            shape=shape, stance=stance,
        )  # fmt: skip


_KINDS = tuple(PLACES)


def _lost(figure: Figure, background: Background) -> bool:
    """Whether a thing of one colour would not show before a background."""
    if figure.colour is not None:
        if figure.colour in background.name:
            return True
        own = object_rgb(figure.colour)
    elif figure.sprite.main_colour is not None:
        r, g, b = (round(255 * c) for c in colorsys.hsv_to_rgb(*figure.sprite.main_colour))
        own = (r, g, b)
    else:
        return False
    return any(alike(own, colour) for colour in background.colours)


def _shifted(rgb: RGB, by: Sequence[int]) -> RGB:
    r, g, b = (min(255, max(0, c + d)) for c, d in zip(rgb, by, strict=True))
    return r, g, b


def _framed(
    figure: Figure, composition: Composition | None, rng: np.random.Generator, shape: Shape,
    sizes: tuple[float, float],
) -> Placed:  # fmt: skip
    """One thing before a plain background."""
    width, height = shape
    loose = [2 * rng.random() - 1 for _ in range(2)]
    some = rng.random()
    x, y, size = width / 2, height / 2, 0.42 + 0.14 * some
    if composition is None:
        size = sizes[0] + (sizes[1] - sizes[0]) * some**0.7
        x, y = (s / 2 + 0.8 * r * (s - size) / 2 for s, r in zip(shape, loose, strict=True))
    elif composition == "close-up":
        size = 1.05 + 0.2 * some
        x, y = x + 0.12 * loose[0], y + 0.12 * loose[1]
    elif composition == "wide shot":
        size = 0.18 + 0.12 * some
        x, y = x + 0.2 * width * loose[0], y + 0.2 * height * loose[1]
    elif composition == "centred":
        size = 0.4 + 0.45 * some
    elif composition in ("left", "right"):
        x = width * (0.31 if composition == "left" else 0.69)
    else:
        y = height * (0.3 if composition == "top" else 0.7)
    return figure.at(x, y, size)


def _scenic(
    figure: Figure, stance: Stance, composition: Composition | None, rng: np.random.Generator,
    shape: Shape, place: Place,
) -> Placed:  # fmt: skip
    """One thing in a place."""
    width, height = shape
    loose, near = 2 * rng.random() - 1, rng.random()
    x = width / 2 + 0.16 * width * loose
    if composition == "centred":
        x = width / 2
    elif composition in ("left", "right"):
        x = width * (0.3 if composition == "left" else 0.7)
    longest = (0.3 if stance == "flying" else 0.4) + 0.24 * near
    if composition == "close-up":
        longest, x = 0.92 + 0.26 * near, width / 2 + 0.1 * loose
    elif composition == "wide shot":
        longest, near = 0.14 + 0.1 * near, 0.3 * near
    elif composition is not None:
        longest = min(longest, 0.5)
    size = min(longest, 0.94 * width if composition != "close-up" else 2.0) / figure.longest
    tall = figure.extent.height * size
    if place.holds == "nothing":
        foot = height / 2 + tall / 2 + 0.1 * (2 * rng.random() - 1)
    elif stance == "flying":
        highest, lowest = 0.05 + tall, max(0.05 + tall, 0.62 * height)
        foot = highest + (lowest - highest) * rng.random()
    else:
        ground = [y * height for y in place.ground]
        foot = max(ground[0] + (ground[1] - ground[0]) * near, 0.05 + tall)
    if composition == "close-up":
        foot = max(foot, 0.08 + tall)
    return figure.stood(x, foot, size)


def _rows(
    figures: Sequence[Figure], stance: Stance, rng: np.random.Generator, shape: Shape, place: Place
) -> list[Placed]:
    """Several things on one ground, up to three in a row; in the air, a loose group."""
    width, height = shape
    if stance == "flying":
        high = height if place.holds == "nothing" else 0.66 * height
        return [
            replace(placed, size=placed.size * min(1.0, high))
            for placed in layout.cells(figures, rng, width, high)
        ]
    n = len(figures)
    front = n if n <= 3 else (n + 1) // 2
    low = (place.ground[1] - 0.02 * rng.random()) * height
    longest = min(0.84 * width / front, 0.5 if n <= 3 else 0.25) * (0.86 + 0.14 * rng.random())
    objects = layout.row(figures[:front], low, longest, 0.04 * width, 0.96 * width)
    if n > front:
        back = min(place.ground[0] * height, low - longest - 0.01)
        objects += layout.row(figures[front:], back, 0.94 * longest, 0.08 * width, 0.92 * width)
    return objects


def _stance(cast: Cast, place: Place, rng: np.random.Generator) -> Stance:
    """How the things that carry the others are held up."""
    bearer = cast.figures[1 if cast.relation in ("on", "inside", "riding") else 0]
    concept = bearer.sprite.concept
    if place.holds == "nothing":
        return "flying"
    may_fly = place.sky and cast.relation is None
    if may_fly and (concept in SKY or (concept in FLIES and rng.random() < 0.6)):
        return "flying"
    return "floating" if place.holds == "water" else "standing"


def _on_ground(relation: Relation | CloseRelation | None, number: int, figure: Figure) -> bool:
    """Whether the first or second thing of a relation throws its shadow on the ground."""
    if number == 0 and relation in ("on", "inside", "riding"):
        return False
    if number == 1 and (relation == "holding" or figure.sprite.concept in SKY):
        return False
    return figure.sprite.style not in _DRAWN


_DRAWN = ("silhouette", "black and white drawing")


def _awash(objects: list[Placed], cast: Cast) -> list[Placed]:
    """Sink things into water: those that carry another take it with them."""
    made: list[Placed] = []
    carried = 0 if cast.relation in ("on", "inside", "riding") else 1
    close = cast.relation is not None and cast.relation not in (*SIDES, "beside")
    bearer = 1 - carried if close else None
    for i, placed in enumerate(objects):
        at = bearer if bearer is not None else i
        figure, size = cast.figures[at], objects[at].size
        deep = 0.12 if figure.sprite.concept in FLOATS else 0.26
        sunk = deep * figure.extent.height * size
        line = placed.y + (cast.figures[i].extent.bottom - 0.5) * placed.size
        rim = None if placed.rim is None else placed.rim + sunk
        if at == i:
            rim = line
        made.append(replace(placed, y=placed.y + sunk, rim=rim))
    return made
