"""What every request may say, text to picture, and the checks of values."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from unclip.errors import InvalidArgument

SAMPLER_NAMES = ("ddpm", "ddim", "euler", "dpmpp_2m", "dpmpp_3m", "unipc")
"""The keys of `unclip.diffusion.samplers.SAMPLERS`, known without importing it."""

BACKGROUNDS = ("auto", "opaque", "transparent")

SIZE_STEP, MAX_SIZE = 64, 2048
"""Pixels: the sides of what is made are multiples of the one, up to the other."""
MAX_SIDE = 8192
"""Pixels a side of a picture that is given, or that grows around one."""
MAX_PROMPT = 1000
MAX_PICTURES = 10
MAX_STEPS = 1000
MAX_GUIDANCE = 30.0
MAX_CANDIDATES = 64
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class Request:
    """What every request may say; its subclasses say what is to be made.

    Args:
        n: how many pictures, 1 to 10. Picture k uses seed + k.
        seed: None draws one, which the request then holds.
        size: "WIDTHxHEIGHT", each a multiple of 64 from 64 to 2048.
        steps, guidance_scale, sampler: of the decoder; None leaves the bundle's own.
        candidates: small pictures drawn for each one asked for; the one that CLIP scores highest
            is upsampled.
        background: "transparent" cuts the objects out; the others leave them where they are.

    Raises:
        InvalidArgument: a value is out of range; the message says what it may be.
    """

    operation: ClassVar[str]
    """What is done, as the command line calls it. A picture's recipe names its class so."""

    n: int = 1
    seed: int | None = None
    size: str = "1024x1024"
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    candidates: int | None = None
    background: str = "auto"

    def __post_init__(self) -> None:
        check_int("n", self.n, 1, MAX_PICTURES)
        self._check_size()
        if self.seed is None:
            object.__setattr__(self, "seed", secrets.randbelow(MAX_SEED - MAX_PICTURES))
        check_int("seed", self.seed, 0, MAX_SEED - self.n + 1)
        if self.steps is not None:
            check_int("steps", self.steps, 1, MAX_STEPS)
        if self.guidance_scale is not None:
            check_float("guidance_scale", self.guidance_scale, 0, MAX_GUIDANCE)
        if self.sampler is not None:
            check_choice("sampler", self.sampler, SAMPLER_NAMES)
        if self.candidates is not None:
            check_int("candidates", self.candidates, 1, MAX_CANDIDATES)
        check_choice("background", self.background, BACKGROUNDS)

    def _check_size(self) -> None:
        width, height = parse_size("size", self.size)
        if any(side % SIZE_STEP or not 0 < side <= MAX_SIZE for side in (width, height)):
            raise InvalidArgument(
                "size",
                f"is {self.size}; each side may be a multiple of {SIZE_STEP} up to {MAX_SIZE}",
            )

    @property
    def width(self) -> int:
        """Of the pictures, in pixels."""
        return parse_size("size", self.size)[0]

    @property
    def height(self) -> int:
        """Of the pictures, in pixels."""
        return parse_size("size", self.size)[1]

    @property
    def seeds(self) -> Sequence[int]:
        """The seed of each picture."""
        assert self.seed is not None  # `__post_init__` drew one
        return range(self.seed, self.seed + self.n)

    def alone(self, k: int) -> Self:
        """The request for picture k of this one and no other."""
        return replace(self, n=1, seed=self.seeds[k])


@dataclass(frozen=True)
class Generation(Request):
    """Pictures from a sentence of 1 to 1,000 characters."""

    operation = "generate"

    prompt: str

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        super().__post_init__()


def parse_size(name: str, size: Any) -> tuple[int, int]:
    """Width and height of "WIDTHxHEIGHT"."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", size, re.ASCII) if isinstance(size, str) else None
    if found is None:
        raise InvalidArgument(name, f"is {shown(size)}; it may be like 1024x1024 or 1792x1024")
    return int(found[1]), int(found[2])


def check_sides(name: str, width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE:
        raise InvalidArgument(
            name, f"comes to {by(width, height)} pixels; it may be up to {by(MAX_SIDE, MAX_SIDE)}"
        )


def by(width: int, height: int) -> str:
    return f"{width}x{height}"


def check_image(name: str, image: Any) -> None:
    mode = getattr(image, "mode", type(image).__name__)
    if mode not in ("RGB", "RGBA"):
        raise InvalidArgument(name, f"is {mode}; it may be a picture in RGB or RGBA")


def check_prompt(prompt: Any, name: str = "prompt") -> None:
    if not isinstance(prompt, str):
        raise InvalidArgument(name, f"is of type {type(prompt).__name__}; it must be text")
    if not prompt.strip():
        raise InvalidArgument(name, f"is empty; it may be 1 to {MAX_PROMPT} characters")
    if len(prompt) > MAX_PROMPT:
        raise InvalidArgument(name, f"has {len(prompt)} characters; it may have 1 to {MAX_PROMPT}")
    if "\0" in prompt or any("\ud800" <= c <= "\udfff" for c in prompt):
        raise InvalidArgument(name, "holds a NUL or a lone surrogate; it may be any other text")


def check_int(name: str, value: Any, low: int, high: int) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise InvalidArgument(name, f"is {shown(value)}; it may be {low} to {high}")


def check_float(name: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # a NaN is in no range
        raise InvalidArgument(name, f"is {shown(value)}; it may be {low:g} to {high:g}")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        listed = ", ".join(choices[:-1]) + " or " + choices[-1]
        raise InvalidArgument(name, f"is {shown(value)}; it may be {listed}")


def shown(value: Any) -> str:
    """A value on one line, however long it is."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def texts_of(request: Request) -> list[str]:
    """Every sentence of a request."""
    named = [getattr(request, name, None) for name in ("prompt", "source")]
    return [text for text in (*named, *getattr(request, "items", ())) if isinstance(text, str)]


def kinds_of_request(base: type[Request] = Request) -> list[type[Request]]:
    """Every class of request that says which operation it is."""
    named = [base] if "operation" in vars(base) else []
    return named + [kind for below in base.__subclasses__() for kind in kinds_of_request(below)]
