"""True descriptions of a scene, and false ones that are nearly true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from unclip.corpus.choice import pick
from unclip.corpus.colours import COLOUR_SYNONYMS, OBJECT_COLOURS
from unclip.corpus.filters import DARK
from unclip.corpus.names import plural
from unclip.corpus.phrases import (
    ALIKE_LIGHTS,
    ALIKE_PLACES,
    FAMILIES,
    NUMBERS,
    RELATION_PHRASES,
    STYLE_AFTER,
    STYLE_OF,
    UNLIKE,
    WEATHER_PHRASES,
)
from unclip.corpus.scene import Background, Scene
from unclip.corpus.store import Sprite
from unclip.corpus.wording import Part, Wording, changeable, phrases

__all__ = (
    "NUMBERS",
    "RELATION_PHRASES",
    "STYLE_AFTER",
    "STYLE_OF",
    "contradict",
    "describe",
    "phrases",
)
T = TypeVar("T")


def describe(scene: Scene, rng: np.random.Generator, insist: Part | None = None) -> str:
    """One of many true captions of `scene`; of what may be left out, it has what is insisted on.

    The same state of `rng` gives scenes that differ in one thing the same phrasing.
    """
    return Wording(scene, rng, insist).caption()


Change = tuple[Scene, Part | None]
"""A scene that is another in one thing, and what its caption must say for that to show."""


def contradict(scene: Scene, rng: np.random.Generator, others: Sequence[Sprite] = ()) -> str | None:
    """A caption that is true of `scene` but for one thing, or None where nothing can be changed.

    A colour, the count, the relation, the style, the place, its light or weather, the composition
    or the background is another; with `others` to take it from, so may the object be.
    """
    changes = [change for change in _CHANGES if change(scene, rng) is not None]
    if _other_thing(scene, rng, others) is not None:
        changes += [lambda scene, rng: _other_thing(scene, rng, others)] * 2
    if not changes:
        return None
    changed = pick(rng, changes)(scene, rng)
    assert changed is not None
    return describe(changed[0], rng, changed[1])


def _other_thing(scene: Scene, rng: np.random.Generator, others: Sequence[Sprite]) -> Change | None:
    at = int(rng.random() * len(scene.objects)) if scene.relation else 0
    taken = {name for placed in scene.objects for name in phrases(placed.sprite)}
    fitting = [
        sprite
        for sprite in others
        if not any(one in other or other in one for one in phrases(sprite) for other in taken)
        and (scene.count == 1 or plural(sprite.concept))
    ]
    if not fitting:
        return None
    sprite = pick(rng, fitting)
    objects = tuple(
        replace(placed, sprite=sprite) if i == at or scene.relation is None else placed
        for i, placed in enumerate(scene.objects)
    )
    return replace(scene, objects=objects), None


def _other_colour(scene: Scene, rng: np.random.Generator) -> Change | None:
    coloured = [i for i, placed in enumerate(scene.objects) if placed.colour]
    if not coloured:
        return None
    taken = {placed.colour for placed in scene.objects}
    colour = pick(rng, [name for name in OBJECT_COLOURS if name not in taken])
    changed = coloured if scene.relation is None else [pick(rng, coloured)]
    objects = tuple(
        replace(placed, colour=colour) if i in changed else placed
        for i, placed in enumerate(scene.objects)
    )
    return replace(scene, objects=objects), None


def _swapped_colours(scene: Scene, rng: np.random.Generator) -> Change | None:
    colours = [placed.colour for placed in scene.objects]
    if scene.relation is None or None in colours:
        return None
    objects = tuple(
        replace(placed, colour=colour)
        for placed, colour in zip(scene.objects, reversed(colours), strict=True)
    )
    return replace(scene, objects=objects), None


def _other_count(scene: Scene, rng: np.random.Generator) -> Change | None:
    n = len(scene.objects)
    if scene.count == 1:
        return None
    count = pick(rng, [k for k in NUMBERS if k != n])
    return replace(scene, objects=(scene.objects[0],) * count), None


def _other_order(scene: Scene, rng: np.random.Generator) -> Change | None:
    """What was left of the other is right of it, what rode the other is ridden by it."""
    if scene.relation in (None, "beside"):
        return None
    return replace(scene, objects=scene.objects[::-1]), "relation"


def _other_style(scene: Scene, rng: np.random.Generator) -> Change | None:
    if scene.style is None:
        return None
    style = _unlike(scene.style, FAMILIES, rng)
    return replace(scene, style=style), "style"


def _other_place(scene: Scene, rng: np.random.Generator) -> Change | None:
    if not scene.background.is_place:
        return None
    kind = _unlike(scene.background.kind, ALIKE_PLACES, rng)
    return _behind(scene, replace(scene.background, kind=kind)), "place"


def _other_light(scene: Scene, rng: np.random.Generator) -> Change | None:
    if not changeable(scene):
        return None
    light = _unlike(scene.background.light, ALIKE_LIGHTS, rng)
    return _behind(scene, replace(scene.background, light=light)), "light"


def _other_weather(scene: Scene, rng: np.random.Generator) -> Change | None:
    if not changeable(scene):
        return None
    weathers = [w for w in WEATHER_PHRASES if w != scene.background.weather]
    return _behind(scene, replace(scene.background, weather=pick(rng, weathers))), "weather"


def _other_background(scene: Scene, rng: np.random.Generator) -> Change | None:
    if scene.background.is_place or scene.filter in DARK:
        return None
    words = {*scene.background.name.split(" ")}
    names = [name for name in OBJECT_COLOURS if not words & {name, *COLOUR_SYNONYMS.get(name, ())}]
    return _behind(scene, replace(scene.background, name=pick(rng, names))), "background"


def _other_composition(scene: Scene, rng: np.random.Generator) -> Change | None:
    if scene.composition is None:
        return None
    return replace(scene, composition=UNLIKE[scene.composition]), "composition"


def _behind(scene: Scene, background: Background) -> Scene:
    return replace(scene, background=background)


def _unlike(name: T, families: Sequence[Sequence[T]], rng: np.random.Generator) -> T:
    """A member of another family."""
    return pick(rng, [other for family in families if name not in family for other in family])


_CHANGES: tuple[Callable[[Scene, np.random.Generator], Change | None], ...] = (
    _other_colour,
    _swapped_colours,
    _other_count,
    _other_order,
    _other_style,
    _other_place,
    _other_light,
    _other_weather,
    _other_background,
    _other_composition,
)
