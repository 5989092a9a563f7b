"""For whatever watches the server."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends
from fastapi import Request as HttpRequest
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, PlainTextResponse, Response

from unclip.server.auth import observe

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether this process answers. It asks nothing of the store, so load does not slow it."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "They would not."}})
async def readyz(http: HttpRequest) -> JSONResponse:
    """Whether requests would be served: the store answers, and a worker is there."""
    service = http.app.state.service
    try:
        workers = await to_thread.run_sync(service.store.live_workers)
    except Exception:  # whatever is wrong with a database, it is not ready
        return JSONResponse({"status": "no store"}, 503)
    if not workers:
        return JSONResponse({"status": "no worker"}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(http: HttpRequest, allowed: Annotated[None, Depends(observe)]) -> Response:
    """For Prometheus: from this machine, or with a key."""
    text = await to_thread.run_sync(http.app.state.metrics.text)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
