import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.diffusion.schedule import (
    DiscreteSchedule,
    FlowSchedule,
    Schedule,
    cosine_schedule,
    linear_schedule,
    make_schedule,
)
from unclip.errors import InvalidArgument


def test_cosine_is_the_published_curve() -> None:
    schedule = cosine_schedule()
    t = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    curve = torch.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
    curve = curve / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    torch.testing.assert_close(schedule.alphas_cumprod[:-1], curve, rtol=1e-10, atol=0)
    assert schedule.betas.max() == 0.999


def test_linear_is_the_product_of_its_betas() -> None:
    schedule = linear_schedule()
    assert schedule.betas[[0, -1]].tolist() == pytest.approx([1e-4, 0.02])
    product = torch.cumprod(1 - schedule.betas, 0)
    torch.testing.assert_close(schedule.alphas_cumprod, product, rtol=1e-12, atol=0)


def test_timesteps_lie_on_the_continuous_time() -> None:
    schedule = cosine_schedule(50)
    n = torch.arange(50)
    alpha, sigma = schedule.alpha_sigma(schedule.time_of(n))
    torch.testing.assert_close(alpha**2, schedule.alphas_cumprod)
    torch.testing.assert_close(alpha**2 + sigma**2, torch.ones(50, dtype=torch.float64))
    torch.testing.assert_close(schedule.network_time(schedule.time_of(n)), n.double())


def test_ends(schedule: Schedule) -> None:
    alpha, sigma = schedule.alpha_sigma(torch.tensor([0.0, 1.0]))
    assert (alpha[0], sigma[0]) == (1, 0)
    assert alpha[1] < 0.01
    assert sigma[1] > 0.99
    assert alpha.dtype == sigma.dtype == torch.float64
    assert schedule.log_snr(torch.zeros(1)).item() == math.inf


@given(st.lists(st.floats(0, 1), min_size=2, max_size=2, unique=True).map(sorted))
@pytest.mark.parametrize("kind", ["cosine", "linear", "flow"])
def test_noise_only_grows(kind: str, pair: list[float]) -> None:
    schedule = make_schedule(kind)  # type: ignore[arg-type]
    log_snr = schedule.log_snr(torch.tensor(pair, dtype=torch.float64))
    assert log_snr[0] >= log_snr[1]


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 25, 1000])
def test_times_fall_from_noise_to_clean(schedule: Schedule, steps: int) -> None:
    times = schedule.times(steps)
    assert times.shape == (steps + 1,)
    assert (times[0], times[-1]) == (1, 0)
    assert (times.diff() < 0).all()


def test_karlo_timesteps() -> None:
    schedule = cosine_schedule()
    expected = [round(i * 999 / 24) for i in range(25)][::-1]
    assert schedule.network_time(schedule.times(25)[:-1]).tolist() == expected


def test_trailing_spends_nothing_at_the_clean_end() -> None:
    schedule = cosine_schedule(spacing="trailing")
    assert schedule.network_time(schedule.times(4)[:-1]).tolist() == [999, 749, 499, 249]


def test_flow_is_a_line_and_shifts() -> None:
    t = torch.linspace(0, 1, 5)
    alpha, sigma = FlowSchedule().alpha_sigma(t)
    torch.testing.assert_close(alpha, 1 - t.double())
    torch.testing.assert_close(sigma, t.double())
    assert FlowSchedule(shift=3).times(2).tolist() == [1, 0.75, 0]


def test_training_times_are_on_the_grid_and_reproducible(schedule: Schedule) -> None:
    a, b = (schedule.uniform_times(torch.Generator().manual_seed(3), 500) for _ in range(2))
    assert torch.equal(a, b)
    assert a.mean().item() == pytest.approx(0.5, abs=0.05)
    if isinstance(schedule, DiscreteSchedule):
        torch.testing.assert_close(schedule.time_of(schedule.network_time(a)), a)


def test_schedules_cannot_be_changed() -> None:
    schedule = cosine_schedule(10)
    schedule.betas.zero_()
    schedule.alphas_cumprod.zero_()
    assert schedule == cosine_schedule(10)
    assert schedule.alphas_cumprod.min() > 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.spacing = "trailing"  # type: ignore[misc]


@pytest.mark.parametrize(("kind", "steps"), [("flow", 0), ("cosine", -1), ("cosine", 1001)])
def test_bad_steps(kind: str, steps: int) -> None:
    with pytest.raises(InvalidArgument, match=r"^steps is -?\d+; it may be 1"):
        make_schedule(kind).times(steps)  # type: ignore[arg-type]


def test_bad_kind() -> None:
    with pytest.raises(InvalidArgument, match="schedule is 'sine'; it may be cosine, linear, flow"):
        make_schedule("sine")  # type: ignore[arg-type]
