"""Blocks of the ADM U-Net: residual block, attention with added keys and values, norms.

ADM is Dhariwal & Nichol 2021 (arXiv 2105.05233), appendix A; the added text keys and values are
GLIDE's (arXiv 2112.10741), section 4, which unCLIP (arXiv 2204.06125), section 2.1, keeps.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unclip.config import UNetConfig
from unclip.models.layers import attention, merge_heads, split_heads

KeyValue = tuple[Float[Tensor, "b heads n d"], Float[Tensor, "b heads n d"]]
Direction = Literal["down", "up"]
Zeroable = TypeVar("Zeroable", nn.Conv2d, nn.Linear)


class ChannelNorm(nn.LayerNorm):
    """LayerNorm over the channels of one position: a crop and the whole picture agree."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Normalise each position on its own; free of copies when `x` is channels-last."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def make_norm(config: UNetConfig, channels: int) -> nn.Module:
    """The norm that `config.norm` names, over `channels`."""
    if config.norm == "none":
        return nn.Identity()
    if config.norm == "channel":
        return ChannelNorm(channels, eps=1e-5)
    return nn.GroupNorm(config.norm_groups, channels, eps=1e-5)


def zeroed(module: Zeroable) -> Zeroable:
    """`module` with zero weights: a residual branch that starts as nothing (ADM, appendix A)."""
    nn.init.zeros_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


def unshuffle(x: Float[Tensor, "b c h w"], factor: int) -> Float[Tensor, "b c_f h_f w_f"]:
    """`F.pixel_unshuffle`, laid out channels-last in its one copy.

    On CPU that is about four times as fast as unshuffling and then changing the layout.
    """
    if factor == 1:
        return x
    b, c, h, w = x.shape
    x = x.reshape(b, c, h // factor, factor, w // factor, factor).permute(0, 2, 4, 1, 3, 5)
    return x.reshape(b, h // factor, w // factor, c * factor**2).permute(0, 3, 1, 2)


class Resample(nn.Module):
    """Halve the grid by averaging, or double it by repeating; takes a time only to ignore it."""

    def __init__(self, how: Direction) -> None:
        super().__init__()
        self.how = how

    def forward(
        self, x: Float[Tensor, "b c h w"], time: Tensor | None = None
    ) -> Float[Tensor, "b c h2 w2"]:
        """The same picture on the other grid."""
        if self.how == "down":
            return F.avg_pool2d(x, 2)
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class ResBlock(nn.Module):
    """ADM's residual block; with `how` it also halves or doubles the grid.

    The time embedding arrives after its SiLU, computed once for all blocks. `config.scale_shift`
    says whether it scales and shifts the second norm or is added before it.
    """

    def __init__(
        self,
        config: UNetConfig,
        in_channels: int,
        out_channels: int,
        how: Direction | None = None,
    ) -> None:
        super().__init__()
        self.resample = Resample(how) if how else nn.Identity()
        self.scale_shift = config.scale_shift
        self.norm_in = make_norm(config, in_channels)
        self.conv_in = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time = nn.Linear(config.time_embed_width, out_channels * (1 + config.scale_shift))
        self.norm_out = make_norm(config, out_channels)
        self.conv_out = zeroed(nn.Conv2d(out_channels, out_channels, 3, padding=1))
        self.shortcut = (
            nn.Conv2d(in_channels, out_channels, 1)
            if in_channels != out_channels
            else nn.Identity()
        )

    def forward(
        self, x: Float[Tensor, "b c h w"], time: Float[Tensor, "b e"]
    ) -> Float[Tensor, "b c2 h2 w2"]:
        """One block; `time` is the activated time embedding."""
        h = self.conv_in(self.resample(F.silu(self.norm_in(x))))
        offset = self.time(time)[:, :, None, None]
        if self.scale_shift:
            scale, shift = offset.chunk(2, dim=1)
            h = torch.addcmul(shift, self.norm_out(h), 1 + scale)
        else:
            h = self.norm_out(h + offset)
        h = self.conv_out(F.silu(h))
        out: Tensor = h + self.shortcut(self.resample(x))
        return out


def make_step(config: UNetConfig, channels: int, how: Direction) -> nn.Module:
    """From one grid to the next: a residual block, or the bare resampling."""
    if config.resblock_updown:
        return ResBlock(config, channels, channels, how)
    return Resample(how)


class Attention(nn.Module):
    """Self-attention whose keys and values are preceded by those added from the context."""

    def __init__(self, config: UNetConfig, channels: int) -> None:
        super().__init__()
        self.heads = max(1, channels // config.head_dim)
        self.norm = make_norm(config, channels)
        self.q = nn.Linear(channels, channels)
        self.k = nn.Linear(channels, channels)
        self.v = nn.Linear(channels, channels)
        if config.context_width:
            self.added_k = nn.Linear(config.context_width, channels)
            self.added_v = nn.Linear(config.context_width, channels)
        self.out = zeroed(nn.Linear(channels, channels))

    def project_context(self, context: Float[Tensor, "b n w"]) -> KeyValue:
        """The added keys and values: the same at every step, so computed once a picture."""
        return (
            split_heads(self.added_k(context), self.heads),
            split_heads(self.added_v(context), self.heads),
        )

    def forward(
        self,
        x: Float[Tensor, "b c h w"],
        added: KeyValue | None = None,
        mask: Bool[Tensor, "b 1 1 n_plus_hw"] | None = None,
    ) -> Float[Tensor, "b c h w"]:
        """Attend over the added tokens, then the positions; `mask` is True where attended."""
        tokens = self.norm(x).flatten(2).transpose(1, 2)
        q, k, v = (split_heads(project(tokens), self.heads) for project in (self.q, self.k, self.v))
        if added is not None:
            k = torch.cat([added[0], k], dim=2)
            v = torch.cat([added[1], v], dim=2)
        h = self.out(merge_heads(attention(q, k, v, mask)))
        out: Tensor = x + h.transpose(1, 2).unflatten(2, x.shape[2:])
        return out
