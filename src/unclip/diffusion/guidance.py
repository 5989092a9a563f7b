"""Wrappers around a denoiser: classifier-free guidance in an interval, and clipping of x_0.

They compose: `clipped(classifier_free_guidance(...), 1.0)` is again what a sampler takes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unclip.diffusion.process import AnyDenoiser, Estimate, broadcast, split_estimate
from unclip.errors import InvalidArgument

Paired = Callable[[Tensor, Tensor], tuple[Estimate, Estimate]]
"""(x_t, t) -> (conditional, unconditional) estimates, each as a denoiser gives them; one batch of
twice the rows where a stage can. With a weaker network as the second it is autoguidance."""


def classifier_free_guidance(
    conditional: AnyDenoiser,
    paired: Paired,
    guidance_scale: float,
    interval: tuple[float, float] = (0.0, 1.0),
) -> AnyDenoiser:
    """Guide by x_0 = uncond + scale (cond - uncond) while t is in `interval`.

    x_0 is affine in every other prediction at a given x_t, so this equals guidance of epsilon
    (arXiv 2207.12598, equation 6, with scale = 1 + w). Outside the interval (arXiv 2404.07724),
    and everywhere at scale 1, `conditional` alone is called. A learned-range fraction is the
    conditional one's.

    Args:
        interval: (low, high) in time, 0 clean and 1 noise, both ends included.

    Raises:
        InvalidArgument: the scale is negative or the interval is not within [0, 1].
    """
    low, high = interval
    if not guidance_scale >= 0:
        raise InvalidArgument("guidance_scale", f"is {guidance_scale}; it may be 0 or more")
    if not 0 <= low <= high <= 1:
        raise InvalidArgument("interval", f"is {low} to {high}; it may be 0 <= low <= high <= 1")
    if guidance_scale == 1:
        return conditional

    def denoise(x_t: Tensor, t: Tensor) -> Estimate:
        inside = (t >= low) & (t <= high)
        if not inside.any():
            return conditional(x_t, t)
        cond, uncond = paired(x_t, t)
        x0, fraction = split_estimate(cond)
        scale = broadcast(torch.where(inside, guidance_scale, 1.0), x0)
        guided = torch.lerp(split_estimate(uncond)[0], x0, scale)
        return guided if fraction is None else (guided, fraction)

    return denoise


def clipped(denoiser: AnyDenoiser, limit: float, percentile: float | None = None) -> AnyDenoiser:
    """Keep x_0 estimates within [-limit, limit].

    Args:
        percentile: in (0, 1]; then each row is clipped at that percentile of its own |x_0| where
            it exceeds the limit, and rescaled to it: dynamic thresholding (arXiv 2205.11487,
            section 2.3). Without it the clipping is static.
    """

    def denoise(x_t: Tensor, t: Tensor) -> Estimate:
        x0, fraction = split_estimate(denoiser(x_t, t))
        if percentile is not None:
            bound = torch.quantile(x0.abs().flatten(1).float(), percentile, dim=1)
            x0 = x0 * broadcast(limit / bound.clamp(min=limit), x0)
        x0 = x0.clamp(-limit, limit)
        return x0 if fraction is None else (x0, fraction)

    return denoise
