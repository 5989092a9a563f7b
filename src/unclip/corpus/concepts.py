"""Which other words than its concept are true of a drawing."""

from __future__ import annotations

import re

from unclip.corpus import wordnet as wn
from unclip.corpus.names import (
    BROAD_WORDS,
    KINDS,
    NOT_SYNONYMS,
    head,
    is_plural,
    uncoloured,
)

LEXFILES = {
    "animals": (wn.ANIMAL,),
    "food": (wn.FOOD, wn.PLANT, wn.ARTIFACT),
    "nature": (wn.PLANT, wn.OBJECT),
    "people": (wn.PERSON, wn.BODY),
    "vehicles": (wn.ARTIFACT,),
    "places": (wn.ARTIFACT, wn.OBJECT),
    "objects": (wn.ARTIFACT, wn.FOOD, wn.PLANT),
}
_PORTION = re.compile(
    r"(?:bag|ball|bar|bottle|bouquet|bowl|bunch|bundle|can|cup|ear|glass|jar|jug|loaf|mug|pile|"
    r"plate|roll|row|sheaf|sheet|slice|spool|stack|wedge|wheel) of (?!.* (?:and|with|in) )(.+)$"
)
_NOT_REAL = re.compile(r"(?:toy|paper|origami|cable|hand|railway|tram|doll)\b")
_LATIN_NAMES = re.compile(r"^[a-z][a-z '-]*$")


def plainer(name: str) -> str | None:
    """The everyday word for a thing whose concept is narrower, or None: "office chair" is a chair,
    a "blue car" a car, and "cup of coffee" coffee."""
    if portion := _PORTION.search(name):
        return portion[1]
    before, kind, rest = head(name)
    if not before or rest or kind not in KINDS or " and " in name or _NOT_REAL.match(name):
        return None
    plain = uncoloured(name)
    return plain if plain != name else kind


def also_called(name: str, category: str, words: wn.WordNet) -> tuple[str, ...]:
    """What else a person may call a thing, or a kind of it: "automobile", "beagle". Words that
    mostly mean something else are left out."""
    sense = words.sense(name, LEXFILES.get(category, wn.CONCRETE))
    if sense is None:
        return ()
    return tuple(
        lemma
        for synset in (sense, *words.kinds(sense))
        for lemma in synset.lemmas
        if _LATIN_NAMES.match(lemma) and words.senses(lemma)[:1] == [synset]
    )


def synonyms(name: str, category: str, tags: frozenset[str], words: wn.WordNet) -> tuple[str, ...]:
    """Other names of a concept: tags and lemmas that WordNet says mean it or sit next to it, or the
    everyday word for it."""
    files = LEXFILES.get(category, wn.CONCRETE)
    found: list[str] = []
    if name.endswith(" face") or is_plural(name):
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
    if plain := plainer(name):
        found.append(plain)
    left_out = {name, *BROAD_WORDS, *NOT_SYNONYMS}
    return tuple(dict.fromkeys(f for f in found if f not in left_out and _LATIN_NAMES.match(f)))
