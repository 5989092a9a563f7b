"""A server as a process of its own, and clients for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import openai

from unclip.server.settings import Settings
from unclip.store import Store

SMALL: dict[str, Any] = {"size": "256x256", "extra_body": {"steps": 1, "candidates": 1}}
"""The quickest request there is."""

ORIGIN = "https://studio.example"
"""Of a page that may ask the idle server."""


class Server:
    """`unclip serve` on a free port of the loopback.

    Args:
        data: its data folder; a second server there goes on where the first ended.
        environment: its settings, without their prefix.
    """

    def __init__(self, data: Path, environment: dict[str, Any]) -> None:
        self.data = data
        settings = {"data": data, "port": 0, "judge_pictures": False, **environment}
        self.settings = Settings(**settings)
        given = {f"UNCLIP_{name.upper()}": str(value) for name, value in settings.items()}
        self.lines: list[str] = []
        self._told = threading.Event()
        self.url = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "unclip.cli", "serve"],
            env={**os.environ, "OMP_NUM_THREADS": "1", **given},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._told.wait(180)
        if not self.url:
            self.stop(signal.SIGKILL)
            raise AssertionError(f"it did not start:\n{self.log}")

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"serving .* at (http://\S+)/v1", line)
            if found:
                self.url = found[1]
                self._told.set()
        self._told.set()

    @property
    def log(self) -> str:
        """All that it has said."""
        return "".join(self.lines)

    def wait_ready(self) -> None:
        """Until a worker is there."""
        with self.http() as http:
            wait_for(lambda: http.get("/readyz").status_code == 200, 180)

    def worker_pid(self) -> int:
        """The process that draws."""
        pids = re.findall(r'"worker": "[^"]*-(\d+)-[0-9a-f]+", "device"', self.log)
        return int(pids[-1])

    def store(self) -> Store:
        """Its store, opened a second time; to be closed."""
        return Store.open(self.settings.database, self.settings.blobs)

    def new_key(self, **limits: int) -> str:
        """A key of its own."""
        with self.store() as store:
            return store.keys.create("somebody", **limits).secret

    def client(self, key: str = "none", **options: Any) -> openai.OpenAI:
        """OpenAI's; to be closed."""
        given = {"max_retries": 0, "timeout": 60, **options}
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, **given)

    def http(self, key: str | None = None, **options: Any) -> httpx2.Client:
        """For what OpenAI's client would not send; to be closed."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        given = {"timeout": 60, "trust_env": False, "headers": headers, **options}
        return httpx2.Client(base_url=self.url, **given)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60) -> int:
        """Signal it, and give its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


def wait_for(true: Callable[[], Any], seconds: float = 30) -> Any:
    """What a function gives as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)
    return found
