from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unclip
from unclip.corpus.choice import EVERYDAY
from unclip.corpus.names import plural, singular
from unclip.corpus.store import SpriteStore
from unclip.corpus.thesaurus import FILE, Thesaurus, write
from unclip.corpus.thesaurus_build import caption_words, make_thesaurus
from unclip.corpus.wordnet import ANIMAL, ARTIFACT, FOOD, PERSON, SUBSTANCE, WordNet

SAID = Thesaurus(
    {
        "pup": "dog", "heifer": "cow", "motorcar": "car", "auto": "automobile", "oak": "tree",
        "labrador retriever": "dog", "retriever": "dog", "lager": "beer", "shears": "scissors",
        "table": "table", "dog": "dog", "crow's nest": "platform", "pup tent": "pup tent",
    }
)  # fmt: skip
SHIPPED = Thesaurus.shipped()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a pup", "a dog"), ("two pups", "two dogs"), ("A Pup!", "A dog!"),
        ("a motorcar and an auto", "a car and an automobile"), ("an  auto", "an automobile"),
        ("a labrador retriever", "a dog"), ("labrador retrievers", "dogs"),
        ("a labrador, retriever", "a labrador, dog"), ("the pup's ball", "the dog's ball"),
        ("pups' ball", "dogs' ball"), ("a crow's nest", "a platform"),
        ("a lager", "beer"), ("a cold lager", "a cold beer"), ("shears", "scissors"),
        # what stands before another noun is no thing of its own
        ("an oak table", "an oak table"), ("an oak", "a tree"), ("an oak, table", "a tree, table"),
        ("a pup tent", "a pup tent"), ("pups' pup tents", "dogs' pup tents"),
        ("'a pup'", "'a dog'"), ("a puppet", "a puppet"), ("pup-like", "pup-like"),
        ("", ""), (" .. ", " .. "),
    ],
)  # fmt: skip
def test_translations(text: str, expected: str) -> None:
    assert SAID.translate(text) == expected


@given(st.text(max_size=40))
def test_other_text_is_untouched(text: str) -> None:
    """Without a word that is known, everything is as it was."""
    if not re.search("pup|heifer|motorcar|auto|oak|retriever|lager|shears|crow", text.lower()):
        assert SAID.translate(text) == text


@given(st.lists(st.sampled_from(["a pup", "two heifers", "an oak", "red", "on", "blue"])))
def test_what_is_said_is_said_already(parts: list[str]) -> None:
    once = SAID.translate(", ".join(parts))
    assert SAID.translate(once) == once
    assert once.count(", ") == max(len(parts) - 1, 0)


def test_shipped_prompts() -> None:
    assert (
        SHIPPED.translate("A pup and two heifers in the rain") == "A dog and two cows in the rain"
    )
    assert SHIPPED.translate("a limousine, 3d render") == "a car, 3d render"
    plain = "a red apple and a dog running in the dark, set in warm light, oil painting, 8-bit"
    assert SHIPPED.translate(plain) == plain


def test_the_corpus_s_words_stay() -> None:
    for phrase in (*EVERYDAY, *caption_words()):
        assert SHIPPED.translate(phrase) == phrase


def test_the_shipped_table_is_small_and_whole() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert "WordNet 3.0" in text.partition("\n")[0]
    lines = text.splitlines()[1:]
    assert lines == sorted(lines)
    assert len(text) < 600_000
    assert len(SHIPPED) > 5_000
    assert all(
        len(line.split("\t")) == 2 and len(line.split("\t")[0].split()) <= 3 for line in lines
    )


def test_loading_needs_no_torch() -> None:
    code = (
        "import sys, unclip.corpus.thesaurus as t; t.Thesaurus.shipped().translate('a pup');"
        "print(sorted({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_of_several_is_what_it_was() -> None:
    file = Path(unclip.__file__).parent / "evaluation/vocabulary.json"
    vocabulary = json.loads(file.read_text(encoding="utf-8"))
    listed = {name for thing in vocabulary.values() for names in thing.values() for name in names}
    for name in {*EVERYDAY, *vocabulary, *listed}:
        several = plural(name)
        assert several is None or singular(several) == name


@pytest.mark.parametrize("word", ["dog", "bus", "glass", "octopus", "lens", "pier", "skin", "iris"])
def test_one_has_no_singular(word: str) -> None:
    assert singular(word) is None


# a small WordNet: word, file, the one above, gloss, uses as a noun
NOUNS = [
    ("animal", ANIMAL, "", "", 9), ("canine", ANIMAL, "animal", "", 2),
    ("dog", ANIMAL, "canine", "", 9), ("terrier", ANIMAL, "dog", "", 0),
    ("hare", ANIMAL, "animal", "", 1), ("newt", ANIMAL, "animal", "", 0),
    ("car", ARTIFACT, "", "", 9), ("sedan", ARTIFACT, "car", "", 1),
    ("hearse", ARTIFACT, "car", "offensive", 1), ("light", ARTIFACT, "car", "", 1),
    ("setting", ARTIFACT, "car", "", 5), ("red rover", ARTIFACT, "car", "", 5),
    ("apple", FOOD, "", "", 1), ("pippin", FOOD, "apple", "", 0),
    ("Pippin", PERSON, "", "", 0), ("russet", FOOD, "apple", "", 0),
    ("russet", SUBSTANCE, "", "", 0),
]  # fmt: skip


@pytest.fixture
def words(tmp_path: Path) -> WordNet:
    keys = {word: f"{i:08d}" for i, (word, *_) in reversed(list(enumerate(NOUNS)))}
    data, senses, counts = [], dict[str, list[str]](), []
    for i, (word, file, above, gloss, used) in enumerate(NOUNS):
        spelled, pointer = word.replace(" ", "_"), f"001 @ {keys[above]} n 0000" if above else "000"
        data.append(f"{i:08d} {file:02d} n 01 {spelled} 0 {pointer} | {gloss}")
        senses.setdefault(spelled.lower(), []).append(f"{i:08d}")
        if used:
            counts.append(f"{spelled}%1:{file:02d}:00:: 1 {used}")
    index = [f"{x} n {len(of)} 1 @ {len(of)} 1 {' '.join(of)}" for x, of in senses.items()]
    counts += ["light%3:00:00:: 1 20", "light%5:00:00:: 2 5"]
    files = {
        "data.noun": data, "index.noun": index, "noun.exc": ["geese goose"],
        "verb.exc": ["ran run"], "index.verb": ["set v 1"], "index.adj": ["light a 2"],
        "index.adv": [], "cntlist.rev": counts,
    }  # fmt: skip
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines))
    return WordNet(tmp_path)


def test_what_leads_to_a_drawing(store: SpriteStore, words: WordNet) -> None:
    made = make_thesaurus(store, words)
    found = {phrase: word for phrase, word in made.items() if phrase != word}
    # up to what is drawn, and down to the most everyday of its kinds
    assert found == {"terrier": "dog", "canine": "dog", "sedan": "car"}
    assert made["dog"] == "dog"


def test_wordnet_counts_uses(words: WordNet) -> None:
    assert words.uses("dog", "noun") == (9,)
    assert words.uses("light", "adjective") == (20, 5)
    assert words.uses("dog", "verb") is None
    assert words.is_form_of_verb("ran")
    assert words.is_form_of_verb("setting")
    assert not words.is_form_of_verb("dog")
    assert words.breadth(words.senses("canine")[0]) == 2


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    write({"pup": "dog", "dog": "dog"}, tmp_path / "table.tsv")
    first, *lines = (tmp_path / "table.tsv").read_text().splitlines()
    assert first.startswith("#")
    assert lines == ["dog\tdog", "pup\tdog"]
