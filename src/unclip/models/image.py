"""Image tower: a vision transformer from 64 pixels to one CLIP embedding (CLIP, section 2.4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unclip.config import ImageConfig
from unclip.models.layers import RMSNorm, TransformerBlock, position_embedding_2d


class ImageTower(nn.Module):
    """Pictures in [-1, 1] to embeddings, of unit length where the config says so."""

    def __init__(self, config: ImageConfig) -> None:
        super().__init__()
        self.config = config
        self.patch = nn.Conv2d(3, config.width, config.patch, config.patch)
        self.position = nn.Linear(config.width, config.width, bias=False)
        self.blocks = nn.ModuleList(
            TransformerBlock(config.width, config.heads, 4 * config.width)
            for _ in range(config.depth)
        )
        self.norm = RMSNorm(config.width)
        self.projection = nn.Linear(config.width, config.embed_dim, bias=False)
        if config.layout:
            positions = (config.image_size // config.patch) ** 2
            self.layout = nn.Linear(config.width, config.layout, bias=False)
            self.layout_projection = nn.Linear(
                positions * config.layout, config.embed_dim, bias=False
            )
            nn.init.zeros_(self.layout_projection.weight)

    def forward(self, pixels: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b e"]:
        """Raises no error of its own; `s` is the config's `image_size`."""
        assert pixels.shape[-1] == self.config.image_size, pixels.shape
        x = self.patch(pixels)
        grid = position_embedding_2d(x.shape[2], x.shape[3], x.shape[1], x.device)
        x = x.flatten(2).transpose(1, 2) + self.position(grid.to(x.dtype))
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        embedding: Tensor = self.projection(x.mean(dim=1))
        if self.config.layout:
            embedding = embedding + self.layout_projection(self.layout(x).flatten(1))
        return F.normalize(embedding.float(), dim=-1) if self.config.normalize else embedding


def to_tower_size(pixels: Float[Tensor, "b 3 h w"], size: int) -> Float[Tensor, "b 3 s s"]:
    """A picture of any size as the tower sees it: antialiased bicubic, clamped to [-1, 1]."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    resized = F.interpolate(pixels.float(), (size, size), mode="bicubic", antialias=True)
    return torch.clamp(resized, -1, 1)
