"""Where a picture comes from, as far as it can be told."""

from __future__ import annotations

from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter
from fastapi import Request as HttpRequest
from pydantic import BaseModel

from unclip.pipeline.inputs import open_picture
from unclip.provenance.keys import local_root
from unclip.provenance.verify import verify
from unclip.server.auth import Charged
from unclip.server.openapi import body_of
from unclip.server.protocol import Body, Picture
from unclip.server.settings import Settings
from unclip.server.uploads import read_form

router = APIRouter(prefix="/v1/unclip/verify", tags=["verify"])

_AT_ONCE = CapacityLimiter(1)  # each takes a core for a moment, and memory for its pixels


class VerifyBody(Body):
    """POST /v1/unclip/verify"""

    image: Picture


class Verified(BaseModel):
    """The report: what each part says, and all of it in words."""

    verdict: str
    words: str
    sha256: str
    width: int
    height: int
    credentials: dict[str, Any]
    watermark: dict[str, Any]
    metadata: dict[str, Any]
    classifier: dict[str, Any]


@router.post("", openapi_extra=body_of(VerifyBody, "multipart/form-data", "application/json"))
async def verify_picture(http: HttpRequest, caller: Charged) -> Verified:
    """Tell where a picture comes from: its content credentials, invisible mark and metadata."""
    body = await read_form(http, VerifyBody)
    settings: Settings = http.app.state.settings
    return await to_thread.run_sync(_verified, body.image, settings, limiter=_AT_ONCE)


def _verified(data: bytes, settings: Settings) -> Verified:
    report = verify(data, open_picture(data), local_root(settings.signing))
    return Verified(words=report.words(), **report.as_dict())
