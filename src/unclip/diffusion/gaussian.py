"""A Gaussian as the part of a denoiser that need not be learned.

Of data N(mean, axes diag(variances) axes^T), seen through x_t = alpha x_0 + sigma eps, the best
guess of x_0 is known (Wiener's filter). A network beside it learns what is not Gaussian, scaled as
in EDM (Karras et al. 2022, arXiv 2206.00364, section 5), whose c_skip is this for one variance.
"""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from unclip.diffusion.process import Denoiser, NetworkCall
from unclip.diffusion.schedule import Schedule


class Guess(NamedTuple):
    """E[x_0 | x_t], and the standard deviation of what is left, over all dimensions."""

    x0: Float[Tensor, "b e"]
    left: Float[Tensor, "b 1"]


class Gaussian(NamedTuple):
    """Principal axes, in columns, and the variances along them."""

    axes: Float[Tensor, "e e"]
    variances: Float[Tensor, " e"]

    def guess(
        self,
        x_t: Float[Tensor, "b e"],
        mean: Float[Tensor, "b e"],
        alpha: Float[Tensor, " b"],
        sigma: Float[Tensor, " b"],
    ) -> Guess:
        """Of rows that each have a mean of their own."""
        a, s = (value.to(x_t)[:, None] for value in (alpha, sigma))
        seen = self.variances * a.square() + s.square()
        along = (x_t - a * mean) @ self.axes * (self.variances * a / seen)
        left = (self.variances * s.square() / seen).mean(dim=1, keepdim=True).sqrt()
        return Guess(mean + along @ self.axes.T, left)


def around(
    network: NetworkCall, gaussian: Gaussian, mean: Float[Tensor, "b e"], schedule: Schedule
) -> Denoiser:
    """A denoiser of a Gaussian around `mean` and a network that predicts, in units of what is left,
    how far x_0 is from its guess."""

    def denoise(x_t: Tensor, t: Tensor) -> Tensor:
        guess = gaussian.guess(x_t, mean, *schedule.alpha_sigma(t))
        return guess.x0 + guess.left * network(x_t, schedule.network_time(t).float())

    return denoise
