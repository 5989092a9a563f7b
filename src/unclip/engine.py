"""The one door to the cascade: command line, server, notebooks and `unclip.load` all use it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from unclip.pipeline.bundle import Bundle, load_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.generate import generate
from unclip.requests import Generation, Request
from unclip.types import Event, Picture, Progress, Result


class Engine:
    """A loaded model. Several threads may use one: their steps take turns on the device."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._cascade = Cascade(bundle)
        self._turn = threading.Lock()

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.bundle.device

    def generate(
        self,
        prompt: str,
        n: int = 1,
        seed: int | None = None,
        size: str = "1024x1024",
        *,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Result:
        """Make pictures and wait for them.

        Args:
            prompt, n, seed, size, settings: see `Generation`.
            on_progress: called after every step.
            cancelled: asked after every step; true stops the work.

        Raises:
            InvalidArgument: a value is out of range.
            Cancelled: `cancelled` said so.
        """
        request = Generation(prompt, n=n, seed=seed, size=size, **settings)
        return self.run(request, on_progress, cancelled)

    def run(
        self,
        request: Request,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Result:
        """Any request, to its end.

        Raises:
            InvalidArgument: the model cannot make that size.
            Cancelled: `cancelled` said so.
        """
        pictures: list[Picture] = []
        seconds: dict[str, float] = {}
        before = time.perf_counter()
        for event in self.stream(request, cancelled):
            stage = event.stage if isinstance(event, Progress) else "finish"
            now = time.perf_counter()
            seconds[stage] = seconds.get(stage, 0.0) + now - before
            if isinstance(event, Picture):
                pictures.append(event)
            elif on_progress is not None:
                on_progress(event)
            before = time.perf_counter()
        return Result(request, tuple(pictures), seconds)

    def stream(
        self, request: Request, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[Event]:
        """The same as events, in order; the caller may stop at any of them.

        The device is held for a step, never between steps, so a caller that stops listening blocks
        nobody.
        """
        events = generate(self._cascade, request, cancelled)
        while True:
            with self._turn:
                event = next(events, None)
            if event is None:
                return
            yield event


def load(
    model: str | os.PathLike[str] = "default", device: str | torch.device | None = None
) -> Engine:
    """Load a model by the name of one that ships, or by the path of its folder.

    Raises:
        InvalidArgument: no such model or device.
        BundleError: its folder is incomplete or was altered.
    """
    return Engine(load_bundle(model, device))
