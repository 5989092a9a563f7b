"""What the finder should say decodes to the objects, and cuts show them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from unclip.evaluation.detector import (
    CROP,
    GRID,
    MARGIN,
    PIXELS,
    Detector,
    DetectorConfig,
    Maps,
    cut_out,
    encode,
    finder_losses,
    intersection_over_union,
    position,
)
from unclip.evaluation.study import Study

STYLES, COLOURS = 2, 4


class Says(nn.Module):
    """A finder that says what it is given."""

    def __init__(self, maps):
        super().__init__()
        self.maps = maps

    def forward(self, pixels):
        return self.maps


def perfect(targets):
    heat = torch.logit(targets.centre.clamp(1e-4, 1 - 1e-4))
    style = torch.zeros(len(heat), STYLES, GRID, GRID)
    return Maps(heat, targets.box, style)


def detect(maps, least=0.5):
    torch.manual_seed(0)
    detector = Detector(DetectorConfig(3, STYLES, COLOURS, (8, 8, 8), (8, 8, 8))).eval()
    detector.finder = Says(maps)
    with torch.no_grad():
        return detector(torch.zeros(len(maps.centre), 3, PIXELS, PIXELS), least)


def test_the_targets_decode_to_the_objects(vocabulary, composer):
    study, rng = Study(vocabulary, composer), np.random.default_rng(0)
    made = [study.labelled(study.crowd(rng)) for _ in range(24)]
    boxes = [[known.box for known in one.objects if known] for one in made]
    targets = encode(boxes)
    for wanted, found in zip(boxes, detect(perfect(targets)), strict=True):
        assert len(found.sure) == len(wanted)
        for box in torch.tensor(wanted):
            assert (found.box - box).abs().sum(dim=1).min() < 1e-3
        assert torch.allclose(found.kind.sum(dim=1), torch.ones(len(wanted)))
        assert torch.allclose(found.style.sum(dim=1), torch.ones(len(wanted)))
        assert torch.allclose(found.colour.sum(dim=1), torch.ones(len(wanted)))
    losses = finder_losses(perfect(targets), targets)
    assert float(losses["box"]) < 0.01


def test_peaks_that_lie_over_a_surer_one_are_one_object():
    centre = torch.full((2, GRID, GRID), -9.0)
    centre[0, 8, 4], centre[0, 8, 7], centre[0, 2, 12] = 3.0, 2.0, 1.0
    box = torch.zeros(2, 4, GRID, GRID)
    box[:, 2:] = torch.tensor(0.8).log()
    style = torch.zeros(2, STYLES, GRID, GRID)
    maps = Maps(centre, box, style)
    found, nothing = detect(maps)
    assert found.sure.tolist() == torch.tensor([3.0, 1.0]).sigmoid().tolist()
    assert nothing.kind.shape == (0, 4)
    assert [len(one.sure) for one in detect(maps, 0.8)] == [1, 0]
    assert [len(one.sure) for one in detect(maps, 0.99)] == [0, 0]


def test_a_cut_holds_its_box_and_a_margin():
    pixels = torch.zeros(2, 3, PIXELS, PIXELS)
    pixels[1, :, 8:24, 32:48] = 1.0
    box = torch.tensor([[0.5, 0.125, 0.75, 0.375]])
    (crop,) = cut_out(pixels, torch.tensor([1]), box)
    assert crop.shape == (3, CROP, CROP)
    assert crop.mean().item() == pytest.approx(1 / MARGIN**2, abs=0.02)
    rim = round(CROP * (1 - 1 / MARGIN) / 2) - 1
    assert crop[:, rim + 2 : -rim - 2, rim + 2 : -rim - 2].min() == 1
    assert crop[:, 0].max() == crop[:, :, -1].max() == 0
    (flat,) = cut_out(pixels, torch.tensor([0]), box)
    assert flat.max() == 0


def test_a_cut_repeats_the_rim_of_the_picture():
    pixels = torch.linspace(-1, 1, PIXELS).expand(1, 3, PIXELS, PIXELS)
    (crop,) = cut_out(pixels, torch.tensor([0]), torch.tensor([[0.9, 0.4, 1.1, 0.6]]))
    assert crop[0, 0, -1] == 1
    assert (crop.diff(dim=-1) >= 0).all()


def test_positions():
    assert [position(x) for x in (0.0, 0.49, 0.5, 1.0)] == [0, GRID // 2 - 1, GRID // 2, GRID - 1]


def test_intersection_over_union():
    a = torch.tensor([0.0, 0.0, 2.0, 2.0])
    assert intersection_over_union(a, a) == 1
    assert intersection_over_union(a, a + 1) == pytest.approx(1 / 7)
    assert intersection_over_union(a, a + 5) == 0
