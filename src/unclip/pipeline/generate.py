"""A request through the whole cascade."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL.Image import Image
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.errors import Cancelled
from unclip.models.image import ImageTower
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.cascade import Cascade, Plan, candidate
from unclip.pipeline.images import to_images
from unclip.pipeline.rank import clip_score
from unclip.pipeline.stages import DecoderStage, Running
from unclip.requests import Generation, Request
from unclip.types import Event, Picture

PRIOR_DRAWS = 2
"""Embeddings drawn for each candidate, of which the one nearest the text is kept (section 2.2)."""


@torch.inference_mode()
def generate(
    cascade: Cascade, request: Request, cancelled: Callable[[], bool] | None = None
) -> Iterator[Event]:
    """Make a request's pictures; the caller drives.

    Yields `Progress` after every step, and each `Picture` as soon as it is finished, in order, the
    last event being the last picture. Picture k depends on seed + k and the settings alone: at
    another batch size it is the same to the rounding of the arithmetic: in float32 within one level
    of 255, in bfloat16 near 50 dB, which nobody sees.

    Args:
        cancelled: asked after every step; true stops the work.

    Raises:
        InvalidArgument: the bundle cannot make that size.
        Cancelled: `cancelled` said so.
    """
    for event in _run(cascade, request):
        yield event
        if cancelled is not None and cancelled():
            raise Cancelled("the work was cancelled")


def _run(cascade: Cascade, request: Request) -> Iterator[Event]:
    upsamplers = cascade.upsamplers_for(request.pixels)
    plan = yield from plan_for(cascade, request)
    small = yield from _one_preview_each(_decode(cascade.decoder, plan), plan.candidates)
    chosen = _best(cascade.bundle.image, small, plan)
    settings = settings_of(cascade.bundle, request, plan)

    for k, seed in enumerate(request.seeds):
        row = slice(chosen[k], chosen[k] + 1)
        pixels = small[row]
        # One at a time: as fast as a batch at these sizes, in a fraction of the memory.
        for stage in upsamplers:
            pixels = yield from stage(pixels, plan.generators[row], k, request.n)
        pixels = scaled_down(pixels, request.pixels)
        tower = cascade.bundle.image
        yield Picture(
            image=to_images(pixels)[0],
            index=k,
            seed=seed,
            clip_score=None if tower is None else float(clip_score(tower, pixels, plan.wanted)),
            prior_score=float(plan.fit[chosen[k]]),
            settings={**settings, "seed": seed},
        )


def plan_for(cascade: Cascade, request: Request) -> Running[Plan]:
    """The plan of any kind of request."""
    for kind, planner in _PLANNERS.items():
        if isinstance(request, kind):
            return planner(cascade, request)
    raise AssertionError(f"nothing plans a {type(request).__name__}")


def plan_generation(cascade: Cascade, request: Generation) -> Running[Plan]:
    """Text to embeddings by the prior, several for each candidate."""
    candidates = request.candidates or cascade.bundle.config.candidates
    generators = [candidate(seed, j) for seed in request.seeds for j in range(candidates)]
    texts = yield from cascade.text(request.prompt)
    x_t = cascade.decoder.noise(generators)
    drawn = yield from cascade.prior(texts, generators, PRIOR_DRAWS)
    settings: dict[str, Any] = {"prompt": request.prompt}
    if texts.truncated:
        settings["prompt_truncated"] = True
    return Plan(
        z_i=drawn.embedding,
        texts=texts,
        x_t=x_t,
        generators=generators,
        sampling=decoder_sampling(cascade.decoder.sampling, request),
        fit=drawn.cosine,
        wanted=texts.prompt.embedding,
        candidates=candidates,
        settings=settings,
    )


_PLANNERS: dict[type[Request], Callable[[Cascade, Any], Running[Plan]]] = {
    Generation: plan_generation,
}


def _decode(decoder: DecoderStage, plan: Plan) -> Running[Tensor]:
    return decoder(plan.z_i, plan.texts, plan.x_t, plan.generators, plan.sampling, plan.known)


def _one_preview_each(stage: Running[Tensor], candidates: int) -> Running[Tensor]:
    """A stage that runs every candidate, showing the first of each picture."""
    while True:
        try:
            event = next(stage)
        except StopIteration as end:
            small: Tensor = end.value
            return small
        if event.preview is not None:
            event = dataclasses.replace(event, preview=partial(_every, candidates, event.preview))
        yield event


def _every(step: int, preview: Callable[[], tuple[Image, ...]]) -> tuple[Image, ...]:
    return preview()[::step]


def _best(tower: ImageTower | None, small: Float[Tensor, "nm 3 h w"], plan: Plan) -> list[int]:
    """The row of each picture's candidate that fits best: by CLIP, or by its embedding."""
    scores = plan.fit
    if tower is not None and plan.candidates > 1:
        scores = clip_score(tower, small, plan.wanted)
    rows = scores.reshape(-1, plan.candidates).argmax(dim=1)
    return [k * plan.candidates + int(row) for k, row in enumerate(rows)]


def decoder_sampling(default: SamplingConfig, request: Request) -> SamplingConfig:
    """The bundle's way to sample the decoder, with what the request changes."""
    return dataclasses.replace(
        default,
        sampler=request.sampler or default.sampler,
        steps=request.steps or default.steps,
        guidance=default.guidance if request.guidance_scale is None else request.guidance_scale,
    )


def settings_of(bundle: Bundle, request: Request, plan: Plan) -> dict[str, Any]:
    """Everything that decides a picture but its seed, as plain values."""
    return {
        **plan.settings,
        "size": request.size,
        "steps": plan.sampling.steps,
        "guidance_scale": plan.sampling.guidance,
        "sampler": plan.sampling.sampler,
        "candidates": plan.candidates,
        "model": bundle.name,
        "model_version": bundle.version,
    }


def scaled_down(pixels: Float[Tensor, "n 3 h w"], side: int) -> Float[Tensor, "n 3 s s"]:
    """To `side` pixels by antialiased bicubic; pictures of that size as they are."""
    if pixels.shape[-1] == side:
        return pixels
    resized = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True)
    return resized.clamp_(-1, 1)
