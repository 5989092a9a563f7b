"""A canvas at the decoder's scale to a finished picture."""

from __future__ import annotations

import dataclasses
from functools import partial

import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL.Image import Image
from torch import Tensor

from unclip.pipeline.canvas import Canvas, Span
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.images import to_images
from unclip.pipeline.stages import Running, mapped
from unclip.types import Progress

Parts = dict[Span, Image]


@torch.inference_mode()
def enlarge(
    cascade: Cascade,
    canvas: Canvas,
    small: Float[Tensor, "1 3 h w"],
    generator: torch.Generator,
    index: int,
    count: int,
    fine: Float[Tensor, "1 3 l l"] | None = None,
) -> Running[Image]:
    """The upsamplers over each span that changes, and what is known put back at every size.

    Args:
        index, count: which picture of how many this is.
        fine: what the first upsampler would make of a canvas of one span, where that is known.
    """
    stages = cascade.upsamplers_for(canvas.region.short)
    given = {span: small[canvas.part(*span)] for span in canvas.spans}
    if fine is not None:
        stages, given = stages[1:], dict.fromkeys(canvas.spans, fine)
    parts = {span: to_images(pixels)[0] for span, pixels in given.items()}
    for number, span in enumerate(canvas.spans):
        pixels = given[span]
        for stage, size in stages:
            pixels = _scaled(pixels, size / pixels.shape[canvas.along - 2])
            steps = stage(
                pixels,
                [generator],
                index * len(canvas.spans) + number,
                count * len(canvas.spans),
            )
            pixels = yield from mapped(steps, partial(_shown, canvas, dict(parts), span, index))
            if canvas.picture is not None:
                height, width = pixels.shape[-2:]
                known = canvas.known(span, (width, height)).to(pixels.device)
                pixels = known.blended(pixels)
            parts[span] = to_images(pixels)[0]
    return canvas.finished(parts)


def _scaled(pixels: Float[Tensor, "1 3 h w"], factor: float) -> Float[Tensor, "1 3 h2 w2"]:
    if factor == 1:
        return pixels
    shape = [round(length * factor) for length in pixels.shape[-2:]]
    return F.interpolate(pixels, shape, mode="bicubic", align_corners=False).clamp(-1, 1)


def _shown(canvas: Canvas, parts: Parts, span: Span, index: int, event: Progress) -> Progress:
    """A step of one span, showing the whole picture."""
    preview = event.preview
    if canvas.picture is None or preview is None:
        return dataclasses.replace(event, first=index)
    whole = lambda: (canvas.finished({**parts, span: preview()[0]}),)  # noqa: E731
    return dataclasses.replace(event, first=index, preview=whole)
