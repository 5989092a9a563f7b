"""Matte network: a picture to the alpha of the objects in it, so that they can be cut out.

A small U-Net (arXiv 1505.04597) with the autoencoder's blocks, behind a pixel-unshuffle. At its
coarsest grid it sees the whole picture, so that it can tell a thing from the place it is in.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unclip.config import MatteConfig
from unclip.models.autoencoder import ResBlock
from unclip.models.unet_blocks import ChannelNorm, unshuffle


class MatteNet(nn.Module):
    """Sizes in `MatteConfig`."""

    def __init__(self, config: MatteConfig) -> None:
        super().__init__()
        self.config = config
        widths, area = config.widths, config.unshuffle**2
        pairs = list(itertools.pairwise(widths))
        self.stem = nn.Conv2d(6 * area, widths[0], 3, padding=1)
        self.down = nn.ModuleList(ResBlock(width) for width in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in pairs)
        self.middle = nn.Sequential(ResBlock(widths[-1]), ResBlock(widths[-1]))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, 2) for fine, coarse in pairs)
        self.up = nn.ModuleList(ResBlock(width) for width in widths[:-1])
        self.norm = ChannelNorm(widths[0])
        self.head = nn.Conv2d(widths[0], area, 3, padding=1)

    def forward(
        self, pixels: Float[Tensor, "b 3 h w"], backdrop: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """Logits of alpha.

        Args:
            pixels: in [-1, 1], sides multiples of `config.factor`.
            backdrop: what would be there without the objects, by a simple guess.
        """
        given = torch.cat([pixels, pixels - backdrop], dim=1)
        h = self.stem(unshuffle(given, self.config.unshuffle))
        skips = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            skips.append(block(h))
            h = shrink(skips[-1])
        h = self.middle(h)
        for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            h = block(grow(h) + skips.pop())
        return F.pixel_shuffle(self.head(F.silu(self.norm(h))), self.config.unshuffle)
