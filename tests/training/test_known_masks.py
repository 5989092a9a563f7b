"""What a decoder learns to fill: half-planes, holes, and everything around an island."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.training.objectives.decoder import known_masks, moved_frame

seeds = st.integers(0, 2**32)


def is_rectangle(region: torch.Tensor) -> bool:
    """Whether the true pixels fill their bounding box."""
    rows, columns = region.any(1).nonzero()[:, 0], region.any(0).nonzero()[:, 0]
    inside = region[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return bool(inside.all())


@given(seed=seeds, count=st.integers(1, 8), side=st.sampled_from([16, 64]))
def test_a_rectangle_is_known_or_unknown(seed, count, side):
    masks = known_masks(count, side, torch.Generator().manual_seed(seed))
    assert masks.shape == (count, 1, side, side)
    assert set(masks.unique().tolist()) == {0.0, 1.0}
    for mask in masks[:, 0].bool():
        assert mask.any()
        assert not mask.all()
        assert is_rectangle(mask) or is_rectangle(~mask)
    assert torch.equal(masks, known_masks(count, side, torch.Generator().manual_seed(seed)))


def test_every_kind_comes_up():
    masks = known_masks(200, 32, torch.Generator().manual_seed(0))[:, 0].bool()
    planes = [m for m in masks if is_rectangle(m) and is_rectangle(~m)]
    islands = [m for m in masks if is_rectangle(m) and not is_rectangle(~m)]
    holes = [m for m in masks if not is_rectangle(m)]
    assert len(planes) > 25
    assert len(islands) > 25
    assert len(holes) > 50
    edges = {(bool(m[0].all()), bool(m[-1].all()), bool(m[:, 0].all()), bool(m[:, -1].all()))
             for m in planes}  # fmt: skip
    assert len(edges) == 4  # each side of the picture is the known one at times


@given(seed=seeds)
def test_a_moved_frame_knows_only_what_the_picture_shows(seed):
    pixels = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(seed))
    moved, known = moved_frame(pixels, torch.Generator().manual_seed(seed))
    assert moved.shape == pixels.shape
    assert is_rectangle(known[0].bool())
    assert 0 < known.sum() < known.numel()
    seen = [
        moved[:, y : y + 8, x : x + 8]
        for y, x in ((0, 0), (0, 8), (8, 0), (8, 8))
        if known[0, y : y + 8, x : x + 8].all()
    ]
    windows = pixels.unfold(1, 8, 1).unfold(2, 8, 1)
    for part in seen:
        assert (windows == part[:, None, None]).all(dim=(0, 3, 4)).any(), "a part of the picture"
