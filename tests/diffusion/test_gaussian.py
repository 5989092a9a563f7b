"""The Gaussian beside a prior: against Bayes' rule done the long way, and sampled from."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unclip.diffusion.gaussian import Gaussian, around
from unclip.diffusion.samplers import get_sampler
from unclip.diffusion.schedule import make_schedule

SIZE = 6


def some(seed: int) -> tuple[Gaussian, torch.Tensor, torch.Tensor]:
    """A Gaussian, its covariance, and three means."""
    generator = torch.Generator().manual_seed(seed)
    factor = torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64)
    covariance = factor @ factor.T + 0.1 * torch.eye(SIZE, dtype=torch.float64)
    variances, axes = torch.linalg.eigh(covariance)
    means = torch.randn(3, SIZE, generator=generator, dtype=torch.float64)
    return Gaussian(axes, variances), covariance, means


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), at=st.floats(0.001, 0.999))
def test_the_guess_is_the_posterior_mean(seed, at):
    gaussian, covariance, mean = some(seed)
    alpha, sigma = (torch.full((3,), x, dtype=torch.float64) for x in (1 - at, at))
    x_t = mean.flip(0) * 2
    guess = gaussian.guess(x_t, mean, alpha, sigma)
    seen = (1 - at) ** 2 * covariance + at**2 * torch.eye(SIZE, dtype=torch.float64)
    gain = (1 - at) * covariance @ torch.linalg.inv(seen)
    torch.testing.assert_close(guess.x0, mean + (x_t - (1 - at) * mean) @ gain.T)
    left = covariance - (1 - at) * gain @ covariance
    torch.testing.assert_close(guess.left[:, 0] ** 2, (left.trace() / SIZE).expand(3))


def test_with_a_silent_network_sampling_gives_the_gaussian():
    gaussian, covariance, means = some(1)
    mean = means[:1].expand(20_000, -1)
    schedule = make_schedule("flow")
    denoise = around(lambda x, t: torch.zeros_like(x), gaussian, mean, schedule)
    torch.manual_seed(0)
    noise = torch.randn(20_000, SIZE, dtype=torch.float64)
    *_, last = get_sampler("dpmpp_2m")(denoise, noise, schedule.times(40), schedule)
    torch.testing.assert_close(last.x_t.mean(0), means[0], atol=0.1, rtol=0)
    assert (last.x_t.T.cov() - covariance).norm() < 0.1 * covariance.norm()


def test_the_network_answers_in_units_of_what_is_left():
    gaussian, _, mean = some(2)
    schedule = make_schedule("flow")
    t = torch.full((3,), 0.6, dtype=torch.float64)
    x_t = torch.zeros_like(mean)
    silent = around(lambda x, t: torch.zeros_like(x), gaussian, mean, schedule)(x_t, t)
    speaking = around(lambda x, t: torch.ones_like(x), gaussian, mean, schedule)(x_t, t)
    left = gaussian.guess(x_t, mean, *schedule.alpha_sigma(t)).left
    torch.testing.assert_close(speaking - silent, left.expand_as(mean))
