"""Which things go together, and which are at home where: lists of concepts."""

from __future__ import annotations

import json
from pathlib import Path

from unclip.corpus.scene import CloseRelation, Relation

_LISTS = json.loads((Path(__file__).parent / "relations.json").read_text(encoding="utf-8"))
FLIES, SWIMS, FLOATS, DRIVES, SKY = (
    frozenset(_LISTS[name]) for name in ("flies", "swims", "floats", "drives", "sky")
)
_PEOPLE, _BEASTS = frozenset(_LISTS["people"]), frozenset(_LISTS["beasts"])
_PLACELESS = frozenset(_LISTS["placeless"])
_HOMES: dict[str, frozenset[str]] = {k: frozenset(v) for k, v in _LISTS["homely"].items()}

LISTED: dict[Relation | CloseRelation, tuple[frozenset[str], dict[str, float | None]]] = {
    "inside": (frozenset(_LISTS["contents"]), _LISTS["containers"]),
    "on": (frozenset(_LISTS["rests"]), _LISTS["supports"]),
    "under": (frozenset(_LISTS["sheltered"]), _LISTS["shelters"]),
    "riding": (_PEOPLE | _BEASTS, _LISTS["mounts"]),
    "holding": (_PEOPLE | _BEASTS, _LISTS["held"]),
}
"""First and second things of each relation that not any two things can have.

The number is a height of the second drawing, from its top: see the file.
"""


def can(relation: CloseRelation, concept: str) -> bool:
    """Whether a concept can be the first thing of a relation: "man pilot" is a pilot too."""
    listed = LISTED[relation][0]
    who, _, what = concept.partition(" ")
    return concept in listed or (
        relation in ("riding", "holding") and who in ("man", "woman", "person") and what in listed
    )


def at_home(concept: str, category: str) -> list[str]:
    """The places where a thing is most often met."""
    homes = [place for place, things in _HOMES.items() if concept in things]
    if concept in SWIMS:
        homes += ["underwater", "sea"]
    if concept in FLOATS:
        homes += ["sea", "sea"]
    if concept in DRIVES:
        homes += ["road", "city"]
    if category == "objects" and not homes:
        homes = ["room"]
    return homes


def placeable(concept: str, category: str) -> bool:
    """Whether a thing looks right in a place: hands, shapes and whole views do not."""
    if category in ("shapes", "places") and concept not in _BUILDINGS:
        return False
    if category == "faces" and concept not in _BEASTS:
        return False
    return not any(word in _PLACELESS for word in concept.split(" ")) or concept in _BEASTS


_BUILDINGS = frozenset(_LISTS["buildings"])
