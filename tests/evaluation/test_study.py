from __future__ import annotations

import numpy as np
import pytest
import torch

from unclip.evaluation.detector import CROP, PIXELS, UNSAID
from unclip.evaluation.spoil import spoiled
from unclip.evaluation.study import Study, box_of
from unclip.evaluation.vocabulary import STYLES


@pytest.fixture(scope="module")
def study(vocabulary, composer):
    return Study(vocabulary, composer)


def test_a_batch_is_a_function_of_seed_and_number(study):
    one, again, next_ = study.batch(3, 1, 4), study.batch(3, 1, 4), study.batch(3, 2, 4)
    for key in ("pixels", "crops", "kind", "style", "at"):
        assert torch.equal(getattr(one, key), getattr(again, key))
    assert all(map(torch.equal, one.targets, again.targets))
    assert not torch.equal(one.pixels, next_.pixels)


def test_a_lesson_is_whole(study):
    lesson = study.batch(0, 0, 16)
    n = len(lesson.kind)
    assert lesson.pixels.shape == (16, 3, PIXELS, PIXELS)
    assert lesson.crops.shape == (n, 3, CROP, CROP)
    assert lesson.pixels.abs().max() <= 1
    assert lesson.style.shape == (n,)
    assert UNSAID <= lesson.kind.min() <= lesson.kind.max() <= len(study.vocabulary)
    assert UNSAID <= lesson.style.min() <= lesson.style.max() < len(STYLES)
    # each object is at a centre, and each centre has an object; a cut of nothing has no style
    picture, row, column = lesson.at.unbind(dim=1)
    empty = (lesson.kind == len(study.vocabulary)) & (lesson.style == UNSAID)
    assert (lesson.targets.centre[picture, row, column] == 1)[~empty].all()
    assert (lesson.targets.centre == 1).sum() <= n


def test_broken_things_are_no_class(study, monkeypatch):
    monkeypatch.setattr("unclip.evaluation.study.BROKEN", 1.0)
    monkeypatch.setattr("unclip.evaluation.study.COMPOSED", 0.0)
    rng = np.random.default_rng(1)
    known = [known for _ in range(20) for known in study.example(rng).objects if known]
    broken = [one for one in known if one.kind == len(study.vocabulary) and one.style == UNSAID]
    assert len(broken) > len(known) / 2


def test_boxes():
    shown = np.zeros((PIXELS, PIXELS), np.bool_)
    shown[8:24, 32:64] = True
    assert box_of(shown) == (0.5, 0.125, 1.0, 0.375)


def test_spoiling_keeps_a_quarter_and_moves_the_mask_with_the_picture():
    rng = np.random.default_rng(0)
    mask = torch.zeros(200, PIXELS, PIXELS)
    mask[:, 16:48, 16:48] = 1
    pixels = (mask[:, None] * 2 - 1).repeat(1, 3, 1, 1)
    spoilt, moved = spoiled(pixels, mask, rng)
    same = (spoilt == pixels).flatten(1).all(dim=1)
    assert 0.15 < same.float().mean() < 0.5
    assert not torch.equal(moved, mask)
    # where the mask went, the white square went
    off = ((spoilt.mean(dim=1) + 1) / 2 - moved).abs().mean(dim=(1, 2))
    assert off.max() < 0.15
