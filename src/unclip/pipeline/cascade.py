"""The stages of a bundle, and the plan that a request makes for its decoder."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.models.unet import UNet
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.canvas import Canvas
from unclip.pipeline.rewording import reworded
from unclip.pipeline.stages import (
    DecoderStage,
    Draft,
    Evaluate,
    KnownPixels,
    MemoryStage,
    PriorStage,
    Running,
    Texts,
    TextStage,
    UpsamplerStage,
    alone,
    candidate,
)
from unclip.requests import Filling, Generation, Request

UPSAMPLERS = ("upsampler_256", "upsampler_1024")
PRIOR_DRAWS = 4
"""Embeddings drawn for each candidate, of which the one nearest the text is kept (section 2.2)."""


class Cascade:
    """The stages of a bundle. It holds no request state.

    Args:
        evaluate: how they have their networks evaluated.
    """

    def __init__(self, bundle: Bundle, evaluate: Evaluate = alone) -> None:
        config, sampling = bundle.config, bundle.config.sampling
        self.bundle = bundle
        # What its memory can name is said in the corpus's words; a CLIP of the world needs no help.
        reword = None if bundle.memory is None else reworded
        context = config.prior.text_context
        self.text = TextStage(bundle.text, bundle.tokenizer, context, reword)
        memory = None
        if bundle.memory is not None:
            memory = MemoryStage(bundle.memory, self.text.embeddings, config.prior.anchors)
        self.prior = PriorStage(bundle.prior, sampling["prior"], evaluate, memory)
        self.decoder = DecoderStage(
            bundle.decoder, bundle.autoencoder, sampling["decoder"], evaluate
        )
        self.upsamplers: list[UpsamplerStage] = []
        side = self.decoder.pixels
        for name in UPSAMPLERS:
            network = bundle.modules.get(name)
            if network is not None:
                assert isinstance(network, UNet)
                factor = network.config.image_size // side
                self.upsamplers.append(
                    UpsamplerStage(name, network, sampling[name], factor, evaluate)
                )
                side = network.config.image_size

    @property
    def largest(self) -> int:
        """The longest short side that a picture may have: twice what the last upsampler learned."""
        last = self.upsamplers[-1].network.config.image_size if self.upsamplers else 0
        return max(self.decoder.pixels, 2 * last)

    def upsamplers_for(self, short: int) -> list[tuple[UpsamplerStage, int]]:
        """Those needed for a picture of this short side, each with the short side of its input.

        What they make beyond it is scaled down. For a picture larger than the last one's own, its
        input is scaled up to a quarter of the picture (more exactly, one `factor`th).
        """
        needed = []
        size = self.decoder.pixels
        for stage in self.upsamplers:
            if size >= short:
                break
            needed.append((stage, size))
            size = stage.network.config.image_size
        if needed and size < short:
            stage, size = needed.pop()
            needed.append((stage, -(-min(short, self.largest) // stage.factor)))
        return needed


class Plan(NamedTuple):
    """What the decoder draws: one row a candidate, all those of the first picture first.

    Every request comes down to this: another embedding, another noise, or pixels that are known.
    So does every further frame of a canvas.

    Attributes:
        x_t: what the decoder starts from.
        fit: how well each embedding fits what was asked: candidates are ranked by it where the
            bundle has no image tower.
        wanted: the embedding that finished candidates are compared with, or one for each.
        settings: what made them, beside the settings that every request has.
        known, draft: see `DecoderStage`.
        drawn: the first frames, where they are drawn already.
        fine: the same as the first upsampler would leave them, if it need not be asked.
        paint: the painterly style that the finished pictures are to have.
        canvas: what is to be drawn on; None is a blank one of the request's size.
        is_subject: what the rows show is set into what is unknown of the canvas, not its first
            frame.
    """

    z_i: Float[Tensor, "nm e"]
    texts: Texts
    x_t: Float[Tensor, "nm c h w"]
    generators: list[torch.Generator]
    sampling: SamplingConfig
    fit: Float[Tensor, " nm"]
    wanted: Float[Tensor, "#nm e"]
    candidates: int
    settings: dict[str, Any]
    known: KnownPixels | None = None
    draft: Draft | None = None
    drawn: Float[Tensor, "nm 3 s s"] | None = None
    fine: Float[Tensor, "nm 3 l l"] | None = None
    paint: str | None = None
    canvas: Canvas | None = None
    is_subject: bool = False

    def wanted_by(self, rows: list[int]) -> Float[Tensor, "#r e"]:
        """What the candidates of some rows are compared with."""
        return self.wanted[rows] if len(self.wanted) > 1 else self.wanted

    def rows(self, rows: list[int]) -> Plan:
        """Some of its rows, each a picture."""
        return self._replace(
            z_i=self.z_i[rows],
            x_t=self.x_t[rows],
            generators=[self.generators[row] for row in rows],
            fit=self.fit[rows],
            wanted=self.wanted_by(rows),
            candidates=1,
            known=self.known and self.known.rows(rows),
            draft=self.draft and Draft(self.draft.pixels[rows], self.draft.time),
        )


def plan_generation(cascade: Cascade, request: Generation | Filling) -> Running[Plan]:
    """Text to embeddings by the prior, several for each candidate."""
    assert request.prompt
    candidates = request.candidates or cascade.bundle.config.candidates
    generators = [candidate(seed, j) for seed in request.seeds for j in range(candidates)]
    texts = yield from cascade.text(request.prompt)
    x_t = cascade.decoder.noise(generators)
    drawn = yield from cascade.prior(texts, generators, PRIOR_DRAWS, candidates)
    return Plan(
        z_i=drawn.embedding,
        texts=texts,
        x_t=x_t,
        generators=generators,
        sampling=decoder_sampling(cascade.decoder.sampling, request),
        fit=drawn.cosine,
        wanted=texts.prompt.embedding,
        candidates=candidates,
        settings=truncation(texts),
    )


def truncation(texts: Texts) -> dict[str, Any]:
    """What a picture's settings say of a prompt that was too long."""
    return {"prompt_truncated": True} if texts.truncated else {}


def decoder_sampling(default: SamplingConfig, request: Request) -> SamplingConfig:
    """The bundle's way to sample the decoder, with what the request changes."""
    return dataclasses.replace(
        default,
        sampler=request.sampler or default.sampler,
        steps=request.steps or default.steps,
        guidance=default.guidance if request.guidance_scale is None else request.guidance_scale,
    )
