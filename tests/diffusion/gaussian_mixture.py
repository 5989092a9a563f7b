"""A Gaussian mixture, whose denoiser is known in closed form."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from unclip.diffusion.schedule import Schedule


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Isotropic components: weights "k", means "k d", one standard deviation each "k"."""

    weights: Tensor
    means: Tensor
    stds: Tensor
    schedule: Schedule

    def on(self, schedule: Schedule) -> Mixture:
        return dataclasses.replace(self, schedule=schedule)

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """E[x_0 | x_t] of "b ... d": each component's Gaussian posterior, by responsibility."""
        rows = -1, *[1] * x_t.ndim
        alpha, sigma = (v.to(x_t).reshape(rows) for v in self.schedule.alpha_sigma(t))
        means, variance = self.means.to(x_t), self.stds.to(x_t)[:, None] ** 2
        total = alpha**2 * variance + sigma**2
        apart = x_t[..., None, :] - alpha * means
        log = (
            self.weights.to(x_t).log()
            - 0.5 * (apart**2 / total).sum(-1)
            - 0.5 * x_t.shape[-1] * total[..., 0].log()
        )
        each = means + alpha * variance / total * apart
        return (log.softmax(-1)[..., None] * each).sum(-2)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[k] + self.stds[k, None] * noise

    def modes(self, x: Tensor) -> Tensor:
        """Share of the rows nearest to each mean."""
        nearest = torch.cdist(x, self.means.to(x)).argmin(1)
        return torch.bincount(nearest, minlength=len(self.means)) / len(x)


def three_modes(schedule: Schedule) -> Mixture:
    """In two dimensions, well apart and unequal."""
    return Mixture(
        weights=torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64),
        means=torch.tensor([[1.0, 0.0], [-0.8, 0.8], [-0.4, -1.0]], dtype=torch.float64),
        stds=torch.tensor([0.15, 0.2, 0.1], dtype=torch.float64),
        schedule=schedule,
    )


def two_wide(schedule: Schedule) -> Mixture:
    """Overlapping: the flow is smooth and solvers show their order."""
    return Mixture(
        weights=torch.tensor([0.6, 0.4], dtype=torch.float64),
        means=torch.tensor([[0.5, 0.2], [-0.5, -0.3]], dtype=torch.float64),
        stds=torch.tensor([0.7, 0.5], dtype=torch.float64),
        schedule=schedule,
    )
