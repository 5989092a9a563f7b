"""Slerp and the spherical mean."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unclip.diffusion.sphere import slerp, spherical_mean
from unclip.errors import InvalidArgument

shares = st.floats(0, 1)
quick = settings(max_examples=40, deadline=None)


@st.composite
def points(draw, least=2, most=2):
    """Some points of 2 to 40 dimensions on one side of the sphere, of any length."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    k, d = draw(st.integers(least, most)), draw(st.integers(2, 40))
    x = torch.randn(k, d, generator=generator, dtype=torch.float64)
    x[:, 0] = x[:, 0].abs() + 0.1
    return x


def angle(a, b):
    """Between directions, exact near 0 and pi."""
    a, b = a / a.norm(), b / b.norm()
    return 2 * math.atan2((a - b).norm().item(), (a + b).norm().item())


@quick
@given(points(), shares)
def test_slerp_goes_round_from_one_to_the_other(ab, share):
    a, b = ab
    middle = slerp(a, b, share)
    whole = angle(a, b)
    assert angle(a, middle) == pytest.approx(share * whole, abs=1e-9)
    assert angle(middle, b) == pytest.approx((1 - share) * whole, abs=1e-9)
    assert middle.norm().item() == pytest.approx(torch.lerp(a.norm(), b.norm(), share).item())
    torch.testing.assert_close(middle, slerp(b, a, 1 - share))


@quick
@given(points())
def test_slerp_begins_and_ends_at_its_points(ab):
    a, b = ab
    torch.testing.assert_close(slerp(a, b, 0.0), a, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(slerp(a, b, 1.0), b, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(slerp(a, a, 0.3), a, rtol=1e-12, atol=1e-12)


@quick
@given(points())
def test_between_points_of_one_length_the_length_stays(ab):
    a, b = ab / ab.norm(dim=-1, keepdim=True)
    assert slerp(a, b, 0.37).norm().item() == pytest.approx(1)


@quick
@given(points(), shares)
def test_the_mean_of_two_is_their_slerp(ab, share):
    mean = spherical_mean(ab, torch.tensor([1 - share, share]))
    torch.testing.assert_close(mean, slerp(*ab, share), rtol=1e-6, atol=1e-7)


@quick
@given(points(least=3, most=6), st.integers(0, 2**31))
def test_the_mean_is_where_the_ways_to_all_add_up_to_nothing(x, seed):
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(len(x), generator=generator, dtype=torch.float64) + 0.01
    weights /= weights.sum()
    mean = spherical_mean(x, weights)
    direction = mean / mean.norm()
    ways = torch.zeros_like(direction)
    for point, weight in zip(x / x.norm(dim=-1, keepdim=True), weights, strict=True):
        across = point - (point @ direction) * direction
        ways += weight * angle(point, direction) * across / across.norm().clamp(min=1e-300)
    assert ways.norm() < 1e-6
    assert mean.norm().item() == pytest.approx((weights * x.norm(dim=-1)).sum().item())
    order = torch.randperm(len(x), generator=generator)
    torch.testing.assert_close(spherical_mean(x[order], weights[order]), mean)


def test_the_mean_of_three_corners_is_the_middle_of_the_face():
    mean = spherical_mean(torch.eye(3), torch.full((3,), 1 / 3))
    torch.testing.assert_close(mean, torch.full((3,), 3**-0.5))


def test_rows_are_mixed_each_for_itself_and_keep_their_type():
    a, b = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    rows = slerp(a, b, 0.3)
    assert rows.dtype == torch.float32
    for k in range(5):
        torch.testing.assert_close(rows[k], slerp(a[k], b[k], 0.3))
    ends = torch.stack([a, b])
    torch.testing.assert_close(spherical_mean(ends, torch.tensor([0.7, 0.3])), rows)
    each = torch.tensor([[1.0, 0.7, 0.5, 0.3, 0.0], [0.0, 0.3, 0.5, 0.7, 1.0]])
    for k, mean in enumerate(spherical_mean(ends, each)):
        torch.testing.assert_close(mean, slerp(a[k], b[k], each[1, k].item()))


def test_opposite_points_have_no_middle():
    a = torch.tensor([1.0, 0.0, 0.0])
    with pytest.raises(InvalidArgument, match="opposite"):
        slerp(a, -a, 0.5)
    with pytest.raises(InvalidArgument, match="opposite"):
        spherical_mean(torch.stack([a, -a]), torch.tensor([0.5, 0.5]))
    turned = torch.tensor([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    with pytest.raises(InvalidArgument, match="opposite"):
        spherical_mean(turned, torch.full((3,), 1 / 3))


def test_noises_stay_noise():
    """On the way between two noises the spread is theirs; along the straight line it is not."""
    a, b = torch.randn(2, 4096, generator=torch.Generator().manual_seed(1))
    assert slerp(a, b, 0.5).std().item() == pytest.approx(1, abs=0.03)
    assert torch.lerp(a, b, 0.5).std().item() < 0.75
