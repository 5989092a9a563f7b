"""What the judge learns from: crowded scenes of the corpus, spoiled as a generator spoils them.

Batch k is a function of the seed and k. Every object of a scene has its class, style, colour and
box; some are broken on purpose, and then are none of the classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unclip.corpus.choice import pick
from unclip.corpus.composer import Composer
from unclip.corpus.raster import Pixels
from unclip.corpus.scene import Placed, Scene
from unclip.evaluation.detector import PIXELS, UNSAID, Targets, cut_out, encode, position
from unclip.evaluation.prompts import COLOURS
from unclip.evaluation.scenes import LEAST_SEEN, background_for, evenly, group, painted
from unclip.evaluation.spoil import spoiled
from unclip.evaluation.vocabulary import PAINTED, STYLES, Vocabulary
from unclip.models.autoencoder import Autoencoder
from unclip.training.data import to_tensor

COMPOSED = 0.15
"""Share of scenes that are the composer's own; `REPAINTED` of the others go through a filter."""
REPAINTED = 0.4
KNOWN = 0.75
"""Share of classes among the objects of the others."""
BROKEN = 0.08
"""Share of their objects that are broken."""
_MOVED, _SCALED = 0.05, 0.08
"""How far a box that is cut out may be off, in its sides, as the finder's may."""
_EMPTY = 0.25
"""Cuts of no object in particular, for each picture."""


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Labels:
    """An object: class, style and colour, each or `UNSAID`, and x0, y0, x1, y1 in pictures."""

    kind: int
    style: int
    colour: int
    box: Box


@dataclass
class Labelled:
    """A picture and its objects; None for one that hardly shows."""

    pixels: Pixels
    objects: list[Labels | None]


class Lesson(NamedTuple):
    """A batch. Of each object: the picture and the row and column that it is at, and its labels."""

    pixels: Float[Tensor, "b 3 p p"]
    targets: Targets
    crops: Float[Tensor, "m 3 c c"]
    kind: Int[Tensor, " m"]
    style: Int[Tensor, " m"]
    colour: Int[Tensor, " m"]
    at: Int[Tensor, "m 3"]


class Study:
    """Makes batches for the judge from a vocabulary and a composer.

    Args:
        autoencoder: of a model; see `spoiled`.
    """

    def __init__(
        self, vocabulary: Vocabulary, composer: Composer, autoencoder: Autoencoder | None = None
    ) -> None:
        self.vocabulary, self.composer, self.autoencoder = vocabulary, composer, autoencoder
        self.store = vocabulary.store

    def batch(self, seed: int, index: int, size: int) -> Lesson:
        """Pictures, and what should be said of them."""
        rng = np.random.default_rng((seed, index))
        made = [self.example(rng) for _ in range(size)]
        pixels = spoiled(to_tensor(np.stack([one.pixels for one in made])), rng, self.autoencoder)
        objects = [[known for known in one.objects if known is not None] for one in made]
        targets = encode([[known.box for known in row] for row in objects])
        listed = [(k, known) for k, row in enumerate(objects) for known in row]
        for k in range(int(_EMPTY * size)):
            x, y, side = rng.uniform(0, 0.7), rng.uniform(0, 0.7), rng.uniform(0.15, 0.3)
            nothing = Labels(len(self.vocabulary), UNSAID, UNSAID, (x, y, x + side, y + side))
            if not any(_touch(nothing.box, known.box) for known in objects[k]):
                listed.append((k, nothing))
        boxes = _shaken(np.array([known.box for _, known in listed]), rng)
        at = torch.tensor([(k, *_position(known.box)) for k, known in listed])
        return Lesson(
            pixels,
            targets,
            cut_out(pixels, at[:, 0], torch.from_numpy(boxes).float()),
            torch.tensor([known.kind for _, known in listed]),
            torch.tensor([known.style for _, known in listed]),
            torch.tensor([known.colour for _, known in listed]),
            at,
        )

    def example(self, rng: np.random.Generator) -> Labelled:
        """One of the composer's scenes, or up to six objects of any kind, some of them broken."""
        if rng.random() < COMPOSED:
            return self.labelled(self.composer.sample(rng))
        scene = self.crowd(rng)
        made = self.labelled(scene)
        for k, placed in enumerate(scene.objects):
            if rng.random() < BROKEN and (part := _inside(placed)) is not None:
                _break(made.pixels[part])
                known = made.objects[k]
                made.objects[k] = known and replace(known, kind=len(self.vocabulary), style=UNSAID)
        return made

    def crowd(self, rng: np.random.Generator) -> Scene:
        """Up to six objects that do not touch, of one kind or of several, some in a colour."""
        n = int(rng.choice(6, p=(0.22, 0.22, 0.18, 0.18, 0.1, 0.1))) + 1
        same = self._object(rng) if rng.random() < 0.35 else None
        objects = []
        for x, y, side in group(rng, n):
            index, colour = same or self._object(rng)
            size = side * rng.uniform(0.55, 1.0)
            spare = (side - size) / 2
            x, y = (c + spare * rng.uniform(-1, 1) for c in (x, y))
            flip = bool(rng.random() < 0.3)
            objects.append(Placed(self.store[index], index, x, y, size, colour, flip))
        background = background_for(self.composer, rng, [o.colour for o in objects if o.colour])
        scene = Scene(tuple(objects), background, None)
        if PAINTED and rng.random() < REPAINTED:
            return painted(scene, pick(rng, PAINTED), rng)
        return scene

    def _object(self, rng: np.random.Generator) -> tuple[int, str | None]:
        if rng.random() < KNOWN or not self._others:
            drawings = self.vocabulary.things[pick(rng, self.vocabulary.names)].drawings
            index = evenly(rng, drawings, lambda i: self.store[i].style)
        else:
            index = pick(rng, pick(rng, self._others))
        coloured = rng.random() < 0.6 and self.vocabulary.takes_colour(index)
        return index, pick(rng, COLOURS) if coloured else None

    @cached_property
    def _others(self) -> list[list[int]]:
        groups: dict[str, list[int]] = {}
        for i in self.vocabulary.others:
            groups.setdefault(self.store[i].concept, []).append(i)
        return list(groups.values())

    def labelled(self, scene: Scene) -> Labelled:
        """Render a scene with its labels."""
        objects: list[Labels | None] = []
        for placed, shown in zip(scene.objects, self.composer.masks(scene, PIXELS), strict=True):
            number = self.vocabulary.number(placed.index)
            kind = UNSAID if number is None else number
            style = STYLES.index(scene.filter or placed.sprite.style)
            visible = shown.sum() >= LEAST_SEEN
            colour = self._colour(placed, scene)
            objects.append(Labels(kind, style, colour, box_of(shown)) if visible else None)
        return Labelled(self.composer.render(scene, PIXELS), objects)

    def _colour(self, placed: Placed, scene: Scene) -> int:
        """What it was dyed, else its own; unsaid where the light or a filter changes colours."""
        in_clear_light = not scene.background.is_place and scene.background.weather == "clear"
        colour = placed.colour or self.vocabulary.colour(placed.index)
        said = colour is not None and in_clear_light and scene.filter is None
        return COLOURS.index(colour) if said else UNSAID


def box_of(shown: npt.NDArray[np.bool_]) -> Box:
    """x0, y0, x1, y1, in pictures, of what is true."""
    rows, columns = (np.flatnonzero(shown.any(axis=axis)) for axis in (1, 0))
    ends = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    x0, y0, x1, y1 = (float(end) / PIXELS for end in ends)
    return x0, y0, x1, y1


def _touch(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _position(box: Box) -> tuple[int, int]:
    return position((box[1] + box[3]) / 2), position((box[0] + box[2]) / 2)


def _shaken(boxes: npt.NDArray[np.floating], rng: np.random.Generator) -> npt.NDArray[np.floating]:
    """Boxes [m, 4] a little off in place and size."""
    size = boxes[:, 2:] - boxes[:, :2]
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 + _MOVED * size * rng.standard_normal(size.shape)
    half = size / 2 * np.exp(_SCALED * rng.standard_normal(size.shape))
    return np.concatenate([centre - half, centre + half], axis=1)


def _break(part: npt.NDArray[Any]) -> None:
    """Let the halves of an object trade places, one mirrored: what is left is no class."""
    half = len(part) // 2
    upper = part[:half].copy()
    part[:half] = part[half : 2 * half, ::-1]
    part[half : 2 * half] = upper


def _inside(placed: Placed) -> tuple[slice, slice] | None:
    """The rows and columns of an object, where it is wholly inside the picture."""
    x0, y0, x1, y1 = placed.box(PIXELS)
    whole = min(x0, y0) >= 0 and max(x1, y1) <= PIXELS
    return (slice(y0, y1), slice(x0, x1)) if whole else None
