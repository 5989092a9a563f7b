"""Where frames go on a canvas that is larger than one. Whole pixels; nothing here needs torch.

The decoder draws squares of one side. A canvas has that side on its short axis, so its frames slide
along the long one: a frame is an offset there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

CONTEXT = 1.5
"""Side of the square that an edit looks at, in sides of the box around what changes: it keeps a
drawn object large, and shows on every side what goes on there."""


class Box(NamedTuple):
    """Edges in pixels, the right and lower ones outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def short(self) -> int:
        """Its shorter side."""
        return min(self.width, self.height)


def around(changed: Box, width: int, height: int, context: float = CONTEXT, least: int = 1) -> Box:
    """The part of a picture that shows `changed` in its middle, with what is around it.

    A square; moved where it would leave the picture, cut where the picture is narrower than it.

    Args:
        context: its side, in sides of `changed`.
        least: pixels a side that it has at least, where there are as many.
    """
    side = max(least, round(context * max(changed.width, changed.height)))
    x0, x1 = _inside(changed.x0 + changed.x1, side, width)
    y0, y1 = _inside(changed.y0 + changed.y1, side, height)
    return Box(x0, y0, x1, y1)


def _inside(twice_middle: int, side: int, length: int) -> tuple[int, int]:
    side = min(side, length)
    start = min(max(0, (twice_middle - side) // 2), length - side)
    return start, start + side


def grid_of(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height of the canvas for a region: `side` on its short axis, the other to scale,
    rounded up."""
    short = min(width, height)
    return -(-width * side // short), -(-height * side // short)


def with_margins(region: Box, grid: tuple[int, int]) -> Box:
    """A region grown evenly to the shape of its canvas, so that nothing is stretched."""
    side = min(grid)
    width, height = (round(length * region.short / side) for length in grid)
    x0 = region.x0 - (width - region.width) // 2
    y0 = region.y0 - (height - region.height) // 2
    return Box(x0, y0, x0 + width, y0 + height)


def frames(unknown: Sequence[int], side: int) -> list[int]:
    """Offsets of the frames that fill a canvas, in the order in which they are drawn.

    Where everything is unknown the first is in the middle, or knows most. From there, and from
    whatever else is known, a frame reaches half its side into the unknown, so that it sees what it
    continues; a stretch that leaves a frame a quarter of its side to see is drawn by one.

    Args:
        unknown: pixels to be drawn at each position of the long axis.
        side: of a frame.
    """
    left, last = list(unknown), len(unknown) - side
    found: list[int] = []
    while any(left):
        start = next(i for i, count in enumerate(left) if count)
        end = next((i for i in range(start, len(left)) if not left[i]), len(left))
        if 4 * (end - start) <= 3 * side:
            offset = (start + end - side) // 2
        elif start > 0:
            offset = start - side // 2
        elif end < len(left):
            offset = end - side // 2
        else:
            offset = _least(left, side)
        offset = min(max(0, offset), last)
        found.append(offset)
        left[offset : offset + side] = [0] * side
    return found


def _least(unknown: Sequence[int], side: int) -> int:
    """Offset of the frame with the least to be drawn, the one nearest the middle among equals."""
    sums = list(itertools.accumulate(unknown, initial=0))
    last = len(unknown) - side
    return min(range(last + 1), key=lambda i: (sums[i + side] - sums[i], abs(2 * i - last), i))


def spans(changed: Sequence[bool], margin: int) -> Iterator[tuple[int, int]]:
    """The stretches of the long axis where anything changes, each with a margin, none meeting.

    What lies between them need not be drawn any larger.
    """
    marked = [i for i, change in enumerate(changed) if change]
    while marked:
        start = end = marked.pop(0)
        while marked and marked[0] - margin <= end + 1 + margin:
            end = marked.pop(0)
        yield max(0, start - margin), min(len(changed), end + 1 + margin)
