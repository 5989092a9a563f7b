"""A picture to a larger one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.diffusion.process import denoiser
from unclip.diffusion.samplers import get_sampler, randn_rows
from unclip.diffusion.schedule import make_schedule
from unclip.models.unet import UNet
from unclip.pipeline.crisp import crisp
from unclip.pipeline.images import to_images
from unclip.pipeline.stages.common import Evaluate, Generators, Running, alone, kind_of
from unclip.types import Progress

ROWS = 1
"""One picture fills a processor."""


class UpsamplerStage:
    """A picture to one `factor` times its size: the residual over its bicubic upscaling, and its
    edges drawn together where the sampling says so.

    No network runs at the full size: its stem unshuffles pixels into channels. A side that its
    grids do not divide is padded for it. `index` and `count` let a caller that works part by part
    tell which of how many this is.
    """

    def __init__(
        self,
        name: str,
        network: UNet,
        sampling: SamplingConfig,
        factor: int,
        evaluate: Evaluate = alone,
    ) -> None:
        self.name, self.network, self.sampling, self.factor = name, network, sampling, factor
        self.evaluate = evaluate
        self.schedule = make_schedule(network.config.schedule)
        self.dtype, self.device = kind_of(network)

    @property
    def multiple(self) -> int:
        """Sides of its input that are multiples of this need no padding."""
        config = self.network.config
        grid: int = config.unshuffle << len(config.channels) - 1
        return grid // math.gcd(grid, self.factor)

    @torch.inference_mode()
    def __call__(
        self,
        low: Float[Tensor, "n 3 h w"],
        generators: Generators,
        index: int = 0,
        count: int = 1,
    ) -> Running[Float[Tensor, "n 3 h2 w2"]]:
        config, sampling = self.network.config, self.sampling
        height, width = low.shape[-2:]
        low = F.pad(low, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        # Planar throughout: upscaling and the stem's unshuffling are fastest so.
        upscaled = F.interpolate(
            low.contiguous(), scale_factor=self.factor, mode="bicubic", align_corners=False
        )
        base = upscaled if config.residual_scale else torch.zeros(())
        scale = config.residual_scale or 1.0
        low_res = upscaled.to(self.dtype)
        level = None
        if config.noise_level:
            level = torch.full((len(low),), sampling.noise_level, device=self.device)

        def network(x: Tensor, t: Tensor) -> Tensor:
            told = {"low_res": low_res, "low_res_noise": level}
            return self.evaluate(self.network, ROWS, x.to(self.dtype), t, **told).float()

        x_t = randn_rows(upscaled.shape, generators, device=self.device)
        steps = get_sampler(sampling.sampler)(
            denoiser(network, config.prediction, self.schedule),
            x_t,
            self.schedule.times(sampling.steps),
            self.schedule,
            generators=generators,
        )

        def picture(x: Tensor) -> Tensor:
            whole = torch.add(base, x, alpha=1 / scale).clamp_(-1, 1)
            return whole[..., : height * self.factor, : width * self.factor]

        def preview(x0: Tensor) -> Callable[[], Any]:
            return lambda: to_images(picture(x0))

        for step in steps:
            x_t = step.x_t
            done = index * step.steps + step.index
            yield Progress(self.name, done, count * step.steps, preview(step.x0), index)
        return crisp(picture(x_t), sampling.crisp)
