"""Composing captioned pictures: sample a `Scene`, render all or part of it, describe it.

A scene is the exact ground truth: rendering and captions are functions of it alone (and, for a
caption, of the choice among true phrasings).
"""

from __future__ import annotations

import bisect
import itertools
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from unclip.corpus import backgrounds, captions
from unclip.corpus.colours import BACKGROUND_COLOURS, OBJECT_COLOURS, RGB, recolour
from unclip.corpus.names import plural, uncoloured
from unclip.corpus.raster import Pixels, over, unpacked
from unclip.corpus.scene import Background, Box, Placed, Relation, Scene
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument

Split = Literal["train", "heldout", "combinations"]
T = TypeVar("T")


@dataclass(frozen=True)
class Mixture:
    """Shares of what pictures show, in the order of the fields; they need not add up to one.

    Args:
        single: one object on a plain or gradient background.
        count: two to four of the same thing.
        pair: two different things, one left of, right of, above or below the other.
        coloured: one object in a colour that is not its own.
        scenic: one object in a landscape.
        white: share of white among plain backgrounds; `gradient` is the share of gradients.
        native: only drawings at least this many pixels a side (vector art always is).
        size: smallest and largest side of a single object, in picture sides.
        weights: how often a category is drawn, beside 2 for one that is not named.
    """

    single: float = 0.60
    count: float = 0.15
    pair: float = 0.12
    coloured: float = 0.08
    scenic: float = 0.05
    white: float = 0.35
    gradient: float = 0.2
    native: int = 0
    size: tuple[float, float] = (0.55, 0.95)
    weights: tuple[tuple[str, float], ...] = (("people", 1.0), ("faces", 1.0), ("shapes", 1.0))


_PEOPLE = frozenset(("man", "woman", "person", "boy", "girl", "child"))
_ONE_HAND_WEIGHT = 0.6
_DIRECTED = ("left", "right", "leftwards", "rightwards")

# Cells (x, y, side) of tidy groups, in picture sides.
_LAYOUTS: dict[int, tuple[tuple[tuple[float, float, float], ...], ...]] = {
    2: (
        ((0.25, 0.5, 0.49), (0.75, 0.5, 0.49)),
        ((0.26, 0.26, 0.46), (0.74, 0.74, 0.46)),
        ((0.5, 0.25, 0.49), (0.5, 0.75, 0.49)),
    ),
    3: (
        ((0.5, 0.26, 0.46), (0.26, 0.74, 0.46), (0.74, 0.74, 0.46)),
        ((0.18, 0.5, 0.32), (0.5, 0.5, 0.32), (0.82, 0.5, 0.32)),
    ),
    4: (((0.26, 0.26, 0.46), (0.74, 0.26, 0.46), (0.26, 0.74, 0.46), (0.74, 0.74, 0.46)),),
}
_RELATIONS: dict[Relation, tuple[tuple[float, float], tuple[float, float]]] = {
    "left of": ((0.26, 0.5), (0.74, 0.5)),
    "right of": ((0.74, 0.5), (0.26, 0.5)),
    "above": ((0.5, 0.26), (0.5, 0.74)),
    "below": ((0.5, 0.74), (0.5, 0.26)),
}


def held_out_combination(concept: str, attribute: str | int) -> bool:
    """Whether a concept is never trained on in this colour or this count: one in twelve."""
    return zlib.crc32(f"{concept}/{attribute}".encode()) % 12 == 0


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of `items`, uniformly."""
    return items[int(rng.random() * len(items))]


class Composer:
    """Samples and renders scenes from a store.

    `split` is "train", "heldout" (concepts never trained on) or "combinations" (known concepts in
    colours and counts never trained on).
    """

    def __init__(
        self, store: SpriteStore, mixture: Mixture | None = None, split: Split = "train"
    ) -> None:
        """Raises `InvalidArgument` for an unknown split, or one in which no sprite is left."""
        if split not in ("train", "heldout", "combinations"):
            raise InvalidArgument("split", f"is {split!r}; it may be train, heldout, combinations")
        self.store, self.split = store, split
        self.mixture = mixture or Mixture()
        part = "heldout" if split == "heldout" else "train"
        groups: dict[str, list[int]] = defaultdict(list)
        for i, sprite in enumerate(store.sprites):
            if sprite.split == part and (not sprite.native or sprite.native >= self.mixture.native):
                groups[sprite.concept].append(i)
        if not groups:
            raise InvalidArgument("split", f"has no sprite of {part} in the store")
        self.concepts = tuple(groups)
        weights = dict(self.mixture.weights)
        self._any = _Choice(store, groups, weights)
        countable = {c: g for c, g in groups.items() if plural(c)}
        coloured = {
            c: hued
            for c, g in groups.items()
            if not c.startswith("two ") and (hued := [i for i in g if store[i].main_colour])
        }
        scenic = {
            c: g
            for c, g in groups.items()
            if store[g[0]].category in ("animals", "vehicles") or _PEOPLE & {*c.split(" ")}
        }
        kinds: list[tuple[float, Callable[[np.random.Generator], Scene]]] = [
            (self.mixture.single, self._single),
            (self.mixture.count if countable else 0.0, self._count),
            (self.mixture.pair if len(groups) > 1 else 0.0, self._pair),
            (self.mixture.coloured if coloured else 0.0, self._coloured),
            (self.mixture.scenic if scenic else 0.0, self._scenic),
        ]
        if split == "combinations":
            kinds = [kinds[1], kinds[3]]
        self._countable = _Choice(store, countable, weights) if countable else self._any
        self._hued = _Choice(store, coloured, weights) if coloured else self._any
        self._landscape = _Choice(store, scenic, weights) if scenic else self._any
        self._kinds = [kind for _, kind in kinds]
        self._shares = list(itertools.accumulate(share for share, _ in kinds))
        if not self._shares[-1] > 0:
            raise InvalidArgument("mixture", "has no share that this store can fill")

    def sample(self, rng: np.random.Generator) -> Scene:
        """A scene of the mixture."""
        at = bisect.bisect_right(self._shares, rng.random() * self._shares[-1])
        return self._kinds[min(at, len(self._kinds) - 1)](rng)

    def render(self, scene: Scene, size: int = 64) -> Pixels:
        """The whole picture, uint8 [size, size, 3]."""
        return self.render_crop(scene, size, (0, 0, size, size))

    def render_crop(self, scene: Scene, size: int, box: Box) -> Pixels:
        """The part `box` (x0, y0, x1, y1 in px) of the picture at `size` px, uint8 [h, w, 3].

        Only what the crop shows is drawn: vector art from its SVG, sharp at any size.
        """
        canvas = backgrounds.canvas(scene.background, size, box)
        drawn: dict[object, Pixels] = {}
        for placed in scene.objects:
            px0, py0, px1, py1 = placed.box(size)
            x0, y0 = max(px0, box[0]), max(py0, box[1])
            x1, y1 = min(px1, box[2]), min(py1, box[3])
            if x0 >= x1 or y0 >= y1:
                continue
            window = (x0 - px0, y0 - py0, x1 - px0, y1 - py0)
            key = (placed.index, placed.flip, placed.colour, px1 - px0, window)
            if key not in drawn:  # several of the same thing are drawn once
                drawn[key] = self._part(placed, px1 - px0, window)
            over(drawn[key], canvas[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]])
        return unpacked(canvas)

    def caption(self, scene: Scene, rng: np.random.Generator) -> str:
        """A true description of `scene`, one of many phrasings."""
        return captions.describe(scene, rng)

    def _part(self, placed: Placed, side: int, window: Box) -> Pixels:
        """The part `window` of an object drawn `side` px wide, premultiplied RGBA."""
        x0, y0, x1, y1 = window
        if placed.flip:
            part = self.store.region(placed.index, side, (side - x1, y0, side - x0, y1))[:, ::-1]
        else:
            part = self.store.region(placed.index, side, window)
        if placed.colour is not None:
            assert placed.sprite.main_colour is not None
            part = recolour(part, placed.sprite.main_colour, placed.colour)
        return part

    def _single(self, rng: np.random.Generator) -> Scene:
        index = self._any.draw(rng)
        least, most = self.mixture.size
        size = least + (most - least) * rng.random() ** 0.7
        spare = (1 - size) / 2
        x, y = (0.5 + spare * 0.8 * (2 * rng.random() - 1) for _ in range(2))
        placed = self._place(rng, index, x, y, size)
        return Scene((placed,), self._background(rng), placed.sprite.style)

    def _count(self, rng: np.random.Generator) -> Scene:
        while True:
            index = self._countable.draw(rng)
            n = 2 + bisect.bisect((0.45, 0.8), rng.random())
            if self._allowed(self.store[index].concept, n):
                break
        cells, scale = pick(rng, _LAYOUTS[n]), 0.84 + 0.14 * rng.random()
        flip = self._flip(rng, index)
        objects = tuple(
            Placed(self.store[index], index, x, y, side * scale, flip=flip) for x, y, side in cells
        )
        return Scene(objects, self._background(rng), objects[0].sprite.style)

    def _pair(self, rng: np.random.Generator) -> Scene:
        first = self._any.draw(rng)
        one = self.store[first]
        for _ in range(8):  # mostly one style, as an illustrator would
            second = self._any.draw(rng)
            two = self.store[second]
            if two.concept != one.concept and (two.style == one.style or rng.random() < 0.1):
                break
        while self.store[second].concept == one.concept:
            second = self._any.draw(rng)
        relation: Relation = pick(rng, tuple(_RELATIONS))
        size = 0.37 + 0.07 * rng.random()
        a, b = (
            self._place(rng, index, x + 0.03 * (rng.random() - 0.5), y, size)
            for index, (x, y) in zip((first, second), _RELATIONS[relation], strict=True)
        )
        style = a.sprite.style if a.sprite.style == b.sprite.style else None
        return Scene((a, b), self._background(rng), style, relation)

    def _coloured(self, rng: np.random.Generator) -> Scene:
        while True:
            index = self._hued.draw(rng)
            sprite = self.store[index]
            colour = pick(rng, tuple(OBJECT_COLOURS))
            own = colour in sprite.concept.split(" ")
            if not own and self._allowed(uncoloured(sprite.concept), colour):
                break
        size = 0.6 + 0.32 * rng.random()
        placed = Placed(sprite, index, 0.5, 0.5, size, colour, self._flip(rng, index))
        while True:
            background = self._background(rng)
            if colour not in background.name:
                return Scene((placed,), background, sprite.style)

    def _scenic(self, rng: np.random.Generator) -> Scene:
        index = self._landscape.draw(rng)
        size = 0.45 + 0.2 * rng.random()
        x, bottom = 0.5 + 0.3 * (rng.random() - 0.5), 0.86 + 0.08 * rng.random()
        placed = self._place(rng, index, x, bottom - size / 2, size)
        kind = pick(rng, tuple(backgrounds.SCENERIES))
        seed = int(rng.random() * backgrounds.SCENERY_SEEDS)
        return Scene((placed,), Background(kind, "", seed=seed), placed.sprite.style)

    def _allowed(self, concept: str, attribute: str | int) -> bool:
        """Training and evaluation of combinations never share one."""
        wanted = self.split == "combinations"
        return self.split == "heldout" or held_out_combination(concept, attribute) == wanted

    def _place(
        self, rng: np.random.Generator, index: int, x: float, y: float, size: float
    ) -> Placed:
        return Placed(self.store[index], index, x, y, size, flip=self._flip(rng, index))

    def _flip(self, rng: np.random.Generator, index: int) -> bool:
        flipped = rng.random() < 0.3
        return flipped and not any(word in self.store[index].concept for word in _DIRECTED)

    def _background(self, rng: np.random.Generator) -> Background:
        m = self.mixture
        if rng.random() < m.white:
            return Background("plain", "white", ((255, 255, 255),))
        name, rgb = pick(rng, _COLOURED)
        jitter = [int(24 * (rng.random() - 0.5)) for _ in range(3)]
        colour = _shifted(rgb, jitter)
        if rng.random() >= m.gradient:
            return Background("plain", name, (colour,))
        angle = pick(rng, (0.0, 0.125, 0.25, 0.375, 0.5, 0.75))
        if rng.random() < 0.6:  # the same colour, lighter to darker
            step = 30 + int(25 * rng.random())
            ends = _shifted(colour, (step,) * 3), _shifted(colour, (-step,) * 3)
            return Background("gradient", name, ends, angle)
        other, second = pick(rng, _COLOURED)
        name = name if other == name else f"{name} and {other}"
        return Background("gradient", name, (colour, second), angle)


_COLOURED = tuple((name, rgb) for name, rgb in BACKGROUND_COLOURS.items() if name != "white")


def _shifted(rgb: RGB, by: Sequence[int]) -> RGB:
    r, g, b = (min(255, max(0, c + d)) for c, d in zip(rgb, by, strict=True))
    return r, g, b


class _Choice:
    """Draws sprites: concept by weight, then style, then skin tone, then drawing, uniformly."""

    def __init__(
        self, store: SpriteStore, groups: dict[str, list[int]], categories: dict[str, float]
    ) -> None:
        weights: list[float] = []
        self._trees: list[list[list[list[int]]]] = []
        for indices in groups.values():
            tree: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
            for i in indices:
                tree[store[i].style][store[i].tone].append(i)
            self._trees.append([list(tones.values()) for tones in tree.values()])
            drawn_once = all(store[i].source == "openclipart" for i in indices)
            weight = categories.get(store[indices[0]].category, 2.0)
            weights.append(weight * len(tree) * (_ONE_HAND_WEIGHT if drawn_once else 1.0))
        self._ends = list(itertools.accumulate(weights))

    def draw(self, rng: np.random.Generator) -> int:
        """A row of the store."""
        at = bisect.bisect_right(self._ends, rng.random() * self._ends[-1])
        return pick(rng, pick(rng, pick(rng, self._trees[min(at, len(self._trees) - 1)])))
