"""Multistep solvers of the probability flow: DPM-Solver++ 2M and 3M, and UniPC.

All three are one scheme. With lambda = log(alpha / sigma) and h = lambda_t - lambda_s the flow is
(arXiv 2211.01095, equation 8)

    x_t = sigma_t / sigma_s x_s + alpha_t * integral of exp(lambda - lambda_t) x_0 d lambda,

and x_0 is taken as the polynomial through estimates already made: nothing but earlier ones to go
forward, the one just made as well to correct the step that led to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.diffusion.process import AnyDenoiser
from unclip.diffusion.samplers.common import Step, estimate, scales
from unclip.diffusion.schedule import Schedule

Node = tuple[float, Tensor]
"""(lambda, the x_0 estimated there)"""


def dpmpp_2m(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    generators: Sequence[torch.Generator] | None = None,
) -> Iterator[Step]:
    """DPM-Solver++(2M), second order (arXiv 2211.01095, algorithm 2)."""
    return _multistep(denoiser, x_t, times, schedule, order=2)


def dpmpp_3m(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    generators: Sequence[torch.Generator] | None = None,
) -> Iterator[Step]:
    """DPM-Solver++ with three estimates, third order (arXiv 2211.01095, appendix B)."""
    return _multistep(denoiser, x_t, times, schedule, order=3)


def unipc(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    generators: Sequence[torch.Generator] | None = None,
    order: int = 3,
) -> Iterator[Step]:
    """UniPC in x_0, B(h) = e^h - 1 (arXiv 2302.04867, algorithms 5-8): each step is corrected
    with the next one's estimate, at no further evaluation."""
    return _multistep(denoiser, x_t, times, schedule, order=order, correct=True)


def _multistep(
    denoiser: AnyDenoiser,
    x_t: Float[Tensor, "b ..."],
    times: Float[Tensor, " steps+1"],
    schedule: Schedule,
    *,
    order: int,
    correct: bool = False,
) -> Iterator[Step]:
    t, alpha, sigma = scales(times, schedule)
    lambdas = _lambdas(alpha, sigma)
    steps = len(t) - 1
    nodes: list[Node] = []

    def move(x: Tensor, i: int, past: list[Node], ahead: list[Node]) -> Tensor:
        """Step i of the flow, from `x` at times[i], along the polynomial through these nodes."""
        through = _within_reach(past, lambdas[i + 1]) + ahead
        ratio = sigma[i + 1] / sigma[i]
        gain = alpha[i + 1] - ratio * alpha[i]
        weights = _weights(lambdas[i], lambdas[i + 1], [node[0] for node in through])
        x = ratio * x
        for weight, (_, x0) in zip(weights, through, strict=True):
            x = x + (gain * weight) * x0
        return x

    before = x_t
    for i in range(steps):
        x0, _ = estimate(denoiser, x_t, t[i])
        newest: Node = (lambdas[i], x0)
        if correct and i > 0:
            x_t = move(before, i - 1, nodes, [newest])
        nodes = [*nodes, newest][-order:]
        before = x_t
        x_t = move(x_t, i, nodes, [])
        yield Step(i + 1, steps, t[i + 1], x_t, x0)


def _lambdas(alpha: list[float], sigma: list[float]) -> list[float]:
    """log(alpha / sigma). Pure noise, at minus infinity, counts as one below its neighbour: x_0 is
    linear in alpha / sigma there, and that distance gives the same slope in lambda."""
    lambdas = [
        math.log(a / s) if a > 0 and s > 0 else math.copysign(math.inf, a - s)
        for a, s in zip(alpha, sigma, strict=True)
    ]
    return [lambdas[1] - 1, *lambdas[1:]] if lambdas[0] == -math.inf else lambdas


def _within_reach(past: list[Node], end: float) -> list[Node]:
    """The newest nodes, as many as carry as far as lambda `end`: their gaps are on average at least
    half the step. A long step after short ones, and so the last one, to sigma = 0, takes one."""
    newest = past[-1][0]
    count = 1
    while count < len(past) and newest - past[-1 - count][0] >= count * (end - newest) / 2:
        count += 1
    return past[-count:]


def _weights(start: float, end: float, nodes: list[float]) -> list[float]:
    """Weight of each node's x_0 in the exponentially weighted mean over [start, end]; sum 1.

    Exact for the interpolating polynomial, but for two nodes: there the published 2M and UniPC
    take half the interval for the mean's position, which is of the same order and calmer over
    long steps.
    """
    if len(nodes) == 1:
        return [1.0]
    h = end - start
    offsets = [(node - start) / h for node in nodes]
    # moments[k]: the mean of offset^k under e^lambda.
    total = -math.expm1(-h)
    moments = [1.0, 0.5]
    if len(nodes) > 2:
        moments[1] = 1 / total - 1 / h
        for k in range(2, len(nodes)):
            moments.append(1 / total - k * moments[k - 1] / h)
    vandermonde = torch.tensor(
        [[o**k for o in offsets] for k in range(len(nodes))], dtype=torch.float64
    )
    weights: list[float] = torch.linalg.solve(
        vandermonde, torch.tensor(moments, dtype=torch.float64)
    ).tolist()
    return weights
