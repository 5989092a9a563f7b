"""What OpenAI's clients send and read: the bodies of requests and answers.

Values are judged by `unclip.requests`; here is only their shape. In JSON it is strict.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)

from unclip.errors import InvalidArgument
from unclip.pipeline.inputs import open_mask, open_picture, own_mask
from unclip.requests import (
    MAX_PICTURES,
    SAMPLER_NAMES,
    Generation,
    Inpainting,
    Request,
    Variation,
)
from unclip.requests.base import MAX_CANDIDATES, MAX_GUIDANCE, MAX_PROMPT, MAX_SEED, MAX_STEPS

MAX_PARTIAL_IMAGES = 3
FORMATS = ("png", "jpeg", "webp")

CANDIDATES = {"low": 1, "high": 16, "hd": 16, "xhigh": 16, "max": 16}
"""Of each picture that are drawn, by `quality`; the others leave the model's own number."""

_DATA_URL = re.compile(r"data:image/[\w.+-]+(?:;[\w-]+=[\w.-]+)*;base64,", re.IGNORECASE)
_BASE64 = "data:image/png;base64,..."


def picture_bytes(value: Any, info: ValidationInfo) -> Any:
    """The bytes of a file in a form, or of a data: URL. No other URL is ever followed."""
    name = info.field_name or "image"
    if isinstance(value, dict):
        if set(value) != {"image_url"}:
            raise InvalidArgument(name, f'is an object; it may be {{"image_url": "{_BASE64}"}}')
        value = value["image_url"]
    if isinstance(value, str):
        found = _DATA_URL.match(value)
        if found is None:
            problem = (
                "is a URL, and this server fetches none"
                if re.match(r"\w+:", value)
                else "is text, no picture"
            )
            raise InvalidArgument(name, f"{problem}; it may be a file in a form, or {_BASE64}")
        try:
            return base64.b64decode(value[found.end() :], validate=True)
        except (binascii.Error, ValueError):
            raise InvalidArgument(name, "is a data: URL that is no base64") from None
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Picture = Annotated[
    bytes,
    BeforeValidator(picture_bytes),
    WithJsonSchema(
        {
            "type": "string",
            "format": "binary",
            "description": "A PNG, JPEG, WebP, GIF, BMP or TIFF file; in JSON a data: URL.",
        }
    ),
]
Pictures = Annotated[list[Picture], Field(min_length=1, max_length=16), BeforeValidator(_listed)]
Prompt = Annotated[str, Field(min_length=1, max_length=MAX_PROMPT)]
Tag = Annotated[str, Field(max_length=512)]


class Body(BaseModel):
    """A request's body. What it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid")


class Sampling(Body):
    """What every kind of request may say, all of it ours but `n` and `background`."""

    n: Annotated[int, Field(ge=1, le=MAX_PICTURES)] | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=MAX_GUIDANCE)] | None = None
    sampler: Annotated[str, Field(json_schema_extra={"enum": list(SAMPLER_NAMES)})] | None = None
    candidates: Annotated[int, Field(ge=1, le=MAX_CANDIDATES)] | None = None

    @property
    def output(self) -> dict[str, Any]:
        """How the worker is to encode the pictures.

        Raises:
            InvalidArgument: the format has no transparency, or no compression to choose.
        """
        kind = self.output_format or "png"
        if kind == "jpeg" and self.background == "transparent":
            raise InvalidArgument(
                "output_format", "is jpeg, which has no transparency; it may be png or webp"
            )
        if kind == "png" and self.output_compression not in (None, 100):
            raise InvalidArgument("output_compression", "is for jpeg and webp; of png it is 100")
        return {"format": kind, "compression": self.output_compression}

    def values(self, *names: str) -> dict[str, Any]:
        """What the request was given, for the class of it; what it was not, is left out."""
        common = ("n", "background", "seed", "steps", "guidance_scale", "sampler", "candidates")
        given = {name: getattr(self, name) for name in (*common, *names)}
        return {name: value for name, value in given.items() if value is not None}


class Making(Sampling):
    """What the three routes of OpenAI's have in common."""

    model: Tag | None = None
    size: Annotated[str, Field(max_length=16)] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    quality: Literal["auto", "standard", "hd", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    style: Literal["vivid", "natural"] | None = None
    moderation: Literal["low", "auto"] | None = None
    complexity: Literal["low", "medium", "high"] | None = None
    user: Tag | None = None
    safety_identifier: Tag | None = None

    @property
    def wants_url(self) -> bool:
        """The models after DALL-E 3 answer with the picture itself, whatever is asked."""
        if self.response_format is not None:
            return self.response_format == "url"
        return not (self.model or "").startswith(("gpt-image", "chatgpt-image"))

    def making(self, *names: str) -> dict[str, Any]:
        """`values`, the number of candidates by `quality`, and the size."""
        given = self.values("size", *names)
        if given.get("size") == "auto":
            del given["size"]
        if self.quality in CANDIDATES:
            given.setdefault("candidates", CANDIDATES[self.quality])
        return given


class Streaming(Making):
    """What the two routes that stream have beside."""

    stream: bool | None = None
    partial_images: Annotated[int, Field(ge=0, le=MAX_PARTIAL_IMAGES)] | None = None


class GenerationBody(Streaming):
    """POST /v1/images/generations"""

    prompt: Prompt

    def request(self) -> Request:
        """What is to be made.

        Raises:
            InvalidArgument: a value is out of range.
        """
        return Generation(self.prompt, **self.making())


class EditBody(Streaming):
    """POST /v1/images/edits. In JSON `images` is a list of {"image_url": "data:..."}."""

    image: Annotated[Pictures, Field(validation_alias=AliasChoices("image", "images"))]
    prompt: Prompt
    mask: Picture | None = None
    input_fidelity: Literal["high", "low"] | None = None

    def request(self) -> Request:
        """What is to be made: the picture in its own size, or in the one that is asked for.

        Raises:
            InvalidArgument: a picture cannot be read, or a value is out of range.
        """
        canvas = open_picture(one(self.image, "image"))
        mask = own_mask(canvas) if self.mask is None else open_mask(self.mask, canvas.size, "alpha")
        given = self.making()
        size = given.pop("size", None)
        if size is not None:
            frame = Generation(self.prompt, size=size)
            width, height = frame.width, frame.height
            if width * canvas.height != height * canvas.width:
                shape = "square" if width == height else f"of the shape of {size}"
                raise InvalidArgument(
                    "image",
                    f"is {canvas.width} x {canvas.height} pixels; to come out as {size} it must "
                    f"be {shape}, or size may be auto",
                )
            canvas, mask = canvas.resize((width, height)), mask.resize((width, height), 0)
        return Inpainting(canvas, mask, prompt=self.prompt, **given)


class VariationBody(Making):
    """POST /v1/images/variations"""

    image: Pictures
    strength: Annotated[float, Field(ge=0, le=1)] | None = None

    def request(self) -> Request:
        """What is to be made.

        Raises:
            InvalidArgument: the picture cannot be read, or a value is out of range.
        """
        image = open_picture(one(self.image, "image"))
        return Variation(image, **self.making("strength"))


def one(pictures: list[bytes], name: str) -> bytes:
    """The only picture of a list.

    Raises:
        InvalidArgument: there are several.
    """
    if len(pictures) > 1:
        raise InvalidArgument(
            name,
            f"has {len(pictures)} pictures; it may have one here, and POST /v1/unclip/jobs blends "
            "several or takes a style from another",
        )
    return pictures[0]


class Usage(BaseModel):
    """Tokens: those of the prompt. Pictures are not made of any."""

    input_tokens: int
    input_tokens_details: dict[Literal["text_tokens", "image_tokens"], int]
    output_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, text_tokens: int) -> Usage:
        """Of a prompt of so many tokens."""
        return cls(
            input_tokens=text_tokens,
            input_tokens_details={"text_tokens": text_tokens, "image_tokens": 0},
            output_tokens=0,
            total_tokens=text_tokens,
        )


class ImageData(BaseModel):
    """A picture in an answer, as an address or as itself, and the seed that makes it again.

    Args:
        revised_prompt: what was drawn, where the policy took other words than the user's.
    """

    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None
    seed: int


class ImagesResponse(BaseModel):
    """The answer of the three routes of pictures."""

    created: int
    data: list[ImageData]
    background: Literal["transparent", "opaque", "auto"]
    output_format: Literal["png", "jpeg", "webp"]
    quality: str
    size: str
    usage: Usage


class Model(BaseModel):
    """A model, or a name that leads to one."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "unclip"


class ModelList(BaseModel):
    """GET /v1/models"""

    object: Literal["list"] = "list"
    data: list[Model]


class ErrorObject(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """Every answer that is an error."""

    error: ErrorObject
