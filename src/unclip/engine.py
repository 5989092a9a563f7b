"""The one door to the cascade: command line, server, notebooks and `unclip.load` all use it."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

from unclip.errors import Refused
from unclip.pipeline.bundle import Bundle, load_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.files import Seal, output_folder, read_picture, save_picture
from unclip.pipeline.generate import generate
from unclip.pipeline.inputs import Source, open_masked, open_picture
from unclip.pipeline.memory import device_memory, size_of
from unclip.pipeline.recipe import request_of, sources_of
from unclip.pipeline.turns import Turns
from unclip.provenance.manifest import SignedPicture, Signer
from unclip.release import check_sources, marked, signed
from unclip.requests import (
    MAX_PROMPT,
    Blend,
    Change,
    Generation,
    Inpainting,
    Request,
    Variation,
    outpainting,
    texts_of,
)
from unclip.safety import Classifier, Decision, PictureJudge, Policy
from unclip.types import Event, Picture, Progress, Result, Withheld


class Engine:
    """A loaded model. Several threads may use one: their steps share turns on the device.

    A request is judged by the policy, drawn, and its pictures are marked; `seal` signs their files.

    Args:
        policy: the `policy.toml` of what may be asked for; the package's own if None.
        signer: signs what leaves, with this machine's own certificate if None.
        judges_pictures: pictures are judged too, those that are given and those that are made; it
            needs the extra `safety`.
        memory: bytes that requests may take together, beside the model; a share of what is free
            if None. The next one waits until there is room.
    """

    def __init__(
        self,
        bundle: Bundle,
        policy: Path | None = None,
        signer: Signer | None = None,
        judges_pictures: bool = False,
        memory: int | None = None,
    ) -> None:
        self.bundle = bundle
        self._signer = signer or Signer(refuse=False)
        self._turns = Turns(bundle.device, memory or device_memory(bundle.device))
        self._cascade = Cascade(bundle, self._turns.evaluate)
        # The classifier knows the states of the tower that it was trained on, and of no other.
        is_known = bundle.hashes.get("text") == Classifier.load().tower
        self.policy = Policy.load(policy, self._cascade.text.embedding if is_known else None)
        self._pictures = PictureJudge(self.policy, threads=1) if judges_pictures else None

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.bundle.device

    @property
    def batch_sizes(self) -> dict[int, int]:
        """How many turns of several requests had each number of rows."""
        return dict(self._turns.batch_sizes)

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
        withheld: list[Withheld] = []
        seconds: dict[str, float] = {}
        before = time.perf_counter()
        for event in self.stream(request, cancelled):
            stage = event.stage if isinstance(event, Progress) else "finish"
            now = time.perf_counter()
            seconds[stage] = seconds.get(stage, 0.0) + now - before
            if isinstance(event, Picture):
                pictures.append(event)
            elif isinstance(event, Withheld):
                withheld.append(event)
            elif on_progress is not None:
                on_progress(event)
            before = time.perf_counter()
        return Result(request, tuple(pictures), seconds, tuple(withheld))

    def stream(
        self,
        request: Request,
        cancelled: Callable[[], bool] | None = None,
        owner: str | None = None,
        confirmed: bool = False,
    ) -> Iterator[Event]:
        """The same as events, in order; the caller may stop at any of them.

        The device is held for a step, never between steps, so a caller that stops listening blocks
        nobody. Steps of several requests at the same stage are computed as one batch.

        Args:
            owner: whose request it is: owners are served in turn, whatever each of them asks.
            confirmed: the user was asked, where the policy says to ask.

        Raises:
            Refused: the policy blocks it, or says to ask and nobody has confirmed.
            InvalidArgument: also where a picture says that it may not be used so.
        """
        for decision in self.judge(request):
            if decision.refuses(confirmed):
                raise Refused(
                    decision.message,
                    decision.category,
                    decision.rule,
                    decision.revised_prompt,
                    may_confirm=decision.action == "ask",
                )
        check_sources(self._signer, request)
        size = size_of(request, self.bundle.dtype)
        with self._turns.visit(size, owner, cancelled) as visit:
            for first, part in self._parts(request):
                events = generate(self._cascade, part, cancelled)
                while True:
                    with self._turns.speaking(visit):
                        event = next(events, None)
                    if event is None:
                        break
                    if isinstance(event, Picture):
                        event = self._leaving(event, part, confirmed)
                    yield event if part is request else _as_part(event, first, len(request.seeds))

    def _parts(self, request: Request) -> list[tuple[int, Request]]:
        """A request as it is; or, where its prompt leaves open who is shown, picture by picture,
        each with a prompt that says it, and with its number."""
        if not isinstance(request, Generation):
            return [(0, request)]
        prompts = [self.policy.diversity(request.prompt, seed) for seed in request.seeds]
        if set(prompts) == {request.prompt} or max(map(len, prompts)) > MAX_PROMPT:
            return [(0, request)]
        return [
            (k, dataclasses.replace(request.alone(k), prompt=prompt))
            for k, prompt in enumerate(prompts)
        ]

    def judge(self, request: Request) -> list[Decision]:
        """What the policy says of the sentences and pictures of a request, where it objects."""
        texts = texts_of(request)
        decisions = [self.policy.judge_text(text) for text in texts]
        if self._pictures is not None:
            said = " ".join(texts) or None
            given = sources_of(request)
            decisions += [self._pictures.judge(image, said, is_upload=True) for _, image in given]
        return [decision for decision in decisions if decision.action != "allow"]

    def judge_picture(self, image: Image, request: Request) -> Decision:
        """What the policy says of a picture that a request makes, or of a preview of one."""
        if self._pictures is None:
            return Decision("allow")
        return self._pictures.judge(image, " ".join(texts_of(request)) or None)

    def _leaving(self, picture: Picture, request: Request, confirmed: bool) -> Picture | Withheld:
        decision = self.judge_picture(picture.image, request)
        if decision.refuses(confirmed):
            return Withheld(picture.index, picture.seed, decision.category, decision.message)
        return marked(picture, request)

    def seal(
        self, data: bytes, media_type: str, request: Request, title: str = "picture"
    ) -> SignedPicture:
        """The file of a picture that a request made, signed: nothing may be written to it after.

        Args:
            data: PNG, JPEG, WebP or GIF with all its metadata.

        Raises:
            SigningError: there is no valid key.
        """
        model = f"{self.bundle.name} {self.bundle.version}"
        return signed(self._signer, data, media_type, request, model, title)

    def save(self, result: Result, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the pictures of a result as signed PNG files, and give their paths.

        Raises:
            InvalidArgument: the folder cannot be written.
            SigningError: there is no valid key.
        """
        with output_folder(Path(folder)) as path:
            return [save_picture(picture, path, self.sealing(result.request)) for picture in result]

    def sealing(self, request: Request) -> Seal:
        """`seal` for the files of one request."""
        return lambda data, media_type, title: self.seal(data, media_type, request, title).data


def _as_part(event: Event, first: int, count: int) -> Event:
    """An event of one picture as one of a request of several."""
    if not isinstance(event, Progress):
        return dataclasses.replace(event, index=first)
    step, steps = first * event.steps + event.step, count * event.steps
    return dataclasses.replace(event, step=step, steps=steps, first=first)


def load(
    model: str | os.PathLike[str] = "default",
    device: str | torch.device | None = None,
    policy: str | os.PathLike[str] | None = None,
    signer: Signer | None = None,
    judges_pictures: bool = False,
) -> Engine:
    """Load a model by the name of one that ships, or by the path of its folder.

    Args:
        policy: a `policy.toml`, if not the package's own.
        signer, judges_pictures: see `Engine`.

    Raises:
        InvalidArgument: no such model or device, or no such policy.
        BundleError: its folder is incomplete or was altered.
    """
    own = None if policy is None else Path(policy)
    return Engine(load_bundle(model, device), own, signer, judges_pictures)
