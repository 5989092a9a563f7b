"""The exact ground truth of a composed picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unclip.corpus.colours import RGB
from unclip.corpus.store import Sprite

Relation = Literal["left of", "right of", "above", "below"]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Placed:
    """A sprite in a picture. `x`, `y` are its centre and `size` its side, in picture sides.

    `index` is the sprite's row in the store; `colour` what it was recoloured to, if it was.
    """

    sprite: Sprite
    index: int
    x: float
    y: float
    size: float
    colour: str | None = None
    flip: bool = False

    def box(self, size: int) -> Box:
        """The square it covers in a picture of `size` px: x0, y0, x1, y1."""
        side = max(1, round(self.size * size))
        x0, y0 = round(self.x * size - side / 2), round(self.y * size - side / 2)
        return x0, y0, x0 + side, y0 + side


@dataclass(frozen=True)
class Background:
    """What lies behind the objects.

    Args:
        kind: "plain", "gradient", or a scenery of `backgrounds.SCENERIES`.
        name: what a caption calls its colour; for a scenery, empty.
        colours: one colour if plain, two if a gradient (`angle` in turns), else empty.
        seed: places stars, hills and clouds.
    """

    kind: str
    name: str
    colours: tuple[RGB, ...] = ()
    angle: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """A whole picture. `style` is None where its objects differ in it.

    `relation` says where the first object is, seen from the second.
    """

    objects: tuple[Placed, ...]
    background: Background
    style: str | None
    relation: Relation | None = None

    @property
    def count(self) -> int:
        """How many of the same thing there are; 1 where objects differ."""
        return len(self.objects) if self.relation is None else 1
