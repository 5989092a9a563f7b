"""Scenes that answer a prompt, scenes that answer it wrongly, and scenes to teach the judge.

All are rendered by the corpus's composer, so what is in them is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from unclip.corpus.choice import pick
from unclip.corpus.colours import oklab
from unclip.corpus.composer import Composer
from unclip.corpus.layout import CELLS, Cell
from unclip.corpus.scene import Background, Placed, Scene
from unclip.evaluation.detector import PIXELS
from unclip.evaluation.prompts import COLOURS, RELATIONS, Prompt, Wanted, can_be_drawn
from unclip.evaluation.vocabulary import PAINTED, STYLES, Vocabulary

T = TypeVar("T")

_SIZE = (0.8, 1.0)
"""Of one object among several, in sizes of its cell; of one alone, in picture sides, `_ALONE`."""
_ALONE = (0.55, 0.95)
_STROKES = 16
LEAST_SEEN = 12
"""Pixels of an object that must show for it to be one."""
_CONTRAST, _TRIES = 0.1, 8
"""How far a thing's pixels are from those behind it, in OKLab."""


def group(rng: np.random.Generator, n: int) -> list[Cell]:
    """Centres and sides of `n` cells that do not overlap, in any order."""
    tidy = pick(rng, CELLS[n]) if n > 1 else ((0.5, 0.5, 1.0),)
    return [tidy[i] for i in rng.permutation(n)]


def answer(
    prompt: Prompt, vocabulary: Vocabulary, composer: Composer, rng: np.random.Generator
) -> Scene:
    """A scene that shows what a prompt asks for and nothing else, as far as some tries go before a
    background on which all of it can be seen."""
    for _ in range(_TRIES):
        scene = _answer(prompt, vocabulary, composer, rng)
        if can_be_seen(scene, composer):
            break
    return scene


def can_be_seen(scene: Scene, composer: Composer) -> bool:
    """Whether every object has some pixels, which differ from those behind it."""
    plain = replace(scene, filter=None)
    behind = composer.render(replace(plain, objects=()), PIXELS)
    off = np.linalg.norm(oklab(composer.render(plain, PIXELS)) - oklab(behind), axis=-1)
    shown = composer.masks(scene, PIXELS)
    return all(mask.sum() >= LEAST_SEEN and off[mask].mean() >= _CONTRAST for mask in shown)


def _answer(
    prompt: Prompt, vocabulary: Vocabulary, composer: Composer, rng: np.random.Generator
) -> Scene:
    counts = [wanted.count for wanted in prompt.include]
    if prompt.relation is None:
        free = group(rng, prompt.objects)
    else:
        free = _beside(rng, counts, prompt.relation)
    objects: list[Placed] = []
    for wanted in prompt.include:
        index = _drawing(wanted, prompt.style, vocabulary, rng)
        own, free = free[: wanted.count], free[wanted.count :]
        size = rng.uniform(*(_SIZE if prompt.objects > 1 else _ALONE))
        flip = bool(rng.random() < 0.3)
        objects += [
            Placed(vocabulary.store[index], index, x, y, side * size, wanted.colour, flip)
            for x, y, side in own
        ]
    background = background_for(composer, rng, [w.colour for w in prompt.include if w.colour])
    scene = Scene(tuple(objects), background, prompt.style, prompt.relation)
    return painted(scene, prompt.style, rng) if prompt.style in PAINTED else scene


def painted(scene: Scene, style: str, rng: np.random.Generator) -> Scene:
    """A scene repainted by the filter of that style."""
    return replace(scene, style=style, filter=style, seed=int(rng.integers(_STROKES)))


def _beside(rng: np.random.Generator, counts: Sequence[int], relation: str) -> list[Cell]:
    """Cells of the first thing on one side and of the second on the other."""
    made: list[Cell] = []
    for k, count in enumerate(counts):
        first = (k == 0) == (relation in ("left of", "above"))
        near = (0.25 if first else 0.75) + 0.03 * (rng.random() - 0.5)
        side = min(0.46, 0.96 / count)
        for i in range(count):
            along = (i + 0.5) / count if count > 1 else 0.5 + 0.1 * (rng.random() - 0.5)
            x, y = (near, along) if relation in ("left of", "right of") else (along, near)
            made.append((x, y, side))
    return made


def _drawing(
    wanted: Wanted, style: str | None, vocabulary: Vocabulary, rng: np.random.Generator
) -> int:
    fitting = vocabulary.drawings(wanted.name, style, wanted.colour)
    assert fitting, f"no drawing of {wanted} in {style}"
    return evenly(rng, fitting, lambda i: (vocabulary.store[i].style, vocabulary.store[i].concept))


def evenly(rng: np.random.Generator, items: Sequence[T], key: Callable[[T], object]) -> T:
    """One of `items`: first one of the values of `key`, then one that has it."""
    value = pick(rng, list(dict.fromkeys(map(key, items))))
    return pick(rng, [item for item in items if key(item) == value])


def background_for(
    composer: Composer, rng: np.random.Generator, colours: Sequence[str]
) -> Background:
    """One of the composer's backgrounds in clear air, before which these colours show as they are.

    A place lends things its light, so there is none behind a thing whose colour matters.
    """
    while True:
        background = composer.sample(rng).background
        lost = any(colour in background.name for colour in colours)
        if not lost and background.weather == "clear" and not (colours and background.is_place):
            return background


def wrong_prompts(prompt: Prompt, vocabulary: Vocabulary) -> Iterator[tuple[str, Prompt]]:
    """Every prompt that asks for one thing otherwise, and in what: what answers it is wrong."""
    include = prompt.include
    for at, wanted in enumerate(include):
        for name in vocabulary.names:
            if name not in {w.name for w in include}:
                yield "object", _changed(prompt, at, name=name)
        if wanted.colour is not None:
            for colour in COLOURS:
                if colour != wanted.colour:
                    yield "colour", _changed(prompt, at, colour=colour)
        if wanted.count > 1:
            for count in (wanted.count - 1, wanted.count + 1):
                yield "count", _changed(prompt, at, count=count)
        if len(include) > 1:
            left = tuple(w for i, w in enumerate(include) if i != at)
            yield "missing", replace(prompt, include=left, relation=None)
    if len({w.colour for w in include}) == 2:
        first, second = include[0].colour, include[1].colour
        yield "swapped colours", _changed(_changed(prompt, 0, colour=second), 1, colour=first)
    if prompt.relation is not None:
        for relation in RELATIONS:
            if relation != prompt.relation:
                yield "relation", replace(prompt, relation=relation)
    if prompt.style is not None:
        for style in STYLES:
            if style != prompt.style:
                yield "style", replace(prompt, style=style)


def wrong_prompt(
    prompt: Prompt, vocabulary: Vocabulary, rng: np.random.Generator
) -> tuple[str, Prompt]:
    """One of `wrong_prompts` that can be drawn: first a way to be wrong, then one that is so."""
    options = list(wrong_prompts(prompt, vocabulary))
    while True:
        chosen = evenly(rng, options, lambda option: option[0])
        if can_be_drawn(chosen[1], vocabulary):
            return chosen
        options.remove(chosen)


def _changed(prompt: Prompt, at: int, **changes: Any) -> Prompt:
    include = list(prompt.include)
    include[at] = replace(include[at], **changes)
    return replace(prompt, include=tuple(include))
