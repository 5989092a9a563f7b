from __future__ import annotations

import numpy as np
import pytest
import torch

from unclip.evaluation.detector import CROP, PIXELS, UNSAID
from unclip.evaluation.prompts import COLOURS
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


@pytest.mark.parametrize("through", [False, True])
def test_spoiling_keeps_a_quarter_and_the_rest_can_be_told(through):
    rng = np.random.default_rng(0)
    pixels = torch.full((200, 3, PIXELS, PIXELS), -1.0)
    pixels[..., 16:48, 16:48] = 1
    spoilt = spoiled(pixels, rng, Same() if through else None)
    same = (spoilt == pixels).flatten(1).all(dim=1)
    assert 0.15 < same.float().mean() < 0.5
    assert spoilt.abs().max() <= 1
    off = (spoilt - pixels).abs().mean(dim=(1, 2, 3)) / 2
    assert off[~same].min() > 0
    assert off.max() < 0.15


class Same(torch.nn.Module):
    """An autoencoder that has nothing to learn: its latents are the pixels."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def encode(self, pixels):
        return pixels * self.scale

    def decode(self, latents):
        return latents


def test_colours_are_said_of_what_is_dyed_and_seen_in_clear_light(study):
    rng = np.random.default_rng(2)
    dyed = 0
    for _ in range(40):
        scene = study.crowd(rng)
        for placed, known in zip(scene.objects, study.labelled(scene).objects, strict=True):
            if known is None:
                continue
            if scene.filter or scene.background.is_place or scene.background.weather != "clear":
                assert known.colour == UNSAID
            elif placed.colour is not None:
                dyed += 1
                assert COLOURS[known.colour] == placed.colour
    assert dyed > 5
