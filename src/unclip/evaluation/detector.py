"""The judge's network: a finder that says where things are, and a classifier that says what.

The finder is CenterNet's heat map (Zhou et al. 2019, arXiv 1904.07850) over things of any kind. The
classifier looks at each of them alone, cut out and scaled to one size, which is learned many times
sooner than telling a hundred classes at every size and place. b pictures, g positions a side, m
objects, n classes, s styles, k colours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from unclip.models.unet_blocks import unshuffle

PIXELS = 64
"""Pixels a side of a picture as the judge sees it: the cascade decides what is where at 64."""
GRID = 16
CROP = 32
MARGIN = 1.15
"""Pixels a side of a thing that is cut out, and the side of the cut in sides of its box."""
UNSAID = -1
"""A class or style that nothing is to be said of."""


@dataclass(frozen=True)
class DetectorConfig:
    """Widths: of the finder at 32, 16 and 8 positions a side; of the classifier at 16, 8 and 4."""

    classes: int
    styles: int
    colours: int
    finder: tuple[int, int, int] = (24, 64, 96)
    classifier: tuple[int, int, int] = (64, 128, 256)


class Block(nn.Module):
    """Two convolutions with batch norms, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_1 = nn.BatchNorm2d(width)
        self.conv_2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm_2.weight)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        inner = self.conv_2(F.silu(self.norm_1(self.conv_1(x))))
        return F.silu(x + self.norm_2(inner))


def _entry(channels: int, width: int, stride: int) -> nn.Sequential:
    """To a level of this width."""
    conv = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.SiLU(), Block(width))


class Maps(NamedTuple):
    """What the finder says, in float32: logits, and at each position a box.

    `box` is the offset of a centre from the position and the logarithms of width and height, in
    pictures.
    """

    centre: Float[Tensor, "b g g"]
    box: Float[Tensor, "b 4 g g"]
    style: Float[Tensor, "b s g g"]


class Finder(nn.Module):
    """Pictures in [-1, 1] to `Maps`: down to 8 x 8 for the whole, and back up to 16 x 16."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.finder
        self.down_1 = _entry(12, fine, 1)
        self.down_2 = _entry(fine, middle, 2)
        self.down_3 = nn.Sequential(_entry(middle, coarse, 2), Block(coarse))
        self.up = nn.ConvTranspose2d(coarse, middle, 2, 2)
        self.merged = Block(middle)
        self.split = (1, 4, config.styles)
        self.head = nn.Conv2d(middle, sum(self.split), 1)
        assert self.head.bias is not None
        with torch.no_grad():
            self.head.bias[0] = -3.0  # few positions are centres

    def forward(self, pixels: Float[Tensor, "b 3 p p"]) -> Maps:
        x = self.down_2(self.down_1(unshuffle(pixels, 2)))
        x = self.merged(x + self.up(self.down_3(x)))
        centre, box, style = self.head(x).float().split(self.split, dim=1)
        return Maps(centre[:, 0], box, style)


class Classifier(nn.Module):
    """Cut-out things to logits of their class, of which there is one more than the vocabulary has
    (anything else), of their style and of their colour."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        fine, middle, coarse = config.classifier
        self.body = nn.Sequential(
            _entry(12, fine, 1),
            _entry(fine, middle, 2),
            Block(middle),
            _entry(middle, coarse, 2),
        )
        self.split = (config.classes + 1, config.styles, config.colours)
        self.head = nn.Linear(coarse, sum(self.split))

    def forward(
        self, crops: Float[Tensor, "m 3 c c"]
    ) -> tuple[Float[Tensor, "m n+1"], Float[Tensor, "m s"], Float[Tensor, "m k"]]:
        x = self.body(unshuffle(crops, 2)).mean(dim=(2, 3))
        kind, style, colour = self.head(x).float().split(self.split, dim=1)
        return kind, style, colour


class Detector(nn.Module):
    """Both networks."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.finder, self.classifier = Finder(config), Classifier(config)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pixels: Float[Tensor, "b 3 p p"], least: float) -> list[Found]:
        """What is found in each picture, at least `least` sure."""
        maps = self.finder(pixels)
        places = [_places(maps, k, least) for k in range(len(pixels))]
        counts = [len(place.sure) for place in places]
        picture = torch.arange(len(pixels)).repeat_interleave(torch.tensor(counts))
        crops = cut_out(pixels, picture, torch.cat([place.box for place in places]))
        kind, style, colour = self.classifier(crops)
        style = style + torch.cat([place.style for place in places])
        parts = [logits.softmax(dim=1).split(counts) for logits in (kind, style, colour)]
        return [Found(p.sure, p.box, *said) for p, *said in zip(places, *parts, strict=True)]


class Found(NamedTuple):
    """The objects of one picture, the surest first.

    `box` is x0, y0, x1, y1 in pictures; `kind`, `style` and `colour` are probabilities.
    """

    sure: Float[Tensor, " m"]
    box: Float[Tensor, "m 4"]
    kind: Float[Tensor, "m n+1"]
    style: Float[Tensor, "m s"]
    colour: Float[Tensor, "m k"]


class Places(NamedTuple):
    """Where objects of one picture are, and the finder's logits of their style."""

    sure: Float[Tensor, " m"]
    box: Float[Tensor, "m 4"]
    style: Float[Tensor, "m s"]


def _places(maps: Maps, k: int, least: float, overlap: float = 0.5) -> Places:
    """Peaks of the heat map of picture k, without those whose boxes overlap a surer one's."""
    heat = maps.centre[k].sigmoid()
    highest = F.max_pool2d(heat[None, None], 3, 1, 1)[0, 0]
    y, x = ((heat == highest) & (heat >= least)).nonzero(as_tuple=True)
    order = heat[y, x].argsort(descending=True)
    y, x = y[order], x[order]
    dx, dy, w, h = maps.box[k, :, y, x]
    cx, cy, w, h = (x + 0.5) / GRID + dx, (y + 0.5) / GRID + dy, w.exp() / 2, h.exp() / 2
    box = torch.stack([cx - w, cy - h, cx + w, cy + h], dim=1)
    kept: list[int] = []
    for i in range(len(box)):
        if all(intersection_over_union(box[i], box[j]) < overlap for j in kept):
            kept.append(i)
    keep = torch.tensor(kept, dtype=torch.long)
    y, x = y[keep], x[keep]
    return Places(heat[y, x], box[keep], maps.style[k, :, y, x].T)


def intersection_over_union(a: Float[Tensor, " 4"], b: Float[Tensor, " 4"]) -> float:
    """Of two boxes x0, y0, x1, y1."""
    w = torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])
    shared = w.clamp(min=0).prod()
    total = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared
    return float(shared / total.clamp(min=1e-9))


def cut_out(
    pixels: Float[Tensor, "b 3 p p"], picture: Int[Tensor, " m"], boxes: Float[Tensor, "m 4"]
) -> Float[Tensor, "m 3 c c"]:
    """The square around each box, a little larger, scaled to `CROP` pixels.

    Args:
        picture: which of the pictures each box is in.
        boxes: x0, y0, x1, y1 in pictures; what is outside of the picture repeats its rim.
    """
    centre = boxes[:, :2] + boxes[:, 2:] - 1  # in [-1, 1], as `grid_sample` counts
    side = MARGIN * (boxes[:, 2:] - boxes[:, :2]).amax(dim=1).clamp(min=1 / PIXELS)
    line = (torch.arange(CROP, device=boxes.device) + 0.5) * 2 / CROP - 1
    unit = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)
    grid = centre[:, None, None] + side[:, None, None, None] * unit
    return F.grid_sample(
        pixels[picture], grid.to(pixels.dtype), padding_mode="border", align_corners=False
    )


class Targets(NamedTuple):
    """What `Maps` should be.

    `centre` is 1 at the centres and falls off around them; `weight` is it near them, else 0.
    """

    centre: Float[Tensor, "b g g"]
    weight: Float[Tensor, "b g g"]
    box: Float[Tensor, "b 4 g g"]


def encode(pictures: Sequence[Sequence[tuple[float, float, float, float]]]) -> Targets:
    """The finder's targets for pictures with objects in these boxes x0, y0, x1, y1.

    A position belongs to the object that is nearest by its own measure, which grows with it.
    """
    shape = len(pictures), GRID, GRID
    centre, weight = torch.zeros(shape), torch.zeros(shape)
    box = torch.zeros(len(pictures), 4, GRID, GRID)
    at = (torch.arange(GRID) + 0.5) / GRID
    for b, boxes in enumerate(pictures):
        for x0, y0, x1, y1 in boxes:
            cx, cy, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
            reach = max(0.7 / GRID, 0.12 * min(w, h))
            away = (at[None] - cx).square() + (at[:, None] - cy).square()
            heat = torch.exp(-away / (2 * reach**2))
            heat[position(cy), position(cx)] = 1.0
            near = (heat > weight[b]) & (heat > 0.3)
            centre[b] = centre[b].maximum(heat)
            weight[b][near] = heat[near]
            y, x = near.nonzero(as_tuple=True)
            box[b, 0, y, x], box[b, 1, y, x] = cx - at[x], cy - at[y]
            box[b, 2, y, x], box[b, 3, y, x] = math.log(w), math.log(h)
    return Targets(centre, weight, box)


def position(x: float) -> int:
    """Which of the positions a point in [0, 1] is at."""
    return min(int(x * GRID), GRID - 1)


def finder_losses(maps: Maps, targets: Targets) -> dict[str, Tensor]:
    """Scalars by part: CenterNet's penalty-reduced focal loss (equation 1), L1, cross-entropy."""
    is_centre = targets.centre == 1
    log_p, log_q = F.logsigmoid(maps.centre), F.logsigmoid(-maps.centre)
    p = log_p.exp()
    focal = torch.where(
        is_centre,
        (1 - p).square() * log_p,
        (1 - targets.centre).pow(4) * p.square() * log_q,
    )
    off = (maps.box - targets.box).abs().sum(dim=1) * targets.weight
    return {
        "centre": -focal.sum() / is_centre.sum().clamp(min=1),
        "box": off.sum() / targets.weight.sum().clamp(min=1),
    }
