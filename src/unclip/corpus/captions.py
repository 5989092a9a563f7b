"""True descriptions of a scene, from tags to sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from unclip.corpus.colours import colour_name, luminance
from unclip.corpus.names import TONES, head, is_plural, plural, uncoloured, with_article
from unclip.corpus.scene import Background, Placed, Scene
from unclip.corpus.store import Sprite

T = TypeVar("T")

STYLE_OF: dict[str, tuple[str, ...]] = {
    "3d render": ("a 3d render of", "a 3d rendering of", "a 3D model of", "a 3d image of"),
    "glossy": ("a glossy illustration of", "a glossy drawing of", "a shiny illustration of"),
    "cartoon": ("a cartoon of", "a cartoon drawing of", "a cartoon illustration of"),
    "flat vector": (
        "a flat vector drawing of", "a flat illustration of", "a vector illustration of",
        "a flat icon of", "a flat design of",
    ),
    "clip art": ("clip art of", "a clip art drawing of", "a clipart picture of"),
    "silhouette": ("a silhouette of", "a black silhouette of"),
    "black and white drawing": ("a black and white drawing of", "a line drawing of"),
}  # fmt: skip
"""What precedes an object to say its style."""

STYLE_AFTER: dict[str, tuple[str, ...]] = {
    "3d render": ("3d render", "3D render", "3d rendering", "3d"),
    "glossy": ("glossy illustration", "glossy style", "glossy"),
    "cartoon": ("cartoon", "cartoon style"),
    "flat vector": ("flat vector", "flat design", "vector art", "flat style", "flat illustration"),
    "clip art": ("clip art", "clipart"),
    "silhouette": ("silhouette", "black silhouette"),
    "black and white drawing": ("black and white", "black and white drawing"),
}
"""What follows a comma to say the style."""

_PLAIN_OF = (
    "a picture of", "an image of", "an illustration of", "a drawing of", "a picture showing",
    "an icon of", "an artwork of",
)  # fmt: skip
SCENERY_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": ("on green grass", "in a meadow", "in a green field under a blue sky", "on grass"),
    "sunset": ("at sunset", "under a sunset sky", "in front of a sunset"),
    "night": ("at night", "under a starry night sky", "under the moon and stars"),
    "sea": ("at sea", "in the ocean", "on the water under a blue sky", "in the sea"),
    "snow": ("in the snow", "on snow", "in a snowy landscape"),
    "desert": ("in the desert", "on sand", "in a sandy desert"),
}
NUMBERS = {2: ("two", "2", "a pair of"), 3: ("three", "3"), 4: ("four", "4")}
RELATION_PHRASES = {
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "above": ("above", "over", "on top of"),
    "below": ("below", "under", "beneath"),
}


def _pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.random() * len(items))]


def describe(scene: Scene, rng: np.random.Generator) -> str:
    """One of many true captions of `scene`."""
    where = _where(scene.background, rng)
    if scene.relation is not None:
        what = _related(scene, rng)
    elif len(scene.objects) > 1:
        what = _counted(scene, rng)
    else:
        what = with_article(_thing(scene.objects[0], rng))
        if not where and rng.random() < 0.12:  # the bare word, as people type it
            return _bare(what)
    style = scene.style
    mention = rng.random()
    if style is not None and mention < 0.27:
        caption = f"{_pick(rng, STYLE_OF[style])} {what}"
        return f"{caption} {where}" if where else caption
    if style is not None and mention < 0.52:
        after = _pick(rng, STYLE_AFTER[style])
        order = rng.random()
        if where and order < 0.5:
            return f"{what}, {after}, {where}"
        return f"{what} {where}, {after}" if where else f"{what}, {after}"
    if mention < 0.72:
        what = f"{_pick(rng, _PLAIN_OF)} {what}"
    elif mention < 0.78:
        many = scene.count > 1 or is_plural(scene.objects[0].sprite.concept)
        what = f"{'there are' if many else 'there is'} {what}"
    if where:
        return f"{what}{', ' if rng.random() < 0.15 else ' '}{where}"
    return what


def _bare(phrase: str) -> str:
    return phrase.removeprefix("a ").removeprefix("an ")


def _where(background: Background, rng: np.random.Generator) -> str:
    """The background in words, or nothing: the paler it is, the oftener it goes unsaid."""
    if background.kind not in ("plain", "gradient"):
        return _pick(rng, SCENERY_PHRASES[background.kind]) if rng.random() < 0.85 else ""
    light = sum(map(luminance, background.colours)) / len(background.colours)
    said = 0.25 if background.name == "white" else 0.8 - 0.45 * light
    if rng.random() > said:
        return ""
    noun = "background"
    if background.kind == "gradient" and rng.random() < 0.5:
        noun = "gradient background"
    name = background.name
    order = rng.random()
    if order < 0.7:
        return f"on {with_article(name)} {noun}"
    return f"{'with' if order < 0.85 else 'against'} {with_article(name)} {noun}"


def phrases(sprite: Sprite) -> tuple[str, ...]:
    """Every noun phrase that is true of a sprite, the concept first."""
    word, _, last = sprite.concept.rpartition(" ")
    if last == "face" and sprite.category == "animals":
        return (sprite.concept, word, *sprite.synonyms)
    return (sprite.concept, *sprite.synonyms)


def _thing(placed: Placed, rng: np.random.Generator) -> str:
    """A noun phrase without article for one object, with its colour or skin tone."""
    sprite = placed.sprite
    names = phrases(sprite)
    face = sprite.category == "animals" and sprite.concept.endswith(" face")
    name = names[0]
    if len(names) > 1 and rng.random() < (0.45 if face else 0.25):
        name = names[1] if face else _pick(rng, names[1:])
    if placed.colour is not None:
        return f"{placed.colour} {uncoloured(name)}"
    if sprite.main_colour is not None and rng.random() < 0.3 and uncoloured(name) == name:
        own = colour_name(sprite.main_colour)  # a thing's own colour is now and then worth a word
        return f"{own} {name}" if own else name
    if sprite.tone and rng.random() < 0.5:
        return f"{name} {_tone(name, sprite.tone)}"
    return name


def _tone(name: str, tone: int) -> str:
    joint = "and" if " with " in name else "with"
    return f"{joint} {TONES[tone]} skin"


def _counted(scene: Scene, rng: np.random.Generator) -> str:
    name = _thing(scene.objects[0], rng)
    many = plural(name) or plural(scene.objects[0].sprite.concept)
    assert many is not None, "only what can be counted is drawn several times"
    number = _pick(rng, NUMBERS[len(scene.objects)])
    if rng.random() < 0.12 and not head(many)[2]:
        return f"a group of {number} {many}" if number != "a pair of" else f"a pair of {many}"
    return f"{number} {many}"


def _related(scene: Scene, rng: np.random.Generator) -> str:
    a, b = (with_article(_thing(placed, rng)) for placed in scene.objects)
    assert scene.relation is not None
    choice = rng.random()
    if choice < 0.65:
        return f"{a} {_pick(rng, RELATION_PHRASES[scene.relation])} {b}"
    if choice < 0.85 or scene.relation in ("above", "below"):
        return f"{a} and {b}"
    return f"{a} {_pick(rng, ('next to', 'beside'))} {b}"
