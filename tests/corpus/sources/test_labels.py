from __future__ import annotations

import re
from pathlib import Path

import pytest

from unclip.corpus.names import mirrorable, with_article
from unclip.corpus.sources import labels
from unclip.corpus.sources.labels import Label, find, load

TABLES = [path.stem for path in (Path(labels.__file__).parent / "shown").glob("*.txt")]
CATEGORIES = ("animals", "food", "nature", "vehicles", "places", "people", "faces", "shapes",
              "objects")  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_every_label_is_a_phrase_of_a_known_category(table: str) -> None:
    shown = load(table)
    assert len(shown) > 100
    for name, label in shown.items():
        assert re.fullmatch(r"[\w./&-]+", name), name
        if label is not None:
            assert label.category in CATEGORIES, (name, label)
            assert re.fullmatch(r"[\w'é ñ-]+", label.concept), (name, label)
            assert with_article(label.concept).strip() == with_article(label.concept)
            last = label.concept.split(" ")[-1]
            assert last not in ("a", "an", "the", "of", "with", "in", "on", "and"), (name, label)


@pytest.mark.parametrize("table", TABLES)
def test_no_name_stands_in_two_places(table: str) -> None:
    path = Path(labels.__file__).parent / "shown" / f"{table}.txt"
    names = [name for name, _ in labels._entries(path.read_text(encoding="utf-8"))]
    assert len(names) == len(set(names))


def test_entries_are_names_and_what_they_show() -> None:
    text = "# of a set\n\n[animals]\nfox, tiger-head, a_01 b_02\n= penguin\n[left out]\nset/fox\n"
    assert dict(labels._entries(text)) == {
        "fox": Label("fox", "animals"),
        "tiger-head": Label("tiger head", "animals"),
        "a_01": Label("penguin", "animals"),
        "b_02": Label("penguin", "animals"),
        "set/fox": None,
    }


def test_the_first_name_that_a_table_has_wins() -> None:
    assert find("streamline", "kameleon/sofa", "sofa") == Label("couch", "objects")
    assert find("streamline", "plump/sofa", "sofa") == Label("armchair", "objects")
    assert find("streamline", "cyber/phone", "phone") is None, "left out"
    assert find("streamline", "cursor", "login") is None, "nothing that a screen's buttons show"


def test_known_faults_stay_away() -> None:
    assert find("sweethome3d", "socket") == Label("sock", "objects")
    concepts = {label.concept for table in TABLES for label in load(table).values() if label}
    assert {"igloo", "tepee", "house", "wall socket", "hot air balloon", "office chair"} <= concepts
    assert not {"login", "cursor", "dashboard", "wifi", "align", "person tipping hand"} & concepts
    house = {n for n, label in load("openclipart").items() if label and label.concept == "house"}
    assert not any("igloo" in name or "tent" in name for name in house)
    assert not mirrorable("calendar")
