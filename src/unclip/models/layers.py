"""Pieces that several networks share. b batch, n tokens, m keys, h heads, d head width, w width."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int8
from torch import Tensor, nn


def timestep_embedding(
    t: Float[Tensor, " b"], dim: int, max_period: float = 10_000.0
) -> Float[Tensor, "b dim"]:
    """Sinusoids of `t`, cosines first, in float32 (as in ADM; `t` counts up to about 1000)."""
    half = dim // 2
    frequencies = torch.exp(
        -math.log(max_period) * torch.arange(half, dtype=torch.float32, device=t.device) / half
    )
    angles = t.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """`t` to a vector: sinusoids, then two linear layers with SiLU between."""

    def __init__(self, sinusoids: int, width: int) -> None:
        super().__init__()
        self.sinusoids = sinusoids
        self.linear_1 = nn.Linear(sinusoids, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, t: Float[Tensor, " b"]) -> Float[Tensor, "b w"]:
        embedding = timestep_embedding(t, self.sinusoids).to(self.linear_1.weight.dtype)
        out: Tensor = self.linear_2(F.silu(self.linear_1(embedding)))
        return out


def split_heads(x: Float[Tensor, "b n w"], heads: int) -> Float[Tensor, "b h n d"]:
    """Last axis cut into heads."""
    return x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)


def merge_heads(x: Float[Tensor, "b h n d"]) -> Float[Tensor, "b n w"]:
    """The inverse of `split_heads`."""
    return x.transpose(1, 2).flatten(2)


def attention(
    q: Float[Tensor, "b h n d"],
    k: Float[Tensor, "b h m d"],
    v: Float[Tensor, "b h m d"],
    mask: Bool[Tensor, "..."] | None = None,
) -> Float[Tensor, "b h n d"]:
    """Scaled dot-product attention; `mask` broadcasts to `b h n m` and is true where allowed.

    Plain matrix products while training: at these lengths the fused CPU kernel's backward pass is
    slower than they are.
    """
    if not torch.is_grad_enabled():
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    mixed: Tensor = scores.softmax(dim=-1).to(v.dtype) @ v
    return mixed


def rms_norm(x: Float[Tensor, "... w"], weight: Float[Tensor, " w"] | None = None) -> Tensor:
    """x / rms(x), times `weight`; a weight of another precision follows x."""
    gain = None if weight is None else weight.to(x.dtype)
    normed: Tensor = F.rms_norm(x, (x.shape[-1],), gain, 1e-6)
    return normed


class RMSNorm(nn.Module):
    """Root-mean-square norm with a learned gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "... w"]) -> Float[Tensor, "... w"]:
        return rms_norm(x, self.weight)


class LongLinear(nn.Linear):
    """A linear layer of many inputs that treats a row alike whatever is beside it.

    Where rows are few, a processor's library splits a long sum in bfloat16 and rounds its parts, so
    that a picture would depend on how many are drawn with it. Short sums are never split: while
    nothing is learned, the inputs are taken in blocks.
    """

    BLOCK = 384

    def forward(self, x: Float[Tensor, "... i"]) -> Float[Tensor, "... o"]:
        is_drawing = not torch.is_grad_enabled() and x.device.type == "cpu"
        if not (is_drawing and x.dtype is torch.bfloat16 and self.in_features > self.BLOCK):
            return super().forward(x)
        out, *others = (
            F.linear(part, weight)
            for part, weight in zip(
                torch.split(x, self.BLOCK, -1), torch.split(self.weight, self.BLOCK, 1), strict=True
            )
        )
        for other in others:
            out += other
        return out if self.bias is None else out + self.bias


def to_eight_bits(
    rows: Float[Tensor, "r c"],
) -> tuple[Int8[Tensor, "r c"], Float[Tensor, "r 1"]]:
    """Rows in 8 bits a number, and what each is multiplied by to be read again."""
    scale = rows.abs().amax(dim=1, keepdim=True) / 127
    scale[scale == 0] = 1
    return (rows / scale).round().to(torch.int8), scale


class MLP(nn.Module):
    """Two linear layers with squared ReLU (Primer, arXiv 2109.08668)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = LongLinear(hidden, width, bias=False)

    def forward(self, x: Float[Tensor, "b n w"]) -> Float[Tensor, "b n w"]:
        out: Tensor = self.down(F.relu(self.up(x)).square())
        return out


def position_embedding_2d(
    height: int, width: int, dim: int, device: torch.device | None = None
) -> Float[Tensor, "n dim"]:
    """Fixed sinusoids of row and column, row-major; `dim` is a multiple of 4.

    Computed, not learned, so that a network runs on grids of other shapes than it was trained on.
    """
    rows = torch.arange(height, dtype=torch.float32, device=device)
    columns = torch.arange(width, dtype=torch.float32, device=device)
    row = timestep_embedding(rows, dim // 2, 100.0)[:, None].expand(height, width, -1)
    column = timestep_embedding(columns, dim // 2, 100.0)[None].expand(height, width, -1)
    return torch.cat([row, column], dim=-1).flatten(0, 1)


class TransformerBlock(nn.Module):
    """Pre-norm block with RMS norms, normalised queries and keys, and squared-ReLU MLP.

    `context_width` > 0 adds keys and values of a constant context beside the block's own, the
    "attention with added text keys and values" of ADM (unCLIP, section 2.1); they do not change
    from one sampling step to the next, so `context` may be computed once with `project_context`.
    """

    def __init__(self, width: int, heads: int, mlp_width: int, context_width: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm_mlp = RMSNorm(width)
        self.mlp = MLP(width, mlp_width)
        self.context_kv = nn.Linear(context_width, 2 * width, bias=False) if context_width else None
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.mlp.down.weight)

    def project_context(
        self, tokens: Float[Tensor, "b m c"]
    ) -> tuple[Float[Tensor, "b h m d"], Float[Tensor, "b h m d"]]:
        """Keys and values of context tokens."""
        assert self.context_kv is not None, "this block takes no context"
        k, v = self.context_kv(tokens).chunk(2, dim=-1)
        return rms_norm(split_heads(k, self.heads)), split_heads(v, self.heads)

    def forward(
        self,
        x: Float[Tensor, "b n w"],
        context: tuple[Tensor, Tensor] | None = None,
        mask: Bool[Tensor, "b 1 1 m"] | None = None,
    ) -> Float[Tensor, "b n w"]:
        q, k, v = self.qkv(self.norm_attention(x)).chunk(3, dim=-1)
        q, k, v = (split_heads(part, self.heads) for part in (q, k, v))
        q, k = rms_norm(q), rms_norm(k)
        if context is not None:
            k = torch.cat([context[0], k], dim=2)
            v = torch.cat([context[1], v], dim=2)
        x = x + self.out(merge_heads(attention(q, k, v, mask)))
        out: Tensor = x + self.mlp(self.norm_mlp(x))
        return out
