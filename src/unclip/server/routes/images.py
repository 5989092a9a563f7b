"""OpenAI's three routes of pictures."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from starlette.responses import Response

from unclip.server.auth import Charged
from unclip.server.openapi import body_of
from unclip.server.protocol import (
    EditBody,
    GenerationBody,
    ImageData,
    ImagesResponse,
    Making,
    Streaming,
    Usage,
    VariationBody,
)
from unclip.server.service import Service, service_of
from unclip.server.streaming import EventStream, openai_events
from unclip.server.uploads import read_form, read_json
from unclip.store import Job, StoredPicture

router = APIRouter(prefix="/v1/images", tags=["images"])


@router.post(
    "/generations",
    response_model=ImagesResponse,
    response_model_exclude_none=True,
    openapi_extra=body_of(GenerationBody, "application/json"),
)
async def generations(http: HttpRequest, caller: Charged) -> Any:
    """Pictures from a sentence."""
    body = await read_json(http, GenerationBody)
    return await _made(http, caller, body, body.request, "image_generation", body.prompt)


@router.post(
    "/edits",
    response_model=ImagesResponse,
    response_model_exclude_none=True,
    openapi_extra=body_of(EditBody, "multipart/form-data", "application/json"),
)
async def edits(http: HttpRequest, caller: Charged) -> Any:
    """A part of a picture drawn anew: where the mask, or the picture itself, is transparent."""
    body = await read_form(http, EditBody)
    return await _made(http, caller, body, body.request, "image_edit", body.prompt)


@router.post(
    "/variations",
    response_model=ImagesResponse,
    response_model_exclude_none=True,
    openapi_extra=body_of(VariationBody, "multipart/form-data", "application/json"),
)
async def variations(http: HttpRequest, caller: Charged) -> Any:
    """Pictures that show what a given one shows."""
    body = await read_form(http, VariationBody)
    return await _made(http, caller, body, body.request, "image_variation", None)


async def _made(
    http: HttpRequest, caller: Charged, body: Making, make: Any, name: str, prompt: str | None
) -> ImagesResponse | Response:
    service = service_of(http)
    if body.model is not None:
        service.catalogue.find(body.model)
    usage = Usage.of(service.catalogue.count_tokens(prompt) if prompt else 0)
    streams = isinstance(body, Streaming) and bool(body.stream)
    previews = (body.partial_images or 0) if isinstance(body, Streaming) and streams else 0
    job = await service.submit(http, caller, body, make, previews)
    if isinstance(body, Streaming) and streams:
        return EventStream(openai_events(service, caller, job, body, name, usage))
    ended = await service.finished(http, caller, job)
    return await _answer(http, service, body, ended, usage, prompt)


async def _answer(
    http: HttpRequest,
    service: Service,
    body: Making,
    job: Job,
    usage: Usage,
    prompt: str | None,
) -> ImagesResponse:
    async def shown(picture: StoredPicture) -> ImageData:
        told: dict[str, str] = {}
        drawn = picture.settings.get("prompt")
        if drawn != prompt:
            told["revised_prompt"] = str(drawn)
        if body.wants_url:
            told["url"] = service.url(http, picture)
        else:
            told["b64_json"] = base64.b64encode(await service.read(picture)).decode()
        return ImageData(seed=picture.seed, **told)

    first = job.pictures[0]
    return ImagesResponse(
        created=int(job.created),
        data=await asyncio.gather(*(shown(picture) for picture in job.pictures)),
        background=body.background or "auto",
        output_format=body.output["format"],
        quality=body.quality or "auto",
        size=f"{first.width}x{first.height}",
        usage=usage,
    )
