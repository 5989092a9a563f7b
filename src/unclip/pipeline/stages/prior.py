"""Text to image embeddings."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.diffusion.gaussian import Gaussian, around
from unclip.diffusion.guidance import classifier_free_guidance
from unclip.diffusion.process import AnyDenoiser, denoiser
from unclip.diffusion.samplers import get_sampler, randn_rows
from unclip.diffusion.schedule import make_schedule
from unclip.models.prior import Prior, PriorCache
from unclip.models.text import TextEncoding
from unclip.pipeline.stages.common import Evaluate, Generators, Running, alone
from unclip.pipeline.stages.memory import MemoryStage
from unclip.pipeline.stages.text import Texts
from unclip.types import Progress

ROWS = 64
"""A step of so many takes little longer than one of a quarter."""


class Drawn(NamedTuple):
    """Image embeddings in plain CLIP space, and their cosine with the prompt's."""

    embedding: Float[Tensor, "n e"]
    cosine: Float[Tensor, " n"]


class PriorStage:
    """Text to image embeddings: draw several for each picture, keep the best by z_i . z_t.

    unCLIP, section 2.2, draws two; the constant part of the sequence is computed once for all of
    them and all steps. A prior with anchors has a `memory` to take them from.
    """

    def __init__(
        self,
        prior: Prior,
        sampling: SamplingConfig,
        evaluate: Evaluate = alone,
        memory: MemoryStage | None = None,
    ) -> None:
        self.prior, self.sampling, self.evaluate, self.memory = prior, sampling, evaluate, memory
        self.schedule = make_schedule(prior.config.schedule, prior.config.spacing)

    @torch.inference_mode()
    def __call__(
        self, texts: Texts, generators: Generators, candidates: int = 1, each: int = 1
    ) -> Running[Drawn]:
        prior, sampling = self.prior, self.sampling
        rows = [g for g in generators for _ in range(candidates)]
        anchors = None
        if self.memory is not None:
            anchors = self.memory(texts.words, texts.prompt.embedding, generators, each)
            anchors = anchors.repeat_interleave(candidates, dim=0)

        def of(text: TextEncoding) -> AnyDenoiser:
            cache = prior.prepare(text, anchors)
            if anchors is None:
                cache = _expand_cache(cache, len(rows))

            def network(x: Tensor, t: Tensor) -> Tensor:
                return self.evaluate(prior, ROWS, x, t, cache)

            if cache.anchor is None:
                return denoiser(network, prior.config.prediction, self.schedule)
            return around(network, Gaussian(prior.axes, prior.spread), cache.anchor, self.schedule)

        denoise = of(texts.prompt)
        if sampling.guidance != 1:
            other = of(texts.empty)
            one = denoise
            denoise = classifier_free_guidance(
                one, lambda x, t: (one(x, t), other(x, t)), sampling.guidance, sampling.interval
            )
        device = prior.query.device
        x_t = randn_rows((len(rows), prior.config.embed_dim), rows, device=device)
        x_t = x_t * sampling.temperature
        steps = get_sampler(sampling.sampler)(
            denoise, x_t, self.schedule.times(sampling.steps), self.schedule, generators=rows
        )
        for step in steps:
            x_t = step.x_t
            yield Progress("prior", step.index, step.steps)
        z_i = prior.unscale(x_t).reshape(len(generators), candidates, -1)
        z_t = texts.prompt.embedding.float()
        best = (z_i @ z_t[0]).argmax(dim=1)
        chosen = z_i[torch.arange(len(z_i), device=device), best]
        return Drawn(chosen, F.cosine_similarity(chosen, z_t, dim=-1))


def _expand_cache(cache: PriorCache, n: int) -> PriorCache:
    """The one text of a cache for n rows, without a copy."""
    blocks = tuple((k.expand(n, -1, -1, -1), v.expand(n, -1, -1, -1)) for k, v in cache.blocks)
    return PriorCache(blocks, cache.mask.expand(n, -1))
