"""The one door to the cascade: command line, server, notebooks and `unclip.load` all use it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from unclip.pipeline.bundle import Bundle, load_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.files import read_picture
from unclip.pipeline.generate import generate
from unclip.pipeline.inputs import Source, open_masked, open_picture
from unclip.pipeline.memory import device_memory, size_of
from unclip.pipeline.recipe import request_of
from unclip.pipeline.turns import Turns
from unclip.requests import (
    Blend,
    Change,
    Generation,
    Inpainting,
    Request,
    Variation,
    outpainting,
)
from unclip.types import Event, Picture, Progress, Result


class Engine:
    """A loaded model. Several threads may use one: their steps share turns on the device.

    Args:
        memory: bytes that requests may take together, beside the model; a share of what is free
            if None. The next one waits until there is room.
    """

    def __init__(self, bundle: Bundle, memory: int | None = None) -> None:
        self.bundle = bundle
        self._turns = Turns(bundle.device, memory or device_memory(bundle.device))
        self._cascade = Cascade(bundle, self._turns.evaluate)

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

    def vary(
        self,
        image: Source,
        n: int = 1,
        seed: int | None = None,
        size: str = "1024x1024",
        *,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Result:
        """Make pictures that show what a picture shows.

        Args:
            image: see `open_picture`.
            n, seed, size, settings: see `Variation`; `strength` says how far they may go.

        Raises:
            InvalidArgument: the picture cannot be read, or a value is out of range.
            Cancelled: `cancelled` said so.
        """
        request = Variation(open_picture(image), n=n, seed=seed, size=size, **settings)
        return self.run(request, on_progress, cancelled)

    def blend(
        self,
        items: Sequence[Source],
        weights: tuple[float, ...] | None = None,
        n: int = 1,
        seed: int | None = None,
        size: str = "1024x1024",
        *,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Result:
        """Make pictures between pictures and sentences.

        Args:
            items: text is a sentence, anything else a picture as `open_picture` takes it: a file is
                a `Path`.
            weights, n, seed, size, settings: see `Blend`; `frames` leads from the first to the
                last.

        Raises:
            InvalidArgument: a picture cannot be read, or a value is out of range.
            Cancelled: `cancelled` said so.
        """
        opened: Any = items
        if isinstance(items, list | tuple):
            opened = tuple(i if isinstance(i, str) else open_picture(i, "items") for i in items)
        request = Blend(opened, weights=weights, n=n, seed=seed, size=size, **settings)
        return self.run(request, on_progress, cancelled)

    def change(
        self,
        image: Source,
        prompt: str | None = None,
        source: str | None = None,
        n: int = 1,
        seed: int | None = None,
        size: str = "1024x1024",
        *,
        reference: Source | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Result:
        """Move a whole picture from what a source says toward what a prompt says, or to a style.

        Args:
            image, reference: see `open_picture`.
            prompt, source, n, seed, size, settings: see `Change`; `amount` says how far.

        Raises:
            InvalidArgument: a picture cannot be read, or a value is out of range.
            Cancelled: `cancelled` said so.
        """
        request = Change(
            open_picture(image),
            prompt,
            source,
            reference=None if reference is None else open_picture(reference, "reference"),
            n=n,
            seed=seed,
            size=size,
            **settings,
        )
        return self.run(request, on_progress, cancelled)

    def edit(
        self,
        image: Source,
        prompt: str | None = None,
        n: int = 1,
        seed: int | None = None,
        *,
        mask: Source | None = None,
        mask_mode: str = "alpha",
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Result:
        """Draw a part of a picture anew; the rest comes back byte for byte.

        Args:
            image, mask: see `open_picture`. Without a mask the part is what is transparent.
            prompt: what is drawn there. Without one the surroundings go on, which removes things.
            mask_mode: what marks the part: "alpha" (0), "white" or "black".
            n, seed, settings: see `Inpainting`.

        Raises:
            InvalidArgument: a picture cannot be read, or a value is out of range.
            Cancelled: `cancelled` said so.
        """
        picture, change = open_masked(image, mask, mask_mode)
        request = Inpainting(picture, change, prompt=prompt, n=n, seed=seed, **settings)
        return self.run(request, on_progress, cancelled)

    def outpaint(
        self,
        image: Source,
        prompt: str | None = None,
        n: int = 1,
        seed: int | None = None,
        *,
        to: str | None = None,
        frame: tuple[int, int] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Result:
        """Continue a picture beyond its edges.

        Args:
            image: see `open_picture`.
            prompt: what is drawn there. Without one the picture goes on.
            to: the size it grows to, as "1792x1024", itself in the middle; or give `left`, `right`,
                `top` and `bottom` in pixels.
            frame: x, y; draws what is transparent of `image` in a square there, of `side` pixels.
            n, seed, settings: see `Outpainting` and `Framing`.

        Raises:
            InvalidArgument: a picture cannot be read, or a value is out of range.
            Cancelled: `cancelled` said so.
        """
        request = outpainting(
            open_picture(image), to, frame, prompt=prompt, n=n, seed=seed, **settings
        )
        return self.run(request, on_progress, cancelled)

    def again(
        self,
        file: str | os.PathLike[str],
        *,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        **changes: Any,
    ) -> Result:
        """Make a picture again from its recipe, or change it.

        Args:
            file: a picture of ours, or the JSON file beside it.
            changes: fields of its request, such as `seed` or `prompt`.

        Raises:
            InvalidArgument: it holds no recipe, or a picture that it was made from is absent or was
                altered, or a change is none that this kind of request has.
            Cancelled: `cancelled` said so.
        """
        path = Path(file)
        request = request_of(read_picture(path)[0], path.parent, changes)
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
        self,
        request: Request,
        cancelled: Callable[[], bool] | None = None,
        owner: str | None = None,
    ) -> Iterator[Event]:
        """The same as events, in order; the caller may stop at any of them.

        The device is held for a step, never between steps, so a caller that stops listening blocks
        nobody. Steps of several requests at the same stage are computed as one batch.

        Args:
            owner: whose request it is: owners are served in turn, whatever each of them asks.
        """
        size = size_of(request, self.bundle.dtype)
        with self._turns.visit(size, owner, cancelled) as visit:
            events = generate(self._cascade, request, cancelled)
            while True:
                with self._turns.speaking(visit):
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
