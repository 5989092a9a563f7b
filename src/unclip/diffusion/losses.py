"""Training objectives: the simple loss, the hybrid with a learned variance, weights and times."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.config import Prediction
from unclip.diffusion.process import (
    broadcast,
    learned_range_variance,
    posterior,
    target,
    to_x0,
)
from unclip.diffusion.schedule import DiscreteSchedule


def simple_loss(
    output: Float[Tensor, "b ..."],
    wanted: Float[Tensor, "b ..."],
    weight: Float[Tensor, " b"] | None = None,
) -> Float[Tensor, ""]:
    """Mean squared error, in float32 (arXiv 2006.11239, equation 14); `weight` is one a row."""
    error = (output.float() - wanted.float()).square()
    return error.mean() if weight is None else (error * broadcast(weight, error)).mean()


def min_snr_weight(
    prediction: Prediction,
    alpha: Float[Tensor, " b"],
    sigma: Float[Tensor, " b"],
    gamma: float = 5.0,
) -> Float[Tensor, " b"]:
    """Weights that make any prediction's loss min(SNR, gamma) times that of x_0.

    arXiv 2303.09556, equation 8; `flow` follows from x_0's error being sigma / (alpha + sigma) of
    the velocity's. All are finite, also where sigma or alpha is 0.
    """
    # min(SNR, gamma) sigma^2, which is finite where the picture is clean.
    clipped_signal = torch.minimum(alpha**2, gamma * sigma**2)
    if prediction == "x0":
        return torch.clamp((alpha / sigma) ** 2, max=gamma)
    if prediction == "epsilon":
        return torch.clamp(gamma * (sigma / alpha) ** 2, max=1.0)
    if prediction == "flow":
        return clipped_signal / (alpha + sigma) ** 2
    return clipped_signal / (alpha**2 + sigma**2) ** 2


def logit_normal_times(
    generator: torch.Generator, b: int, mean: float = 0.0, std: float = 1.0
) -> Float[Tensor, " b"]:
    """Times that favour the middle of a flow: sigmoid of a normal (arXiv 2403.03206, equation 19).

    float64, on the generator's device.
    """
    normal = torch.randn(b, generator=generator, dtype=torch.float64, device=generator.device)
    return torch.sigmoid(mean + std * normal)


def hybrid_vlb_loss(
    prediction: Prediction,
    output: Float[Tensor, "b ..."],
    fraction: Float[Tensor, "b ..."],
    x0: Float[Tensor, "b ..."],
    noise: Float[Tensor, "b ..."],
    t: Float[Tensor, " b"],
    schedule: DiscreteSchedule,
    vlb_weight: float = 0.001,
) -> Float[Tensor, ""]:
    """L_simple + lambda L_vlb for a network with learned-range variance.

    arXiv 2102.09672, equation 16. L_vlb is the unbiased T times its term at each row's timestep,
    a mean over dimensions in bits. It trains the variance alone: no gradient of it reaches
    `output`. `t` lies on the timesteps, as `schedule.uniform_times` gives.
    """
    alpha, sigma = schedule.alpha_sigma(t)
    x_t = broadcast(alpha, x0) * x0 + broadcast(sigma, x0) * noise
    simple = simple_loss(output, target(prediction, x0, noise, alpha, sigma))
    estimate = to_x0(prediction, output.detach().float(), x_t.float(), alpha, sigma)
    vlb = vlb_terms(estimate, fraction.float(), x0.float(), x_t.float(), t, schedule).mean()
    return simple + vlb_weight * schedule.timesteps * vlb


def vlb_terms(
    estimate: Float[Tensor, "b ..."],
    fraction: Float[Tensor, "b ..."],
    x0: Float[Tensor, "b ..."],
    x_t: Float[Tensor, "b ..."],
    t: Float[Tensor, " b"],
    schedule: DiscreteSchedule,
) -> Float[Tensor, " b"]:
    """One term of the bound a row, in bits a dimension (arXiv 2006.11239, equation 5).

    KL(q(x_s | x_t, x_0) || p(x_s | x_t)) with s one timestep earlier; at timestep 0, the
    likelihood of 8-bit pixels. `estimate` is the network's x_0.
    """
    one = 1 / schedule.timesteps
    first = t < 1.5 * one
    step = posterior(t, (t - one).clamp(min=0), schedule)
    # The last step's posterior has no variance: it borrows its neighbour's (section 3.1).
    pair = torch.tensor([2 * one, one], dtype=torch.float64, device=t.device)
    floor = posterior(pair[:1], pair[1:], schedule).variance
    variance = torch.where(first, floor, step.variance)
    log_variance = learned_range_variance(fraction, variance, step.beta)
    mean = step.mean(x_t, estimate)
    true_log = broadcast(variance.log(), x0)
    kl = 0.5 * (
        log_variance
        - true_log
        + torch.exp(true_log - log_variance)
        + (step.mean(x_t, x0) - mean).square() * torch.exp(-log_variance)
        - 1
    )
    nll = -_discretized_log_likelihood(x0, mean, log_variance)
    terms = torch.where(broadcast(first, x0).bool(), nll, kl)
    return terms.flatten(1).mean(1) / math.log(2)


def _discretized_log_likelihood(
    x: Float[Tensor, "b ..."],
    mean: Float[Tensor, "b ..."],
    log_variance: Float[Tensor, "b ..."],
) -> Float[Tensor, "b ..."]:
    """log of a Gaussian's mass in a pixel's 1/127.5-wide bin, the outermost reaching to infinity
    (arXiv 2006.11239, equation 13)."""
    scale = torch.exp(-0.5 * log_variance)
    above = torch.special.ndtr((x - mean + 1 / 255) * scale)
    below = torch.special.ndtr((x - mean - 1 / 255) * scale)
    above = torch.where(x > 0.999, 1.0, above)
    below = torch.where(x < -0.999, 0.0, below)
    return (above - below).clamp(min=1e-12).log()
