"""Seams against what they are defined by: Laplace's equation, and a border that cannot be seen."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.pipeline.seams import blended, continued, levelled, membrane, set_into


def laplace(values, given):
    """The membrane of one channel by a dense solve."""
    h, w = values.shape
    matrix, right = np.zeros((h * w, h * w)), np.zeros(h * w)
    for y in range(h):
        for x in range(w):
            i = y * w + x
            if given[y, x]:
                matrix[i, i], right[i] = 1, values[y, x]
                continue
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < h and 0 <= u < w:
                    matrix[i, i] += 1
                    matrix[i, v * w + u] -= 1
    return np.linalg.solve(matrix, right).reshape(h, w)


@pytest.mark.parametrize("shape", [(16, 16), (24, 13)])
def test_a_membrane_solves_laplace(shape):
    rng = np.random.default_rng(0)
    smooth = np.add.outer(np.sin(np.linspace(0, 3, shape[0])), np.cos(np.linspace(0, 4, shape[1])))
    given_ = np.ones(shape)
    given_[3:12, 4:10] = 0
    given_[rng.random(shape) < 0.2] = 0
    values = torch.from_numpy(smooth)[None, None]
    found = membrane(values, torch.from_numpy(given_)[None, None])[0, 0].numpy()
    wanted = laplace(smooth, given_)
    assert np.abs(found - wanted).max() < 0.06 * np.ptp(smooth)
    assert np.abs(found - wanted).mean() < 0.005 * np.ptp(smooth)
    assert (found[given_ > 0] == smooth[given_ > 0]).all()


def test_a_membrane_carries_one_value_everywhere_and_is_zero_where_none_is():
    values, where = torch.full((2, 3, 33, 70), 0.3), torch.zeros(2, 1, 33, 70)
    where[0, :, 5:9, :4] = 1
    out = membrane(values, where)
    torch.testing.assert_close(out[0], values[0])
    assert not out[1].any()


@given(st.integers(0, 3), st.floats(-0.15, 0.15), st.floats(-0.5, 0.5))
def test_a_shade_that_was_missed_leaves_no_seam(turn, shade, slope):
    """What goes on evenly is met to within a pixel's worth of it."""
    across = torch.linspace(-slope, slope, 40).expand(1, 3, 30, 40)
    mask = torch.zeros(1, 1, 30, 40)
    mask[..., :18] = 1
    pixels, mask = torch.rot90(across, turn, (2, 3)), torch.rot90(mask, turn, (2, 3))
    out = blended(pixels + shade, pixels, mask)
    assert (out - pixels).abs().max() <= 2 * abs(slope) / 39 + 1e-5
    assert torch.equal(out * mask, pixels * mask)


def test_a_drift_away_from_the_border_is_taken_back():
    """A decoder's own shade sets in over some pixels; grain and other things stay."""
    torch.manual_seed(0)
    pixels, mask = torch.full((1, 3, 64, 64), 0.2), torch.zeros(1, 1, 64, 64)
    mask[..., :32] = 1
    drift = 0.1 * torch.sigmoid((torch.arange(64.0) - 34) / 2).expand_as(pixels)
    grain = 0.02 * torch.randn_like(pixels)
    drawn = pixels + drift + grain
    drawn[..., 20:30, 50:60] = -0.8
    out = levelled(drawn, pixels, mask)
    plain = torch.ones_like(mask)
    plain[..., :32] = plain[..., 20:30, 50:60] = 0
    left = (out - pixels - grain) * plain
    assert left.abs().mean() < 0.2 * (drift * plain).abs().mean()
    assert (out[..., 20:30, 50:60] - drawn[..., 20:30, 50:60]).abs().max() < 0.13
    assert out[..., 36:].std() > 0.9 * grain.std()


def test_a_subject_is_set_into_what_is_unknown_without_what_is_behind_it():
    ys, xs = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    disc = ((ys - 32) ** 2 + (xs - 32) ** 2 < 20**2).float()
    subject = (
        torch.ones(2, 3, 64, 64) * (1 - disc)
        + torch.tensor([0.8, -0.8, -0.8])[None, :, None, None] * disc
    )
    ground, mask = torch.full((2, 3, 64, 64), -0.5), torch.ones(2, 1, 64, 64)
    mask[..., 10:50, 4:36] = 0  # 40 high, 32 wide
    out = set_into(ground, subject, mask)
    assert torch.equal(out * mask, ground * mask)
    changed = (out != ground).any(1)[0]
    assert 20 <= changed.any(0).sum() <= 22, "half as large"
    red = out[0, 0] > 0.5
    assert red.sum() == pytest.approx(torch.pi * 10**2, rel=0.1)
    middle = [(v[0] + v[-1]).item() / 2 for v in (red.any(d).nonzero().flatten() for d in (1, 0))]
    assert middle == pytest.approx([29.5, 19.5], abs=0.6)
    assert (out[0, 0][changed[:64]] <= 0.81).all(), "no white comes along"


def test_where_two_things_meet_neither_changes_its_colour():
    red, blue = torch.tensor([0.9, -0.9, -0.9]), torch.tensor([-0.9, -0.9, 0.9])
    pixels = red[None, :, None, None].expand(1, 3, 32, 32)
    drawn = blue[None, :, None, None].expand(1, 3, 32, 32)
    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16, :] = 1
    out = blended(drawn, pixels, mask)
    assert torch.equal(out[..., :16, :], pixels[..., :16, :])
    torch.testing.assert_close(out[..., 16:, :], drawn[..., 16:, :])


def test_a_large_picture_is_blended_as_a_small_one():
    """Its membrane is solved on a coarser grid; the border is known exactly all the same."""
    torch.manual_seed(0)
    ramp = torch.linspace(-0.6, 0.6, 700).expand(1, 3, 600, 700)
    mask = torch.ones(1, 1, 600, 700)
    mask[..., 150:450, 200:500] = 0
    out = blended(ramp * 0.9 + 0.05, ramp, mask)
    assert torch.equal(out[mask.expand_as(out) > 0], ramp[mask.expand_as(out) > 0])
    assert (out - ramp).abs().max() < 0.02


def test_what_is_known_goes_on():
    pixels, mask = torch.rand(1, 3, 12, 20), torch.zeros(1, 1, 12, 20)
    mask[..., :7] = 1
    out = continued(pixels, mask)
    torch.testing.assert_close(out[..., 7:], pixels[..., 6:7].expand(-1, -1, -1, 13))
    hole = 1 - mask
    hole[..., 3:9, 10:15] = 0
    out = continued(pixels, hole)
    assert torch.equal(out[hole.expand_as(out) > 0], pixels[hole.expand_as(out) > 0])
    assert out.min() >= pixels.min()
    assert out.max() <= pixels.max()
    assert not continued(pixels, torch.zeros_like(mask)).any()
