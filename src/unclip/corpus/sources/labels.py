"""Tables of what the drawings of a source show, written by people who looked at each one.

Names of icons and of files say what a drawing is for rather than what is on it ("user", "Clipart by
somebody 17"), so a picture is taught only under the name that a table gives it. A table is a text
file of `shown/`:

    # a comment
    [animals]                                   the category of what follows
    fox, tiger-head, manager_01 tux_03 = penguin
    [left out]
    emojis/turkey

Entries stand between commas: a name that reads as the concept, or several and their concept. A
name may begin with its set, which wins over one that does not; `left out` is for those.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Label:
    """What a drawing shows: a concept and its category."""

    concept: str
    category: str


@functools.lru_cache
def load(table: str) -> dict[str, Label | None]:
    """Labels by name; None for what is left out."""
    text = (Path(__file__).parent / "shown" / f"{table}.txt").read_text(encoding="utf-8")
    return dict(_entries(text))


def _entries(text: str) -> Iterator[tuple[str, Label | None]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for section in "\n".join(lines).split("[")[1:]:
        category, _, rest = section.partition("]")
        for entry in filter(None, (" ".join(part.split()) for part in rest.split(","))):
            names, _, concept = entry.partition(" = ")
            for name in names.split(" "):
                shown = concept or name.rpartition("/")[2].replace("-", " ")
                yield name, None if category == "left out" else Label(shown, category)


def find(table: str, *names: str) -> Label | None:
    """The label of the first of `names` that the table has."""
    labels = load(table)
    return next((labels[name] for name in names if name in labels), None)
