"""A request through the whole cascade."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from PIL.Image import Image, Resampling
from torch import Tensor

from unclip.errors import Cancelled, InvalidArgument
from unclip.models.image import ImageTower
from unclip.pipeline.assemble import plan_prompt
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.canvas import Canvas, canvas_for
from unclip.pipeline.cascade import Cascade, Plan
from unclip.pipeline.enlarge import enlarge
from unclip.pipeline.fill import fill, plan_filling
from unclip.pipeline.images import to_pixels
from unclip.pipeline.manipulate import plan_blend, plan_change, plan_variation
from unclip.pipeline.matte import cut_out, matte_for
from unclip.pipeline.paint import painted
from unclip.pipeline.rank import clip_score
from unclip.pipeline.recipe import recipe_of
from unclip.pipeline.stages import Running
from unclip.requests import Blend, Change, Filling, Generation, Request, Variation
from unclip.types import Event, Picture


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
        InvalidArgument: the bundle cannot make that size, or cut objects out.
        Cancelled: `cancelled` said so.
    """
    for event in _run(cascade, request):
        yield event
        if cancelled is not None and cancelled():
            raise Cancelled("the work was cancelled")


def _run(cascade: Cascade, request: Request) -> Iterator[Event]:
    matte = matte_for(cascade.bundle, request.background)
    plan = yield from plan_for(cascade, request)
    canvas = plan.canvas
    assert canvas is not None
    small, rows = yield from fill(cascade, plan)
    focus, count = canvas.focus(plan.is_subject), len(request.seeds)

    for k, seed in enumerate(request.seeds):
        row = rows[k]
        # One at a time: as fast as a batch at these sizes, in a fraction of the memory.
        fine = None if plan.fine is None else plan.fine[k : k + 1]
        image = yield from enlarge(
            cascade, canvas, small[k : k + 1], plan.generators[row], k, count, fine
        )
        if plan.paint is not None:
            image = painted(image, plan.paint, seed)
        yield Picture(
            image=image if matte is None else cut_out(matte, image),
            index=k,
            seed=seed,
            clip_score=_score(cascade.bundle.image, image.crop(focus), plan.wanted_by([row])),
            prior_score=float(plan.fit[row]),
            settings=settings_of(cascade.bundle, request.alone(k), plan),
        )


def plan_for(cascade: Cascade, request: Request) -> Running[Plan]:
    """The plan of any kind of request, with its canvas.

    Raises:
        InvalidArgument: the bundle cannot make that size.
    """
    canvas = canvas_for(request, cascade.decoder.pixels)
    if canvas.picture is None and canvas.region.short > cascade.largest:
        raise InvalidArgument(
            "size",
            f"is {request.size}; with this model its shorter side may be up to {cascade.largest}",
        )
    plan = yield from _planner(request, canvas)(cascade, request)
    return plan._replace(canvas=canvas)


def _planner(request: Request, canvas: Canvas) -> Callable[[Cascade, Any], Running[Plan]]:
    if isinstance(request, Filling):
        return partial(plan_filling, canvas=canvas)
    return next(planner for kind, planner in _PLANNERS.items() if isinstance(request, kind))


_PLANNERS: dict[type[Request], Callable[[Cascade, Any], Running[Plan]]] = {
    Generation: plan_prompt,
    Variation: plan_variation,
    Blend: plan_blend,
    Change: plan_change,
}


def settings_of(bundle: Bundle, request: Request, plan: Plan) -> dict[str, Any]:
    """Everything that decides a picture, as plain values: its recipe, with nothing left open."""
    return {
        **recipe_of(request),
        **plan.settings,
        "steps": plan.sampling.steps,
        "guidance_scale": plan.sampling.guidance,
        "sampler": plan.sampling.sampler,
        "candidates": plan.candidates,
        "model": bundle.name,
        "model_version": bundle.version,
    }


def _score(tower: ImageTower | None, image: Image, wanted: Float[Tensor, "1 e"]) -> float | None:
    """Of a picture of any size."""
    if tower is None:
        return None
    side = tower.config.image_size
    small = image.convert("RGB").resize((side, side), Resampling.BICUBIC)
    return float(clip_score(tower, to_pixels(small), wanted))
