"""Diffusion prior: from a text to a CLIP image embedding (unCLIP, section 2.2 and appendix C).

A causal transformer reads [text states, z_t, time, noised z_i, query] and predicts z_i itself from
the last token. The text states and z_t do not depend on the step, and under the causal mask nothing
after them reaches them: their keys and values are computed once a text, and each sampling step runs
three tokens.

A small network cannot hold thousands of drawings in its weights. One with `anchors` need not: it is
given the embeddings of remembered drawings that the text names (after z_t), as in retrieval-
augmented diffusion (arXiv 2204.11824; kNN-Diffusion, 2204.02849), and predicts what is left beside
a Gaussian around them (`diffusion.gaussian`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from unclip.config import PriorConfig
from unclip.models.layers import LongLinear, TimeEmbedding, attention, merge_heads, split_heads
from unclip.models.text import TextEncoding

PriorConditioning = TextEncoding
"""A text as the prior sees it: z_t in plain CLIP space, token states and their mask."""

_SUFFIX = 3  # time, noised z_i, query

KeysValues = tuple[Float[Tensor, "b h n d"], Float[Tensor, "b h n d"]]


class PriorCache(NamedTuple):
    """What `Prior.prepare` keeps of a text: keys and values of each block, and what is padding;
    and the mean of its anchors, in the scaled space."""

    blocks: tuple[KeysValues, ...]
    mask: Bool[Tensor, "b n"]
    anchor: Float[Tensor, "b e"] | None = None

    def repeated(self, times: int) -> PriorCache:
        """The rows, `times` over."""
        if times == 1:
            return self
        blocks = tuple((k.repeat(times, 1, 1, 1), v.repeat(times, 1, 1, 1)) for k, v in self.blocks)
        anchor = None if self.anchor is None else self.anchor.repeat(times, 1)
        return PriorCache(blocks, self.mask.repeat(times, 1), anchor)


class PriorBlock(nn.Module):
    """Pre-norm transformer block whose keys and values may continue those of earlier tokens."""

    def __init__(self, width: int, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * heads * head_dim)
        self.out = nn.Linear(heads * head_dim, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = LongLinear(4 * width, width)
        for last in (self.out, self.down):  # each block starts as the identity
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(
        self,
        x: Float[Tensor, "b n w"],
        allowed: Bool[Tensor, "b 1 n m"],
        past: KeysValues | None = None,
    ) -> tuple[Float[Tensor, "b n w"], KeysValues]:
        """Run n tokens that follow the m - n of `past`; gives also the n's keys and values."""
        q, k, v = (
            split_heads(part, self.heads) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        all_k, all_v = (
            (k, v) if past is None else (torch.cat([past[0], k], 2), torch.cat([past[1], v], 2))
        )
        x = x + self.out(merge_heads(attention(q, all_k, all_v, allowed)))
        return x + self.down(F.gelu(self.up(self.norm2(x)))), (k, v)


class Prior(nn.Module):
    """P(z_i | y) as a denoiser of scaled image embeddings.

    "Scaled" is (z - `mean`) / `std`, dimension by dimension: the space in which noise is added and
    in which `forward` takes and gives embeddings. `scale` and `unscale` lead there and back; the
    paper's one factor of 17.2 is `mean` 0 and `std` 1 / 17.2.

    Positions are learned: text states at 0 to n - 1, all other tokens always at the last places.

    With anchors, `axes` and `spread` are the principal axes of what embeddings differ from theirs
    by, and the variances along them, in the scaled space.
    """

    mean: Float[Tensor, "1 e"]
    std: Float[Tensor, "1 e"]
    axes: Float[Tensor, "e e"]
    spread: Float[Tensor, " e"]

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.time = TimeEmbedding(width, width)
        self.image_in = nn.Linear(config.embed_dim, width)
        self.text_in = nn.Linear(config.embed_dim, width)
        self.states_in = nn.Linear(config.text_width, width)
        self.query = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(
            torch.randn(1, config.text_context + 1 + config.anchors + _SUFFIX, width) * 0.02
        )
        self.blocks = nn.ModuleList(
            PriorBlock(width, config.heads, config.head_dim) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(width)
        self.image_out = nn.Linear(width, config.embed_dim)
        self.register_buffer("mean", torch.zeros(1, config.embed_dim))
        self.register_buffer("std", torch.ones(1, config.embed_dim))
        if config.anchors:
            self.anchor_in = nn.Linear(config.embed_dim, width)
            self.register_buffer("axes", torch.eye(config.embed_dim))
            self.register_buffer("spread", torch.ones(config.embed_dim))

    def scale(self, z: Float[Tensor, "b e"]) -> Float[Tensor, "b e"]:
        """Plain CLIP space to the prior's."""
        return (z - self.mean) / self.std

    def unscale(self, z: Float[Tensor, "b e"]) -> Float[Tensor, "b e"]:
        """The prior's space to plain CLIP space; back on the unit sphere if the config says so."""
        z = z * self.std + self.mean
        return F.normalize(z, dim=-1) if self.config.normalize else z

    @torch.no_grad()
    def fit_scale(self, z: Float[Tensor, "b e"]) -> None:
        """Set `mean` and `std` from image embeddings of the training set, in plain CLIP space."""
        self.mean.copy_(z.mean(0, keepdim=True))
        self.std.copy_(z.std(0, keepdim=True).clamp_min(1e-4))

    def middle(self, anchors: Float[Tensor, "b k e"]) -> Float[Tensor, "b e"]:
        """The mean of each row's anchors, in the scaled space; zeros are none."""
        count = (anchors != 0).any(dim=2).sum(dim=1, keepdim=True)
        return self._scaled(anchors).sum(dim=1) / count.clamp_min(1)

    def _scaled(self, anchors: Float[Tensor, "b k e"]) -> Float[Tensor, "b k e"]:
        return self.scale(anchors) * (anchors != 0).any(dim=2, keepdim=True)

    @torch.no_grad()
    def fit_spread(self, differences: Float[Tensor, "b e"]) -> None:
        """Set `axes` and `spread` from what embeddings differ from their anchors by, scaled."""
        variances, axes = torch.linalg.eigh(differences.T @ differences / len(differences))
        self.axes.copy_(axes)
        self.spread.copy_(variances.clamp_min(1e-4))

    def prepare(
        self, conditioning: PriorConditioning, anchors: Float[Tensor, "b k e"] | None = None
    ) -> PriorCache:
        """Everything that a text fixes for all steps. States past `text_context` are left out.

        Args:
            anchors: in plain CLIP space, up to the config's number of each text and at least one;
                zeros are none. One text may have many rows. None for a prior without.
        """
        context = self.config.text_context
        dtype = self.states_in.weight.dtype
        states = self.states_in(conditioning.states[:, :context].to(dtype))
        n = states.shape[1]
        z_t = conditioning.embedding
        if self.config.normalize:  # from unit length to unit variance, where layers learn well
            z_t = z_t * math.sqrt(self.config.embed_dim)
        x = torch.cat([states, self.text_in(z_t.to(dtype))[:, None]], dim=1)
        x = x + torch.cat([self.positions[:, :n], self.positions[:, context : context + 1]], dim=1)
        mask = F.pad(conditioning.mask[:, :context], (0, 1), value=True)
        allowed = mask[:, None, None, :] & _causal(n + 1, n + 1, x.device)
        blocks = []
        for block in self.blocks:
            x, keys_values = block(x, allowed)
            blocks.append(keys_values)
        cache = PriorCache(tuple(blocks), mask)
        if not self.config.anchors:
            return cache
        assert anchors is not None, "this prior starts from anchors"
        return self._followed(cache, anchors)

    def _followed(self, text: PriorCache, anchors: Float[Tensor, "b k e"]) -> PriorCache:
        """The cache of a text for each row of anchors, which come after it."""
        b, k = len(anchors), self.config.anchors
        anchors = F.pad(anchors.float(), (0, 0, 0, k - anchors.shape[1]))
        mask = F.pad(text.mask.expand(b, -1), (0, k), value=True)
        allowed = mask[:, None, None, :] & _causal(k, mask.shape[1], mask.device)
        x = self.anchor_in(self._scaled(anchors).to(self.anchor_in.weight.dtype))
        x = x + self.positions[:, -_SUFFIX - k : -_SUFFIX]
        blocks = []
        for block, before in zip(self.blocks, text.blocks, strict=True):
            keys, values = (part.expand(b, -1, -1, -1) for part in before)
            x, (own_keys, own_values) = block(x, allowed, (keys, values))
            blocks.append((torch.cat([keys, own_keys], 2), torch.cat([values, own_values], 2)))
        return PriorCache(tuple(blocks), mask, self.middle(anchors))

    def forward(
        self,
        x_t: Float[Tensor, "b e"],
        t: Float[Tensor, " b"],
        conditioning: PriorConditioning | PriorCache,
    ) -> Float[Tensor, "b e"]:
        """The x0 estimate (paper, equation 2), in the prior's scaled space and in float32; with
        anchors, what `diffusion.gaussian.around` makes one of.

        Args:
            x_t: noised z_i, in the scaled space; one for each text, or one for each text, then
                another for each, and so on.
            t: steps of the training schedule, 0 to 999; fractions are fine.
            conditioning: the text, or what `prepare` made of it, which gives the same result and
                leaves three tokens to run. With anchors it is the latter.
        """
        if not isinstance(conditioning, PriorCache):
            conditioning = self.prepare(conditioning)
        conditioning = conditioning.repeated(len(x_t) // len(conditioning.mask))
        dtype = self.image_in.weight.dtype
        x = torch.stack([self.time(t), self.image_in(x_t.to(dtype))], dim=1)
        x = torch.cat([x, self.query.expand(len(x), -1, -1)], dim=1)
        x = x + self.positions[:, -_SUFFIX:]
        mask = F.pad(conditioning.mask, (0, _SUFFIX), value=True)
        allowed = mask[:, None, None, :] & _causal(_SUFFIX, mask.shape[1], x.device)
        for block, past in zip(self.blocks, conditioning.blocks, strict=True):
            x, _ = block(x, allowed, past)
        out: Tensor = self.image_out(self.norm(x[:, -1]))
        return out.float()


def drop_text(
    conditioning: PriorConditioning, null: PriorConditioning, drop: Bool[Tensor, " b"]
) -> PriorConditioning:
    """Conditioning with the empty text wherever `drop` is true, for classifier-free guidance.

    Args:
        conditioning: b texts.
        null: the encoding of "", a batch of one, without padding.
        drop: true with probability 0.1 in training (paper, appendix C); all true for the
            unconditional half of a guided step.
    """
    gap = conditioning.states.shape[1] - null.states.shape[1]
    assert gap >= 0, "the empty text is no longer than any other"
    return PriorConditioning(
        torch.where(drop[:, None], null.embedding, conditioning.embedding),
        torch.where(drop[:, None, None], F.pad(null.states, (0, 0, 0, gap)), conditioning.states),
        torch.where(drop[:, None], F.pad(null.mask, (0, gap)), conditioning.mask),
    )


def _causal(queries: int, keys: int, device: torch.device) -> Bool[Tensor, "queries keys"]:
    """True where the last `queries` of `keys` tokens may look."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)
