from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.config import Prediction
from unclip.diffusion.process import (
    broadcast,
    denoiser,
    learned_range_variance,
    posterior,
    q_sample,
    range_denoiser,
    target,
    to_epsilon,
    to_x0,
)
from unclip.diffusion.schedule import Schedule, cosine_schedule, make_schedule

KINDS = get_args(Prediction)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    x0, noise = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).double()
    return x0, noise


@given(
    t=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["cosine", "linear", "flow"]),
    prediction=st.sampled_from(KINDS),
)
def test_conversions_return_what_was_mixed(
    t: list[float], seed: int, kind: str, prediction: Prediction
) -> None:
    schedule = make_schedule(kind)  # type: ignore[arg-type]
    g = torch.Generator().manual_seed(seed)
    x0, noise = torch.randn(2, len(t), 2, 3, generator=g, dtype=torch.float64)
    times = torch.tensor(t, dtype=torch.float64)
    alpha, sigma = schedule.alpha_sigma(times)
    x_t = q_sample(x0, times, noise, schedule)
    output = target(prediction, x0, noise, alpha, sigma)
    torch.testing.assert_close(to_x0(prediction, output, x_t, alpha, sigma), x0)
    torch.testing.assert_close(to_epsilon(prediction, output, x_t, alpha, sigma), noise)


@pytest.mark.parametrize("prediction", ["x0", "v", "flow"])
def test_pure_noise_still_gives_x0(
    prediction: Prediction, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    x0, noise = pair
    alpha, sigma = torch.zeros(3).double(), torch.ones(3).double()
    output = target(prediction, x0, noise, alpha, sigma)
    torch.testing.assert_close(to_x0(prediction, output, noise, alpha, sigma), x0)


def test_broadcast_follows_the_picture() -> None:
    out = broadcast(torch.arange(2).double(), torch.zeros(2, 3, 4, 4, dtype=torch.bfloat16))
    assert out.shape == (2, 1, 1, 1)
    assert out.dtype == torch.bfloat16


def test_posterior_of_neighbours_is_ddpm() -> None:
    schedule = cosine_schedule(100)
    n = torch.arange(1, 100)
    step = posterior(schedule.time_of(n), schedule.time_of(n - 1), schedule)
    beta, bar, before = (
        schedule.betas[n],
        schedule.alphas_cumprod[n],
        schedule.alphas_cumprod[n - 1],
    )
    close = {"rtol": 1e-8, "atol": 0.0}
    torch.testing.assert_close(step.beta, beta, **close)
    torch.testing.assert_close(step.variance, beta * (1 - before) / (1 - bar), **close)
    torch.testing.assert_close(step.on_x0, before.sqrt() * beta / (1 - bar), **close)
    torch.testing.assert_close(step.on_x_t, (1 - beta).sqrt() * (1 - before) / (1 - bar), **close)


def test_posterior_is_bayes(schedule: Schedule) -> None:
    """Averaged over q(x_t | x_0), the posterior is q(x_s | x_0)."""
    t, s = torch.tensor([0.9, 0.5]).double(), torch.tensor([0.3, 0.2]).double()
    (a_t, s_t), (a_s, s_s) = schedule.alpha_sigma(t), schedule.alpha_sigma(s)
    step = posterior(t, s, schedule)
    torch.testing.assert_close(step.on_x_t * a_t + step.on_x0, a_s)
    torch.testing.assert_close(step.variance + (step.on_x_t * s_t) ** 2, s_s**2)


def test_posterior_ends_in_the_estimate(schedule: Schedule) -> None:
    step = posterior(torch.tensor([0.1]), torch.tensor([0.0]), schedule)
    assert [v.item() for v in step[:3]] == pytest.approx([0, 1, 0])


def test_learned_range_spans_posterior_to_beta() -> None:
    fraction = torch.tensor([[-1.0, 0.0, 1.0]])
    out = learned_range_variance(fraction, torch.tensor([0.01]), torch.tensor([0.04])).exp()
    torch.testing.assert_close(out, torch.tensor([[0.01, 0.02, 0.04]]))


@pytest.mark.parametrize("prediction", KINDS)
def test_denoiser_undoes_a_perfect_network(
    prediction: Prediction, schedule: Schedule, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    x0, noise = (v.float() for v in pair)
    t = torch.tensor([0.1, 0.5, 0.8]).double()
    alpha, sigma = schedule.alpha_sigma(t)
    seen = []

    def network(x_t: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        seen.append(time)
        return target(prediction, x0, noise, alpha, sigma)

    x_t = q_sample(x0, t, noise, schedule)
    out = denoiser(network, prediction, schedule)(x_t, t)
    torch.testing.assert_close(out, x0, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(seen[0], schedule.network_time(t).float())
    doubled = range_denoiser(
        lambda x, time: torch.cat([network(x, time), 0 * x - 0.5], 1), prediction, schedule
    )
    again, fraction = doubled(x_t, t)
    torch.testing.assert_close(again, out)
    assert (fraction == -0.5).all()
