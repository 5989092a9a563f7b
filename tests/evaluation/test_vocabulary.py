from __future__ import annotations

import json

import pytest

from unclip.errors import CorpusError
from unclip.evaluation.vocabulary import FILE, LEAST, PAINTED, STYLES, Vocabulary


def test_the_list_is_consistent():
    """A concept is of one class, and like none; a class is listed under a concept that it is."""
    listed = json.loads(FILE.read_text())
    assert len(listed) >= 80
    concepts = [concept for entry in listed.values() for concept in entry["is"]]
    assert len(concepts) == len(set(concepts))
    like = {concept for entry in listed.values() for concept in entry.get("like", ())}
    assert not like & set(concepts)


def test_every_drawing_has_one_place(vocabulary, store):
    for name, thing in vocabulary.things.items():
        assert len(thing.drawings) >= LEAST
        for i in thing.drawings:
            assert vocabulary.names[vocabulary.number(i)] == name
            assert store[i].concept in thing.concepts
    for i in vocabulary.others:
        assert vocabulary.number(i) == len(vocabulary)
    for i, sprite in enumerate(store.sprites):
        if sprite.split != "train":
            assert vocabulary.number(i) is None


def test_what_bears_a_class_in_its_name_is_no_other(vocabulary, store):
    assert "cat" in vocabulary.names
    assert not any("cat" in store[i].concept.split() for i in vocabulary.others)
    assert {store[i].concept for i in vocabulary.others}


def test_drawings_by_style_and_colour(vocabulary, store):
    for name in vocabulary.names:
        every = vocabulary.drawings(name)
        drawn = [style for style in STYLES if style not in PAINTED]
        assert sorted(i for s in drawn for i in vocabulary.drawings(name, s)) == sorted(every)
        assert all(vocabulary.drawings(name, style) == every for style in PAINTED)
        for i in vocabulary.drawings(name, colour="blue"):
            assert vocabulary.takes_colour(i)


def test_a_store_without_classes(store):
    with pytest.raises(CorpusError, match="no class"):
        Vocabulary(store, least=1000)
