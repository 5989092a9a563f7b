"""What the policy makes of a text, in the shape of OpenAI's moderations."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel, Field

from unclip.errors import InvalidArgument
from unclip.safety import Decision
from unclip.server.auth import Charged
from unclip.server.errors import no_such_model
from unclip.server.openapi import body_of
from unclip.server.protocol import Body, Tag
from unclip.server.service import service_of
from unclip.server.uploads import read_json

router = APIRouter(prefix="/v1/moderations", tags=["moderations"])

NAME = "unclip-policy"
MAX_TEXTS, MAX_TEXT = 32, 10_000
FLAG = 0.5

Text = Annotated[str, Field(max_length=MAX_TEXT)]


class TextPart(Body):
    """A part of an input."""

    type: Literal["text"]
    text: Text


class Address(Body):
    """Where a picture is."""

    url: str


class ImagePart(Body):
    """A picture, which is known here so that it can be refused in words."""

    type: Literal["image_url"]
    image_url: Address


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class ModerationBody(Body):
    """POST /v1/moderations"""

    input: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS)]
        | Annotated[list[Part], Field(min_length=1, max_length=MAX_TEXTS)]
    )
    model: Tag | None = None

    def texts(self) -> list[str]:
        """One for each result; the parts of one input are judged together.

        Raises:
            InvalidArgument: there is a picture.
        """
        if isinstance(self.input, str):
            return [self.input]
        texts = [part for part in self.input if isinstance(part, str)]
        if texts:
            return texts
        parts = [part.text for part in self.input if isinstance(part, TextPart)]
        if len(parts) < len(self.input):
            raise InvalidArgument("input", "holds a picture; this server judges text alone")
        return ["\n".join(parts)]


class ModerationResult(BaseModel):
    """What is made of one text."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, list[Literal["text"]]]

    @classmethod
    def of(cls, decision: Decision) -> ModerationResult:
        """Flagged is what would not be drawn."""
        scores: Mapping[str, float] = decision.scores
        return cls(
            flagged=decision.refuses(),
            categories={key: score >= FLAG for key, score in scores.items()},
            category_scores=dict(scores),
            category_applied_input_types={key: ["text"] for key in scores},
        )


class Moderations(BaseModel):
    """The answer: a result for each text."""

    id: str
    model: str
    results: list[ModerationResult]


@router.post("", openapi_extra=body_of(ModerationBody, "application/json"))
async def moderations(http: HttpRequest, caller: Charged) -> Moderations:
    """Whether the policy would let texts pass."""
    body = await read_json(http, ModerationBody)
    if not (body.model or NAME).startswith((NAME, "omni-moderation", "text-moderation")):
        raise no_such_model(body.model or NAME)
    policy = service_of(http).policy
    texts = body.texts()
    decisions = await to_thread.run_sync(lambda: [policy.judge_text(text) for text in texts])
    return Moderations(
        id=f"modr-{secrets.token_hex(12)}",
        model=NAME,
        results=[ModerationResult.of(decision) for decision in decisions],
    )
