"""Noise schedules: how much picture and how much noise is left at time t.

Every schedule shares one continuous time in [0, 1], 0 clean and 1 noise, with
`x_t = alpha(t) x_0 + sigma(t) eps`. All of it is float64 and nothing can be changed once built.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.config import ScheduleKind, Spacing
from unclip.errors import InvalidArgument


class Schedule(ABC):
    """What samplers, losses and stages need of a schedule."""

    @abstractmethod
    def alpha_sigma(
        self, t: Float[Tensor, " b"]
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        """Signal and noise scales at times `t` in [0, 1]; float64 whatever comes in."""

    @abstractmethod
    def network_time(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """The time that the network is given: the timestep 0..T-1 (integer-valued), or `t`."""

    @abstractmethod
    def times(self, steps: int) -> Float[Tensor, " steps+1"]:
        """Times for a sampler of `steps` evaluations, from noise to 0.

        Raises:
            InvalidArgument: `steps` is below 1 or more than the schedule has.
        """

    @abstractmethod
    def uniform_times(self, generator: torch.Generator, b: int) -> Float[Tensor, " b"]:
        """`b` training times, uniform over the timesteps, or over [0, 1)."""

    def log_snr(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """log(alpha^2 / sigma^2): +inf where clean, -inf where a schedule ends in pure noise."""
        alpha, sigma = self.alpha_sigma(t)
        return 2 * (alpha.log() - sigma.log())


@dataclass(frozen=True)
class DiscreteSchedule(Schedule):
    """T timesteps of DDPM (arXiv 2006.11239, section 2) seen as a continuous time.

    Timestep n is the time (n + 1) / T, so that time 0 is the clean picture that DDPM calls x_0;
    between timesteps log(alphas_cumprod) is linear.
    """

    _betas: tuple[float, ...]
    spacing: Spacing = "ends"

    @property
    def timesteps(self) -> int:
        """T, the number of timesteps trained on."""
        return len(self._betas)

    @property
    def betas(self) -> Float[Tensor, " T"]:
        """A fresh tensor: noise variance added at each timestep."""
        return torch.tensor(self._betas, dtype=torch.float64)

    @property
    def alphas_cumprod(self) -> Float[Tensor, " T"]:
        """A fresh tensor: the share of the signal's variance left at each timestep."""
        return self._log_alphas_cumprod[1:].exp()

    @cached_property
    def _log_alphas_cumprod(self) -> Float[Tensor, " T+1"]:
        """log(alphas_cumprod) behind a 0 for the clean picture; never written to."""
        logs = accumulate((math.log1p(-beta) for beta in self._betas), initial=0.0)
        return torch.tensor(list(logs), dtype=torch.float64)

    def alpha_sigma(
        self, t: Float[Tensor, " b"]
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        position = t.double().clamp(0, 1) * self.timesteps
        low = position.floor().clamp(max=self.timesteps - 1)
        table = self._log_alphas_cumprod.to(t.device)
        log = torch.lerp(table[low.long()], table[low.long() + 1], position - low)
        return (log / 2).exp(), torch.expm1(log).abs().sqrt()

    def time_of(self, timestep: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """The time of timesteps 0..T-1 (any dtype); -1 is the clean picture."""
        return (timestep.double() + 1) / self.timesteps

    def network_time(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        return ((t.double() * self.timesteps).round() - 1).clamp(0, self.timesteps - 1)

    def times(self, steps: int) -> Float[Tensor, " steps+1"]:
        """Times of `steps` timesteps and 0.

        `spacing="ends"` visits the first and the last timestep, evenly between them, as Karlo and
        DDPM do; `"trailing"` spends no evaluation on the almost clean timestep 0 and so is better
        at a few steps (arXiv 2305.08891, section 3.3).
        """
        _check_steps(steps, self.timesteps)
        last = self.timesteps - 1
        counts = torch.arange(steps, dtype=torch.float64)
        if steps == 1:
            timestep = torch.tensor([float(last)], dtype=torch.float64)
        elif self.spacing == "ends":
            timestep = (counts * (last / (steps - 1))).round().flip(0)
        else:
            timestep = (self.timesteps - counts * (self.timesteps / steps)).round() - 1
        return self.time_of(torch.cat([timestep, -torch.ones(1, dtype=torch.float64)]))

    def uniform_times(self, generator: torch.Generator, b: int) -> Float[Tensor, " b"]:
        return self.time_of(
            torch.randint(self.timesteps, (b,), generator=generator, device=generator.device)
        )


@dataclass(frozen=True)
class FlowSchedule(Schedule):
    """Straight lines from picture to noise: alpha = 1 - t, sigma = t (arXiv 2209.03003).

    Args:
        shift: above 1 gives the noisy end more of a sampler's steps: times become
            shift t / (1 + (shift - 1) t) (arXiv 2403.03206, equation 23).
    """

    shift: float = 1.0

    def alpha_sigma(
        self, t: Float[Tensor, " b"]
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        sigma = t.double()
        return 1 - sigma, sigma

    def network_time(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        return t.double()

    def times(self, steps: int) -> Float[Tensor, " steps+1"]:
        """Evenly spaced from 1 to 0, then shifted."""
        _check_steps(steps)
        t = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
        return self.shift * t / (1 + (self.shift - 1) * t)

    def uniform_times(self, generator: torch.Generator, b: int) -> Float[Tensor, " b"]:
        return torch.rand(b, generator=generator, dtype=torch.float64, device=generator.device)


def cosine_schedule(timesteps: int = 1000, spacing: Spacing = "ends") -> DiscreteSchedule:
    """alphas_cumprod ~ cos^2, betas capped at 0.999 (arXiv 2102.09672, equation 17)."""

    def f(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    return DiscreteSchedule(
        tuple(min(1 - f((n + 1) / timesteps) / f(n / timesteps), 0.999) for n in range(timesteps)),
        spacing,
    )


def linear_schedule(timesteps: int = 1000, spacing: Spacing = "ends") -> DiscreteSchedule:
    """betas from 1e-4 to 0.02 at 1000, scaled for other numbers (arXiv 2006.11239, section 4)."""
    scale = 1000 / timesteps
    betas = torch.linspace(scale * 1e-4, scale * 0.02, timesteps, dtype=torch.float64)
    return DiscreteSchedule(tuple(betas.clamp(max=0.999).tolist()), spacing)


_SCHEDULES: dict[str, Callable[[Spacing], Schedule]] = {
    "cosine": lambda spacing: cosine_schedule(spacing=spacing),
    "linear": lambda spacing: linear_schedule(spacing=spacing),
    "flow": lambda _: FlowSchedule(),
}
assert set(_SCHEDULES) == set(get_args(ScheduleKind))


def make_schedule(kind: ScheduleKind, spacing: Spacing = "ends") -> Schedule:
    """The schedule that a configuration names; `spacing` is of discrete schedules.

    Raises `InvalidArgument` for another name.
    """
    if kind not in _SCHEDULES:
        raise InvalidArgument("schedule", f"is {kind!r}; it may be {', '.join(_SCHEDULES)}")
    return _SCHEDULES[kind](spacing)


def _check_steps(steps: int, most: int | None = None) -> None:
    if steps < 1 or (most is not None and steps > most):
        allowed = "1 or more" if most is None else f"1 to {most}"
        raise InvalidArgument("steps", f"is {steps}; it may be {allowed}")
