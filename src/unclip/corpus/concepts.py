"""Which concept a raw sprite draws, and which other words are true of it."""

from __future__ import annotations

import re

from unclip.corpus import wordnet as wn
from unclip.corpus.names import (
    BROAD_WORDS,
    COLOUR_WORDS,
    FALLBACKS,
    NOT_TAUGHT,
    concept,
    head,
    is_plural,
)
from unclip.corpus.sources import RawSprite

_LEXFILES = {
    "animals": (wn.ANIMAL,),
    "food": (wn.FOOD, wn.PLANT, wn.ARTIFACT),
    "nature": (wn.PLANT, wn.OBJECT),
    "people": (wn.PERSON, wn.BODY),
    "vehicles": (wn.ARTIFACT,),
    "places": (wn.ARTIFACT, wn.OBJECT),
    "objects": (wn.ARTIFACT, wn.FOOD, wn.PLANT),
}
_MESSY = re.compile(
    r"\b(?:clip ?art|icon|symbol|sign|silhouette|outline|contour|cartoon|svg|by|the|my|new|tux|"
    r"submission|example|illustration|logo|part|remix|revisited|stylized|simple|i|r\d+)\b"
)
_LATIN_NAMES = re.compile(r"^[a-z][a-z '-]*$")


def tidy(name: str) -> str:
    """A title or file name as plain lower-case words: "Bus2 (B and W)" gives "bus"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    low = re.sub(r"\([^)]*\)|\bb ?(?:and|&|/|_)? ?w\b", " ", spaced.lower())
    low = re.sub(r"\d+|[_.,:;!?|/]+", " ", low)
    low = re.sub(r"\b(?:bw|md|r|v)\b|[-\s]+$", " ", low)
    return re.sub(r"^(?:an?|another|some) ", "", re.sub(r"\s+", " ", low).strip(" -'"))


def resolve(raw: RawSprite, words: wn.WordNet) -> str | None:
    """The concept of `raw`, or None where no candidate names something that can be drawn.

    Names of clip art must be at most three English words whose last is a noun filed under what its
    folder holds, so that a penguin titled "Manager" is not taught as a manager.
    """
    if raw.trusted:
        return raw.names[0]
    files = _LEXFILES[raw.category]
    for name in raw.names:
        text = tidy(name)
        parts = text.split(" ")
        if len(text) < 3 or len(parts) > 3 or _MESSY.search(text) or NOT_TAUGHT & {*parts}:
            continue
        if name in raw.tags and text not in FALLBACKS:  # a keyword tells the kind at best
            continue
        noun = head(text)[1]
        if not all(words.is_word(w) or w in ("of", "with", "and", "a") for w in parts):
            continue
        single = text if words.senses(text) else noun
        if noun in BROAD_WORDS or words.sense(single, files) is None:
            continue
        if words.senses(single)[0].lexfile in wn.CONCRETE or text in raw.tags:
            return concept(text)
    return None


def synonyms(name: str, category: str, tags: frozenset[str], words: wn.WordNet) -> tuple[str, ...]:
    """Other names of a concept: tags and lemmas that WordNet says mean it or sit next to it."""
    files = _LEXFILES.get(category, wn.CONCRETE)
    found: list[str] = []
    first, _, rest = name.partition(" ")
    if rest.endswith("face") or is_plural(name):
        return ()
    sense = words.sense(name, files)
    if sense is not None:
        for tag in sorted(tags):
            other = words.sense(tag, files)
            if other and words.names(other, sense) and words.singular(tag) == tag:
                found.append(tag)
        for lemma in sense.lemmas:
            meanings = words.senses(lemma)
            if words.is_common(lemma) and meanings and meanings[0].key == sense.key:
                found.append(lemma)
    elif first in COLOUR_WORDS and words.sense(rest, files):
        found.append(rest)
    return tuple(
        dict.fromkeys(
            f for f in found if f != name and f not in BROAD_WORDS and _LATIN_NAMES.match(f)
        )
    )
