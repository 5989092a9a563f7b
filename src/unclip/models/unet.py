"""The ADM U-Net of unCLIP (arXiv 2204.06125), section 2.1 and table 3.

At the `karlo` preset it is the published decoder and super-resolution network in pixels. Our own
upsamplers put a pixel-unshuffle before it and a pixel-shuffle after it, so that no convolution ever
runs at full resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unclip.config import UNetConfig
from unclip.models.conditioning import UNetConditioner, UNetConditioning
from unclip.models.layers import TimeEmbedding
from unclip.models.unet_blocks import (
    Attention,
    KeyValue,
    ResBlock,
    make_norm,
    make_step,
    unshuffle,
    zeroed,
)


@dataclass(frozen=True)
class PreparedConditioning:
    """A `UNetConditioning` with the added keys and values of every attention, in forward order."""

    time_add: Float[Tensor, "b e"]
    keys_values: tuple[KeyValue, ...]
    mask: Bool[Tensor, "b n"] | None


class Stage(nn.Module):
    """A residual block and the attention that may follow it."""

    def __init__(
        self, config: UNetConfig, in_channels: int, out_channels: int, attend: bool
    ) -> None:
        super().__init__()
        self.block = ResBlock(config, in_channels, out_channels)
        self.attention = Attention(config, out_channels) if attend else None

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        time: Float[Tensor, "b e"],
        added: Iterator[KeyValue],
        mask: Bool[Tensor, "b n"] | None,
    ) -> Float[Tensor, "b c2 h w"]:
        """Apply both; takes its own pair from `added` where it attends."""
        h: Tensor = self.block(x, time)
        if self.attention is None:
            return h
        if mask is not None:
            mask = F.pad(mask, (0, h.shape[2] * h.shape[3]), value=True)[:, None, None]
        out: Tensor = self.attention(h, next(added, None), mask)
        return out


class Down(nn.Module):
    """The stages of one grid on the way down, and the step to the next where there is one."""

    def __init__(self, stages: list[Stage], step: nn.Module | None) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.step = step

    def forward(self, h: Tensor, time: Tensor, *context: Any) -> list[Tensor]:
        """Every output, in order: each is a skip, and the last is also what follows."""
        outputs = [h]
        for stage in self.stages:
            outputs.append(stage(outputs[-1], time, *context))
        if self.step is not None:
            outputs.append(self.step(outputs[-1], time))
        return outputs[1:]


class Up(nn.Module):
    """The stages of one grid on the way up, and the step to the next where there is one."""

    def __init__(self, stages: list[Stage], step: nn.Module | None) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.step = step

    def forward(self, h: Tensor, skips: list[Tensor], time: Tensor, *context: Any) -> Tensor:
        """Use up one of `skips` a stage, from the end."""
        for stage in self.stages:
            h = stage(torch.cat([h, skips.pop()], dim=1), time, *context)
        if self.step is not None:
            h = self.step(h, time)
        return h


class UNet(nn.Module):
    """ADM U-Net; sizes and options in `UNetConfig`.

    A network with `config.embed_dim` owns the `conditioner` that makes its conditioning; an
    unconditional one has None there.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        channels, area = config.channels, config.unshuffle**2
        self.conditioner = UNetConditioner(config) if config.embed_dim else None
        time = (channels[0], config.time_embed_width)
        self.time = TimeEmbedding(*time)
        self.noise_level = TimeEmbedding(*time) if config.noise_level else None

        # A cell of unshuffled pixels is its own neighbourhood: there the stem need not look around.
        stem = (3, 1, 1) if config.unshuffle == 1 else (1, 1, 0)
        self.stem = nn.Conv2d(config.in_channels * area, channels[0], *stem)
        width, skips = channels[0], [channels[0]]
        levels = list(zip(channels, config.attention, strict=True))

        self.down = nn.ModuleList()
        for out, attend in levels:
            stages = []
            for _ in range(config.blocks):
                stages.append(Stage(config, width, out, attend))
                width = out
                skips.append(width)
            last = len(self.down) == len(levels) - 1
            self.down.append(Down(stages, None if last else make_step(config, width, "down")))
            if not last:
                skips.append(width)

        attend = config.attention[-1]
        self.middle = nn.ModuleList(
            [Stage(config, width, width, attend), Stage(config, width, width, False)]
        )

        self.up = nn.ModuleList()
        for out, attend in reversed(levels):
            stages = []
            for _ in range(config.blocks + 1):
                stages.append(Stage(config, width + skips.pop(), out, attend))
                width = out
            last = len(self.up) == len(levels) - 1
            self.up.append(Up(stages, None if last else make_step(config, width, "up")))

        self.norm = make_norm(config, width)
        self.head = zeroed(nn.Conv2d(width, config.out_channels * area, 3, padding=1))

    def prepare(self, conditioning: UNetConditioning) -> PreparedConditioning:
        """Do once what every step would repeat: added keys and values, padding dropped.

        Tokens that are padding in every row are left out; the result is otherwise what `forward`
        computes from `conditioning`, to rounding.
        """
        context, mask = conditioning.context, conditioning.mask
        if mask is not None:
            used = mask.any(dim=0)
            context, mask = context[:, used], mask[:, used]
            mask = None if bool(mask.all()) else mask
        return self._project(UNetConditioning(conditioning.time_add, context, mask))

    def _project(self, conditioning: UNetConditioning) -> PreparedConditioning:
        # Modules come in the order they were made, which is the order they run in.
        attentions = [module for module in self.modules() if isinstance(module, Attention)]
        pairs = tuple(a.project_context(conditioning.context) for a in attentions)
        return PreparedConditioning(conditioning.time_add, pairs, conditioning.mask)

    def forward(
        self,
        x_t: Float[Tensor, "b c h w"],
        t: Float[Tensor, " b"],
        conditioning: UNetConditioning | PreparedConditioning | None = None,
        *,
        low_res: Float[Tensor, "b 3 h w"] | None = None,
        low_res_noise: Float[Tensor, " b"] | None = None,
    ) -> Float[Tensor, "b c_out h w"]:
        """Predict what `config.prediction` names.

        Args:
            x_t: noisy picture; sides divisible by `unshuffle * 2 ** (levels - 1)`.
            t: diffusion time of each row, in [0, 1] for a flow schedule, else a step from 0 to 999.
            conditioning: for a network with `embed_dim`; `prepare` it when it serves many steps.
            low_res: for upsamplers, the smaller picture already upscaled to the size of `x_t`.
            low_res_noise: how far `low_res` was corrupted, in [0, 1], where the network is told.
        """
        config = self.config
        assert (conditioning is not None) == (self.conditioner is not None)
        assert (low_res_noise is not None) == (self.noise_level is not None)
        if isinstance(conditioning, UNetConditioning):
            conditioning = self._project(conditioning)

        # Flow times run over [0, 1], the others count steps; sinusoids want steps.
        time = self.time(1000 * t if config.schedule == "flow" else t)
        if self.noise_level is not None and low_res_noise is not None:
            time = time + self.noise_level(1000 * low_res_noise)
        added: Iterator[KeyValue] = iter(())
        mask = None
        if conditioning is not None:
            time = time + conditioning.time_add
            added, mask = iter(conditioning.keys_values), conditioning.mask
        told = (F.silu(time), added, mask)

        if config.residual_scale:
            # A flow's x_t fades in with the signal it holds: at t = 1 it is noise, and at full
            # strength it would drown the picture to be upscaled, on which the first step stands.
            x_t = x_t * (1 - t).to(x_t.dtype)[:, None, None, None]
        # A channel's block of pixels stays together, so joining after unshuffling is the same.
        pictures = [x_t] if low_res is None else [x_t, low_res]
        h = self.stem(torch.cat([unshuffle(p, config.unshuffle) for p in pictures], dim=1))
        skips = [h]
        for level in self.down:
            skips += level(skips[-1], *told)
        h = skips[-1]
        for stage in self.middle:
            h = stage(h, *told)
        for level in self.up:
            h = level(h, skips, *told)
        h = self.head(F.silu(self.norm(h)))
        return F.pixel_shuffle(h, config.unshuffle)
