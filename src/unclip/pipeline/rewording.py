"""Says what a prompt describes by the names that captions have: "a purring feline" is a cat.

A noun that captions know stays, unless the words beside it tell of a kind of it: a flightless bird
is a penguin. Any other noun gives way to the thing that it and its words tell of, together with as
many of these words as it takes to tell.
"""

from __future__ import annotations

import re
from itertools import chain, islice

from unclip.corpus.colours import BACKGROUND_COLOURS, COLOUR_SYNONYMS, OBJECT_COLOURS
from unclip.corpus.dictionary import Dictionary, telling
from unclip.corpus.names import BROAD_WORDS, PLAIN_WORDS, head, plural, singular, with_article
from unclip.corpus.thesaurus import Thesaurus
from unclip.pipeline.reading import noun_phrases

MOST = 8
"""Noun phrases that are looked at; a picture has no more things."""
LEAST, SURE = 0.3, 0.75
"""How well a thing must fit; and so well that the noun alone says it."""
BETTER = 0.05
"""By how much better than what the noun names a kind of it must."""
_ONE = re.compile(r"(?:(an?)|the|one|some|my|your|our|his|her|their)\s+", re.IGNORECASE)
_PAIR = re.compile(r"(?:[\w-]+ )*?([\w-]+ (?:and|&) [\w-]+)")
_CLAUSE = re.compile(
    r"\s+(?:(?:that|which|who|whose|for|from|where|full of)\b|\w+ing (?:an?|the|with|on|in|at) ).*",
    re.IGNORECASE,
)


_COLOURS = (*OBJECT_COLOURS, *BACKGROUND_COLOURS, *chain.from_iterable(COLOUR_SYNONYMS.values()))
_ANY = PLAIN_WORDS | {word for name in _COLOURS for word in name.split()}
"""What may be said of anything, so that it tells of no kind."""


def reworded(prompt: str) -> str:
    """A prompt in the corpus's words: first by the thesaurus, then by the dictionary."""
    return named(Thesaurus.shipped().translate(prompt), Dictionary.shipped())


def named(prompt: str, dictionary: Dictionary) -> str:
    """A prompt with its descriptions by name; all else is left as it is."""
    said, at = [], 0
    for start, end in islice(noun_phrases(prompt), MOST):
        found = _ONE.match(prompt, start, end)
        begin = found.end() if found else start
        pair = _PAIR.match(prompt, begin)
        if pair and pair.end() > end and dictionary.knows(pair[1]):
            continue  # "bow and arrow" is one thing
        other = _other(prompt[begin:end], dictionary)
        if other is not None:
            if found and found[1]:
                begin, other = start, with_article(other)
            said += [prompt[at:begin], other]
            at = end
    return "".join([*said, prompt[at:]])


def _other(phrase: str, dictionary: Dictionary) -> str | None:
    """What to say for a noun phrase without its article; None to leave it."""
    clause = _CLAUSE.search(phrase)
    before, noun, rest = head(phrase[: clause.start()] if clause else phrase)
    rest += clause[0] if clause else ""
    words = before.split()
    named = (" ".join([*words[k:], noun]) for k in range(len(words)))
    if (rest and dictionary.knows(noun + rest)) or any(map(dictionary.knows, named)):
        return None
    one = singular(noun) or noun
    if one in _ANY:  # the black of "black and white"
        return None
    if dictionary.knows(noun):
        return _kind(words, one.lower(), rest, dictionary)
    plain = " ".join([*_special(before), one])
    alone, front = dictionary.find(one), dictionary.find(plain)
    whole = dictionary.find(" ".join([plain, *_special(rest)]))
    vague = one.lower() in BROAD_WORDS
    if alone.fit >= SURE and not vague:
        kept, found, left = before, alone, rest
    elif front.name == whole.name or (front.fit >= whole.fit and not vague):
        kept, found, left = before if front.name == alone.name else "", front, rest
    else:
        kept, found, left = "", whole, ""
    if found.fit < LEAST:
        return None
    name = found.name if one == noun else plural(found.name) or found.name
    return f"{kept}{name}{left}"


def _kind(words: list[str], noun: str, rest: str, dictionary: Dictionary) -> str | None:
    """A kind of a thing that captions know, if words that are not said of anything tell of it."""
    more = _special(f"{' '.join(words)} {rest}")
    text = " ".join([*more, noun])
    found = dictionary.find(text)
    if not more or not dictionary.is_kind(found.name, noun):
        return None
    return found.name if found.fit >= dictionary.fit(noun, text) + BETTER else None


def _special(text: str) -> list[str]:
    """Words that tell of a kind."""
    return [word for word in telling(text) if word not in _ANY]
