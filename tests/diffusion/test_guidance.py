import pytest
import torch
from torch import Tensor

from unclip.diffusion.guidance import classifier_free_guidance, clipped
from unclip.diffusion.process import to_epsilon, to_x0
from unclip.diffusion.samplers import euler
from unclip.diffusion.schedule import FlowSchedule, Schedule
from unclip.errors import InvalidArgument


class Counter:
    """Denoisers that count their calls: conditional says 1, unconditional says 0."""

    def __init__(self) -> None:
        self.single = self.double = 0

    def conditional(self, x: Tensor, t: Tensor) -> Tensor:
        self.single += 1
        return torch.ones_like(x)

    def paired(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        self.double += 1
        return torch.ones_like(x), torch.zeros_like(x)


def test_outside_the_interval_one_network_runs() -> None:
    count, schedule = Counter(), FlowSchedule()
    guided = classifier_free_guidance(count.conditional, count.paired, 3.0, (0.3, 0.7))
    steps = list(euler(guided, torch.zeros(2, 3), schedule.times(10), schedule))
    assert (count.single, count.double) == (5, 5)
    assert [s.x0[0, 0].item() for s in steps] == [1] * 3 + [3] * 5 + [1] * 2


def test_scale_one_never_pairs() -> None:
    count, schedule = Counter(), FlowSchedule()
    guided = classifier_free_guidance(count.conditional, count.paired, 1.0)
    list(euler(guided, torch.zeros(2, 3), schedule.times(10), schedule))
    assert (count.single, count.double) == (10, 0)


def test_rows_at_different_times_are_guided_each_by_its_own() -> None:
    count = Counter()
    guided = classifier_free_guidance(count.conditional, count.paired, 2.5, (0.3, 0.7))
    out = guided(torch.zeros(3, 1), torch.tensor([0.1, 0.5, 0.9]).double())
    assert isinstance(out, Tensor)
    assert out.flatten().tolist() == [1, 2.5, 1]


def test_guiding_x0_is_guiding_epsilon(schedule: Schedule) -> None:
    t = torch.tensor([0.5]).double()
    scales = schedule.alpha_sigma(t)
    x, cond, uncond = torch.randn(3, 1, 4, generator=torch.Generator().manual_seed(0)).double()
    guided = classifier_free_guidance(lambda x, t: cond, lambda x, t: (cond, uncond), 8.0)(x, t)
    eps_c, eps_u = (to_epsilon("x0", v, x, *scales) for v in (cond, uncond))
    by_epsilon = to_x0("epsilon", eps_u + 8.0 * (eps_c - eps_u), x, *scales)
    torch.testing.assert_close(guided, by_epsilon)


def test_learned_range_is_the_conditional_ones() -> None:
    x = torch.zeros(1, 2)
    guided = classifier_free_guidance(
        lambda x, t: (x + 1, x + 0.3), lambda x, t: ((x + 1, x + 0.3), (x, x - 0.3)), 2.0
    )
    out = guided(x, torch.tensor([0.5]))
    assert isinstance(out, tuple)
    assert out[0].tolist() == [[2, 2]]
    torch.testing.assert_close(out[1], x + 0.3)


@pytest.mark.parametrize(
    ("scale", "interval", "name"),
    [(-1, (0, 1), "guidance_scale"), (float("nan"), (0, 1), "guidance_scale")]
    + [(2, pair, "interval") for pair in [(0.5, 0.2), (-0.1, 1), (0, 1.5)]],
)
def test_bad_values(scale: float, interval: tuple[float, float], name: str) -> None:
    count = Counter()
    with pytest.raises(InvalidArgument, match=f"^{name} is .*; it may be 0"):
        classifier_free_guidance(count.conditional, count.paired, scale, interval)


def test_static_clipping() -> None:
    out = clipped(lambda x, t: x, 1.0)(torch.tensor([[-3.0, 0.5]]), torch.zeros(1))
    assert isinstance(out, Tensor)
    assert out.tolist() == [[-1, 0.5]]


def test_dynamic_clipping_rescales_only_what_exceeds() -> None:
    x = torch.tensor([[-4.0, 2.0, 1.0, 0.0, 0.0], [0.5, 0.2, 0.0, 0.0, 0.0]])
    out = clipped(lambda x, t: (x, x), 1.0, percentile=0.75)(x, torch.zeros(2))
    assert isinstance(out, tuple)
    torch.testing.assert_close(out[0], torch.stack([torch.tensor([-1, 1, 0.5, 0, 0]), x[1]]))
    assert out[1] is x
