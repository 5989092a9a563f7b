"""That true answers are true and wrong ones wrong, by GenEval's rules and what scenes say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unclip.corpus.colours import BACKGROUND_COLOURS
from unclip.corpus.scene import Background, Placed, Scene
from unclip.evaluation.detector import PIXELS
from unclip.evaluation.prompts import make_prompts
from unclip.evaluation.scenes import answer, can_be_seen, wrong_prompt, wrong_prompts
from unclip.evaluation.scoring import Detection, Sight, score
from unclip.evaluation.study import box_of


@pytest.fixture(scope="module")
def prompts(vocabulary):
    return make_prompts(vocabulary, 6)


def sight_of(scene, vocabulary, composer):
    """What a judge without fault would see."""
    found = []
    for placed, shown in zip(scene.objects, composer.masks(scene, PIXELS), strict=True):
        name = vocabulary.names[vocabulary.number(placed.index)]
        found.append(Detection(name, 1.0, box_of(shown), placed.colour))
    return Sight(tuple(found), scene.filter or scene.objects[0].sprite.style)


def test_answers_are_right_and_wrong_answers_wrong(prompts, vocabulary, composer):
    rng = np.random.default_rng(0)
    kinds = set()
    for prompt in prompts:
        sight = sight_of(answer(prompt, vocabulary, composer, rng), vocabulary, composer)
        assert score(prompt, sight).failed == (), prompt
        kind, changed = wrong_prompt(prompt, vocabulary, rng)
        kinds.add(kind)
        sight = sight_of(answer(changed, vocabulary, composer, rng), vocabulary, composer)
        assert not score(prompt, sight).correct, (prompt, changed)
    assert kinds >= {"object", "missing", "colour"}


def test_every_way_to_be_wrong_is_tried(prompts, vocabulary):
    kinds = {kind for prompt in prompts for kind, _ in wrong_prompts(prompt, vocabulary)}
    assert kinds == {
        "object", "missing", "colour", "swapped colours", "count", "relation", "style",
    }  # fmt: skip
    for prompt in prompts:
        assert prompt not in [changed for _, changed in wrong_prompts(prompt, vocabulary)]


def test_answers_can_be_seen(prompts, vocabulary, composer):
    rng = np.random.default_rng(3)
    scenes = [answer(prompt, vocabulary, composer, rng) for prompt in prompts]
    assert np.mean([can_be_seen(scene, composer) for scene in scenes]) > 0.95


def test_what_is_lost_before_its_background_cannot(vocabulary, composer):
    drawing = next(i for thing in vocabulary.things.values() for i in thing.drawings)
    placed = Placed(vocabulary.store[drawing], drawing, 0.5, 0.5, 0.8)
    before = [Background("plain", name, (rgb,)) for name, rgb in BACKGROUND_COLOURS.items()]
    seen = [can_be_seen(Scene((placed,), b, None), composer) for b in before]
    assert any(seen)
    tiny = replace(placed, size=0.01)
    assert not any(can_be_seen(Scene((tiny,), b, None), composer) for b in before)
