"""Latent transformer: the default decoder.

A picture of 64 pixels is an 8 x 8 grid of latents (`autoencoder.py`), one token each. Time, four
tokens of the image embedding and the text states are added keys and values in every block; there
is no AdaLN. The sum of time and image embedding is also added to every token, as the paper's U-Net
adds it to its time embedding (unCLIP, section 2.1). Known pixels' latents and the unshuffled pixel
mask are extra channels, for inpainting. Late blocks see early ones through long skips (U-ViT,
arXiv 2209.12152).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unclip.config import DiTConfig
from unclip.models.layers import (
    LongLinear,
    RMSNorm,
    TimeEmbedding,
    TransformerBlock,
    position_embedding_2d,
)

KeyValue = tuple[Tensor, Tensor]


class Sketch(nn.Module):
    """The image embedding drawn on the latent grid: a first guess of x_0.

    It is trained with the image tower, which learns to keep what it needs; without it a decoder
    takes very long to find out where in the embedding the shapes are.
    """

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.shape = (config.latent_channels, config.grid, config.grid)
        self.input = nn.Linear(config.embed_dim, config.sketch_width)
        self.output = LongLinear(config.sketch_width, math.prod(self.shape))

    def forward(self, scaled: Float[Tensor, "b e"]) -> Float[Tensor, "b z g g"]:
        """`scaled` is the embedding times the root of its width."""
        drawn: Tensor = self.output(F.gelu(self.input(scaled)))
        return drawn.reshape(-1, *self.shape)


class DiTConditioning(NamedTuple):
    """What does not change from step to step. `cache` holds each block's keys and values."""

    vector: Float[Tensor, "b w"]
    sketch: Float[Tensor, "b z g g"] | None
    tokens: Float[Tensor, "b m w"]
    mask: Bool[Tensor, "b m"]
    cache: list[KeyValue] | None = None


class Known(NamedTuple):
    """Pixels that are given: latents of the picture with the rest at zero, and where they are.

    `mask` is the pixel mask (1 known, 0 to be made) unshuffled to `factor**2` channels.
    """

    latents: Float[Tensor, "b z h w"]
    mask: Float[Tensor, "b u h w"]

    def repeated(self, times: int) -> Known:
        """The rows, `times` over."""
        return self if times == 1 else Known(*(v.repeat(times, 1, 1, 1) for v in self))


def known_channels(
    pixels: Float[Tensor, "b 3 H W"],
    mask: Float[Tensor, "b 1 H W"],
    encode: Callable[[Tensor], Tensor],
    factor: int,
) -> Known:
    """`Known` for pixels that are given where `mask` is 1, by the autoencoder's `encode`."""
    latents = encode(pixels * mask).float() * F.max_pool2d(mask, factor)
    return Known(latents, F.pixel_unshuffle(mask, factor))


class LatentTransformer(nn.Module):
    """`(x_t, t, conditioning, known) -> prediction`, all on the latent grid; `t` is in [0, 1]."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        channels = 2 * config.latent_channels + config.pixel_factor**2
        self.input = nn.Linear(channels, width)
        self.sketch = Sketch(config) if config.sketch_width else None
        if self.sketch is not None:
            self.sketch_input = nn.Linear(config.latent_channels, width, bias=False)
        self.position = nn.Linear(width, width, bias=False)
        self.time = TimeEmbedding(width, width)
        self.null_embedding = nn.Parameter(torch.zeros(config.embed_dim))
        self.embedding_to_vector = nn.Linear(config.embed_dim, width)
        self.embedding_to_tokens = nn.Linear(config.embed_dim, config.image_tokens * width)
        self.text_to_tokens = nn.Linear(config.text_width, width)
        self.norm_context = RMSNorm(width)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, config.heads, 4 * width, context_width=width)
            for _ in range(config.depth)
        )
        skips = config.depth // 2
        self.skips = nn.ModuleList(LongLinear(2 * width, width, bias=False) for _ in range(skips))
        for skip in self.skips:  # start as the identity on the running stream
            assert isinstance(skip, nn.Linear)
            nn.init.zeros_(skip.weight)
            skip.weight.data[:, :width] = torch.eye(width)
        self.norm = RMSNorm(width)
        self.output = nn.Linear(width, config.latent_channels)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def condition(
        self,
        embedding: Float[Tensor, "b e"],
        states: Float[Tensor, "b n s"],
        mask: Bool[Tensor, "b n"],
        *,
        drop_embedding: Bool[Tensor, " b"] | None = None,
        drop_text: Bool[Tensor, " b"] | None = None,
    ) -> DiTConditioning:
        """CLIP image embedding (unit length) and text states to vector and context tokens.

        Where `drop_embedding` is true the learned null embedding stands in; where `drop_text` is
        true no text token is attended: conditioning dropout, and the negative of guidance.
        """
        scaled = embedding * self.config.embed_dim**0.5
        if drop_embedding is not None:
            scaled = torch.where(drop_embedding[:, None], self.null_embedding, scaled)
        if drop_text is not None:
            mask = mask & ~drop_text[:, None]
        image = self.embedding_to_tokens(scaled).reshape(len(scaled), self.config.image_tokens, -1)
        text = self.text_to_tokens(states)
        tokens = self.norm_context(torch.cat([image, text.to(image.dtype)], dim=1))
        present = mask.new_ones(mask.shape[0], self.config.image_tokens)
        return DiTConditioning(
            self.embedding_to_vector(scaled),
            None if self.sketch is None else self.sketch(scaled),
            tokens,
            torch.cat([present, mask], dim=1),
        )

    def prepare(self, conditioning: DiTConditioning) -> DiTConditioning:
        """Project the context of every block once, for all the steps of a sampler."""
        cache = [block.project_context(conditioning.tokens) for block in self._blocks()]
        return conditioning._replace(cache=cache)

    def forward(
        self,
        x_t: Float[Tensor, "b z h w"],
        t: Float[Tensor, " b"],
        conditioning: DiTConditioning,
        known: Known | None = None,
    ) -> Float[Tensor, "b z h w"]:
        b, _, h, w = x_t.shape
        if known is None:
            u = self.config.pixel_factor**2
            known = Known(torch.zeros_like(x_t), x_t.new_zeros(b, u, h, w))
        x = torch.cat([x_t, known.latents.to(x_t.dtype), known.mask.to(x_t.dtype)], dim=1)
        time = self.time(1000 * t)
        grid = position_embedding_2d(h, w, self.config.width, x.device)
        x = self.input(x.flatten(2).transpose(1, 2)) + self.position(grid.to(time.dtype))
        if conditioning.sketch is not None:
            sketch = conditioning.sketch
            if sketch.shape[-2:] != (h, w):
                sketch = F.interpolate(sketch, (h, w), mode="bilinear")
            x = x + self.sketch_input(sketch.flatten(2).transpose(1, 2))
        x = x + (time + conditioning.vector)[:, None]
        time_token = F.rms_norm(time, (time.shape[-1],))[:, None]

        ones = conditioning.mask.new_ones(b, 1)
        own = conditioning.mask.new_ones(b, h * w)
        mask = torch.cat([ones, conditioning.mask, own], dim=1)[:, None, None]
        stack: list[Tensor] = []
        for i, block in enumerate(self._blocks()):
            if i >= self.config.depth - len(self.skips):
                x = self.skips[i - self.config.depth](torch.cat([x, stack.pop()], dim=-1))
            x = block(x, self._context(block, i, time_token, conditioning), mask)
            if i < len(self.skips):
                stack.append(x)
        out: Tensor = self.output(self.norm(x)).transpose(1, 2).reshape(b, -1, h, w)
        return out

    def _blocks(self) -> list[TransformerBlock]:
        return list(self.blocks)  # type: ignore[arg-type]

    @staticmethod
    def _context(
        block: TransformerBlock, i: int, time_token: Tensor, conditioning: DiTConditioning
    ) -> KeyValue:
        if conditioning.cache is None:
            tokens = conditioning.tokens
            return block.project_context(torch.cat([time_token.to(tokens.dtype), tokens], dim=1))
        k, v = block.project_context(time_token)
        cached_k, cached_v = conditioning.cache[i]
        return torch.cat([k, cached_k], dim=2), torch.cat([v, cached_v], dim=2)
