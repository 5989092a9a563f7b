"""Every sampler against a Gaussian mixture whose exact denoiser is known (see gaussian_mixture)."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from gaussian_mixture import Mixture, three_modes
from torch import Tensor

from unclip.diffusion.samplers import (
    SAMPLERS,
    Sampler,
    Step,
    ddim,
    ddim_invert,
    ddpm,
    dpmpp_2m,
    dpmpp_3m,
    get_sampler,
    randn_rows,
    unipc,
)
from unclip.diffusion.schedule import FlowSchedule, Schedule, make_schedule
from unclip.errors import InvalidArgument

GOLDEN = Path(__file__).parents[1] / "golden" / "samplers.json"


def run(steps: Iterator[Step]) -> Tensor:
    *_, last = steps
    return last.x_t


def generators(n: int, seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed + k) for k in range(n)]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return randn_rows(shape, generators(shape[0], seed), torch.float64)


def energy_distance(a: Tensor, b: Tensor) -> float:
    """2 E|a - b| - E|a - a'| - E|b - b'|; 0 only where the distributions agree."""
    within = sum(torch.cdist(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a, b))
    return float(2 * torch.cdist(a, b).mean() - within)


def rms(a: Tensor, b: Tensor) -> float:
    return (a - b).square().mean().sqrt().item()


def at_log_ratios(start: float, end: float, steps: int) -> Tensor:
    """Times of a flow that are even in log(alpha / sigma)."""
    return torch.sigmoid(-torch.linspace(start, end, steps + 1, dtype=torch.float64))


# --- the distribution reached


@pytest.mark.parametrize(
    ("sampler", "steps"),
    [
        pytest.param(ddpm, 150, id="ddpm"),
        pytest.param(partial(ddpm, variance="fixed_large"), 250, id="ddpm-large"),
        pytest.param(partial(ddim, eta=1.0), 150, id="ddim-eta-1"),
        pytest.param(partial(ddim, eta=0.5), 100, id="ddim-eta-half"),
        pytest.param(ddim, 100, id="ddim"),
        pytest.param(dpmpp_2m, 40, id="dpmpp_2m"),
        pytest.param(dpmpp_3m, 40, id="dpmpp_3m"),
        pytest.param(unipc, 40, id="unipc"),
    ],
)
def test_reaches_the_mixture(mixture: Mixture, sampler: Sampler, steps: int) -> None:
    schedule = mixture.schedule
    x = noise(4, 300, 2)
    times = schedule.times(steps)
    out = run(sampler(mixture, x, times, schedule, generators=generators(4, 9))).reshape(-1, 2)
    true = mixture.sample(1200, torch.Generator().manual_seed(1))
    assert energy_distance(out, true) < 0.01 < energy_distance(x.reshape(-1, 2), true)
    torch.testing.assert_close(out.mean(0), true.mean(0), rtol=0, atol=0.08)
    torch.testing.assert_close(out.T.cov(), true.T.cov(), rtol=0, atol=0.08)
    torch.testing.assert_close(mixture.modes(out).double(), mixture.weights, rtol=0, atol=0.05)


def test_learned_range_and_fixed_variances_agree_at_the_ends_of_the_range(
    mixture: Mixture,
) -> None:
    schedule = mixture.schedule
    x, times = noise(2, 5, 2), schedule.times(10)
    for fraction, variance in ((-1.0, "fixed_small"), (1.0, "fixed_large")):
        learned = run(
            ddpm(
                lambda x, t, f=fraction: (mixture(x, t), torch.full_like(x, f)),
                x,
                times,
                schedule,
                generators=generators(2),
            )
        )
        fixed = run(ddpm(mixture, x, times, schedule, generators=generators(2), variance=variance))
        torch.testing.assert_close(learned, fixed)


# --- the order of convergence


@pytest.mark.parametrize(
    ("sampler", "low", "high"),
    [(ddim, 0.9, 1.1), (dpmpp_2m, 1.8, 2.2), (dpmpp_3m, 2.8, 3.8), (unipc, 3.3, 4.5)],
    ids=["ddim", "dpmpp_2m", "dpmpp_3m", "unipc"],
)
def test_order(smooth: Mixture, sampler: Sampler, low: float, high: float) -> None:
    flow = FlowSchedule()
    denoiser, x = smooth.on(flow), noise(16, 2)
    reference = run(unipc(denoiser, x, at_log_ratios(-5, 2.5, 500), flow))
    errors = [
        rms(run(sampler(denoiser, x, at_log_ratios(-5, 2.5, n), flow)), reference)
        for n in (40, 80, 160)
    ]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(low < order < high for order in orders), orders


@pytest.mark.parametrize(
    ("sampler", "least"),
    [(ddim, 0.95), (dpmpp_2m, 1.2), (dpmpp_3m, 1.8), (unipc, 1.9)],
    ids=["ddim", "dpmpp_2m", "dpmpp_3m", "unipc"],
)
def test_order_from_pure_noise_to_the_end(smooth: Mixture, sampler: Sampler, least: float) -> None:
    """A schedule's own times start and end in first-order steps, which bound the whole by two."""
    schedule = smooth.schedule
    x = noise(16, 2)
    reference = run(dpmpp_3m(smooth, x, schedule.times(1000), schedule))
    coarse, fine = (
        rms(run(sampler(smooth, x, schedule.times(n), schedule)), reference) for n in (20, 160)
    )
    assert math.log2(coarse / fine) / 3 > least


def test_higher_order_pays_at_few_steps(smooth: Mixture) -> None:
    schedule = smooth.schedule
    x = noise(64, 2)
    reference = run(dpmpp_2m(smooth, x, schedule.times(1000), schedule))
    times = schedule.times(8)
    by_name = {
        name: rms(run(SAMPLERS[name](smooth, x, times, schedule)), reference)
        for name in ("ddim", "dpmpp_2m", "dpmpp_3m", "unipc")
    }
    assert all(by_name[name] < by_name["ddim"] for name in ("dpmpp_2m", "dpmpp_3m", "unipc"))


@pytest.mark.parametrize("name", ["ddim", "euler", "dpmpp_2m", "dpmpp_3m", "unipc"])
def test_one_gaussian_flows_to_one_gaussian(schedule: Schedule, name: str) -> None:
    """The flow of a Gaussian is affine and known, so each row's end is known exactly."""
    mean, std = torch.tensor([[0.3, -0.4]], dtype=torch.float64), 0.5
    gaussian = Mixture(
        torch.ones(1, dtype=torch.float64),
        mean,
        torch.full((1,), std, dtype=torch.float64),
        schedule,
    )
    x = noise(16, 2)
    alpha, sigma = (v.item() for v in schedule.alpha_sigma(torch.ones(1)))
    expected = mean + std * (x - alpha * mean) / math.hypot(alpha * std, sigma)
    out = run(SAMPLERS[name](gaussian, x, schedule.times(200), schedule))
    assert rms(out, expected) < 0.01


# --- few steps, steps, rows


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_step_is_the_estimate(mixture: Mixture, name: str) -> None:
    x, schedule = noise(3, 2), mixture.schedule
    out = run(SAMPLERS[name](mixture, x, schedule.times(1), schedule, generators=generators(3)))
    torch.testing.assert_close(out, mixture(x, torch.ones(3, dtype=torch.float64)))


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("steps", [2, 3, 5])
def test_few_steps_end_in_the_last_estimate(mixture: Mixture, name: str, steps: int) -> None:
    x, schedule = noise(3, 2), mixture.schedule
    times = schedule.times(steps)
    made = list(SAMPLERS[name](mixture, x, times, schedule, generators=generators(3)))
    assert [s.index for s in made] == list(range(1, steps + 1))
    assert {s.steps for s in made} == {steps}
    assert [s.t for s in made] == times[1:].tolist()
    assert all(s.x_t.isfinite().all() and s.x0.isfinite().all() for s in made)
    torch.testing.assert_close(made[-1].x_t, made[-1].x0)
    assert made[-1].x_t.abs().max() < 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        made[0].t = 0.5  # type: ignore[misc]


@pytest.mark.parametrize("name", SAMPLERS)
def test_part_of_the_way(mixture: Mixture, name: str) -> None:
    """Starting late and stopping early are only other times."""
    schedule = mixture.schedule
    times = schedule.times(20)[6:18]
    x = noise(2, 2)
    last = list(SAMPLERS[name](mixture, x, times, schedule, generators=generators(2)))[-1]
    assert last.t == times[-1]
    assert last.x_t.isfinite().all()


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_row_never_depends_on_its_batch_mates(mixture: Mixture, name: str) -> None:
    schedule = mixture.schedule
    times = schedule.times(8)

    def sample(rows: list[int]) -> Tensor:
        own = [torch.Generator().manual_seed(100 + k) for k in rows]
        x = randn_rows((len(rows), 2), own)
        return run(SAMPLERS[name](mixture, x, times, schedule, generators=own))

    together = sample([0, 1, 2, 3])
    torch.testing.assert_close(sample([2]), together[2:3], rtol=0, atol=1e-5)
    torch.testing.assert_close(sample([3, 9])[:1], together[3:], rtol=0, atol=1e-5)


def test_noise_is_each_generators_own() -> None:
    rows = randn_rows((3, 4, 5), generators(3))
    alone = randn_rows((1, 4, 5), generators(1, seed=2))
    assert torch.equal(rows[2:], alone)


@pytest.mark.parametrize("sampler", [ddpm, partial(ddim, eta=0.3)], ids=["ddpm", "ddim-eta"])
@pytest.mark.parametrize("given", [None, 1])
def test_noise_needs_a_generator_a_row(
    mixture: Mixture, sampler: Sampler, given: int | None
) -> None:
    own = None if given is None else generators(given)
    schedule = mixture.schedule
    with pytest.raises(
        InvalidArgument, match=r"generators are .*; this sampler takes one a row: 2"
    ):
        run(sampler(mixture, noise(2, 2), schedule.times(4), schedule, generators=own))


def test_bad_values(mixture: Mixture) -> None:
    with pytest.raises(InvalidArgument, match="sampler is 'plms'; it may be ddpm, ddim, euler"):
        get_sampler("plms")
    schedule = mixture.schedule
    with pytest.raises(InvalidArgument, match=r"eta is 1.5; it may be 0 to 1"):
        run(ddim(mixture, noise(1, 2), schedule.times(4), schedule, eta=1.5))
    with pytest.raises(InvalidArgument, match="steps is 1; an inversion takes 2 or more"):
        run(ddim_invert(mixture, noise(1, 2), schedule.times(1), schedule))


# --- inversion


def test_inversion_comes_back(mixture: Mixture) -> None:
    schedule = mixture.schedule
    x0 = mixture.sample(128, torch.Generator().manual_seed(2))
    times = schedule.times(50)

    def error(iterations: int) -> float:
        x_T = run(ddim_invert(mixture, x0, times, schedule, iterations=iterations))
        return rms(run(ddim(mixture, x_T, times, schedule)), x0)

    once, often = error(1), error(10)
    assert once < 0.1
    assert often < 1e-3


def test_inversion_finds_the_noise(smooth: Mixture) -> None:
    schedule = smooth.schedule
    x_T, times = noise(16, 2), schedule.times(100)
    x0 = run(ddim(smooth, x_T, times, schedule))
    assert rms(run(ddim_invert(smooth, x0, times, schedule, iterations=6)), x_T) < 1e-2


# --- golden numbers


def golden_numbers() -> dict[str, list[list[float]]]:
    """What each sampler makes of three fixed points in 6 steps."""
    x = torch.tensor([[0.5, -0.2], [-1.0, 1.0], [0.1, -1.3]], dtype=torch.float64)
    numbers = {}
    for kind in ("cosine", "linear", "flow"):
        schedule = make_schedule(kind)  # type: ignore[arg-type]
        for name, sampler in SAMPLERS.items():
            out = run(
                sampler(
                    three_modes(schedule), x, schedule.times(6), schedule, generators=generators(3)
                )
            )
            numbers[f"{name} {kind}"] = [[round(v, 9) for v in row] for row in out.tolist()]
    return numbers


@pytest.mark.golden
def test_golden() -> None:
    """`python tests/diffusion/test_samplers.py` writes the file anew, after a meant change."""
    kept = json.loads(GOLDEN.read_text())
    made = golden_numbers()
    assert made.keys() == kept.keys()
    for name, rows in made.items():
        torch.testing.assert_close(
            torch.tensor(rows), torch.tensor(kept[name]), rtol=0, atol=1e-6, msg=name
        )


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_numbers(), indent=1) + "\n")
