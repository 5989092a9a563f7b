"""What pictures are drawn on: a region of a picture, at any scale, of which a part may be known.

A blank canvas has nothing known. Any other has a picture, of which a mask says what changes; what
does not is copied byte for byte when the canvas is finished.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image

from unclip.pipeline.frames import Box, around, frames, grid_of, spans, with_margins
from unclip.pipeline.images import to_pixels
from unclip.pipeline.stages import KnownPixels
from unclip.requests import Filling, Framing, Inpainting, Outpainting, Request

Span = tuple[int, int]
"""A stretch of the grid's long axis, all of its short one."""

_MARGIN = 8
"""Positions beyond what changes that are enlarged with it: as far as an upsampler looks."""
_HALF = 128


@dataclass(frozen=True, eq=False)
class Canvas:
    """A region and what is known of it. Its grid is the decoder's view of it.

    Args:
        side: of the decoder's pictures, which is the grid's short side.
        region: what is drawn, in pixels of the finished picture.
        picture: the finished picture but for what changes; None for a blank canvas, whose region
            is all of it.
        change: "L", 0 where the picture is kept.
    """

    side: int
    region: Box
    picture: Image.Image | None = None
    change: Image.Image | None = None

    @cached_property
    def grid(self) -> tuple[int, int]:
        """Width and height at the decoder's scale."""
        return grid_of(self.region.width, self.region.height, self.side)

    @property
    def along(self) -> int:
        """The grid's long axis: 0 for x, 1 for y."""
        return int(self.grid[1] > self.grid[0])

    @cached_property
    def margins(self) -> Box:
        """What the grid covers, in pixels of the finished picture: the region and a little more."""
        return with_margins(self.region, self.grid)

    @cached_property
    def frames(self) -> list[int]:
        """Offsets of the decoder's frames, in the order of drawing."""
        if self.change is None:
            return frames([self.side] * max(self.grid), self.side)
        known = self.known()
        share = self._cut(self.change).resize(self.grid, Image.Resampling.BOX)
        unknown = (np.asarray(share) > 0) & (known.mask[0, 0].numpy() == 0)
        return frames(unknown.sum(axis=self.along).tolist(), self.side)

    @cached_property
    def spans(self) -> list[Span]:
        """What is to be enlarged."""
        length = max(self.grid)
        if self.change is None:
            return [(0, length)]
        changed = np.asarray(self._cut(self.change)).max(axis=self.along) > 0
        before = np.concatenate([[0], np.cumsum(changed)])
        edges = np.arange(length + 1) * len(changed)  # of positions, in pixels times `length`
        inside = before[-(-edges[1:] // length)] - before[edges[:-1] // length]
        return list(spans((inside > 0).tolist(), _MARGIN))

    def known(self, span: Span | None = None, shape: tuple[int, int] | None = None) -> KnownPixels:
        """What is known of a span, or of all, in so many pixels of width and height.

        A pixel is known if half of it is kept; its colour comes from what is kept alone.
        """
        span = span or (0, max(self.grid))
        shape = shape or self.grid
        if (span, shape) not in self._memo:
            x0, y0, x1, y1 = self._area(span)
            left, top = self.margins[:2]
            area = (x0 - left, y0 - top, x1 - left, y1 - top)
            # Pillow weighs colours by alpha, which is what is wanted.
            small = self._seen.resize(shape, Image.Resampling.HAMMING, area)
            kept = np.asarray(small.getchannel("A")) >= _HALF
            mask = torch.from_numpy(kept).float()[None, None]
            self._memo[span, shape] = KnownPixels(to_pixels(small.convert("RGB")) * mask, mask)
        return self._memo[span, shape]

    @cached_property
    def _memo(self) -> dict[tuple[Span, tuple[int, int]], KnownPixels]:
        return {}

    def part(self, start: int, end: int) -> tuple[slice, slice, slice, slice]:
        """A stretch of the long axis in a tensor of the grid, "n c h w"."""
        whole, part = slice(None), slice(start, end)
        return (whole, whole, part, whole) if self.along else (whole, whole, whole, part)

    def focus(self, on_change: bool) -> Box:
        """What is judged of the finished picture: a square around what changes, or the frame that
        is drawn first."""
        changed = self.change.getbbox() if self.change is not None else None
        if on_change and changed and self.picture is not None:
            return around(Box(*changed), *self.picture.size, context=1.0)
        first = self.frames[0] if self.frames else 0
        area = self._area((first, first + self.side))
        low, high = (
            (max(*pair) for pair in zip(area[:2], self.region[:2], strict=True)),
            (min(*pair) for pair in zip(area[2:], self.region[2:], strict=True)),
        )
        return Box(*map(round, low), *map(round, high))

    def finished(self, parts: Mapping[Span, Image.Image]) -> Image.Image:
        """The whole picture, with each span drawn at any size."""
        if self.picture is None:
            canvas = np.zeros((self.region.height, self.region.width, 3), np.uint8)
        else:
            canvas = np.array(self.picture)
        for span, drawn in parts.items():
            self._put(canvas, span, drawn)
        return Image.fromarray(canvas)

    def _put(self, canvas: np.ndarray, span: Span, drawn: Image.Image) -> None:
        """Scale a span to the pixels of the picture and write those that change."""
        area, region = self._area(span), self.region
        x0, y0 = (max(region[i], math.ceil(area[i])) for i in (0, 1))
        x1, y1 = (min(region[i], math.floor(area[i])) for i in (2, 3))
        across, down = drawn.width / (area[2] - area[0]), drawn.height / (area[3] - area[1])
        source = (
            (x0 - area[0]) * across,
            (y0 - area[1]) * down,
            min(float(drawn.width), (x1 - area[0]) * across),
            min(float(drawn.height), (y1 - area[1]) * down),
        )
        pixels = np.asarray(drawn.resize((x1 - x0, y1 - y0), Image.Resampling.BICUBIC, source))
        target = canvas[y0:y1, x0:x1]
        if self.change is None:
            target[:] = pixels
        else:
            where = np.asarray(self.change.crop((x0, y0, x1, y1))) > 0
            target[where, :3] = pixels[where]
            target[where, 3:] = 255

    def _area(self, span: Span) -> tuple[float, float, float, float]:
        """What a span covers, in pixels of the finished picture."""
        area, i = [float(edge) for edge in self.margins], self.along
        length, most = area[2 + i] - area[i], max(self.grid)
        area[2 + i] = area[i] + span[1] * length / most  # exact where the span is the whole
        area[i] += span[0] * length / most
        return area[0], area[1], area[2], area[3]

    @cached_property
    def _seen(self) -> Image.Image:
        """What the grid covers, "RGBA", clear where it changes or is beyond the picture."""
        assert self.picture is not None
        assert self.change is not None
        picture = self._cut(self.picture)
        kept = self._cut(self.change.point(lambda value: 0 if value else 255))
        if picture.mode == "RGBA":
            white = Image.new("RGBA", picture.size, "white")
            there = picture.getchannel("A").point(lambda value: 255 if value >= _HALF else 0)
            kept = Image.composite(kept, Image.new("L", kept.size), there)
            picture = Image.alpha_composite(white, picture)
        seen = picture.convert("RGB")
        seen.putalpha(kept)
        return seen

    def _cut(self, image: Image.Image) -> Image.Image:
        """The part that the grid covers; 0 beyond the picture."""
        return image.crop(self.margins)


def canvas_for(request: Request, side: int) -> Canvas:
    """The canvas that a request is drawn on, for a decoder of `side` pixels."""
    whole = Box(0, 0, request.width, request.height)
    if not isinstance(request, Filling):
        return Canvas(side, whole)
    image = request.image
    match request:
        case Inpainting(mask=mask):
            box = mask.getbbox()
            region = around(Box(*box), *image.size, least=side) if box else whole
            return Canvas(side, region, image, mask)
        case Outpainting():
            x, y, region = request.left, request.top, whole
        case Framing():
            x, y = max(0, -request.x), max(0, -request.y)
            left, top = request.x + x, request.y + y
            region = Box(left, top, left + request.side, top + request.side)
        case _:
            raise AssertionError(f"nothing is known of a {type(request).__name__}")
    picture = Image.new(image.mode, (request.width, request.height))
    picture.paste(image, (x, y))
    change = Image.new("L", picture.size, 255)
    if isinstance(request, Framing):
        change = Image.new("L", picture.size)
        clear = (
            picture.crop(region).getchannel("A").point(lambda value: 255 if value < _HALF else 0)
        )
        change.paste(clear, region[:2])
    else:
        change.paste(0, (x, y, x + image.width, y + image.height))
    return Canvas(side, region, picture, change)
