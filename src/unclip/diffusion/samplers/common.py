"""What every sampler shares: the step it yields, its noise, and its place on the schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.diffusion.process import AnyDenoiser, split_estimate
from unclip.diffusion.schedule import Schedule
from unclip.errors import InvalidArgument


@dataclass(frozen=True)
class Step:
    """One evaluation done.

    Args:
        index, steps: 1..steps, and how many there will be.
        t: the time reached.
        x_t: the state at `t`; of the last step, the sample.
        x0: the clean estimate this step was made with: a preview.
    """

    index: int
    steps: int
    t: float
    x_t: Float[Tensor, "b ..."]
    x0: Float[Tensor, "b ..."]


class Sampler(Protocol):
    """A pure generator from noise to sample; bind a sampler's own options with `partial`.

    Args:
        denoiser: see `unclip.diffusion.process`; called once a step with one time for all rows.
        x_t: the state at `times[0]`; from `randn_rows` where that is 1.
        times: falling, as `schedule.times(steps)` gives, or a part of it.
        generators: one a row, for samplers that draw noise; the others ignore them.
    """

    def __call__(
        self,
        denoiser: AnyDenoiser,
        x_t: Float[Tensor, "b ..."],
        times: Float[Tensor, " steps+1"],
        schedule: Schedule,
        *,
        generators: Sequence[torch.Generator] | None = None,
    ) -> Iterator[Step]: ...


def randn_rows(
    shape: Sequence[int],
    generators: Sequence[torch.Generator],
    dtype: torch.dtype = torch.float32,
    device: torch.device | None = None,
) -> Float[Tensor, "b ..."]:
    """Normal noise, row k from `generators[k]` alone, so that no row depends on its batch mates.

    Drawn in float32 on each generator's device: the same on every `device` it is then moved to.
    """
    assert len(generators) == shape[0], "one generator a row"
    rows = [torch.randn(tuple(shape[1:]), generator=g, device=g.device) for g in generators]
    return torch.stack(rows).to(device=device, dtype=dtype)


def noise_like(
    x: Float[Tensor, "b ..."], generators: Sequence[torch.Generator] | None
) -> Float[Tensor, "b ..."]:
    """Fresh noise for every row of `x`.

    Raises:
        InvalidArgument: there are no generators, or not one a row.
    """
    given = 0 if generators is None else len(generators)
    if generators is None or given != len(x):
        raise InvalidArgument("generators", f"are {given}; this sampler takes one a row: {len(x)}")
    return randn_rows(x.shape, generators, x.dtype, x.device)


def estimate(
    denoiser: AnyDenoiser, x_t: Float[Tensor, "b ..."], t: float
) -> tuple[Float[Tensor, "b ..."], Float[Tensor, "b ..."] | None]:
    """(x_0, learned-range fraction or None), every row at time `t`."""
    time = torch.full((len(x_t),), t, dtype=torch.float64, device=x_t.device)
    return split_estimate(denoiser(x_t, time))


def scales(
    times: Float[Tensor, " steps+1"], schedule: Schedule
) -> tuple[list[float], list[float], list[float]]:
    """Times, alphas and sigmas as plain numbers, which multiply tensors of any dtype and device."""
    alpha, sigma = schedule.alpha_sigma(times)
    return times.tolist(), alpha.tolist(), sigma.tolist()
