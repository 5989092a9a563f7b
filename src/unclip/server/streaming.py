"""Server-sent events: OpenAI's, with true partial images, and those of our own jobs."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import Any

from anyio import to_thread
from PIL import Image
from starlette.responses import StreamingResponse

from unclip.server.auth import Caller
from unclip.server.encoding import encode
from unclip.server.errors import ApiError, as_api_error
from unclip.server.openapi import EVENTS
from unclip.server.operations import JobView
from unclip.server.protocol import Streaming, Usage
from unclip.server.service import Service
from unclip.store import Job, JobProgress, Preview, Seen

View = Callable[[Job], JobView]
"""Gives a job as its owner sees it."""

DONE = b"data: [DONE]\n\n"
QUIET_SECONDS = 15.0
"""After so long without news a comment is sent, which keeps proxies from closing the stream."""


class EventStream(StreamingResponse):
    """An answer of events, whose source is closed with it: whoever waits for a job learns at once
    that its client has left."""

    media_type = EVENTS

    def __init__(self, events: AsyncGenerator[bytes]) -> None:
        super().__init__(
            _lively(events),
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def stream_response(self, send: Any) -> None:
        assert isinstance(self.body_iterator, AsyncGenerator)
        async with aclosing(self.body_iterator):
            await super().stream_response(send)


def event(data: Any, kind: str | None = None, number: str | None = None) -> bytes:
    """One event; `data` is written as JSON."""
    lines = [f"id: {number}"] if number is not None else []
    lines += [f"event: {kind}"] if kind is not None else []
    lines.append(f"data: {json.dumps(data, ensure_ascii=False)}")
    return ("\n".join(lines) + "\n\n").encode()


async def _lively(events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The same events, with a comment wherever there is none for a while."""
    async with aclosing(events):
        coming = asyncio.ensure_future(anext(events, None))
        try:
            while True:
                await asyncio.wait({coming}, timeout=QUIET_SECONDS)
                if not coming.done():
                    yield b": waiting\n\n"
                    continue
                found = coming.result()
                if found is None:
                    return
                yield found
                coming = asyncio.ensure_future(anext(events, None))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def openai_events(
    service: Service, caller: Caller, job: Job, body: Streaming, name: str, usage: Usage
) -> AsyncGenerator[bytes]:
    """`name`.partial_image for each preview, `name`.completed for each picture, and [DONE].

    Args:
        name: `image_generation` or `image_edit`.
    """
    kind = body.output["format"]
    common = {
        "created_at": int(job.created),
        "background": body.background or "auto",
        "output_format": kind,
        "quality": body.quality or "auto",
    }

    def told(what: str, data: bytes, size: tuple[int, int], **more: Any) -> bytes:
        fields = {"type": f"{name}.{what}", "b64_json": base64.b64encode(data).decode()}
        shape = f"{size[0]}x{size[1]}"
        return event({**fields, **common, "size": shape, **more}, fields["type"])

    partials: Counter[int] = Counter()
    sent = 0
    try:
        async with aclosing(service.follow(caller, job)) as news:
            async for seen in news:
                for preview in seen.previews if isinstance(seen, Seen) else ():
                    data, size = await to_thread.run_sync(
                        partial(encoded, preview, kind, body.output["compression"])
                    )
                    index = partials[preview.picture]
                    partials[preview.picture] += 1
                    yield told("partial_image", data, size, partial_image_index=index)
                now = seen if isinstance(seen, Job) else await service.job(job.id, caller)
                for picture in now.pictures[sent:]:
                    data = await service.read(picture)
                    size = picture.width, picture.height
                    yield told("completed", data, size, usage=usage.model_dump())
                    sent += 1
        yield DONE
    except Exception as error:
        yield event(_told(error).body)


def encoded(preview: Preview, kind: str, compression: int | None) -> tuple[bytes, tuple[int, int]]:
    """A preview in the format that the pictures are asked in, and its size."""
    with Image.open(io.BytesIO(preview.blob)) as image:
        data = preview.blob if kind == "png" else encode(image, kind, compression)
        return data, image.size


async def job_events(
    service: Service, caller: Caller, job: Job, after: str | None, view: View
) -> AsyncGenerator[bytes]:
    """Our own events of a job: `place`, `progress`, `preview`, `picture`, `end`.

    The id of each says which previews and pictures the client has, so that one that comes back with
    `Last-Event-ID` gets the others, and the state as it is then. Leaving cancels nothing.

    Args:
        after: `Last-Event-ID`.
    """
    found = re.fullmatch(r"(\d{1,9})\.(\d{1,9})", after or "")
    since, sent = (int(found[1]), int(found[2])) if found else (0, 0)
    place: int | None = None
    progress: JobProgress | None = None

    def told(kind: str, data: Any) -> bytes:
        return event(data, kind, f"{since}.{sent}")

    try:
        async with aclosing(service.waiting.follow(job.id, since)) as news:
            async for seen in news:
                if seen.place is not None and seen.place != place:
                    place = seen.place
                    yield told("place", {"place": place})
                for preview in seen.previews:
                    since = max(since, preview.sequence)
                    blob = base64.b64encode(preview.blob).decode()
                    where = {name: getattr(preview, name) for name in ("stage", "step", "steps")}
                    yield told("preview", {"picture": preview.picture, **where, "b64_json": blob})
                if seen.progress is not None and seen.progress != progress:
                    progress = seen.progress
                    yield told("progress", asdict(progress))
                job = await service.job(job.id, caller)
                for picture in view(job).pictures[sent:]:
                    sent += 1
                    yield told("picture", picture.model_dump())
        yield told("end", view(await service.job(job.id, caller)).model_dump(mode="json"))
    except Exception as error:
        yield event(_told(error).body)


def _told(error: Exception) -> ApiError:
    return as_api_error(error) or ApiError(500, "The server had an error.", None)
