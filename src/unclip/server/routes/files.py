"""Pictures by their signed addresses, which need no key."""

from __future__ import annotations

import re
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query
from fastapi import Request as HttpRequest
from starlette.responses import Response

from unclip.server.errors import not_found
from unclip.server.openapi import PICTURES
from unclip.server.service import service_of
from unclip.server.urls import FILES

router = APIRouter(prefix=FILES, tags=["files"])

_NAME = re.compile(r"[\w-]{1,64}", re.ASCII)

HEADERS = {
    "cache-control": "private, max-age=3600",
    "content-disposition": "inline",
    # A page elsewhere may show what it was given the address of.
    "cross-origin-resource-policy": "cross-origin",
}


@router.get("/{picture_id}", response_class=Response, responses=PICTURES)
async def get_file(
    picture_id: str,
    http: HttpRequest,
    expires: Annotated[int, Query(ge=0, le=2**40)],
    signature: Annotated[str, Query(max_length=64)],
) -> Response:
    """A picture. The name is one of the database, never of a file."""
    service = service_of(http)
    if not _NAME.fullmatch(picture_id):
        raise not_found("picture")
    service.signer.check(picture_id, expires, signature)
    picture = await to_thread.run_sync(service.store.jobs.picture, picture_id)
    if picture is None:
        raise not_found("picture")
    return Response(await service.read(picture), media_type=picture.media_type, headers=HEADERS)
