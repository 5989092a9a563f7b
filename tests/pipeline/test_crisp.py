from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.pipeline.crisp import crisp


def edge(width: float, side: int = 32) -> torch.Tensor:
    """A soft edge down the middle, red to blue."""
    x = ((torch.arange(side) + 0.5 - side / 2) / width).clamp(-1, 1).expand(side, side)
    return torch.stack([x, 0.5 * x, -x])[None]


def steepness(x: torch.Tensor) -> float:
    return float(x[0, 0].diff(dim=-1).abs().max())


def test_edges_become_steep_and_stay_where_they_were() -> None:
    soft = edge(5.0)
    sharp = crisp(soft, 8)
    assert steepness(sharp) > 3 * steepness(soft)
    # each side keeps its colour, and all channels their edge
    torch.testing.assert_close(sharp[..., 8:24, 0], soft[..., 8:24, 0])
    assert torch.equal(sharp[:, 0] > 0, soft[:, 0] > 0)
    torch.testing.assert_close(sharp[:, 0], -sharp[:, 2])
    torch.testing.assert_close(sharp[:, 1], sharp[:, 0] / 2, atol=0.05, rtol=0)


def test_nothing_is_added_to_what_is_flat_or_a_gentle_shade() -> None:
    flat = torch.full((1, 3, 16, 16), 0.3)
    assert torch.equal(crisp(flat, 5), flat)
    shade = torch.linspace(-0.5, 0.5, 24).expand(1, 3, 24, 24)
    torch.testing.assert_close(crisp(shade, 5)[..., 6:18], shade[..., 6:18], atol=5e-3, rtol=0)
    assert torch.equal(crisp(shade, 0), shade)


@given(seed=st.integers(0, 2**16), steps=st.integers(0, 6))
def test_no_pixel_goes_beyond_what_is_there(seed: int, steps: int) -> None:
    """Neither a brighter nor a darker one than any before: no ringing."""
    x = torch.rand((2, 3, 20, 14), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    made = crisp(x, steps)
    assert made.shape == x.shape
    assert made.amax() <= x.amax() + 1e-4
    assert made.amin() >= x.amin() - 1e-4


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_no_direction_is_another(turn: int) -> None:
    x = torch.randn((1, 3, 18, 18), generator=torch.Generator().manual_seed(0))
    turned = crisp(x.rot90(turn, (2, 3)), 3).rot90(-turn, (2, 3))
    torch.testing.assert_close(turned, crisp(x, 3), atol=1e-4, rtol=1e-4)


def test_pictures_of_a_batch_know_nothing_of_each_other() -> None:
    x = torch.randn((3, 3, 16, 16), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(crisp(x, 4)[1:2], crisp(x[1:2], 4))
