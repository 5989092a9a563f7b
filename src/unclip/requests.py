"""What goes into the cascade: one frozen class for each thing that can be asked.

A request that exists is valid: this is where a user's values are checked. Nothing here needs torch.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Literal, get_args

from unclip.errors import InvalidArgument

Size = Literal["256x256", "512x512", "1024x1024"]
SIZES: tuple[str, ...] = get_args(Size)
SAMPLER_NAMES = ("ddpm", "ddim", "euler", "dpmpp_2m", "dpmpp_3m", "unipc")
"""The keys of `unclip.diffusion.samplers.SAMPLERS`, known without importing it."""

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
        size: one of `SIZES`.
        steps, guidance_scale, sampler: of the decoder; None leaves the bundle's own.
        candidates: small pictures drawn for each one asked for; the one that CLIP scores highest
            is upsampled.

    Raises:
        InvalidArgument: a value is out of range; the message says what it may be.
    """

    n: int = 1
    seed: int | None = None
    size: str = "1024x1024"
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    candidates: int | None = None

    def __post_init__(self) -> None:
        check_int("n", self.n, 1, MAX_PICTURES)
        check_choice("size", self.size, SIZES)
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

    @property
    def pixels(self) -> int:
        """Pixels a side."""
        return int(self.size.split("x")[0])

    @property
    def seeds(self) -> range:
        """The seed of each picture."""
        assert self.seed is not None  # `__post_init__` drew one
        return range(self.seed, self.seed + self.n)


@dataclass(frozen=True)
class Generation(Request):
    """Pictures from a sentence of 1 to 1,000 characters."""

    prompt: str

    def __post_init__(self) -> None:
        check_prompt(self.prompt)
        super().__post_init__()


def check_prompt(prompt: Any) -> None:
    if not isinstance(prompt, str):
        raise InvalidArgument("prompt", f"is of type {type(prompt).__name__}; it must be text")
    if not prompt.strip():
        raise InvalidArgument("prompt", f"is empty; it may be 1 to {MAX_PROMPT} characters")
    if len(prompt) > MAX_PROMPT:
        raise InvalidArgument(
            "prompt", f"has {len(prompt)} characters; it may have 1 to {MAX_PROMPT}"
        )
    if "\0" in prompt or any("\ud800" <= c <= "\udfff" for c in prompt):
        raise InvalidArgument("prompt", "holds a NUL or a lone surrogate; it may be any other text")


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
