"""The server as a process: uvicorn here, the worker in a child that is started again if it dies."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import Any

import uvicorn

from unclip.errors import InvalidArgument
from unclip.server import logs
from unclip.server.app import create_app
from unclip.server.settings import Settings
from unclip.server.worker import main as run_worker

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before a worker that died is started again; each death in a row doubles them."""
STEADY_SECONDS = 60.0
"""A worker that lived so long did not die in a row."""
GRACE_SECONDS = 10.0
"""The server waits so much longer than the worker drains, and the supervisor as long again."""

KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep a connection, so that none sends a request into a closing one."""

_log = logging.getLogger(logs.LOGGER)


class Supervisor:
    """Keeps a worker running in a child process.

    Args:
        target: what the child does, with the settings; it ends on SIGTERM.
    """

    def __init__(self, settings: Settings, target: Callable[[Settings], None] = run_worker) -> None:
        self._settings = settings
        self._target = target
        self._stopping = threading.Event()
        self._process: BaseProcess | None = None
        self._thread = threading.Thread(target=self._keep, name="supervisor")

    def start(self) -> None:
        """Start the worker, and a thread that watches it."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the worker to drain. May be called from a signal handler."""
        if self._stopping.is_set():  # a second signal would end the worker at once
            return
        self._stopping.set()
        process = self._process
        if process is not None:
            process.terminate()

    def join(self, seconds: float) -> None:
        """Wait for the worker to end, and end it where it does not."""
        self._thread.join(seconds)
        process = self._process
        if self._thread.is_alive() and process is not None:
            process.kill()
            self._thread.join()

    def _keep(self) -> None:
        # A fork of a process with threads is not to be trusted, and a GPU allows none.
        context = multiprocessing.get_context("spawn")
        wait = FIRST_WAIT
        while not self._stopping.is_set():
            begun = time.monotonic()
            process = context.Process(target=self._target, args=(self._settings,), name="worker")
            process.start()
            self._process = process
            if self._stopping.is_set():  # `stop` came while there was no process to tell
                process.terminate()
            process.join()
            if self._stopping.is_set():
                return
            lived = time.monotonic() - begun
            wait = FIRST_WAIT if lived > STEADY_SECONDS else wait
            fields = {"exit": process.exitcode, "lived": round(lived, 1), "again_in": wait}
            _log.error("the worker died", extra={"fields": fields})
            self._stopping.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)


class _Server(uvicorn.Server):
    """uvicorn's, which tells when it listens and when it is told to stop."""

    def __init__(
        self, config: uvicorn.Config, started: Callable[[], None], stopped: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._tell_started = started
        self._tell_stopped = stopped

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell_started()

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.should_exit:  # the second time in earnest
            self.force_exit = True
        self.should_exit = True
        self._tell_stopped()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn does, but a server that was told to stop and did so ends with 0."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(settings: Settings, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then drain: what runs is finished, what waits is kept.

    Args:
        say: tells a person a line.

    Raises:
        InvalidArgument: the address is taken, or something that is served cannot be used.
    """
    logs.configure(settings.log_level)
    listening = listen(settings.host, settings.port)
    try:
        app = create_app(settings)
        supervisor = Supervisor(settings) if settings.worker else None
        service = app.state.service

        def started() -> None:
            with suppress(OSError):  # a log that is full is no reason to stop
                say(f"serving {settings.model_name} at {address(listening)}/v1")
                if not settings.open and not service.store.keys.list():
                    say("no key is there yet, and none may ask without; unclip keys create NAME")
            if supervisor is not None:
                supervisor.start()

        def stopped() -> None:
            service.waiting.drain()
            if supervisor is not None:
                supervisor.stop()

        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.drain_seconds + GRACE_SECONDS),
        )
        server = _Server(config, started, stopped)
        try:
            server.run(sockets=[listening])
        finally:
            if supervisor is not None and server.started:
                supervisor.stop()
                supervisor.join(settings.drain_seconds + 2 * GRACE_SECONDS)
    finally:
        listening.close()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InvalidArgument: nothing can listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidArgument(
            "port", f"is {port} of {host}, where nothing can listen ({reason}); 0 is any free one"
        ) from None


def address(listening: socket.socket) -> str:
    """Where a socket listens, as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
