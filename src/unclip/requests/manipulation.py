"""Pictures from pictures: varied, blended, or moved toward a sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from unclip.errors import InvalidArgument
from unclip.requests.base import (
    Request,
    check_float,
    check_image,
    check_int,
    check_prompt,
    shown,
)

if TYPE_CHECKING:
    from PIL.Image import Image

Weights = tuple[float, ...]

MAX_ITEMS = 10
MAX_FRAMES = 64


@dataclass(frozen=True)
class Manipulation(Request):
    """Pictures from other pictures by their latents, the embedding z_i and the noise x_T.

    A picture is seen as the square in its middle, on white where it is transparent.

    Args:
        strength: 0 keeps the noise that a picture comes from, 1 draws it anew from the seed.
        sampler: "ddim", which alone can be run backwards to find that noise.
    """

    strength: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_float("strength", self.strength, 0, 1)
        if self.sampler not in (None, "ddim"):
            raise InvalidArgument("sampler", f"is {shown(self.sampler)}; here it may be ddim")


@dataclass(frozen=True)
class Variation(Manipulation):
    """Pictures that show what a given one shows.

    Args:
        strength: 0 makes the picture again, 1 keeps nothing but its embedding.
        prompt: what it shows, where the decoder is to be told.
    """

    operation = "vary"

    image: Image
    strength: float = field(default=0.5, kw_only=True)
    prompt: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_image("image", self.image)
        if self.prompt is not None:
            check_prompt(self.prompt)
        super().__post_init__()


@dataclass(frozen=True)
class Change(Manipulation):
    """A picture moved toward what a prompt says, away from what a source says, or toward another.

    Args:
        prompt: what it is to show, or a style; may be None where there is a reference.
        source: what it shows now; None is any picture.
        reference: a picture to move toward, for its style; with a prompt, after that.
        amount: 0 to 1, how far.
    """

    operation = "change"

    image: Image
    prompt: str | None = None
    source: str | None = None
    reference: Image | None = field(default=None, kw_only=True)
    amount: float = field(default=0.7, kw_only=True)
    strength: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        check_image("image", self.image)
        for name, text in (("prompt", self.prompt), ("source", self.source)):
            if text is not None:
                check_prompt(text, name)
        if self.reference is not None:
            check_image("reference", self.reference)
        if self.prompt is None and (self.source is not None or self.reference is None):
            raise InvalidArgument("prompt", "is missing; it must say what the picture becomes")
        if self.source == self.prompt and self.source is not None:
            raise InvalidArgument("source", "is the prompt too; it may be what the picture shows")
        check_float("amount", self.amount, 0, 1)
        super().__post_init__()


@dataclass(frozen=True)
class Blend(Manipulation):
    """Pictures between pictures and sentences.

    Args:
        items: two or more of either.
        weights: one for each item, 0 or more, of which only the proportions count; None is even.
        frames: so many pictures on the way from the first item to the last, through those between,
            all of one seed and one candidate, in place of `weights` and `n`.
        strength: None is 0 where all items are pictures, else 1, the only one possible.
    """

    operation = "blend"

    items: tuple[Image | str, ...]
    weights: tuple[float, ...] | None = field(default=None, kw_only=True)
    frames: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.items, tuple | list) or not 2 <= len(self.items) <= MAX_ITEMS:
            has = f"has {len(self.items)}" if isinstance(self.items, tuple | list) else "is no list"
            raise InvalidArgument("items", f"{has}; a blend may be of 2 to {MAX_ITEMS}")
        object.__setattr__(self, "items", tuple(self.items))
        for item in self.items:
            if isinstance(item, str):
                check_prompt(item, "items")
            else:
                check_image("items", item)
        if self.frames is not None:
            check_int("frames", self.frames, 2, MAX_FRAMES)
            if self.weights is not None or self.n != 1 or self.candidates not in (None, 1):
                raise InvalidArgument(
                    "frames", "is given beside weights, n or candidates; it may be alone"
                )
        elif self.weights is None:
            object.__setattr__(self, "weights", (1 / len(self.items),) * len(self.items))
        else:
            object.__setattr__(self, "weights", self._checked(self.weights))
        sentences = [item for item in self.items if isinstance(item, str)]
        if self.strength is None:
            object.__setattr__(self, "strength", 1.0 if sentences else 0.0)
        super().__post_init__()
        if sentences and self.strength != 1:
            raise InvalidArgument(
                "strength", f"is {self.strength:g}; it may be 1 where a sentence is blended"
            )

    def _checked(self, weights: Sequence[float]) -> Weights:
        if not isinstance(weights, tuple | list) or len(weights) != len(self.items):
            raise InvalidArgument(
                "weights", f"is {shown(weights)}; it may be {len(self.items)} numbers, one an item"
            )
        for weight in weights:
            check_float("weights", weight, 0, 1e6)
        total = math.fsum(weights)
        if not total > 0:
            raise InvalidArgument("weights", "has no weight above 0; one must be")
        return tuple(weight / total for weight in weights)

    @property
    def shares(self) -> list[Weights]:
        """The weights of each picture."""
        if self.frames is None:
            assert self.weights is not None
            return [self.weights] * self.n
        ways = len(self.items) - 1
        shares = []
        for k in range(self.frames):
            at = k * ways / (self.frames - 1)
            shares.append(tuple(max(0.0, 1 - abs(at - i)) for i in range(ways + 1)))
        return shares

    @property
    def seeds(self) -> Sequence[int]:
        seeds = super().seeds
        return seeds if self.frames is None else list(seeds) * self.frames

    def alone(self, k: int) -> Self:
        if self.frames is None:
            return super().alone(k)
        return replace(self, frames=None, weights=self.shares[k], candidates=1)
