"""What a prompt asks for, thing by thing: how many of each, how they stand, and what is around.

    "an oil painting of two cats and a red ball in a forest, at dusk"
     front               things                  place        place

Rules of English, in the words of the corpus's captions, and one question: where things are named.
What fits no rule stays with the thing before it, for the prior to read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from unclip.corpus.colours import BACKGROUND_COLOURS, COLOUR_SYNONYMS, OBJECT_COLOURS
from unclip.corpus.names import head, singular, with_article
from unclip.corpus.phrases import (
    CLEAR_PHRASES,
    LIGHT_PHRASES,
    MIRRORED,
    NUMBERS,
    OVER_PHRASES,
    PLACE_PHRASES,
    RELATION_PHRASES,
    WEATHER_PHRASES,
)
from unclip.corpus.relations import LISTED
from unclip.corpus.scene import CloseRelation, Relation

MOST = 6
"""Things in a picture: as many as the corpus shows."""

Span = tuple[int, int]
"""Characters of a text, from and to."""


class Name(NamedTuple):
    """Where a text names a thing, which, and whether by the very words that it is known by."""

    start: int
    end: int
    thing: int
    exact: bool = True


Namer = Callable[[str], Iterable[Name]]
"""Finds names in a text."""


class Thing(NamedTuple):
    """A noun phrase of one of them, without article, how `many` there are to be, and in which
    colour: one that things can be dyed."""

    name: str
    many: int = 1
    colour: str | None = None


@dataclass(frozen=True)
class Reading:
    """A prompt in parts.

    Args:
        relation: of the first of two things to the second, where it is said.
        front: how all is drawn, before the things: "an oil painting of".
        backdrop: "on a blue background".
        place: where they are, in what light: "in a forest at sunset".
        tags: what follows commas: ", watercolour".
    """

    things: tuple[Thing, ...]
    relation: Relation | CloseRelation | None = None
    front: str = ""
    backdrop: str = ""
    place: str = ""
    tags: str = ""

    @property
    def count(self) -> int:
        """How many things there are to be."""
        return sum(thing.many for thing in self.things)

    @property
    def afloat(self) -> bool:
        """Whether there is no ground where the things are."""
        return not self.place or bool(_AFLOAT.search(self.place))

    def alone(self, thing: Thing) -> str:
        """A prompt for one of a thing, in the same manner, before nothing in particular."""
        return self._said(thing, "")

    def in_place(self) -> str:
        """A prompt for one of the first thing, where the things are to be."""
        return self._said(self.things[0], self.place or self.backdrop)

    @property
    def is_silhouette(self) -> bool:
        """Whether the things are to be seen in black."""
        return bool(_SILHOUETTE.search(self.front + self.tags))

    @property
    def backdrop_colour(self) -> str | None:
        """Of `BACKGROUND_COLOURS`, where the backdrop is of one and no more."""
        found = _PLAIN_BACKDROP.fullmatch(self.backdrop)
        return None if self.place or found is None else found[1].lower()

    def _said(self, thing: Thing, where: str) -> str:
        front, tags = self.front, self.tags
        if self.is_silhouette:  # what is drawn with its shades is known by its outline too
            front, tags = "", ""
        parts = (front, with_article(thing.name), where)
        return " ".join(part for part in parts if part) + tags


def read(prompt: str, named: Namer) -> Reading | None:
    """Take a prompt apart; None where it does not come to two to six things with names, or to one
    that is before something, somewhere or in a colour."""
    text = _ASKING.sub("", " ".join(prompt.split())).rstrip(" .!")
    front = ""
    if found := _FRONT.match(text):
        front, text = found[0].strip(), text[found.end() :]
    text, backdrop = _without(_BACKDROP, text)
    text, place = _without(_PLACE, text)
    dark = bool(_SILHOUETTE.search(front + text))
    telling = (_LINK, _NUMBER, _COLOUR)
    if not (place or backdrop or dark or any(part.search(text) for part in telling)):
        return None  # which most prompts are, and it costs nothing to tell
    pieces, joints, tags = _pieces(text, named)
    things = tuple(_coloured(_counted(piece), named) for piece in pieces)
    said = None
    if len(pieces) == 2:
        said = _RELATION_OF.get(joints[1]) or _sides(*pieces)
    reading = Reading(things, said, front, backdrop, place, "".join(f", {tag}" for tag in tags))
    least = 1 if place or backdrop or dark or any(thing.colour for thing in things) else 2
    return reading if least <= reading.count <= MOST else None


def noun_phrases(prompt: str) -> Iterator[Span]:
    """Where a prompt may name things, articles and numbers with them: all but how it is drawn, what
    is behind, joints, and tags."""
    start = 0
    for part in (_ASKING, _FRONT):
        if found := part.match(prompt[start:]):
            start += found.end()
    others = [
        m.span() for part in (_BACKDROP, _PLACE, _JOINT) for m in part.finditer(prompt, start)
    ]
    first = start
    for begin, end in [*sorted(others), (len(prompt), len(prompt))]:
        phrase = _TRIMMED.search(prompt, start, begin)
        if phrase and (start == first or _ARTICLE.match(phrase[0]) or _NUMBER.match(phrase[0])):
            yield phrase.span()
        start = max(start, end)


def any_of(phrases: Iterable[str]) -> str:
    """A pattern for any of some phrases, the longest first; braces are an adjective, or a noun at
    the end."""
    ordered = sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase))
    words = (re.escape(phrase) for phrase in ordered)
    return "|".join(
        re.sub(r"\\{\\}$", r"[\\w-]+", word).replace(r"\{\}", r"(?:[\w-]+ )?") for word in words
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_MEDIA = (
    "picture image photo photograph illustration artwork art drawing painting sketch cartoon icon "
    "render rendering model print clipart design silhouette watercolour watercolor halftone sign "
    "close-up close shot view scene oil sculpture portrait logo poster sticker"
)
_ASKING = _pattern(
    r"^(?:(?:please )?(?:draw|paint|make|create|generate|show)(?: me| us)?|there (?:is|are)) "
)
_FRONT = _pattern(
    rf"^(?:(?:an?|the) )?(?:[\w-]+ ){{0,4}}?(?:{'|'.join(_MEDIA.split())})"
    r"(?: up| in oil)? (?:of|showing|with) "
)
_BACKDROP = _pattern(
    r"\b(?:on|with|against|before|in front of) (?:an? |the )?(?:[\w-]+ ){0,4}"
    r"(?:background|backdrop)\b"
)
_PLAIN_BACKDROP = _pattern(
    rf"\w+ (?:an? |the )?(?:plain |solid )?({any_of(BACKGROUND_COLOURS)}) (?:background|backdrop)"
)
_SILHOUETTE = _pattern(r"\bsilhouettes?\b")
_SCENES = (
    "meadow field grass lawn beach seashore shore sea ocean lake river water desert dunes snow "
    "mountains landscape valley forest woods jungle clearing city town village street road "
    "park garden room space stars planets sky sunset sunrise dusk dawn twilight night day daylight "
    "morning evening fog mist rain moonlight sunshine winter summer autumn spring"
)
_PLACE = _pattern(
    r",? ?\b(?:"
    + any_of(
        phrase
        for table in (PLACE_PHRASES, OVER_PHRASES, LIGHT_PHRASES, CLEAR_PHRASES, WEATHER_PHRASES)
        for listed in table.values()
        for phrase in listed
    )
    + r"|(?:in|on|at|by|under|over|above|among|during|before|near|through|in front of) "
    + rf"(?:an? |the )?(?:[\w-]+ ){{0,2}}?(?:{'|'.join(_SCENES.split())})"
    + r")\b"
)
_AFLOAT = _pattern(
    r"\b(?:space|stars|underwater|(?:under|deep in) the sea|in the (?:sky|air|sea|ocean))\b"
)
_RELATIONS: tuple[Relation | CloseRelation, ...] = (
    "left of", "right of", "above", "below", "on", "under", "beside",
)  # fmt: skip
_DONE: tuple[CloseRelation, ...] = ("riding", "holding", "inside")
_DOES: dict[CloseRelation, str] = {
    "holding": "eating drinking reading playing using throwing kicking waving licking catching",
    "riding": "driving flying sailing",
    "under": "wearing",
}
"""As what a picture can show it; what else one does to another, it does beside it."""
_BETWEEN: dict[str, Relation | CloseRelation] = {
    phrase: relation for relation in _RELATIONS for phrase in RELATION_PHRASES[relation]
}
_RELATION_OF: dict[str, Relation | CloseRelation] = {
    **_BETWEEN,
    **{phrase: done for done in _DONE for phrase in RELATION_PHRASES[done]},
    **{word: done for done, words in _DOES.items() for word in words.split()},
}
_AND = ("and", "&")
_COMMA = r"\s*(,)\s*(?:and\s+)?"
_JOINT = _pattern(rf"(?:{_COMMA})|\s+({any_of([*_BETWEEN, *_AND])})\s+")
_VESSELS = {head(name)[1] for name in LISTED["inside"][1]} | {"box", "hat", "pot", "boat"}
_LINKS = (
    any_of([*_RELATION_OF.keys() - {"in"}, *_AND]),
    rf"in(?=\s+(?:[\w-]+\s+){{1,2}}?(?:{any_of(_VESSELS)})\b)",
    r"(?:with|\w+ing)(?=\s+(?:an?|the|his|her|its|their|one|two|three|four)\s)",
)
_LINK = _pattern(rf"(?:{_COMMA})|\s+({'|'.join(_LINKS)})\s+")
"""What stands between two things, of which what `_JOINT` knows is never a part of one."""
_COUNT_OF = {phrase: n for n, listed in NUMBERS.items() for phrase in listed}
_COUNT_OF |= {"a couple of": 2, "both": 2}
_NUMBER = _pattern(rf"^({any_of(_COUNT_OF)})\s+(?:of the\s+|the\s+)?")
_COLOUR_OF = {colour: colour for colour in OBJECT_COLOURS} | {
    word: colour for colour, words in COLOUR_SYNONYMS.items() for word in words
}
_DYE = any_of(_COLOUR_OF)
_PLAIN_WORD = rf"(?!(?:{_DYE}|light|dark|pale|deep|in|with|of|on|at|by|and|an?|the)\b)[\w-]+"
_COLOUR = _pattern(rf"((?:{_PLAIN_WORD} ){{1,2}}?)?({_DYE}) (?!and\b|or\b|(?:{_DYE})\b)")
"""What may come before a colour, and one that things can be dyed: a "light blue" is none."""
_REMARK = _pattern(r"(?:[\w-]+(?:ed|ing)|with|in|on|at|as|of|by|from|for|like|that|which)\b")
_ARTICLE = _pattern(r"^(?:an?|the|one|1|some|my|your|our|his|her|their)\s+")
_POSED = _pattern(r"\s+(?:(?:that|which)\s+)?(?:is|are|sits|stands|sitting|standing|lying|placed)$")
_SIDE = _pattern(
    r",? (?:on|at|in|to) the (left|right|top|bottom)(?: (?:side|half|part|third))?(?: of the \w+)?$"
)
_SIDES: dict[str, Relation] = {
    "left": "left of", "right": "right of", "top": "above", "bottom": "below",
}  # fmt: skip
_TRIMMED = re.compile(r"[^\s.!,](?:.*[^\s.!,])?")
_PAIRED = (
    "scissors",
    "glasses",
    "sunglasses",
    "trousers",
    "pants",
    "jeans",
    "shorts",
    "binoculars",
)
"""One of them is called a pair."""


def _without(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """A text without what fits a pattern, and that, in one."""
    found = [match[0].strip(", ") for match in pattern.finditer(text)]
    left = re.sub(r"\s+([,]|$)", r"\1", " ".join(pattern.sub(" ", text).split()))
    return left.strip(", "), " ".join(found)


def _pieces(text: str, named: Namer) -> tuple[list[str], list[str], list[str]]:
    """The pieces that name a thing, the joint before each, and the tags.

    A piece without a thing, or that starts as a remark, is a tag after a comma, else part of what
    it stands beside: "black and white cat", "a cat on the left".
    """
    things: list[Span] = []
    joints: list[str] = []
    tags: list[str] = []
    waiting: tuple[str, int] | None = None
    for joint, start, end in _split(text, named):
        remark = joint == "," and _REMARK.match(text, start)
        if not remark and any(named(text[start:end])):
            joint, start = waiting or (joint, start)
            things.append((start, end))
            joints.append(joint)
            waiting = None
        elif joint == ",":
            tags.append(text[start:end])
        elif things and not tags:
            things[-1] = things[-1][0], end
        else:
            waiting = waiting or (joint, start)
    return [text[a:b] for a, b in things], joints, [tag for tag in tags if tag]


def _split(text: str, named: Namer) -> Iterator[tuple[str, int, int]]:
    """Between links: the one before, in lower case, and from where to where. What is inside of a
    name is none: "bow and arrow"."""
    found = list(_LINK.finditer(text))
    names = list(named(text)) if any(match[2] for match in found) else []
    joint, start = "", 0
    for match in found:
        inside = any(a < match.start() and match.end() < b for a, b, *_ in names)
        if inside and match[2]:
            continue
        yield joint, start, match.start()
        joint, start = (match[1] or match[2]).lower(), match.end()
    yield joint, start, len(text)


def _counted(piece: str) -> Thing:
    """A piece without its number or article, in the singular."""
    name = _POSED.sub("", _SIDE.sub("", piece))
    number = _NUMBER.match(name)
    if number is None:
        return Thing(_ARTICLE.sub("", name))
    name, many = name[number.end() :], _COUNT_OF[number[1].lower()]
    if head(name)[1] in _PAIRED:
        return Thing(name, 1 if " of" in number[1] else many)
    return Thing(singular(name) or name, many)


def _coloured(thing: Thing, named: Namer) -> Thing:
    """The colour taken out of its name, unless it belongs there: a red panda is no panda."""
    found = _COLOUR.match(thing.name)
    if found is None:
        return thing
    plain = f"{found[1] or ''}{thing.name[found.end() :]}"
    whole = {
        name.thing for name in named(thing.name) if name.exact and name.start <= len(found[1] or "")
    }
    if whole - {name.thing for name in named(plain)}:
        return thing
    return thing._replace(name=plain, colour=_COLOUR_OF[found[2].lower()])


def _sides(first: str, second: str) -> Relation | CloseRelation | None:
    """The relation of two things of which one is said to be at a side of the picture."""
    if found := _SIDE.search(first):
        return _SIDES[found[1].lower()]
    if found := _SIDE.search(second):
        return MIRRORED[_SIDES[found[1].lower()]]
    return None
