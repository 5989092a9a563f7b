from __future__ import annotations

import pytest

from unclip.corpus.names import (
    concept,
    has_colour,
    is_plural,
    mirrorable,
    plural,
    with_article,
)


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("apple", "an apple"), ("red apple", "a red apple"), ("unicorn", "a unicorn"),
        ("umbrella", "an umbrella"), ("one-piece swimsuit", "a one-piece swimsuit"),
        ("euro banknote", "a euro banknote"), ("hourglass", "an hourglass"),
        ("house", "a house"), ("SUV", "an SUV"), ("cherries", "cherries"), ("bread", "bread"),
        ("glass of milk", "a glass of milk"), ("wine glass", "a wine glass"), ("bus", "a bus"),
        ("octopus", "an octopus"), ("Statue of Liberty", "the Statue of Liberty"),
        ("people hugging", "people hugging"), ("UFO", "a UFO"), ("ukulele", "a ukulele"),
        ("french fries", "french fries"), ("sunglasses", "sunglasses"),
        ("USB flash drive", "a USB flash drive"), ("LED light", "an LED light"),
        ("two fish", "two fish"), ("planet Earth", "planet Earth"), ("Taj Mahal", "the Taj Mahal"),
        ("front of a bus", "the front of a bus"), ("row of books", "a row of books"),
    ],
)  # fmt: skip
def test_articles(phrase: str, expected: str) -> None:
    assert with_article(phrase) == expected


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("cat", "cats"), ("cat face", "cat faces"), ("man running", "men running"),
        ("cup of coffee", "cups of coffee"), ("knife", "knives"), ("baby", "babies"),
        ("fox", "foxes"), ("bus", "buses"), ("sheep", "sheep"), ("face with a tongue",
        "faces with a tongue"), ("woman with red hair", "women with red hair"),
        ("tomato", "tomatoes"), ("key", "keys"), ("cherries", None), ("bread", None),
        ("fork and knife", None), ("Santa Claus", None), ("snowman", "snowmen"),
        ("toothbrush", "toothbrushes"), ("airplane landing", "airplanes landing"),
        ("fisherman", "fishermen"), ("lemon half", "lemon halves"), ("two fish", None),
        ("person ice skating", "people ice skating"), ("truck loaded with boxes",
        "trucks loaded with boxes"), ("triceratops", "triceratopses"),
    ],
)  # fmt: skip
def test_plurals(phrase: str, expected: str | None) -> None:
    assert plural(phrase) == expected
    assert expected is None or with_article(phrase).startswith(("a ", "an "))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("automobile", "car"), ("person: beard", "person with a beard"),
        ("woman: bald", "bald woman"), ("man: red hair", "man with red hair"),
        ("family: man, woman, boy", "family"), ("man with veil", "man with a veil"),
        ("T-Rex", "T-Rex dinosaur"), ("red apple", "red apple"), ("1st place medal", "gold medal"),
        ("person tipping hand", "person holding out a hand"), ("man cook", "male chef"),
        ("woman technologist", "woman at a laptop"), ("man in lotus position", "man meditating"),
        ("person in steamy room", "person in a sauna"), ("shinto shrine", "torii gate"),
    ],
)  # fmt: skip
def test_concepts(label: str, expected: str) -> None:
    assert concept(label) == expected


def test_plural_phrases_are_known() -> None:
    assert all(map(is_plural, ("two hearts", "glasses", "linked paperclips", "clapping hands")))
    assert not any(map(is_plural, ("glass", "cactus", "compass", "tennis", "lens")))


def test_text_and_direction_are_not_mirrored() -> None:
    fixed = ("calendar", "desk calendar", "hand pointing left", "newspaper", "first quarter moon",
             "planet Earth", "rising bar chart", "treble clef", "8 ball")  # fmt: skip
    assert not any(map(mirrorable, fixed))
    assert all(map(mirrorable, ("apple", "cup of coffee", "copyist", "bright star", "house")))


def test_a_colour_in_a_name_is_seen() -> None:
    assert all(map(has_colour, ("red apple", "woman with blond hair", "black cat")))
    assert not any(map(has_colour, ("apple", "blackbird", "bored face")))
