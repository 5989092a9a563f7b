"""How what is drawn meets what was there: colours carried across the border, subjects set in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SWEEPS = 6
"""Of Jacobi on each grid; more are not seen."""
FINEST = 256
"""Pixels of the longer side up to which a membrane is solved; on a larger picture it is smooth
enough to be scaled up."""
DRIFT, BAND, COARSE = 0.12, 3 / 16, 4
"""Two shades, of the range of 2, that are meant to be one; how far from a border a decoder has
drifted to its own, in sides; and pixels a side of the blocks that are compared there."""
STEP = 0.3
"""A step in colour above which two things meet, not two shades of one."""
RIM = 2
"""Pixels at the edge of a drawn subject that show what is behind it."""
CLEAR, OPAQUE = 0.1, 0.35
"""Differences from that, of the range of 2, where a subject ends and where it is itself."""


def levelled(
    drawn: Float[Tensor, "n 3 h w"],
    pixels: Float[Tensor, "n 3 h w"],
    mask: Float[Tensor, "n 1 h w"],
) -> Float[Tensor, "n 3 h w"]:
    """What is drawn, without the drift by which it leaves the shades of what is known.

    In a band along the border, where it is nearly what is known carried on, it is shifted to be
    that, but for its grain; elsewhere it is shifted as a membrane between such places.
    """
    reach = round(BAND * min(mask.shape[-2:]))
    return _shifted(drawn, pixels, mask, reach, DRIFT, COARSE)


def blended(
    drawn: Float[Tensor, "n 3 h w"],
    pixels: Float[Tensor, "n 3 h w"],
    mask: Float[Tensor, "n 1 h w"],
) -> Float[Tensor, "n 3 h w"]:
    """`pixels` where the mask is 1, else what is drawn, shifted to meet them at the border.

    The shift there is what is known carried on by a pixel less what was drawn, and between borders
    a membrane (Pérez, Gangnet and Blake 2003, "Poisson image editing", equation 2).
    """
    factor = max(1, -(-max(mask.shape[-2:]) // FINEST))
    return torch.where(mask > 0, pixels, _shifted(drawn, pixels, mask, 1, STEP, factor))


def _shifted(
    drawn: Tensor, pixels: Tensor, mask: Tensor, reach: int, most: float, factor: int
) -> Tensor:
    """By the membrane through all differences up to `most` within `reach` pixels of the border."""
    ahead, there = _carried(pixels, mask, reach)
    shift = ahead - drawn
    near = (there > mask) & (shift.abs().amax(1, keepdim=True) <= most)
    surface = membrane(*_coarser(shift, near.to(shift), factor))
    return (drawn + _at_size(surface, drawn)).clamp(-1, 1)


def membrane(
    values: Float[Tensor, "n c h w"], given: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n c h w"]:
    """The smooth surface through `values` where `given` is 1; zero where nothing is.

    Laplace's equation, free at the edges of the picture, from the coarsest grid to the finest
    (Bornemann and Deuflhard 1996, "The cascadic multigrid method").
    """
    if max(values.shape[-2:]) == 1:
        return values * given
    surface = _at_size(membrane(*_coarser(values, given, 2)), values)
    for sweep in range(SWEEPS + 1):
        if sweep:
            padded = F.pad(surface, (1, 1, 1, 1), mode="replicate")
            surface = _neighbours(padded) / 4
        surface = torch.where(given > 0, values, surface)
    return surface


def continued(
    pixels: Float[Tensor, "n 3 h w"], mask: Float[Tensor, "n 1 h w"]
) -> Float[Tensor, "n 3 h w"]:
    """What is known, carried on over the rest from its border outwards, a pixel at a time.

    Beyond a straight border that repeats the last row, as the decoder's training does; grey where
    nothing is known.
    """
    return _carried(pixels, mask, sum(mask.shape[-2:]))[0]


def set_into(
    ground: Float[Tensor, "n 3 s s"],
    subject: Float[Tensor, "n 3 s s"],
    mask: Float[Tensor, "n 1 s s"],
) -> Float[Tensor, "n 3 s s"]:
    """The subject without what is behind it, as large as fits in the middle of what is unknown.

    Args:
        mask: 0 where it is unknown, alike in every row.
    """
    unknown = mask[0, 0] == 0
    ys, xs = (unknown.any(dim=d).nonzero().flatten().tolist() for d in (1, 0))
    height, width = ys[-1] + 1 - ys[0], xs[-1] + 1 - xs[0]
    size = min(height, width)
    y, x = ys[0] + (height - size) // 2, xs[0] + (width - size) // 2
    opaque = torch.cat([subject, _alpha(subject)], dim=1)
    opaque[:, :3] *= opaque[:, 3:]
    small = F.interpolate(opaque, (size, size), mode="bilinear", antialias=True)
    whole = ground.clone()
    there = whole[..., y : y + size, x : x + size]
    there *= 1 - small[:, 3:]
    there += small[:, :3]
    return whole


def _alpha(subject: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 1 s s"]:
    """Where a small picture differs from what its edge shows to be behind everything."""
    rim = torch.ones_like(subject[:, :1])
    rim[..., RIM:-RIM, RIM:-RIM] = 0
    difference = (subject - membrane(subject, rim)).abs().amax(1, keepdim=True)
    return ((difference - CLEAR) / (OPAQUE - CLEAR)).clamp(0, 1)


def _carried(pixels: Tensor, mask: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """By so many pixels; and where there is something then."""
    pixels = pixels * mask
    for _ in range(reach):
        if bool((mask > 0).all()):
            break
        count = _neighbours(F.pad(mask, (1, 1, 1, 1)))
        around = _neighbours(F.pad(pixels, (1, 1, 1, 1))) / count.clamp(min=1)
        pixels = torch.where(mask > 0, pixels, around)
        mask = torch.where(mask > 0, mask, count.clamp(max=1))
    return pixels, mask


def _neighbours(padded: Float[Tensor, "n c h2 w2"]) -> Float[Tensor, "n c h w"]:
    """Sums over the four neighbours of each pixel."""
    inner = slice(1, -1)
    return (
        padded[..., :-2, inner]
        + padded[..., 2:, inner]
        + padded[..., inner, :-2]
        + padded[..., inner, 2:]
    )


def _coarser(
    values: Float[Tensor, "n c h w"], given: Float[Tensor, "n 1 h w"], factor: int
) -> tuple[Float[Tensor, "n c h2 w2"], Float[Tensor, "n 1 h2 w2"]]:
    """Means of the given values in blocks of `factor` pixels a side, and which blocks have some."""
    if factor == 1:
        return values, given
    share = F.avg_pool2d(given, factor, ceil_mode=True)
    mean = F.avg_pool2d(values * given, factor, ceil_mode=True) / share.clamp(min=1e-6)
    return mean, (share > 0).to(given)


def _at_size(surface: Tensor, like: Tensor) -> Tensor:
    if surface.shape[-2:] == like.shape[-2:]:
        return surface
    return F.interpolate(surface, like.shape[-2:], mode="bilinear", align_corners=False)
