"""Composing captioned pictures: sample a `Scene`, render all or part of it, describe it.

A scene is the exact ground truth: rendering and captions are functions of it alone (and, for a
caption, of the choice among true phrasings).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from unclip.corpus import captions
from unclip.corpus.casting import Casting
from unclip.corpus.choice import pick
from unclip.corpus.figures import Figures
from unclip.corpus.filters import DARK, FILTERS
from unclip.corpus.mixture import Mixture
from unclip.corpus.raster import Pixels
from unclip.corpus.render import Renderer
from unclip.corpus.scene import SQUARE, Box, Scene, Shape
from unclip.corpus.setting import Stage
from unclip.corpus.split import Split, allowed, held_out_combination, held_out_pair
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument

__all__ = (
    "Composer",
    "Mixture",
    "Split",
    "held_out_combination",
    "held_out_pair",
    "pick",
)
_FILTERS = tuple(FILTERS)
_STROKES = 16
"""How many different strokes a filter has."""


class Composer:
    """Samples and renders scenes from a store.

    `split` is "train", "heldout" (concepts never trained on) or "combinations" (known concepts in
    colours, counts, company and painted styles never trained on).
    """

    def __init__(
        self, store: SpriteStore, mixture: Mixture | None = None, split: Split = "train"
    ) -> None:
        """Raises `InvalidArgument` for an unknown split, or one in which no sprite is left."""
        if split not in ("train", "heldout", "combinations"):
            raise InvalidArgument("split", f"is {split!r}; it may be train, heldout, combinations")
        self.store, self.split = store, split
        self.mixture = mixture or Mixture()
        figures = Figures(store)
        self._casting = Casting(figures, self.mixture, split)
        self._stage = Stage(self.mixture)
        self._renderer = Renderer(figures)
        self.concepts = self._casting.concepts

    def sample(self, rng: np.random.Generator, shape: Shape = SQUARE) -> Scene:
        """A scene of the mixture, in a frame of this width and height, of which one is 1."""
        scene = self._stage.scene(self._casting.draw(rng), rng, shape)
        return self._painted(scene, rng) if rng.random() < self.mixture.painted else scene

    def render(self, scene: Scene, size: int = 64) -> Pixels:
        """The whole picture, its shorter side `size` px: uint8 [h, w, 3]."""
        width, height = scene.frame(size)
        return self.render_crop(scene, size, (0, 0, width, height))

    def render_crop(self, scene: Scene, size: int, box: Box) -> Pixels:
        """The part `box` (x0, y0, x1, y1 in px) of the picture at `size` px, uint8 [h, w, 3].

        Only what the crop shows is drawn: vector art from its SVG, sharp at any size.
        """
        return self._renderer.render(scene, size, box)

    def caption(self, scene: Scene, rng: np.random.Generator) -> str:
        """A true description of `scene`, one of many phrasings."""
        return captions.describe(scene, rng)

    def masks(self, scene: Scene, size: int = 64) -> list[npt.NDArray[np.bool_]]:
        """What is to be seen of each object at `size` px, [h, w], in the order of the objects."""
        return self._renderer.masks(scene, size)

    def _painted(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """The scene repainted by a filter, unless the split or the scene is against it."""
        name, seed = pick(rng, _FILTERS), int(rng.random() * _STROKES)
        for placed in scene.objects:
            sprite = placed.sprite
            colourless = sprite.style in ("silhouette", "black and white drawing")
            lost = name in DARK and placed.colour is not None
            if colourless or lost or not allowed(self.split, sprite.concept, name):
                return scene
        return replace(scene, style=name, filter=name, seed=seed)
