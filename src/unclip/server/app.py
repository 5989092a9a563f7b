"""The web application: what is checked first, the routes, and what lives as long as they do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial

from anyio import to_thread
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from unclip.safety import Policy
from unclip.server import errors, openapi
from unclip.server.catalogue import Catalogue
from unclip.server.logs import LOGGER, Context
from unclip.server.metrics import Metrics
from unclip.server.routes import ROUTERS
from unclip.server.security import Guard
from unclip.server.service import Service
from unclip.server.settings import Settings
from unclip.server.urls import Signer, load_secret
from unclip.server.waiting import Waiting
from unclip.store import Store

SWEEP_SECONDS = 600.0

_EXPOSED = ("openai-processing-ms", "retry-after", "x-request-id")
_SENT = ("authorization", "content-type", "idempotency-key", "last-event-id", "openai-organization")

_log = logging.getLogger(LOGGER)


def create_app(settings: Settings) -> FastAPI:
    """The server of some settings, its store open. Its lifespan closes the store.

    Raises:
        InvalidArgument: the bundle, the policy or the store cannot be used.
        SigningError: there is no valid key to sign pictures with.
    """
    catalogue = Catalogue(settings)
    policy = Policy.load(settings.policy)
    settings.credential().check()
    store = Store.open(settings.database, settings.blobs)
    metrics = Metrics(store)
    app = routed(
        Middleware(Context, metrics=metrics),
        Middleware(Guard, settings=settings),
        *_cors(settings),
    )
    app.state.settings = settings
    app.state.store = store
    app.state.metrics = metrics
    app.state.service = Service(
        settings=settings,
        store=store,
        policy=policy,
        catalogue=catalogue,
        signer=Signer(load_secret(settings), settings.url_seconds),
        waiting=Waiting(store.jobs),
    )
    return app


def routed(*middleware: Middleware) -> FastAPI:
    """The routes, with nothing behind them yet."""
    app = FastAPI(
        title=openapi.TITLE,
        summary="OpenAI's Images API on your own machine, and jobs of every other kind beside it.",
        middleware=middleware,
        responses=openapi.ERRORS,
        lifespan=_lifespan,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
    openapi.install(app)
    return app


def _cors(settings: Settings) -> list[Middleware]:
    """Pages elsewhere may read answers only where the operator names them."""
    if not settings.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=_SENT,
            expose_headers=_EXPOSED,
            allow_private_network=True,
        )
    ]


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    sweeping = asyncio.create_task(_sweep(app))
    try:
        yield
    finally:
        sweeping.cancel()
        with suppress(asyncio.CancelledError):
            await sweeping
        await app.state.service.close()
        app.state.store.close()


async def _sweep(app: FastAPI) -> None:
    """Let go, now and then, of what is older or more than is kept."""
    settings: Settings = app.state.settings
    store: Store = app.state.store
    while True:
        try:
            swept = await to_thread.run_sync(
                partial(store.sweep, settings.keep_days, settings.keep_bytes)
            )
            _log.info("swept", extra={"fields": asdict(swept)})
        except Exception:  # the next sweep may fare better
            _log.exception("a sweep failed")
        await asyncio.sleep(SWEEP_SECONDS)
