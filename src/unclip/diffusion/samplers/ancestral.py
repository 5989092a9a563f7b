"""Samplers of one evaluation's memory: DDPM, DDIM, Euler, and DDIM run backwards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.diffusion.process import (
    AnyDenoiser,
    broadcast,
    learned_range_variance,
    posterior,
)
from unclip.diffusion.samplers.common import Step, estimate, noise_like, scales
from unclip.diffusion.schedule import Schedule
from unclip.errors import InvalidArgument

Variance = Literal["fixed_small", "fixed_large"]


def ddpm(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    generators: Sequence[torch.Generator] | None = None,
    variance: Variance = "fixed_small",
) -> Iterator[Step]:
    """Ancestral sampling (arXiv 2006.11239, algorithm 2), on any times of any schedule.

    A denoiser that gives a learned-range fraction decides the variance itself (arXiv 2102.09672,
    equation 15); else it is the posterior's (`fixed_small`) or beta (`fixed_large`). The step to
    time 0 adds no noise.

    Raises:
        InvalidArgument: there is not one generator a row.
    """
    assert variance in get_args(Variance)
    t, _, sigma = scales(times, schedule)
    reverse = posterior(times[:-1], times[1:], schedule)
    fixed = (reverse.variance if variance == "fixed_small" else reverse.beta).sqrt().tolist()
    on_x_t, on_x0 = reverse.on_x_t.tolist(), reverse.on_x0.tolist()
    steps = len(t) - 1
    for i in range(steps):
        x0, fraction = estimate(denoiser, x_t, t[i])
        x_t = on_x_t[i] * x_t + on_x0[i] * x0
        if sigma[i + 1] > 0:
            noise = noise_like(x_t, generators)
            if fraction is None:
                x_t = x_t + fixed[i] * noise
            else:
                bounds = reverse.variance[i : i + 1], reverse.beta[i : i + 1]
                log_variance = learned_range_variance(fraction, *bounds)
                x_t = x_t + torch.exp(0.5 * log_variance) * noise
        yield Step(i + 1, steps, t[i + 1], x_t, x0)


def ddim(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    generators: Sequence[torch.Generator] | None = None,
    eta: float = 0.0,
) -> Iterator[Step]:
    """DDIM (arXiv 2010.02502, equations 12 and 16): deterministic at eta 0, DDPM's noise at 1.

    Raises:
        InvalidArgument: `eta` is not within [0, 1], or is above 0 without one generator a row.
    """
    if not 0 <= eta <= 1:
        raise InvalidArgument("eta", f"is {eta}; it may be 0 to 1")
    t, alpha, sigma = scales(times, schedule)
    variance = posterior(times[:-1], times[1:], schedule).variance.tolist()
    steps = len(t) - 1
    for i in range(steps):
        x0, _ = estimate(denoiser, x_t, t[i])
        fresh = eta**2 * variance[i]
        # sigma_s of noise: what is left of the old in its direction, and what is drawn anew.
        kept = math.sqrt(max(sigma[i + 1] ** 2 - fresh, 0.0)) / sigma[i]
        x_t = kept * x_t + (alpha[i + 1] - kept * alpha[i]) * x0
        if fresh > 0:
            x_t = x_t + math.sqrt(fresh) * noise_like(x_t, generators)
        yield Step(i + 1, steps, t[i + 1], x_t, x0)


def euler(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    generators: Sequence[torch.Generator] | None = None,
) -> Iterator[Step]:
    """Euler's method on the probability flow.

    Along (alpha, sigma) the velocity of x is x_0 d alpha + eps d sigma, so one Euler step, in t of
    a flow or in sigma / alpha of any schedule (arXiv 2206.00364, algorithm 1), is a DDIM step.
    """
    return ddim(denoiser, x_t, times, schedule)


def ddim_invert(
    denoiser: AnyDenoiser,
    x0: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    iterations: int = 1,
) -> Iterator[Step]:
    """The noise that `ddim` at eta 0 turns into `x0` (unCLIP, section 3.1, the latent x_T).

    Takes the same falling `times` as `ddim` and walks them upwards. A DDIM step from t to s turns
    (x_0, eps) by an angle d: x_s = cos d x_t - sin d v(x_t, t), both scaled to alpha^2 + sigma^2
    = 1. That is solved for x_t by `iterations` rounds, each one evaluation; one round is the usual
    inversion, more bring `x0` back ever closer (10 rounds of 50 steps: to 1e-4).

    Raises:
        InvalidArgument: fewer than 2 steps, in which the noise would be forgotten altogether.
    """
    assert iterations >= 1
    steps = len(times) - 1
    if steps < 2:
        raise InvalidArgument("steps", f"is {steps}; an inversion takes 2 or more")
    t, alpha, sigma = scales(times.flip(0), schedule)
    x_t = x0
    for i in range(steps):
        norm_s, norm_t = math.hypot(alpha[i], sigma[i]), math.hypot(alpha[i + 1], sigma[i + 1])
        cos_s, sin_s = alpha[i] / norm_s, sigma[i] / norm_s
        cos_t, sin_t = alpha[i + 1] / norm_t, sigma[i + 1] / norm_t
        cos_d, sin_d = cos_t * cos_s + sin_t * sin_s, sin_t * cos_s - cos_t * sin_s
        start = x_t / norm_s
        turned = start
        before: tuple[Tensor, Tensor] | None = None
        for _ in range(iterations):
            estimated, _ = estimate(denoiser, norm_t * turned, t[i + 1])
            v = (cos_t * turned - estimated) / sin_t
            solved = (start + sin_d * v) / cos_d
            residual = solved - turned
            turned = solved if before is None else _secant(solved, residual, *before)
            before = solved, residual
        x_t = norm_t * turned
        yield Step(i + 1, steps, t[i + 1], x_t, estimated)


def _secant(solved: Tensor, residual: Tensor, solved_before: Tensor, before: Tensor) -> Tensor:
    """Where the line through two rounds of x <- f(x) has the least residual, row by row.

    Anderson's acceleration with one round of memory (Walker and Ni 2011): a third of the plain
    rounds, and it does not swing about the solution.
    """
    change = (residual - before).flatten(1)
    squared = change.square().sum(1)
    share = (change * residual.flatten(1)).sum(1) / squared.clamp(min=1e-30)
    return solved - broadcast(share, solved) * (solved - solved_before)
