"""The exact ground truth of a composed picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from unclip.corpus.colours import RGB
from unclip.corpus.store import Sprite

Relation = Literal["left of", "right of", "above", "below"]
"""Where a thing is, seen from another that it does not touch."""
CloseRelation = Literal["on", "under", "beside", "inside", "holding", "riding"]
"""What a thing has to do with another that it touches, or nearly does."""
Light = Literal["day", "dawn", "golden hour", "sunset", "dusk", "night"]
Weather = Literal["clear", "cloudy", "fog", "rain", "snow", "rainbow"]
Composition = Literal["close-up", "wide shot", "centred", "left", "right", "top", "bottom"]
Stance = Literal["standing", "floating", "flying"]
"""How a thing is held up in a place: by the ground, by water, or by nothing."""
Box = tuple[int, int, int, int]
Shape = tuple[float, float]
"""Width and height of a picture, of which the shorter is 1, a picture side."""
SQUARE: Shape = (1.0, 1.0)


def frame(shape: Shape, size: int) -> tuple[int, int]:
    """Width and height in px of a picture of this shape whose shorter side is `size` px."""
    return round(shape[0] * size), round(shape[1] * size)


@dataclass(frozen=True)
class Placed:
    """A sprite in a picture. `x`, `y` are its centre and `size` its side, in picture sides.

    Args:
        index: the sprite's row in the store.
        colour: what it was recoloured to, if it was.
        flip: mirrored.
        rim: what lies below this y is hidden, behind the rim of a vessel or under water.
        layer: drawn after everything of a lower layer, and of its own that came before.
        shadow: darkens the ground under it.
    """

    sprite: Sprite
    index: int
    x: float
    y: float
    size: float
    colour: str | None = None
    flip: bool = False
    rim: float | None = None
    layer: int = 0
    shadow: bool = False

    def box(self, size: int) -> Box:
        """The square it covers in a picture of `size` px: x0, y0, x1, y1."""
        side = max(1, round(self.size * size))
        x0, y0 = round(self.x * size - side / 2), round(self.y * size - side / 2)
        return x0, y0, x0 + side, y0 + side


@dataclass(frozen=True)
class Background:
    """What lies behind the objects.

    Args:
        kind: "plain", "gradient", or a place of `places.catalogue.PLACES`.
        name: what a caption calls its colour; for a place, empty.
        colours: one colour if plain, two if a gradient (`angle` in turns), else empty.
        seed: places stars, hills and clouds.
        light, weather: of a place.
    """

    kind: str
    name: str
    colours: tuple[RGB, ...] = ()
    angle: float = 0.0
    seed: int = 0
    light: Light = "day"
    weather: Weather = "clear"

    @property
    def is_place(self) -> bool:
        """Whether it is a place, with light and weather."""
        return not self.colours


@dataclass(frozen=True)
class Scene:
    """A whole picture.

    Args:
        objects: what is in it; the order matters to `relation`.
        style: of the whole picture; None where its objects differ in it.
        relation: of the first object to the second.
        composition: how the first object is framed, where that is worth a word.
        filter: a key of `filters.FILTERS` that repainted the picture; `style` is then its name.
        shape: width and height of the frame.
        stance: how the first object is held up, in a place.
        seed: of the filter's strokes.
    """

    objects: tuple[Placed, ...]
    background: Background
    style: str | None
    relation: Relation | CloseRelation | None = None
    composition: Composition | None = None
    filter: str | None = None
    shape: Shape = SQUARE
    stance: Stance | None = None
    seed: int = 0

    @property
    def count(self) -> int:
        """How many of the same thing there are; 1 where objects differ."""
        return len(self.objects) if self.relation is None else 1

    def frame(self, size: int) -> tuple[int, int]:
        """Width and height in px of a picture whose shorter side is `size` px."""
        return frame(self.shape, size)
