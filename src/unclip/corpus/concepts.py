"""Which concept a raw sprite draws, and which other words are true of it."""

from __future__ import annotations

import re

from unclip.corpus import wordnet as wn
from unclip.corpus.names import BROAD_WORDS, COLOUR_WORDS, concept, head, is_plural
from unclip.corpus.sources import RawSprite

_LEXFILES = {
    "animals": frozenset({wn.ANIMAL}),
    "food": frozenset({wn.FOOD, wn.PLANT, wn.ARTIFACT}),
    "nature": frozenset({wn.PLANT, wn.OBJECT}),
    "people": frozenset({wn.PERSON, wn.BODY}),
    "vehicles": frozenset({wn.ARTIFACT}),
    "places": frozenset({wn.ARTIFACT, wn.OBJECT}),
    "objects": frozenset({wn.ARTIFACT, wn.FOOD, wn.PLANT}),
}
_MESSY = re.compile(
    r"\b(?:clip ?art|icon|symbol|sign|silhouette|outline|contour|cartoon|svg|by|the|my|new|tux|"
    r"submission|example|illustration|logo|part|remix|revisited|stylized|simple|r\d+)\b"
)
_LATIN_NAMES = re.compile(r"^[a-z][a-z '-]*$")


def tidy(name: str) -> str:
    """A title or file name as plain lower-case words: "Bus2 (B and W)" gives "bus"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    low = re.sub(r"\([^)]*\)|\bb ?(?:and|&|/|_)? ?w\b", " ", spaced.lower())
    low = re.sub(r"\d+|[_.,:;!?|/]+", " ", low)
    low = re.sub(r"\b(?:bw|md|r|v)\b|[-\s]+$", " ", low)
    return re.sub(r"\s+", " ", low).strip(" -'")


def resolve(raw: RawSprite, words: wn.WordNet) -> str | None:
    """The concept of `raw`, or None where no candidate names something that can be drawn.

    Names of clip art must be at most three English words whose last is a noun filed under what its
    folder holds, so that a penguin titled "Manager" is not taught as a manager.
    """
    if raw.trusted:
        return raw.names[0]
    files = _LEXFILES[raw.category]
    for rank, name in enumerate(raw.names):
        text = tidy(name)
        parts = text.split(" ")
        if not text or len(parts) > 3 or _MESSY.search(text) or len(text) < 3:
            continue
        noun = head(text)[1]
        if not all(words.is_word(w) or w in ("of", "with", "and", "a") for w in parts):
            continue
        single = text if words.senses(text) else noun
        if noun in BROAD_WORDS or words.sense(single, files) is None:
            continue
        if rank and len(parts) > 2:
            continue
        senses = words.senses(single)
        if senses[0].lexfile not in wn.CONCRETE and text not in " ".join(raw.tags):
            continue
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
            if other and words.related(sense, other) and words.singular(tag) == tag:
                found.append(tag)
        for lemma in sense.lemmas:
            meanings = words.senses(lemma)
            if lemma == lemma.lower() and meanings and meanings[0].key == sense.key:
                found.append(lemma)
    elif first in COLOUR_WORDS and words.sense(rest, files):
        found.append(rest)
    return tuple(
        dict.fromkeys(
            f for f in found if f != name and f not in BROAD_WORDS and _LATIN_NAMES.match(f)
        )
    )
