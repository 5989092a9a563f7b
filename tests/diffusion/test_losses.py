import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.config import Prediction
from unclip.diffusion.losses import (
    hybrid_vlb_loss,
    logit_normal_times,
    min_snr_weight,
    simple_loss,
)
from unclip.diffusion.process import target, to_x0
from unclip.diffusion.schedule import DiscreteSchedule, cosine_schedule, linear_schedule


def normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def slow_hybrid(
    eps_hat: torch.Tensor,
    v: torch.Tensor,
    x0: torch.Tensor,
    eps: torch.Tensor,
    n: list[int],
    schedule: DiscreteSchedule,
) -> float:
    """The published formulas, one number at a time, from betas alone."""
    betas = schedule.betas.tolist()
    bars = [1.0]
    for beta in betas:
        bars.append(bars[-1] * (1 - beta))
    tilde = [betas[i] * (1 - bars[i]) / (1 - bars[i + 1]) for i in range(len(betas))]
    tilde[0] = tilde[1]
    simple = vlb = 0.0
    for row, i in enumerate(n):
        bar, before, beta = bars[i + 1], bars[i], betas[i]
        for d in range(x0.shape[1]):
            x, e, e_hat, frac = (a[row, d].item() for a in (x0, eps, eps_hat, v))
            simple += (e - e_hat) ** 2
            x_t = math.sqrt(bar) * x + math.sqrt(1 - bar) * e
            x_hat = (x_t - math.sqrt(1 - bar) * e_hat) / math.sqrt(bar)
            on_x0 = math.sqrt(before) * beta / (1 - bar)
            on_x_t = math.sqrt(1 - beta) * (1 - before) / (1 - bar)
            mean, true_mean = on_x0 * x_hat + on_x_t * x_t, on_x0 * x + on_x_t * x_t
            share = (frac + 1) / 2
            log_var = share * math.log(beta) + (1 - share) * math.log(tilde[i])
            std = math.exp(log_var / 2)
            if i == 0:
                high = 1.0 if x > 0.999 else normal_cdf((x + 1 / 255 - mean) / std)
                low = 0.0 if x < -0.999 else normal_cdf((x - 1 / 255 - mean) / std)
                term = -math.log(max(high - low, 1e-12))
            else:
                term = math.log(std / math.sqrt(tilde[i])) - 0.5
                term += (tilde[i] + (true_mean - mean) ** 2) / (2 * std**2)
            vlb += term / math.log(2)
    return (simple + 0.001 * len(betas) * vlb) / x0.numel()


@pytest.mark.parametrize("make", [cosine_schedule, linear_schedule])
def test_hybrid_is_the_slow_direct_computation(make: Callable[[int], DiscreteSchedule]) -> None:
    schedule = make(100)
    n = [0, 1, 2, 40, 98, 0, 0]
    g = torch.Generator().manual_seed(0)
    x0 = torch.rand(len(n), 5, generator=g) * 2 - 1
    x0[5], x0[6] = 1.0, -1.0
    noise, close = torch.randn(2, len(n), 5, generator=g)
    eps_hat = noise + 0.1 * close
    v = torch.rand(len(n), 5, generator=g) * 2 - 1
    t = schedule.time_of(torch.tensor(n))
    fast = hybrid_vlb_loss("epsilon", eps_hat, v, x0, noise, t, schedule)
    assert fast.item() == pytest.approx(slow_hybrid(eps_hat, v, x0, noise, n, schedule), rel=1e-3)


def test_the_bound_trains_the_variance_alone() -> None:
    schedule = cosine_schedule(100)
    g = torch.Generator().manual_seed(0)
    x0, noise, output, v = torch.randn(4, 8, 3, 4, 4, generator=g)
    output.requires_grad_()
    v = v.clamp(-1, 1).requires_grad_()
    t = schedule.uniform_times(g, 8)
    simple = torch.autograd.grad(simple_loss(output, noise), output)[0]
    loss = hybrid_vlb_loss("epsilon", output, v, x0, noise, t, schedule)
    on_output, on_v = torch.autograd.grad(loss, [output, v])
    torch.testing.assert_close(on_output, simple)
    assert on_v.isfinite().all()
    assert (on_v != 0).any()


def test_simple_loss_weights_rows_and_is_float32() -> None:
    out = simple_loss(
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.zeros(2, 3, dtype=torch.bfloat16),
        torch.tensor([1.0, 3.0], dtype=torch.float64),
    )
    assert out.dtype == torch.float32
    assert out.item() == 2


@given(
    t=st.floats(0.01, 0.99),
    prediction=st.sampled_from(["x0", "epsilon", "v", "flow"]),
    kind=st.sampled_from(["circle", "line"]),
)
def test_min_snr_makes_every_prediction_the_same_loss(
    t: float, prediction: Prediction, kind: str
) -> None:
    time = torch.tensor([t], dtype=torch.float64)
    alpha, sigma = (
        (1 - time, time)
        if kind == "line"
        else (torch.cos(time * math.pi / 2), torch.sin(time * math.pi / 2))
    )
    x0, noise, wrong = torch.randn(3, 1, 4, generator=torch.Generator().manual_seed(1)).double()
    x_t = alpha * x0 + sigma * noise
    wanted = target(prediction, x0, noise, alpha, sigma)
    output = wanted + 0.1 * wrong
    loss = min_snr_weight(prediction, alpha, sigma) * (output - wanted).square().mean()
    of_x0 = (to_x0(prediction, output, x_t, alpha, sigma) - x0).square().mean()
    torch.testing.assert_close(loss, (alpha / sigma).square().clamp(max=5.0) * of_x0)


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v", "flow"])
def test_min_snr_is_finite_at_both_ends(prediction: Prediction) -> None:
    weight = min_snr_weight(prediction, torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    assert weight.isfinite().all()


def test_logit_normal_times() -> None:
    t = logit_normal_times(torch.Generator().manual_seed(0), 4000)
    assert t.dtype == torch.float64
    assert ((t > 0) & (t < 1)).all()
    logits = t.logit()
    assert logits.mean().item() == pytest.approx(0, abs=0.06)
    assert logits.std().item() == pytest.approx(1, abs=0.06)
