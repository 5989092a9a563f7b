from __future__ import annotations

import pytest

from unclip.corpus.choice import EVERYDAY
from unclip.corpus.dictionary import Dictionary
from unclip.corpus.names import plural, with_article
from unclip.pipeline.reading import noun_phrases
from unclip.pipeline.rewording import named, recognised, reworded

DICTIONARY = Dictionary.shipped()


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("a purring feline", "a purring cat"), ("two labradors", "two dogs"),
        ("an antarctic bird", "a penguin"), ("a felid and a ball", "a cat and a ball"),
        ("an oil painting of an antarctic bird at dusk", "an oil painting of a penguin at dusk"),
        ("a corgi wearing sunglasses", "a dog wearing sunglasses"),
        # what captions know stays
        ("a small red bird", None), ("a bow and arrow", None), ("a cup of coffee", None),
        ("a dog with a hat", None), ("a black and white cat", None), ("a bird in a cage", None),
        ("an apple, highly detailed, trending", None),
        ("", None), (" , .", None), ("xyzzy plugh", None),
    ],
)  # fmt: skip
def test_descriptions_go_by_their_names(prompt: str, said: str | None) -> None:
    assert named(prompt, DICTIONARY) == (prompt if said is None else said)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("man's best friend", "dog"), ("two furry pets that bark", "two dogs"),
        ("a red ring-shaped cake", "a red doughnut"), ("the ship of the desert", "the camel"),
        ("a teapot beside a big ocean boat", "a teapot beside a big ship"),
        # what captions know, beside something else, and what others do with it
        ("a cute dog with a bone", None), ("two candles", None), ("a pile of books", None),
        ("a knight fighting a dragon", None), ("a slice of bread with butter", None),
        ("a mountain lake at sunset", None), ("a busy street at night", None),
        # nor who it is
        ("a woman cook with dark skin", None), ("a man who flies a plane", None),
        ("a magic wand with stars", None), ("a chef cooking", None),
        ("a cowboy with a lasso", None),
    ],
)  # fmt: skip
def test_what_is_told_as_it_is_known_goes_by_its_name(prompt: str, said: str | None) -> None:
    assert recognised(prompt, DICTIONARY) == (prompt if said is None else said)


@pytest.mark.parametrize("number", ["two", "three"])
def test_names_are_not_told_as_anything_else(number: str) -> None:
    several = [f"{number} {plural(name)}" for name in EVERYDAY if plural(name)]
    changed = [prompt for prompt in several if recognised(prompt, DICTIONARY) != prompt]
    assert len(changed) <= 0.01 * len(several), changed


def test_the_thesaurus_is_asked_before_words_are_weighed() -> None:
    assert reworded("a heifer beside an antarctic bird") == "a cow beside a penguin"


@pytest.mark.parametrize("adjective", ["small", "happy", "red", "old", "wooden"])
def test_everyday_things_stay_what_they_are(adjective: str) -> None:
    prompts = [f"a {adjective} {name}" for name in EVERYDAY if DICTIONARY.knows(name)]
    changed = [prompt for prompt in prompts if named(prompt, DICTIONARY) != prompt]
    assert len(changed) <= 0.01 * len(prompts), changed


def test_noun_phrases_are_what_may_be_things() -> None:
    prompt = "please draw an oil painting of two big cats, a dog and the red ball in a forest, 4k"
    found = [prompt[a:b] for a, b in noun_phrases(prompt)]
    assert found == ["two big cats", "a dog", "the red ball"]
    for name in EVERYDAY:
        phrase = with_article(name)
        assert [phrase[a:b] for a, b in noun_phrases(phrase)][:1] != []
