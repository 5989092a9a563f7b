"""What comes out of the cascade. Nothing here needs torch.

Request  ->  Progress, Progress, ..., Picture, ... (as each is finished)  ->  Result
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unclip.requests import Request

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Progress:
    """One step done.

    Args:
        stage: `text`, `prior`, `inversion`, `decoder`, `frames`, `upsampler_256` or
            `upsampler_1024`.
        step, steps: 1..steps, over all pictures of the request.
        preview: draws the pictures as they are now, once called; None where there are none yet.
            `first` is the index in the request of the first of them.
    """

    stage: str
    step: int
    steps: int
    preview: Callable[[], tuple[Image.Image, ...]] | None = field(default=None, compare=False)
    first: int = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """A finished picture.

    Args:
        index: its place in the request.
        seed: alone with n = 1 and the same settings, this seed makes it again.
        clip_score: cosine of the picture's embedding and of what was asked for, the prompt's or the
            one that it was drawn from, by the bundle's own towers; None where it has no image
            tower.
        prior_score: cosine of the embedding it was drawn from and of what was asked for: why it was
            kept.
        settings: everything that made it, as plain values.
    """

    image: Image.Image
    index: int
    seed: int
    clip_score: float | None
    prior_score: float
    settings: dict[str, Any]


@dataclass(frozen=True)
class Withheld:
    """A picture that was drawn and does not leave: the policy does not let it through.

    Args:
        index, seed: as of a `Picture`.
        category, message: what it fell under, and why, for the user.
    """

    index: int
    seed: int
    category: str | None
    message: str


Event = Progress | Picture | Withheld


@dataclass(frozen=True, eq=False)
class Result:
    """The pictures of a request in order, the seconds of each stage, and what is withheld."""

    request: Request
    pictures: tuple[Picture, ...]
    seconds: dict[str, float]
    withheld: tuple[Withheld, ...] = ()

    def __iter__(self) -> Iterator[Picture]:
        return iter(self.pictures)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Picture:
        return self.pictures[index]
