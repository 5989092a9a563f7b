"""Text tower: token ids to token states and one embedding in the joint space.

One transformer for two published layouts, chosen by `TextConfig`: BERT's as in MiniLM (post-norm,
bidirectional, mean pooling), from which the default model starts, and CLIP's (pre-norm, causal,
pooled at the end token; Radford et al. 2021, section 2.4), which Karlo uses.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from unclip.config import TextConfig
from unclip.models.layers import attention, merge_heads, split_heads


class TextEncoding(NamedTuple):
    """What the rest of the cascade knows of a text.

    Attributes:
        embedding: z_t, in plain CLIP space (on the unit sphere if the config normalises).
        states: one vector a token, for the prior and the decoder; padding holds no meaning.
        mask: true on real tokens.
    """

    embedding: Float[Tensor, "b e"]
    states: Float[Tensor, "b n w"]
    mask: Bool[Tensor, "b n"]


class TextBlock(nn.Module):
    """Self-attention and MLP with the norms before (CLIP) or after (BERT) each."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        width, self.heads, self.post = config.width, config.heads, config.norm == "post"
        eps = layer_norm_eps(config)
        self.quick = config.activation == "quick_gelu"
        self.norm1 = nn.LayerNorm(width, eps)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps)
        self.up = nn.Linear(width, config.mlp_width)
        self.down = nn.Linear(config.mlp_width, width)

    def forward(
        self, x: Float[Tensor, "b n w"], allowed: Bool[Tensor, "b 1 m n"]
    ) -> Float[Tensor, "b n w"]:
        if self.post:
            x = self.norm1(x + self._attention(x, allowed))
            x = self.norm2(x + self._mlp(x))
        else:
            x = x + self._attention(self.norm1(x), allowed)
            x = x + self._mlp(self.norm2(x))
        return x

    def _attention(self, x: Tensor, allowed: Tensor) -> Tensor:
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        mixed: Tensor = self.out(merge_heads(attention(q, k, v, allowed)))
        return mixed

    def _mlp(self, x: Tensor) -> Tensor:
        h = self.up(x)
        h = h * torch.sigmoid(1.702 * h) if self.quick else F.gelu(h)
        out: Tensor = self.down(h)
        return out


class TextTower(nn.Module):
    """Text encoder with a bias-free projection to the joint space.

    A text comes out the same alone or padded in a batch, to the tolerance of the arithmetic.
    """

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.tokens = nn.Embedding(config.vocab_size, width)
        self.positions = nn.Embedding(config.context, width)
        self.blocks = nn.ModuleList(TextBlock(config) for _ in range(config.depth))
        # After the embeddings in BERT, after the last block in CLIP.
        self.norm = nn.LayerNorm(width, layer_norm_eps(config))
        self.projection = nn.Linear(width, config.embed_dim, bias=False)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.02)
        nn.init.normal_(self.projection.weight, std=width**-0.5)

    def forward(self, ids: Int[Tensor, "b n"], mask: Bool[Tensor, "b n"]) -> TextEncoding:
        """Encode texts.

        Args:
            ids: token ids, n at most `config.context`.
            mask: true on real tokens, which come first; at least one a row.
        """
        config, n = self.config, ids.shape[1]
        assert n <= config.context, f"{n} tokens, context is {config.context}"
        allowed = mask[:, None, None, :]
        if config.causal:
            allowed = allowed & torch.ones(n, n, dtype=torch.bool, device=ids.device).tril()
        x = self.tokens(ids) + self.positions.weight[:n]
        if config.norm == "post":
            x = self.norm(x)
        for block in self.blocks:
            x = block(x, allowed)
        if config.norm == "pre":
            x = self.norm(x)
        embedding = self.projection(self._pool(x, mask))
        if config.normalize:
            embedding = F.normalize(embedding.float(), dim=-1)
        return TextEncoding(embedding, x, mask)

    def _pool(self, x: Float[Tensor, "b n w"], mask: Bool[Tensor, "b n"]) -> Float[Tensor, "b w"]:
        if self.config.pooling == "mean":
            weight = mask.to(x.dtype)[:, :, None]
            return (x * weight).sum(1) / weight.sum(1)
        last = mask.sum(1) - 1
        return x[torch.arange(len(x), device=x.device), last]


def layer_norm_eps(config: TextConfig) -> float:
    """1e-12 in BERT's layout, 1e-5 in CLIP's."""
    return 1e-12 if config.norm == "post" else 1e-5
