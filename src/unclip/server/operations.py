"""Our own door: a body for each kind of request that the engine knows, and a job as it is told."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, RootModel, ValidationInfo, WithJsonSchema

from unclip.pipeline.inputs import open_masked, open_picture
from unclip.requests import (
    MAX_SIDE,
    Blend,
    Change,
    Generation,
    Inpainting,
    Request,
    Variation,
    outpainting,
)
from unclip.requests.manipulation import MAX_FRAMES, MAX_ITEMS
from unclip.server.protocol import ErrorObject, Picture, Prompt, Sampling, picture_bytes

MAX_PREVIEWS = 16

Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Place = Annotated[int, Field(ge=-MAX_SIDE, le=MAX_SIDE)]
Size = Annotated[str, Field(max_length=16)]


def _item(value: Any, info: ValidationInfo) -> Any:
    is_sentence = isinstance(value, str) and not re.match(r"(data|https?|file|ftp):", value, re.I)
    return value if is_sentence else picture_bytes(value, info)


Item = Annotated[
    str | bytes,
    BeforeValidator(_item),
    WithJsonSchema({"type": "string", "description": "A sentence, or a picture as elsewhere."}),
]


class Job(Sampling):
    """What every kind of job may say.

    Args:
        previews: so many of each picture are kept while it is drawn, for the events.
    """

    previews: Annotated[int, Field(ge=0, le=MAX_PREVIEWS)] | None = None


class Generate(Job):
    """Text to picture."""

    operation: Literal["generate"]
    prompt: Prompt
    size: Size | None = None

    def request(self) -> Request:
        """What is to be made.

        Raises:
            InvalidArgument: a picture cannot be read, or a value is out of range.
        """
        return Generation(self.prompt, **self.values("size"))


class Vary(Job):
    """Pictures that show what a given one shows."""

    operation: Literal["vary"]
    image: Picture
    prompt: Prompt | None = None
    strength: Share | None = None
    size: Size | None = None

    def request(self) -> Request:
        """As `Generate.request`."""
        return Variation(open_picture(self.image), **self.values("prompt", "strength", "size"))


class BlendItems(Job):
    """Pictures between pictures and sentences."""

    operation: Literal["blend"]
    items: Annotated[list[Item], Field(min_length=2, max_length=MAX_ITEMS)]
    weights: list[Annotated[float, Field(ge=0, le=1e6)]] | None = None
    frames: Annotated[int, Field(ge=2, le=MAX_FRAMES)] | None = None
    strength: Share | None = None
    size: Size | None = None

    def request(self) -> Request:
        """As `Generate.request`."""
        items = tuple(i if isinstance(i, str) else open_picture(i, "items") for i in self.items)
        return Blend(items, **self.values("weights", "frames", "strength", "size"))


class ChangePicture(Job):
    """A picture moved toward what a prompt says, or toward the style of another."""

    operation: Literal["change"]
    image: Picture
    prompt: Prompt | None = None
    source: Prompt | None = None
    reference: Picture | None = None
    amount: Share | None = None
    strength: Share | None = None
    size: Size | None = None

    def request(self) -> Request:
        """As `Generate.request`."""
        given = self.values("prompt", "source", "amount", "strength", "size")
        if self.reference is not None:
            given["reference"] = open_picture(self.reference, "reference")
        return Change(open_picture(self.image), **given)


class Inpaint(Job):
    """The part that a mask marks, or that is transparent, drawn anew."""

    operation: Literal["inpaint"]
    image: Picture
    mask: Picture | None = None
    mask_mode: Literal["alpha", "white", "black"] = "alpha"
    prompt: Prompt | None = None

    def request(self) -> Request:
        """As `Generate.request`."""
        image, mask = open_masked(self.image, self.mask, self.mask_mode)
        return Inpainting(image, mask, **self.values("prompt"))


class Outpaint(Job):
    """A picture continued beyond its edges: by margins, or to a size, itself in the middle."""

    operation: Literal["outpaint"]
    image: Picture
    prompt: Prompt | None = None
    to: Size | None = None
    left: Side | None = None
    right: Side | None = None
    top: Side | None = None
    bottom: Side | None = None

    def request(self) -> Request:
        """As `Generate.request`."""
        given = self.values("prompt", "to", "left", "right", "top", "bottom")
        return outpainting(open_picture(self.image), **given)


class Frame(Job):
    """What is transparent in a square frame over a larger canvas, drawn to fit what is not."""

    operation: Literal["frame"]
    image: Picture
    x: Place
    y: Place
    side: Side | None = None
    prompt: Prompt | None = None

    def request(self) -> Request:
        """As `Generate.request`."""
        given = self.values("prompt", "side")
        return outpainting(open_picture(self.image), frame=(self.x, self.y), **given)


class JobBody(
    RootModel[
        Annotated[
            Generate | Vary | BlendItems | ChangePicture | Inpaint | Outpaint | Frame,
            Field(discriminator="operation"),
        ]
    ]
):
    """POST /v1/unclip/jobs"""


class JobProgress(BaseModel):
    """The last step that was done."""

    stage: str
    step: int
    steps: int


class JobPicture(BaseModel):
    """A finished picture of a job. `recipe` is what makes it again."""

    id: str
    index: int
    seed: int
    url: str
    recipe: str
    media_type: str
    width: int
    height: int
    clip_score: float | None


class JobView(BaseModel):
    """A job as its owner sees it.

    Args:
        place: how many are before it in the queue; None once it has begun.
    """

    id: str
    object: Literal["unclip.job"] = "unclip.job"
    operation: str
    state: str
    place: int | None
    created: float
    started: float | None
    finished: float | None
    progress: JobProgress | None
    error: ErrorObject | None
    pictures: list[JobPicture]


class JobList(BaseModel):
    """GET /v1/unclip/jobs, the newest first."""

    object: Literal["list"] = "list"
    data: list[JobView]
    has_more: bool
