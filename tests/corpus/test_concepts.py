from __future__ import annotations

from pathlib import Path

import pytest

from unclip.corpus.concepts import plainer, synonyms
from unclip.corpus.wordnet import WordNet


@pytest.fixture(scope="module")
def words(packages: Path) -> WordNet:
    return WordNet(packages / "share/wordnet")


@pytest.mark.parametrize(
    ("concept", "plain"),
    [
        ("office chair", "chair"), ("crescent moon", "moon"), ("blue fedora hat", "fedora hat"),
        ("cup of coffee", "coffee"), ("paper cup of coffee", "coffee"), ("loaf of bread", "bread"),
        ("slice of pumpkin pie", "pumpkin pie"), ("red apple", "apple"),
        ("stack of books", "books"),
        # a word that would not be true of the picture
        ("chair", None), ("toy car", None), ("cable car", None), ("paper boat", None),
        ("dog in a wizard hat", None), ("book and pencil", None), ("front of a car", None),
        ("sack of money and coins", None), ("rabbit face", None), ("teddy bear", None),
        ("ball of yarn with needles", None), ("yellow and red bird", None), ("starfish", None),
    ],
)  # fmt: skip
def test_the_everyday_word(concept: str, plain: str | None) -> None:
    assert plainer(concept) == plain


def test_synonyms_are_lemmas_tags_and_everyday_words(words: WordNet) -> None:
    assert synonyms("car", "vehicles", frozenset({"driving"}), words) == (
        "auto",
        "automobile",
        "motorcar",
    )
    assert synonyms("red apple", "food", frozenset({"fruit"}), words) == ("apple",)
    assert synonyms("wooden chair", "objects", frozenset(), words) == ("chair",)
    assert synonyms("two red apples", "food", frozenset(), words) == ()
    assert synonyms("cat face", "animals", frozenset(), words) == ()
