"""The lists of people."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from unclip.errors import InvalidArgument
from unclip.safety.names import ARTIST, FIGURE, FREE, UNSURE, Gazetteer, read_people


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer.load()


def test_the_lists_are_dated_long_and_without_doubles(gazetteer: Gazetteer) -> None:
    assert datetime.date.fromisoformat(gazetteer.date) > datetime.date(2025, 1, 1)
    assert len([one for one in gazetteer.figures if one.died is None]) >= 800
    assert len([one for one in gazetteer.artists if one.died is None]) >= 500
    for people in (gazetteer.figures, gazetteer.artists):
        names = [one.name.casefold() for one in people]
        assert len(set(names)) == len(names)


def test_years_are_in_order(gazetteer: Gazetteer) -> None:
    for one in (*gazetteer.figures, *gazetteer.artists):
        if one.born is not None and one.died is not None:
            assert 5 < one.died - one.born < 112, one
        elif one.born is not None:
            assert one.born > 1914, f"{one} would be the oldest person alive"


def test_groups_follow_from_lives_and_signs() -> None:
    people = {term: group for group, term, _ in Gazetteer.load().terms(history_years=30)}
    assert people["Barack Obama"] == people["Obama"] == people["Princess Diana"] == FIGURE
    assert people["Winston Churchill"] == people["Vincent van Gogh"] == FREE
    assert people["Banksy"] == ARTIST
    assert people["Drake"] == UNSURE


def test_history_moves_with_the_policy() -> None:
    people = {term: group for group, term, _ in Gazetteer.load().terms(history_years=100)}
    assert people["Albert Einstein"] == FIGURE
    assert people["George Washington"] == FREE


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Ada\t1815\t1852\tscientist\n", "# date"),
        ("# date 2026-01-01\nAda\t1815\n", "Ada"),
        ("# date 2026-01-01\nAda\tlong ago\t\tscientist\n", "long ago"),
        ("# date 2026-01-01\nAda\t1815\t1852\twizard\n", "politician"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "people.tsv"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=problem):
        read_people(path)
