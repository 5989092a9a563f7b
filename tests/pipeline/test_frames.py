"""Frames on a canvas: everything is covered, in an order in which each sees what it continues."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unclip.pipeline.frames import Box, around, frames, grid_of, spans, with_margins

SIDE = 8
sizes = st.integers(1, 300)


@pytest.mark.parametrize(
    ("unknown", "offsets"),
    [
        ([8] * 8, [0]),
        ([8] * 14, [3, 0, 6]),  # a wide picture: the middle, then both ends
        ([8] * 12, [2, 0, 4]),
        ([8] * 2 + [0] * 8 + [8] * 2, [0, 4]),  # both sides of a square
        ([0] * 8 + [8] * 16, [4, 8, 12, 16]),  # to the right, always half of it known
        ([0] * 30 + [8] * 2, [24]),
        ([0] * 6 + [3] * 6 + [0] * 8, [5]),  # a hole that one frame can see around
        ([2] * 24, [8, 4, 0, 12, 16]),
        ([0] * 12, []),
    ],
)
def test_where_frames_go(unknown, offsets):
    assert frames(unknown, SIDE) == offsets


@given(st.lists(st.integers(0, SIDE), min_size=SIDE, max_size=60))
def test_frames_cover_what_is_unknown_and_see_something(unknown):
    left = list(unknown)
    for count, offset in enumerate(frames(unknown, SIDE)):
        assert 0 <= offset <= len(unknown) - SIDE
        part = left[offset : offset + SIDE]
        assert any(part), "each has something to draw"
        if count or not all(left):  # all but a first one on a canvas that knows nothing
            assert not all(part), "each has something to continue"
        left[offset : offset + SIDE] = [0] * SIDE
    assert not any(left)


@given(sizes, sizes, st.data())
def test_what_an_edit_looks_at(width, height, data):
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    changed = Box(
        x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    )
    box = around(changed, width, height, least=16)
    assert 0 <= box.x0 <= changed.x0
    assert changed.x1 <= box.x1 <= width
    assert 0 <= box.y0 <= changed.y0
    assert changed.y1 <= box.y1 <= height
    side = max(box.width, box.height)
    assert side >= min(16, max(width, height))
    assert box.width in (side, width)
    assert box.height in (side, height)


@given(st.integers(-50, 50), st.integers(-50, 50), sizes, sizes)
def test_a_grid_has_the_shape_of_its_margins(x, y, width, height):
    region = Box(x, y, x + width, y + height)
    grid = grid_of(width, height, 64)
    margins = with_margins(region, grid)
    assert min(grid) == 64
    assert margins.x0 <= region.x0
    assert margins.x1 >= region.x1
    assert margins.y0 <= region.y0
    assert margins.y1 >= region.y1
    pixels = region.short / 64  # of one position
    assert margins.width - width <= pixels + 1
    assert margins.height - height <= pixels + 1
    assert abs(margins.width - grid[0] * pixels) <= 0.5
    assert abs(margins.height - grid[1] * pixels) <= 0.5


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 5))
def test_spans_hold_what_changes_and_its_margin(changed, margin):
    found = list(spans(changed, margin))
    inside = {i for start, end in found for i in range(start, end)}
    near = {i + d for i, c in enumerate(changed) if c for d in range(-margin, margin + 1)}
    assert inside >= {i for i in near if 0 <= i < len(changed)}
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))
    assert all(any(changed[start:end]) for start, end in found)


def test_two_sides_are_two_spans():
    assert list(spans([True] * 16 + [False] * 64 + [True] * 16, 8)) == [(0, 24), (72, 96)]
