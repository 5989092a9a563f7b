"""Samplers need no network: here they turn noise into a mixture of two Gaussians.

    python examples/samplers.py [--steps 8]

A sampler takes a denoiser, `(x_t, t) -> x0 estimate`. For a mixture the best one is known: each
component's posterior mean, weighted by how likely the component made x_t. The table shows how far
each sampler ends from where many small steps of the same flow end.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor

from unclip.diffusion.samplers import SAMPLERS, randn_rows
from unclip.diffusion.schedule import make_schedule

MEANS = torch.tensor([-1.0, 1.0], dtype=torch.float64)
STD = 0.3
SCHEDULE = make_schedule("flow")


def denoise(x_t: Tensor, t: Tensor) -> Tensor:
    """E[x_0 | x_t] of points `b 1`, in equal parts around -1 and 1."""
    alpha, sigma = (v[:, None] for v in SCHEDULE.alpha_sigma(t))
    total = alpha**2 * STD**2 + sigma**2
    apart = x_t - alpha * MEANS
    return ((-0.5 * apart**2 / total).softmax(1) * (MEANS + alpha * STD**2 / total * apart)).sum(
        1, keepdim=True
    )


def sample(name: str, steps: int, rows: int) -> Tensor:
    """Points `rows 1` after `steps` steps, one generator each."""
    generators = [torch.Generator().manual_seed(k) for k in range(rows)]
    x_t = randn_rows((rows, 1), generators, torch.float64)
    sampler = SAMPLERS[name]
    for step in sampler(denoise, x_t, SCHEDULE.times(steps), SCHEDULE, generators=generators):
        x_t = step.x_t
    return x_t


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--points", type=int, default=1000)
    options = parser.parse_args()
    exact = sample("ddim", 500, options.points)
    print("sampler    share near 1   spread   distance to the exact flow")
    for name in SAMPLERS:
        x = sample(name, options.steps, options.points)
        near = x > 0
        spread = torch.where(near, x - 1, x + 1).std()
        distance = "(draws its own noise)" if name == "ddpm" else f"{(x - exact).abs().mean():.4f}"
        print(f"{name:10} {near.double().mean():12.3f} {spread:8.3f}   {distance}")


if __name__ == "__main__":
    main()
