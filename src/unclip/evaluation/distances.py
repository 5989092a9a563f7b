"""How far two sets of pictures are apart, in the embedding space of an image tower.

Both depend on how many pictures there are, so state n with them and compare at equal n only.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def frechet_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Between Gaussians fitted to both sets (Heusel et al. 2017, arXiv 1706.08500, equation 6).

    Biased upwards where n or m is small; with n below d the covariance has no full rank.
    """
    a, b = a.double(), b.double()
    root = _square_root(torch.cov(a.T, correction=0))
    product = root @ torch.cov(b.T, correction=0) @ root
    shared = torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum()
    spread = a.var(dim=0, correction=0).sum() + b.var(dim=0, correction=0).sum()
    return float((a.mean(dim=0) - b.mean(dim=0)).square().sum() + spread - 2 * shared)


def _square_root(matrix: Float[Tensor, "d d"]) -> Float[Tensor, "d d"]:
    """Of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root


def squared_mmd(
    a: Float[Tensor, "n d"], b: Float[Tensor, "n d"], groups: Int[Tensor, " n"] | None = None
) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy (Gretton et al. 2012, equation 4).

    The kernel is that of the Kernel Inception Distance (Binkowski et al. 2018, arXiv 1801.01401),
    (x . y / d + 1)^3, on embeddings stretched to a mean square of one: (x . y + 1)^3 for embeddings
    of unit length. About zero, of either sign, where both sets are of one distribution.

    Args:
        groups: rows of `a` and of `b` that are of one prompt have the same number. They depend on
            each other, so no two of them are compared. Each row is its own group by default.
    """
    a, b = a.double(), b.double()
    groups = torch.arange(len(a)) if groups is None else groups
    apart = groups[:, None] != groups[None]

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return ((x @ y.T + 1) ** 3)[apart].mean()

    return float(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))


def diversity(groups: Float[Tensor, "g k d"]) -> float:
    """Mean of 1 - cosine over all pairs of embeddings of one group, over groups; k at least 2.

    How much the candidates of one prompt differ.
    """
    unit = torch.nn.functional.normalize(groups.double(), dim=-1)
    k = unit.shape[1]
    cosine = unit @ unit.transpose(1, 2)
    off = cosine.sum(dim=(1, 2)) - cosine.diagonal(dim1=1, dim2=2).sum(dim=1)
    return float((1 - off / (k * (k - 1))).mean())
