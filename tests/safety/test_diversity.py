"""Who is drawn where a prompt does not say."""

from __future__ import annotations

from collections import Counter

import pytest

from unclip.errors import InvalidArgument
from unclip.safety.prompts import GENDERS, TONES, Diversity


def drawn(prompt: str, n: int = 2000, **options: object) -> Counter[str]:
    draw = Diversity.of(options)
    return Counter(draw(prompt, seed) for seed in range(n))


def share(counts: Counter[str], word: str) -> float:
    return sum(n for text, n in counts.items() if f" {word} " in f" {text} ") / counts.total()


def test_without_it_nobody_is_drawn_and_with_it_all_are_near_their_share() -> None:
    before, after = drawn("a doctor", enabled=False), drawn("a doctor")
    assert before == {"a doctor": 2000}
    assert len(after) == len(TONES) * len(GENDERS)
    for tone in TONES:
        assert share(after, tone) == pytest.approx(1 / len(TONES), abs=0.04)
    assert share(after, "woman") == pytest.approx(0.5, abs=0.04)


def test_a_stated_distribution_is_kept() -> None:
    counts = drawn("a person", skin_tones={"dark": 3, "light": 1}, genders={"man": 1})
    assert share(counts, "dark") == pytest.approx(0.75, abs=0.04)
    assert share(counts, "man") == 1


def test_the_same_seed_draws_the_same_person() -> None:
    draw = Diversity()
    assert draw("two chairs and a pilot", 7) == draw("two chairs and a pilot", 7)


@pytest.mark.parametrize(
    "prompt",
    [
        "a woman doctor",
        "a black teacher",
        "a doctor with his dog",
        "a robot doctor",
        "a red apple",
        "the king",
        "a person with light skin",
    ],
)
def test_a_prompt_that_says_who_stays_as_it_is(prompt: str) -> None:
    assert drawn(prompt, n=20) == {prompt: 20}


@pytest.mark.parametrize(
    ("prompt", "begins", "ends"),
    [
        ("an astronaut on the moon", "a ", " on the moon"),
        ("portrait of a nurse, oil", "portrait of a ", ", oil"),
        ("someone at a desk", "a ", " at a desk"),
    ],
)
def test_the_rest_of_the_sentence_stays(prompt: str, begins: str, ends: str) -> None:
    text = Diversity()(prompt, 3)
    assert text.startswith(begins)
    assert text.endswith(ends)
    assert "skin" in text


@pytest.mark.parametrize(
    "section",
    [
        {"enabled": "yes"},
        {"skin_tones": {"green": 1}},
        {"genders": {"woman": -1}},
        {"genders": {"woman": 0}},
        {"genders": ["woman"]},
    ],
)
def test_shares_that_are_none_are_named(section: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match="diversity"):
        Diversity.of(section)
