"""Between directions: embeddings and noises mixed on the sphere (unCLIP, sections 3.2 and 3.3).

The last dimension is the space. A point is a direction and a length: directions are mixed along
great circles and lengths as numbers, so that unit embeddings stay of unit length and noises as long
as noise is. All of it is computed in float64.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.errors import InvalidArgument

_ROUNDS = 100
_CLOSE = 1e-9
_OPPOSITE = 1e-6


def slerp(a: Float[Tensor, "... d"], b: Float[Tensor, "... d"], share: float) -> Tensor:
    """The point at `share`, 0 to 1, of the great circle from `a` to `b`; in the dtype of `a`.

    Raises:
        InvalidArgument: the two are opposite, so that no way between them is the shortest.
    """
    start, end = _unit(a), _unit(b)
    length = torch.lerp(_length(a), _length(b), share)
    return (length * _exp(start, share * _log(start, end))).to(a.dtype)


def spherical_mean(points: Float[Tensor, "k ... d"], weights: Float[Tensor, "k ..."]) -> Tensor:
    """The weighted mean of k points; of two, with weights 1 - s and s, their `slerp` at s.

    The Karcher mean: where the weighted ways to all points add up to nothing, found by going that
    sum until it vanishes (Buss and Fillmore 2001, algorithm A1). In the dtype of the points.

    Args:
        weights: 0 or more, with the sum 1 over the points; the same for all rows, or of each.

    Raises:
        InvalidArgument: the points lie so far around the sphere that they have no middle.
    """
    share = weights.double().to(points.device)
    share = share.reshape(*share.shape, *[1] * (points.ndim - share.ndim))
    units, length = _unit(points), (share * _length(points)).sum(0)
    mean = (share * units).sum(0)
    if (_length(mean) < _OPPOSITE).any():
        raise _no_middle()
    mean = _unit(mean)
    for _ in range(_ROUNDS):
        step = (share * _log(mean.expand_as(units), units)).sum(0)
        mean = _exp(mean, step)
        if _length(step).max() < _CLOSE:
            break
    return (length * mean).to(points.dtype)


def _log(start: Tensor, end: Tensor) -> Tensor:
    """The tangent at `start` that leads to `end`; its length is the angle between them."""
    cosine = (start * end).sum(-1, keepdim=True)
    across = end - cosine * start
    sine = _length(across)
    if ((sine < _OPPOSITE) & (cosine < 0)).any():
        raise _no_middle()
    return torch.atan2(sine, cosine) / sine.clamp(min=1e-300) * across


def _exp(start: Tensor, tangent: Tensor) -> Tensor:
    """Where the great circle from `start` along `tangent` is after its length."""
    angle = _length(tangent)
    moved = angle.cos() * start + torch.sinc(angle / torch.pi) * tangent
    return _unit(moved)  # rounding would add up


def _length(x: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(x.double(), dim=-1, keepdim=True)
    return length


def _unit(x: Tensor) -> Tensor:
    length = _length(x)
    assert (length > 0).all(), "nothing has no direction"
    return x.double() / length


def _no_middle() -> InvalidArgument:
    return InvalidArgument("points", "lie opposite each other on the sphere and have no middle")
