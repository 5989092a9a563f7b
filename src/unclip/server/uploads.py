"""Bodies of requests: counted while they are read, and refused as soon as they are too much."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from anyio import to_thread
from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from unclip.server.errors import ApiError
from unclip.server.security import too_large
from unclip.server.settings import MEGABYTE, Settings

MAX_JSON = MEGABYTE
"""Bytes of a body without pictures."""
MAX_FILES, MAX_FIELDS = 20, 64
_MAX_FIELD = 64 * 1024

B = TypeVar("B", bound=BaseModel)


async def read_json(request: Request, shape: type[B], most: int = MAX_JSON) -> B:
    """A JSON body of a certain shape. Numbers are numbers: "3" is none.

    Raises:
        ApiError: it is too large, too slow or no JSON.
        ValidationError: it has another shape.
    """
    if _media_type(request) != "application/json":
        raise _wrong_type(request, "application/json")
    settings: Settings = request.app.state.settings
    data = bytearray()
    async with _in_time(settings.body_seconds):
        async for chunk in _counted(request, min(most, settings.max_body_bytes)):
            data += chunk
    # Pictures in it may take a while to decode.
    return await to_thread.run_sync(partial(shape.model_validate_json, data, strict=True))


async def read_form(request: Request, shape: type[B]) -> B:
    """A multipart body, or a JSON one in which pictures are data: URLs, of a certain shape.

    In a form all values are text, so "3" is a number there. A name that ends in [] is a list.

    Raises:
        ApiError, ValidationError: as `read_json` does; or the form has too many parts.
    """
    settings: Settings = request.app.state.settings
    kind = _media_type(request)
    if kind == "application/json":
        return await read_json(request, shape, settings.max_body_bytes)
    if kind != "multipart/form-data":
        raise _wrong_type(request, "multipart/form-data or application/json")
    parser = MultiPartParser(
        request.headers,
        _counted(request, settings.max_body_bytes),
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=_MAX_FIELD,
    )
    try:
        async with _in_time(settings.body_seconds):
            form = await parser.parse()
    except MultiPartException as error:
        raise ApiError(
            400, f"The multipart body cannot be used: {error.message}", "invalid_multipart"
        ) from None
    try:
        return shape.model_validate(await _values(form, settings.max_image_bytes))
    finally:
        await form.close()


async def _values(form: FormData, most: int) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for name, value in form.multi_items():
        plain = re.sub(r"\[\d*\]$", "", name)
        if isinstance(value, UploadFile):
            if (value.size or 0) > most:
                raise ApiError(
                    413,
                    f"Invalid '{plain}': it is over {most:,} bytes.",
                    "image_too_large",
                    plain,
                )
            found: Any = await value.read()
        else:
            found = value
        if plain != name or plain in values:
            before = values.get(plain, [])
            values[plain] = [*(before if isinstance(before, list) else [before]), found]
        else:
            values[plain] = found
    return values


async def _counted(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
        if count > most:
            raise too_large(most)
        yield chunk


@asynccontextmanager
async def _in_time(seconds: float) -> AsyncIterator[None]:
    """Gives a client so long to send all of its body."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ApiError(
            408, f"The request took over {seconds:g} s to come.", "request_timeout"
        ) from None


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _wrong_type(request: Request, wanted: str) -> ApiError:
    return ApiError(
        415,
        f"Unsupported content type: '{_media_type(request)}'. It may be {wanted}.",
        "unsupported_content_type",
    )
