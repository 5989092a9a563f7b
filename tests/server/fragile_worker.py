"""A worker whose engine ends the whole process for one prompt, as a fault in a driver does."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

from unclip.engine import Engine, load
from unclip.server.settings import Settings
from unclip.server.worker import Worker, stop_event
from unclip.store import Store
from unclip.types import Event

DEADLY = "a cat that crashes"


class FragileEngine(Engine):
    """Draws anything else."""

    def stream(self, request: Any, *arguments: Any, **named: Any) -> Iterator[Event]:
        for event in super().stream(request, *arguments, **named):
            if request.prompt == DEADLY:
                os.kill(os.getpid(), signal.SIGKILL)
            yield event


def main(settings: Settings) -> None:
    stopping = stop_event()
    with Store.open(settings.database, settings.blobs) as store:
        engine = FragileEngine(load(settings.model, "cpu").bundle)
        Worker(store, engine, settings, f"fragile-{os.getpid()}").run(stopping)
