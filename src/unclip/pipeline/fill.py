"""Filling a canvas at the decoder's scale, frame by frame."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from PIL.Image import Image
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.errors import InvalidArgument
from unclip.models.image import ImageTower
from unclip.pipeline.assemble import plan_prompt
from unclip.pipeline.canvas import Canvas
from unclip.pipeline.cascade import (
    Cascade,
    Plan,
    decoder_sampling,
    truncation,
)
from unclip.pipeline.draw import best_of
from unclip.pipeline.images import to_images
from unclip.pipeline.rank import image_embedding
from unclip.pipeline.seams import continued, set_into
from unclip.pipeline.stages import (
    Draft,
    KnownPixels,
    Running,
    Texts,
    candidate,
    mapped,
)
from unclip.requests import Filling
from unclip.types import Progress

SUBJECT, SURROUNDINGS = 0.6, 0.75
"""Times from which a draft is drawn anew. Of a subject that was set into a picture the shape stays,
and light and edges become the picture's. Of what is merely carried on only the gist stays, by which
the decoder knows that there is to be nothing else."""

CONTINUATIONS = 2
"""Candidates of a frame that goes on with what is there: they differ little."""

_JOINING = {",", "against", "and", "before", "behind", "in", "near", "of", "on", "over", "with"}


@torch.inference_mode()
def fill(cascade: Cascade, plan: Plan) -> Running[tuple[Float[Tensor, "n 3 h w"], list[int]]]:
    """Draw what a plan tells of, and go on until its canvas is full.

    The pictures are drawn side by side, their frames one after another, since each continues those
    before it. Returns the canvases, and the row of the plan that each picture goes on with.
    """
    canvas = plan.canvas
    assert canvas is not None
    rows = [k * plan.candidates for k in range(len(plan.generators) // plan.candidates)]
    pixels, mask = (v.repeat(len(rows), 1, 1, 1) for v in _known(canvas, cascade.decoder.device))
    subject, left = None, list(canvas.frames)
    if left:
        first, rows = yield from best_of(cascade, plan)
        plan = plan._replace(drawn=None)
        if plan.is_subject:
            subject = first
        else:
            part = canvas.part(left[0], left.pop(0) + canvas.side)
            pixels, mask = _with(pixels, part, first), _with(mask, part, 1.0)
    for count, offset in enumerate(left):
        part = canvas.part(offset, offset + canvas.side)
        frame = _frame(cascade, plan, rows, KnownPixels(pixels[part], mask[part]), subject)
        shown = partial(_shown, pixels, canvas, offset)
        change = partial(_as_frame, count, len(left), shown)
        drawn, _ = yield from mapped(best_of(cascade, frame), change)
        pixels, mask = _with(pixels, part, drawn), _with(mask, part, 1.0)
    return pixels, rows


def plan_filling(cascade: Cascade, request: Filling, canvas: Canvas) -> Running[Plan]:
    """A subject from the prompt, to be set into the canvas; or its surroundings going on.

    Raises:
        InvalidArgument: there is no prompt, and nothing or nobody to tell what else to draw.
    """
    first = canvas.frames[0] if canvas.frames else 0
    part = canvas.part(first, first + canvas.side)
    known = KnownPixels(*(v[part] for v in _known(canvas, cascade.decoder.device)))
    something, tower = bool(known.mask.any()), cascade.bundle.image
    prompt = request.prompt
    if prompt and not (names_background(prompt) and something and tower):
        plan = yield from plan_prompt(cascade, request)
        return plan._replace(is_subject=something)
    if not something:
        raise InvalidArgument("prompt", "is missing, and there is nothing around to go on with")
    if tower is None:
        raise InvalidArgument("prompt", "is missing; with this model it must say what to draw")
    candidates = request.candidates or cascade.bundle.config.candidates
    generators = [candidate(seed, j) for seed in request.seeds for j in range(candidates)]
    texts = yield from cascade.text(prompt or "")
    z_i, known, draft = surroundings(tower, known.repeated(request.n), candidates)
    return Plan(
        z_i=z_i,
        texts=texts,
        x_t=cascade.decoder.noise(generators),
        generators=generators,
        sampling=_sampling(decoder_sampling(cascade.decoder.sampling, request), texts),
        fit=torch.ones(len(generators)),
        wanted=z_i,
        candidates=candidates,
        settings=truncation(texts),
        known=known,
        draft=draft,
    )


def surroundings(
    tower: ImageTower, known: KnownPixels, candidates: int
) -> tuple[Float[Tensor, "nm e"], KnownPixels, Draft]:
    """What is known carried on over the rest, as embedding and draft, and what is known; a row for
    each candidate. Told so, the decoder draws no second subject.
    """
    known = known.repeated(candidates)
    ground = continued(*known)
    return image_embedding(tower, ground), known, Draft(ground, SURROUNDINGS)


def names_background(prompt: str) -> bool:
    """Whether a prompt is of a background and of nothing on it: "a plain blue background"."""
    words = re.findall(r"\w+|,", prompt.casefold())
    if words in (["nothing"], ["empty"]):
        return True
    return words[-1:] == ["background"] and not _JOINING & {*words}


def _frame(
    cascade: Cascade, plan: Plan, rows: list[int], known: KnownPixels, subject: Tensor | None
) -> Plan:
    """The plan of a further frame: the subject set into it, or its surroundings going on."""
    tower = cascade.bundle.image
    if subject is None and tower is not None:
        candidates = min(plan.candidates, CONTINUATIONS)
        z_i, known, draft = surroundings(tower, known, candidates)
        texts = _silent(plan.texts) if plan.known is None else plan.texts
        generators = [
            plan.generators[k * plan.candidates + j]
            for k in range(len(rows))
            for j in range(candidates)
        ]
        return plan._replace(
            z_i=z_i,
            texts=texts,
            x_t=cascade.decoder.noise(generators),
            generators=generators,
            sampling=_sampling(plan.sampling, texts),
            fit=torch.ones(len(generators)),
            wanted=z_i,
            candidates=candidates,
            known=known,
            draft=draft,
        )
    ground, time = continued(*known), SURROUNDINGS
    if subject is not None:
        ground, time = set_into(ground, subject, known.mask), SUBJECT
    generators = [plan.generators[row] for row in rows]
    return plan._replace(
        z_i=plan.z_i[rows] if tower is None else image_embedding(tower, ground),
        x_t=cascade.decoder.noise(generators),
        generators=generators,
        fit=plan.fit[rows],
        candidates=1,
        known=known,
        draft=Draft(ground, time),
    )


def _known(canvas: Canvas, device: torch.device) -> KnownPixels:
    if canvas.picture is not None:
        return canvas.known().to(device)
    width, height = canvas.grid
    nothing = torch.zeros(1, 1, height, width, device=device)
    return KnownPixels(nothing.expand(-1, 3, -1, -1), nothing)


def _with(whole: Tensor, part: tuple[slice, ...], value: Tensor | float) -> Tensor:
    """A copy with a part replaced; previews may still show the old."""
    whole = whole.clone()
    whole[part] = value
    return whole


def _sampling(sampling: SamplingConfig, texts: Texts) -> SamplingConfig:
    """What is to be seen is all there: without a text there is nothing to guide toward."""
    return sampling if texts.given else dataclasses.replace(sampling, guidance=1.0)


def _silent(texts: Texts) -> Texts:
    """As if no prompt had been given."""
    return texts._replace(prompt=texts.empty, given=False)


def _as_frame(
    count: int,
    frames: int,
    shown: Callable[[Callable[[], tuple[Image, ...]]], tuple[Image, ...]],
    event: Progress,
) -> Progress:
    preview = None if event.preview is None else partial(shown, event.preview)
    step, steps = count * event.steps + event.step, frames * event.steps
    return dataclasses.replace(event, stage="frames", step=step, steps=steps, preview=preview)


def _shown(
    pixels: Tensor, canvas: Canvas, offset: int, preview: Callable[[], tuple[Image, ...]]
) -> tuple[Image, ...]:
    """Canvases with a frame on them as it is now."""
    whole = to_images(pixels)
    for image, frame in zip(whole, preview(), strict=True):
        image.paste(frame, (0, offset) if canvas.along else (offset, 0))
    return whole
