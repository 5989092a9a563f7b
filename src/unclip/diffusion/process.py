"""The diffusion process: noising, its posterior, and what a network's output means.

`x_t = alpha x_0 + sigma eps`. A network may predict x_0, eps, v = alpha eps - sigma x_0
(arXiv 2202.00512, appendix D) or the flow velocity eps - x_0 (arXiv 2209.03003). The conversions
hold for any alpha and sigma, on the circle (discrete schedules) or not (flow). `alpha` and `sigma`
are float64, one a row, and are applied in the dtype of the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.config import Prediction
from unclip.diffusion.schedule import Schedule

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x_t "b ...", t float64 "b") -> estimate of x_0, "b ..."."""

RangeDenoiser = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""The same with a learned-range fraction in [-1, 1] beside x_0, for ancestral sampling."""

Estimate = Tensor | tuple[Tensor, Tensor]
"""What either gives."""

AnyDenoiser = Callable[[Tensor, Tensor], Estimate]
"""What every sampler takes; only `ddpm` uses the fraction."""

NetworkCall = Callable[[Tensor, Tensor], Tensor]
"""(x_t, the network's own time in float32) -> raw prediction; conditioning is closed over."""

MIN_VARIANCE = 1e-20


def broadcast(v: Float[Tensor, " b"], x: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
    """One value a row, shaped (b, 1, ...) in the dtype and on the device of `x`."""
    return v.to(x).reshape(-1, *[1] * (x.ndim - 1))


def q_sample(
    x0: Float[Tensor, "b ..."],
    t: Float[Tensor, " b"],
    noise: Float[Tensor, "b ..."],
    schedule: Schedule,
) -> Float[Tensor, "b ..."]:
    """x_t for a clean picture and its noise (arXiv 2006.11239, equation 4)."""
    alpha, sigma = schedule.alpha_sigma(t)
    return broadcast(alpha, x0) * x0 + broadcast(sigma, x0) * noise


def target(
    prediction: Prediction,
    x0: Float[Tensor, "b ..."],
    noise: Float[Tensor, "b ..."],
    alpha: Float[Tensor, " b"],
    sigma: Float[Tensor, " b"],
) -> Float[Tensor, "b ..."]:
    """What a network of this kind should answer."""
    if prediction == "x0":
        return x0
    if prediction == "epsilon":
        return noise
    if prediction == "flow":
        return noise - x0
    return broadcast(alpha, x0) * noise - broadcast(sigma, x0) * x0


def to_x0(
    prediction: Prediction,
    output: Float[Tensor, "b ..."],
    x_t: Float[Tensor, "b ..."],
    alpha: Float[Tensor, " b"],
    sigma: Float[Tensor, " b"],
) -> Float[Tensor, "b ..."]:
    """The clean picture that a prediction implies.

    An `epsilon` prediction says nothing of it where alpha is 0: train such a network on a discrete
    schedule, which stops short of pure noise.
    """
    if prediction == "x0":
        return output
    if prediction == "epsilon":
        return _combine(x_t, 1 / alpha, output, -sigma / alpha)
    if prediction == "flow":
        return _combine(x_t, 1 / (alpha + sigma), output, -sigma / (alpha + sigma))
    power = alpha**2 + sigma**2
    return _combine(x_t, alpha / power, output, -sigma / power)


def to_epsilon(
    prediction: Prediction,
    output: Float[Tensor, "b ..."],
    x_t: Float[Tensor, "b ..."],
    alpha: Float[Tensor, " b"],
    sigma: Float[Tensor, " b"],
) -> Float[Tensor, "b ..."]:
    """The noise that a prediction implies; an `x0` prediction needs sigma above 0."""
    if prediction == "epsilon":
        return output
    if prediction == "x0":
        return _combine(x_t, 1 / sigma, output, -alpha / sigma)
    if prediction == "flow":
        return _combine(x_t, 1 / (alpha + sigma), output, alpha / (alpha + sigma))
    power = alpha**2 + sigma**2
    return _combine(x_t, sigma / power, output, alpha / power)


class Posterior(NamedTuple):
    """q(x_s | x_t, x_0) = N(on_x_t x_t + on_x0 x_0, variance); `beta` is the variance that the
    steps from s to t add. Each one a row, float64."""

    on_x_t: Float[Tensor, " b"]
    on_x0: Float[Tensor, " b"]
    variance: Float[Tensor, " b"]
    beta: Float[Tensor, " b"]

    def mean(
        self, x_t: Float[Tensor, "b ..."], x0: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        return _combine(x_t, self.on_x_t, x0, self.on_x0)


def posterior(t: Float[Tensor, " b"], s: Float[Tensor, " b"], schedule: Schedule) -> Posterior:
    """The reverse step from time `t` to an earlier `s`, however many timesteps lie between.

    For neighbours on a discrete schedule this is DDPM's (arXiv 2006.11239, equations 6-7), with
    betas recomputed from alphas_cumprod where timesteps are skipped (arXiv 2102.09672, section 4);
    for any alpha and sigma it is arXiv 2107.00630, equations 29-33. Its variance is "fixed small".
    """
    alpha_t, sigma_t = schedule.alpha_sigma(t)
    alpha_s, sigma_s = schedule.alpha_sigma(s)
    ratio = alpha_t / alpha_s
    beta = sigma_t**2 - (ratio * sigma_s) ** 2
    kept, added = (sigma_s / sigma_t) ** 2, beta / sigma_t**2
    return Posterior(ratio * kept, alpha_s * added, beta * kept, beta)


def learned_range_variance(
    fraction: Float[Tensor, "b ..."],
    variance: Float[Tensor, " b"],
    beta: Float[Tensor, " b"],
) -> Float[Tensor, "b ..."]:
    """log of the variance between the posterior's and beta (arXiv 2102.09672, equation 15).

    Args:
        fraction: the network's raw output, -1 for the posterior's variance and 1 for beta.
    """
    low = broadcast(variance.clamp(min=MIN_VARIANCE).log(), fraction)
    high = broadcast(beta.clamp(min=MIN_VARIANCE).log(), fraction)
    return torch.lerp(low.expand_as(fraction), high.expand_as(fraction), (fraction + 1) / 2)


def denoiser(network: NetworkCall, prediction: Prediction, schedule: Schedule) -> Denoiser:
    """A sampler's view of a network: `(x_t, t) -> x_0`, whatever it predicts."""

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        output = network(x_t, schedule.network_time(t).float())
        return to_x0(prediction, output, x_t, *schedule.alpha_sigma(t))

    return denoise


def range_denoiser(
    network: NetworkCall, prediction: Prediction, schedule: Schedule
) -> RangeDenoiser:
    """The same for a network with twice the channels: prediction, then learned-range fraction."""

    def denoise(x_t: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        output, fraction = network(x_t, schedule.network_time(t).float()).chunk(2, dim=1)
        return to_x0(prediction, output, x_t, *schedule.alpha_sigma(t)), fraction

    return denoise


def split_estimate(estimate: Estimate) -> tuple[Tensor, Tensor | None]:
    """(x_0, learned-range fraction or None) of what a denoiser gave."""
    return estimate if isinstance(estimate, tuple) else (estimate, None)


def _combine(
    a: Float[Tensor, "b ..."],
    on_a: Float[Tensor, " b"],
    b: Float[Tensor, "b ..."],
    on_b: Float[Tensor, " b"],
) -> Float[Tensor, "b ..."]:
    return broadcast(on_a, a) * a + broadcast(on_b, b) * b
