"""A part of a picture drawn anew, or more of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unclip.errors import InvalidArgument
from unclip.requests.base import (
    MAX_SIDE,
    MAX_SIZE,
    SIZE_STEP,
    Request,
    by,
    check_image,
    check_int,
    check_prompt,
    check_sides,
    parse_size,
    shown,
)

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_RATIO = MAX_SIZE // SIZE_STEP
"""Of the sides of a picture that is filled, as of those of one that is made."""


@dataclass(frozen=True)
class Filling(Request):
    """Pictures that are one picture with a part of it drawn anew, the rest left byte for byte.

    Args:
        image: "RGB" or "RGBA", as `open_picture` gives it. The results are in the same mode.
        prompt: what is drawn there, or the background that it is to show. Without one the
            surroundings go on.
        size: "auto" alone: the results have the size of `image`, or the one that it grows to.
    """

    image: Image
    prompt: str | None = field(default=None, kw_only=True)
    size: str = field(default="auto", kw_only=True)

    def __post_init__(self) -> None:
        check_image("image", self.image)
        if self.prompt is not None:
            check_prompt(self.prompt)
        super().__post_init__()
        if self.background == "transparent":
            raise InvalidArgument(
                "background", "is 'transparent'; of a picture that is filled it may be auto"
            )
        check_sides("image", self.width, self.height)
        short, long = sorted((self.width, self.height))
        if long > MAX_RATIO * short:
            raise InvalidArgument(
                "image",
                f"comes to {by(self.width, self.height)} pixels; "
                f"one side may be up to {MAX_RATIO} times the other",
            )

    def _check_size(self) -> None:
        if self.size != "auto":
            raise InvalidArgument(
                "size", f"is {shown(self.size)}; here it may be auto, which is the picture's own"
            )

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height

    @property
    def offset(self) -> tuple[int, int]:
        """Where the upper left corner of `image` comes to lie."""
        return 0, 0


@dataclass(frozen=True)
class Inpainting(Filling):
    """The part that a mask marks, drawn anew.

    Args:
        mask: "L" of the size of `image`: 0 where it is kept, anything else where it changes.
    """

    operation = "inpaint"

    mask: Image

    def __post_init__(self) -> None:
        super().__post_init__()
        if getattr(self.mask, "mode", None) != "L":
            raise InvalidArgument(
                "mask", "is no mask; it may be a picture in L, as open_mask gives"
            )
        if self.mask.size != self.image.size:
            wanted = by(*self.image.size)
            raise InvalidArgument("mask", f"is {by(*self.mask.size)}; it must be {wanted} too")


@dataclass(frozen=True)
class Outpainting(Filling):
    """A picture continued beyond its edges by so many pixels."""

    operation = "outpaint"

    left: int = field(default=0, kw_only=True)
    right: int = field(default=0, kw_only=True)
    top: int = field(default=0, kw_only=True)
    bottom: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("left", "right", "top", "bottom"):
            check_int(name, getattr(self, name), 0, MAX_SIDE)
        super().__post_init__()
        if not (self.left or self.right or self.top or self.bottom):
            raise InvalidArgument("left", "is 0, as right, top and bottom are; one must be more")

    @property
    def width(self) -> int:
        return self.left + self.image.width + self.right

    @property
    def height(self) -> int:
        return self.top + self.image.height + self.bottom

    @property
    def offset(self) -> tuple[int, int]:
        return self.left, self.top


@dataclass(frozen=True)
class Framing(Filling):
    """What is transparent in a square frame over a larger canvas, drawn to fit what is not.

    The canvas grows, transparent, where the frame reaches beyond it.

    Args:
        image: the canvas, "RGBA".
        x, y: of the frame's upper left corner on it, negative to the left of it or above.
        side: of the frame, in pixels.
    """

    operation = "frame"

    x: int = field(kw_only=True)
    y: int = field(kw_only=True)
    side: int = field(default=1024, kw_only=True)

    def __post_init__(self) -> None:
        check_int("x", self.x, -MAX_SIDE, MAX_SIDE)
        check_int("y", self.y, -MAX_SIDE, MAX_SIDE)
        check_int("side", self.side, SIZE_STEP, MAX_SIZE)
        super().__post_init__()
        if self.image.mode != "RGBA":
            raise InvalidArgument("image", "has no transparency, which marks what a frame may fill")

    @property
    def width(self) -> int:
        return max(self.image.width, self.x + self.side) - min(0, self.x)

    @property
    def height(self) -> int:
        return max(self.image.height, self.y + self.side) - min(0, self.y)

    @property
    def offset(self) -> tuple[int, int]:
        return max(0, -self.x), max(0, -self.y)


def outpainting(
    image: Image,
    to: str | None = None,
    frame: tuple[int, int] | None = None,
    side: int = 1024,
    left: int = 0,
    right: int = 0,
    top: int = 0,
    bottom: int = 0,
    **values: Any,
) -> Outpainting | Framing:
    """A request by margins; by the size that the picture grows to, itself in the middle; or by the
    upper left corner of a frame.

    Raises:
        InvalidArgument: a value is out of range, or where to draw is said twice.
    """
    margins: dict[str, Any] = {"left": left, "right": right, "top": top, "bottom": bottom}
    if (to is not None) + (frame is not None) + any(margins.values()) > 1:
        name = "to" if frame is None else "frame"
        raise InvalidArgument(name, "is given beside another way to say where; it may be alone")
    if frame is not None:
        return Framing(image, x=frame[0], y=frame[1], side=side, **values)
    if to is not None:
        more = [new - old for new, old in zip(parse_size("to", to), image.size, strict=True)]
        if min(more) < 0:
            raise InvalidArgument("to", f"is {to}; it may be {by(*image.size)} or larger")
        halves = [(margin // 2, margin - margin // 2) for margin in more]
        margins = dict(zip(margins, (*halves[0], *halves[1]), strict=True))
    return Outpainting(image, **margins, **values)
