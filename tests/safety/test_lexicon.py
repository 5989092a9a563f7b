"""Terms, and where a text has them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unclip.errors import InvalidArgument
from unclip.safety.lexicon import FOLDER, Lexicon, known_words, read_groups
from unclip.safety.normalise import read

TERMS = [
    ("act", "strangl*", 5),
    ("act", "gunned down", 5),
    ("thing", "carrot", 5),
    ("han", "苹果", 6),
]


def found(text: str, known: frozenset[str] = frozenset()) -> list[tuple[str, str, int]]:
    return [(hit.group, hit.term, hit.distance) for hit in Lexicon(TERMS, known).find(read(text))]


def test_words_phrases_stems_and_unspaced_terms_are_found() -> None:
    text = "he strangled a carrot, gunned down by 红苹果们"
    assert found(text) == [
        ("act", "strangl*", 0),
        ("thing", "carrot", 0),
        ("act", "gunned down", 0),
        ("han", "苹果", 0),
    ]


@pytest.mark.parametrize(
    "word", ["carot", "carrto", "cerrot", "acrrot", "c*rrot", "stranlged", "gnned down"]
)
def test_one_wrong_letter_is_mended(word: str) -> None:
    assert [distance for _, _, distance in found(word)] == [1]


def test_a_word_that_is_right_is_not_mended() -> None:
    assert found("a parrot", frozenset(["parrot"])) == []


def test_a_short_word_is_not_mended() -> None:
    assert Lexicon([("group", "kill", 5)], frozenset()).find(read("a hill, kiln, kil")) == []


def test_every_language_has_the_groups_that_rules_need() -> None:
    languages = {path.stem for path in FOLDER.glob("*.toml")}
    assert languages >= {"en", "es", "fr", "de", "pt", "it", "ru", "zh", "hi", "ar", "ja"}
    english = {group for group, _, _ in read_groups()}
    for path in FOLDER.glob("*.toml"):
        groups = set(re.findall(r'^"?([^"=]+?)"? = ', path.read_text("utf-8"), re.MULTILINE))
        assert {"abuse of minors", "explicit", "gore", "self-harm", "hate", "benign"} <= groups
        assert groups <= english, f"{path.name} has a group that English lacks"


def test_known_words_are_ordinary_and_include_none_that_is_always_a_disguise() -> None:
    known = known_words()
    assert {"shoot", "breast", "canard", "pollo", "messy", "bidet"} <= known
    assert not {"pron", "nakde", "porm"} & known


@pytest.mark.parametrize("text", ['group = ["a"]', "group = ", "group = 3"])
def test_a_lexicon_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "xx.toml").write_text(text)
    with pytest.raises(InvalidArgument, match=r"xx\.toml"):
        list(read_groups(tmp_path))
