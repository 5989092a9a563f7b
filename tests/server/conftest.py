"""What the tests of the server share: one that most of them ask, and a way to start others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from server_process import ORIGIN, Server

from unclip.store import State


@pytest.fixture(scope="session")
def serving(bundle_path: Path) -> Callable[..., Any]:
    """Starts a server of the tiny bundle, open unless said otherwise, and stops it at the end."""

    @contextmanager
    def start(data: Path, **environment: Any) -> Iterator[Server]:
        aliases = "dall-e-2=default,dall-e-3=default,gpt-image-1=default"
        given = {"model": str(bundle_path), "open": True, "aliases": aliases, **environment}
        server = Server(data, given)
        try:
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()
            print(server.log)  # which pytest shows where a test has failed

    return start


@pytest.fixture(scope="session")
def server(serving: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one that most tests share: open, with a worker."""
    with serving(tmp_path_factory.mktemp("server")) as started:
        started.wait_ready()
        yield started


@pytest.fixture(scope="session")
def idle(serving: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that asks for keys, and that nothing draws for, so that jobs stay; its limits are low."""
    limits = {"queue_limit": 2, "wait_seconds": 1, "body_seconds": 1, "max_body_bytes": 2**21}
    given = {"worker": False, "open": False, "max_image_bytes": 1000, "origins": ORIGIN}
    with serving(tmp_path_factory.mktemp("idle"), **limits, **given) as started:
        yield started


@pytest.fixture
def emptied(idle: Server) -> Iterator[Server]:
    """The idle one, whose queue is emptied afterwards."""
    yield idle
    with idle.store() as store:
        for job in store.jobs.latest(100, state=State.QUEUED):
            store.jobs.cancel(job.id)


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with server.client() as opened:
        yield opened


@pytest.fixture
def http(server: Server) -> Iterator[httpx2.Client]:
    with server.http() as opened:
        yield opened
