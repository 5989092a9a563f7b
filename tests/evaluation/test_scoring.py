"""GenEval's rules, on detections made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unclip.evaluation.prompts import Prompt, Wanted
from unclip.evaluation.scoring import (
    Detection,
    Rate,
    Sight,
    relative_position,
    score,
    wilson,
)


def thing(name, x=0.5, y=0.5, colour=None, confidence=0.9, size=0.2):
    half = size / 2
    return Detection(name, confidence, (x - half, y - half, x + half, y + half), colour)


def correct(prompt, *things, style=None):
    return score(prompt, Sight(things, style)).correct


def test_a_thing_must_be_there_and_others_may():
    prompt = Prompt("single_object", "a cat", (Wanted("cat"),))
    assert correct(prompt, thing("cat"))
    assert correct(prompt, thing("dog"), thing("cat"), thing("cat"))
    assert not correct(prompt, thing("dog"))
    assert not correct(prompt)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_a_count_is_exact(n):
    prompt = Prompt("counting", "two cats", (Wanted("cat", 2),))
    assert correct(prompt, *[thing("cat", x=i / 5) for i in range(n)]) == (n == 2)


def test_colours_belong_to_their_things():
    wanted = (Wanted("cat", colour="red"), Wanted("dog", colour="blue"))
    prompt = Prompt("color_attr", "a red cat and a blue dog", wanted)
    assert correct(prompt, thing("cat", colour="red"), thing("dog", colour="blue"))
    assert not correct(prompt, thing("cat", colour="blue"), thing("dog", colour="red"))
    # as in GenEval, the surest detection of a class is the one whose colour counts
    assert not correct(
        prompt,
        thing("cat", colour="green"),
        thing("cat", colour="red", confidence=0.6),
        thing("dog", colour="blue"),
    )


def test_every_atom_is_told_apart():
    wanted = (Wanted("cat", 2, "red"), Wanted("dog"))
    prompt = Prompt("atoms", "", wanted, "left of", "cartoon")
    assert prompt.atoms == 6
    sight = Sight((thing("cat", 0.2, 0.3, "red"), thing("dog", 0.8)), "glossy")
    verdict = score(prompt, sight)
    assert len(verdict.atoms) == prompt.atoms
    assert verdict.failed == ("2 x cat", "cartoon")
    empty = score(prompt, Sight(()))
    assert not any(holds for _, holds in empty.atoms)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (0.2, 0.5, {"left of"}),
        (0.8, 0.5, {"right of"}),
        (0.5, 0.2, {"above"}),
        (0.5, 0.8, {"below"}),
        (0.2, 0.2, {"left of", "above"}),
        (0.53, 0.5, set()),
        (0.5, 0.5, set()),
    ],
)
def test_positions(x, y, said):
    assert relative_position(thing("cat", x, y).box, thing("dog").box) == said


corners = st.tuples(*[st.floats(0, 1) for _ in range(4)])


@given(corners, corners)
def test_positions_are_mirrored(a, b):
    def box(c):
        return min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3])

    mirrored = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    there, back = relative_position(box(a), box(b)), relative_position(box(b), box(a))
    assert {mirrored[r] for r in there} == back
    assert not {"left of", "right of"} <= there


@given(st.integers(0, 400), st.integers(0, 400))
def test_wilson_holds_the_share_and_narrows(right, more):
    n = right + more
    low, high = wilson(right, n)
    assert 0 <= low <= high <= 1
    if n:
        assert low - 1e-12 <= right / n <= high + 1e-12
        wide = wilson(10 * right, 10 * n)
        assert wide[1] - wide[0] < high - low


def test_wilson_against_published_numbers():
    # Newcombe 1998, table I: 81 of 263, and 0 of 20
    assert np.allclose(wilson(81, 263), (0.2553, 0.3662), atol=1e-3)
    assert np.allclose(wilson(0, 20), (0.0, 0.1611), atol=1e-3)


def test_a_rate_of_nothing():
    assert math.isnan(Rate.of([]).value)
    assert str(Rate.of([])) == "-"
    assert str(Rate.of([True, False])) == "0.500 [0.09, 0.91]"
