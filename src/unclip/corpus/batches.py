"""Captioned batches as a pure function of (seed, index), so that training resumes exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unclip.corpus.composer import Composer
from unclip.corpus.raster import Pixels
from unclip.corpus.scene import SQUARE, Scene, Shape, frame


@dataclass(frozen=True)
class Batch:
    """`pixels` uint8 [b, h, w, 3] with a caption and the ground truth of each picture."""

    pixels: Pixels
    captions: list[str]
    scenes: list[Scene]


def batch(
    composer: Composer,
    seed: int,
    index: int,
    batch_size: int,
    size: int = 64,
    shape: Shape = SQUARE,
) -> Batch:
    """Batch number `index` of the endless sequence that `seed` names.

    The shorter side of a picture is `size` px; `shape` is its width and height, of which one is 1.
    """
    rng = np.random.default_rng((seed, index))
    width, height = frame(shape, size)
    pixels = np.empty((batch_size, height, width, 3), np.uint8)
    scenes: list[Scene] = []
    captions: list[str] = []
    for i in range(batch_size):
        scene = composer.sample(rng, shape)
        pixels[i] = composer.render(scene, size)
        scenes.append(scene)
        captions.append(composer.caption(scene, rng))
    return Batch(pixels, captions, scenes)


def batches(
    composer: Composer, batch_size: int, seed: int, start: int = 0, size: int = 64
) -> Iterator[Batch]:
    """Batches `start`, `start + 1`, ... without end."""
    for index in itertools.count(start):
        yield batch(composer, seed, index, batch_size, size)
