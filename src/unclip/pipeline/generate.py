"""A request through the whole cascade."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL.Image import Image
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.errors import Cancelled, InvalidArgument
from unclip.models.image import ImageTower
from unclip.models.unet import UNet
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.images import to_images
from unclip.pipeline.rank import clip_score
from unclip.pipeline.stages import (
    DecoderStage,
    Drawn,
    PriorStage,
    Running,
    Texts,
    TextStage,
    UpsamplerStage,
)
from unclip.types import Event, Picture, Request

PRIOR_DRAWS = 2
"""Embeddings drawn for each candidate, of which the one nearest the text is kept (section 2.2)."""
UPSAMPLERS = ("upsampler_256", "upsampler_1024")


class Cascade:
    """The stages of a bundle. It holds no request state."""

    def __init__(self, bundle: Bundle) -> None:
        config, sampling = bundle.config, bundle.config.sampling
        self.bundle = bundle
        self.text = TextStage(bundle.text, bundle.tokenizer, config.prior.text_context)
        self.prior = PriorStage(bundle.prior, sampling["prior"])
        self.decoder = DecoderStage(bundle.decoder, bundle.autoencoder, sampling["decoder"])
        self.upsamplers: list[UpsamplerStage] = []
        for name in UPSAMPLERS:
            network = bundle.modules.get(name)
            if network is not None:
                assert isinstance(network, UNet)
                self.upsamplers.append(UpsamplerStage(name, network, sampling[name]))

    def upsamplers_for(self, pixels: int) -> list[UpsamplerStage]:
        """Those needed for a picture of `pixels` a side; what they make beyond it is scaled down.

        Raises:
            InvalidArgument: the bundle's largest picture is smaller.
        """
        needed = []
        size = self.decoder.pixels
        for stage in self.upsamplers:
            if size >= pixels:
                break
            needed.append(stage)
            size = stage.network.config.image_size
        if size < pixels:
            raise InvalidArgument(
                "size", f"is {pixels}x{pixels}; with this model it may be up to {size}x{size}"
            )
        return needed


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
    sampling = decoder_sampling(cascade.decoder.sampling, request)
    candidates = request.candidates or cascade.bundle.config.candidates
    generators = [candidate(seed, j) for seed in request.seeds for j in range(candidates)]
    texts = yield from cascade.text(request.prompt)
    x_t = cascade.decoder.noise(generators)
    drawn = yield from cascade.prior(texts, generators, PRIOR_DRAWS)
    small = yield from _one_preview_each(
        cascade.decoder(drawn.embedding, texts, x_t, generators, sampling), candidates
    )
    chosen = _best(cascade.bundle.image, small, drawn, texts, candidates)
    settings = settings_of(cascade.bundle, request, sampling, candidates)
    if texts.truncated:
        settings["prompt_truncated"] = True

    for k, seed in enumerate(request.seeds):
        row = slice(chosen[k], chosen[k] + 1)
        pixels = small[row]
        # One at a time: as fast as a batch at these sizes, in a fraction of the memory.
        for stage in upsamplers:
            pixels = yield from stage(pixels, generators[row], k, request.n)
        pixels = scaled_down(pixels, request.pixels)
        tower = cascade.bundle.image
        score = None
        if tower is not None:
            score = float(clip_score(tower, pixels, texts.prompt.embedding))
        yield Picture(
            image=to_images(pixels)[0],
            index=k,
            seed=seed,
            clip_score=score,
            prior_score=float(drawn.cosine[chosen[k]]),
            settings={**settings, "seed": seed},
        )


def candidate(seed: int, j: int) -> torch.Generator:
    """The randomness of candidate j of the picture with this seed; the first has the seed itself.

    Mixed into 32 bits, which are all that torch's generator on the CPU looks at.
    """
    mixed = int(np.random.SeedSequence((seed, j)).generate_state(1)[0]) if j else seed
    return torch.Generator().manual_seed(mixed)


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


def _best(
    tower: ImageTower | None,
    small: Float[Tensor, "nm 3 h w"],
    drawn: Drawn,
    texts: Texts,
    candidates: int,
) -> list[int]:
    """The row of each picture's candidate that fits the text best: by CLIP, or by z_i . z_t."""
    scores = drawn.cosine
    if tower is not None and candidates > 1:
        scores = clip_score(tower, small, texts.prompt.embedding)
    rows = scores.reshape(-1, candidates).argmax(dim=1)
    return [k * candidates + int(row) for k, row in enumerate(rows)]


def decoder_sampling(default: SamplingConfig, request: Request) -> SamplingConfig:
    """The bundle's way to sample the decoder, with what the request changes."""
    return dataclasses.replace(
        default,
        sampler=request.sampler or default.sampler,
        steps=request.steps or default.steps,
        guidance=default.guidance if request.guidance_scale is None else request.guidance_scale,
    )


def settings_of(
    bundle: Bundle, request: Request, sampling: SamplingConfig, candidates: int
) -> dict[str, Any]:
    """Everything that decides a picture but its seed, as plain values."""
    return {
        "prompt": request.prompt,
        "size": request.size,
        "steps": sampling.steps,
        "guidance_scale": sampling.guidance,
        "sampler": sampling.sampler,
        "candidates": candidates,
        "model": bundle.name,
        "model_version": bundle.version,
    }


def scaled_down(pixels: Float[Tensor, "n 3 h w"], side: int) -> Float[Tensor, "n 3 s s"]:
    """To `side` pixels by antialiased bicubic; pictures of that size as they are."""
    if pixels.shape[-1] == side:
        return pixels
    resized = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True)
    return resized.clamp_(-1, 1)
