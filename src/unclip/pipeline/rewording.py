"""Says what a prompt describes by the names that captions have: "a purring feline" is a cat.

A description that is like one of those that are known goes first, whole. Then a noun that captions
know stays, unless the words beside it tell of a kind of it: a flightless bird is a penguin. Any
other noun gives way to the thing that it and its words tell of, together with as many of these
words as it takes to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from unclip.corpus.colours import BACKGROUND_COLOURS, COLOUR_SYNONYMS, OBJECT_COLOURS
from unclip.corpus.dictionary import Dictionary, telling
from unclip.corpus.names import (
    BROAD_WORDS,
    MEASURE_WORDS,
    PLAIN_WORDS,
    head,
    plural,
    singular,
    with_article,
)
from unclip.corpus.phrases import NUMBERS
from unclip.corpus.thesaurus import Thesaurus
from unclip.pipeline.reading import noun_phrases

MOST = 8
"""Noun phrases that are looked at; a picture has no more things."""
LEAST, SURE = 0.3, 0.75
"""How well a thing must fit; and so well that the noun alone says it."""
WHOLE, LIKE, LIKER, TOLD = 0.9, 0.5, 0.85, 0.99
"""How like a known description a prompt of several phrases must be; a phrase; and one with a noun
that captions know, for a kind of that or for anything else."""
NAMED = 0.8
"""How well a thing must fit the noun of what is not like a known description: by what it is called
or is a kind of, for a lake is no flamingo, whose gloss has lakes."""
BETTER = 0.05
"""By how much better than what the noun names a kind of it must."""
_ONE = re.compile(r"(?:(an?)|the|one|some|my|your|our|his|her|their)\s+", re.IGNORECASE)
_PAIR = re.compile(r"(?:[\w-]+ )*?([\w-]+ (?:and|&) [\w-]+)")
_CLAUSE = re.compile(
    r"\s+(?:(?:that|which|who|whose|for|from|where|full of)\b|\w+ing (?:an?|the|with|on|in|at) ).*",
    re.IGNORECASE,
)


_DOING = re.compile(r"\s+\w+ing (?:an?|the) ([\w -]+)$", re.IGNORECASE)
_COLOURS = (*OBJECT_COLOURS, *BACKGROUND_COLOURS, *chain.from_iterable(COLOUR_SYNONYMS.values()))
_NUMBERS = chain.from_iterable(NUMBERS.values())
_ANY = PLAIN_WORDS | {word for name in (*_COLOURS, *_NUMBERS) for word in name.split()}
"""What may be said of anything, so that it tells of no kind."""


def reworded(prompt: str) -> str:
    """A prompt in the corpus's words: what is told as is known, then by the thesaurus word by word,
    then by the dictionary."""
    dictionary = Dictionary.shipped()
    return named(Thesaurus.shipped().translate(recognised(prompt, dictionary)), dictionary)


def recognised(prompt: str, dictionary: Dictionary) -> str:
    """A prompt with the descriptions in it that are like known ones by name."""
    phrases = list(islice(noun_phrases(prompt), MOST))
    if len(phrases) > 1:
        start = phrases[0][0]
        name = _recognised(prompt[start:], dictionary, WHOLE)
        if name is not None:
            return prompt[:start] + name
    names = ((*span, _recognised(prompt[slice(*span)], dictionary, LIKE)) for span in phrases)
    return _replaced(prompt, names)


def _replaced(prompt: str, others: Iterable[tuple[int, int, str | None]]) -> str:
    """A prompt with other words for some of its parts, in order; None leaves one as it is."""
    said, at = [], 0
    for start, end, other in others:
        if other is not None:
            said += [prompt[at:start], other]
            at = end
    return "".join([*said, prompt[at:]])


def _recognised(phrase: str, dictionary: Dictionary, least: float) -> str | None:
    """The name of what a phrase tells, with its article and its colours; None where it is like no
    known description, or a name itself."""
    found = _ONE.match(phrase)
    bare = phrase[found.end() :] if found else phrase
    if dictionary.knows(bare):
        return None
    doing, left = _DOING.search(bare), ""
    if doing and dictionary.knows(doing[1]):  # another thing
        bare, left = bare[: doing.start()], doing[0]
    before, noun, rest = _split(bare, dictionary)
    words = _special(bare)
    if _is_measure(noun, rest) or not _SEX.isdisjoint(bare.lower().split()):
        return None
    known = any(map(dictionary.knows, _names(before, noun)))
    if len(words) < 2:
        if known:
            return None
        least = max(least, LIKER)
    texts = " ".join(telling(bare)), " ".join(words)
    meaning = max(map(dictionary.recognise, texts), key=lambda found: found.fit)
    if meaning.fit < least or _is_named(meaning.name, words):
        return None
    one = singular(noun) or noun
    if known:
        told = meaning.fit >= TOLD and not rest.startswith(" with ")
        if not told and (meaning.fit < LIKER or not dictionary.is_kind(meaning.name, one)):
            return None
    elif telling(one) and dictionary.fit(meaning.name, one) < LEAST:
        return None  # only what is said of it is like what is said of that
    plain = [word for word in before.split() if word.lower() in _ANY]
    several = not found and singular(noun) not in (None, noun)
    name = " ".join([*plain, (several and plural(meaning.name)) or meaning.name])
    name += left
    return with_article(name) if found and found[1] else (found[0] if found else "") + name


_SEX = frozenset(("man", "woman", "male", "female", "boy", "girl", "men", "women", "lady", "skin"))
"""What says who somebody is, so that no name may take its place."""


def _is_measure(noun: str, rest: str) -> bool:
    """Whether a noun says how much of what follows: "a pile of books"."""
    return noun.lower() in MEASURE_WORDS and rest.startswith(" of ")


def _is_named(name: str, words: list[str]) -> bool:
    """Whether a thing's own name is among words already: nothing is to be said otherwise."""
    return set(telling(name)) <= set(words)


def named(prompt: str, dictionary: Dictionary) -> str:
    """A prompt with its descriptions by name; all else is left as it is."""
    return _replaced(prompt, _named(prompt, dictionary))


def _named(prompt: str, dictionary: Dictionary) -> Iterator[tuple[int, int, str | None]]:
    for start, end in islice(noun_phrases(prompt), MOST):
        found = _ONE.match(prompt, start, end)
        begin = found.end() if found else start
        pair = _PAIR.match(prompt, begin)
        if pair and pair.end() > end and dictionary.knows(pair[1]):
            continue  # "bow and arrow" is one thing
        other = _other(prompt[begin:end], dictionary)
        if other is not None and found and found[1]:
            begin, other = start, with_article(other)
        yield begin, end, other


def _other(phrase: str, dictionary: Dictionary) -> str | None:
    """What to say for a noun phrase without its article; None to leave it."""
    before, noun, rest = _split(phrase, dictionary)
    if _is_measure(noun, rest):
        return None
    words = before.split()
    longer = _names(before, noun)[:-1]
    if (rest and dictionary.knows(noun + rest)) or any(map(dictionary.knows, longer)):
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
    if found.fit < LEAST or (not vague and dictionary.fit(found.name, one) < NAMED):
        return None
    name = found.name if one == noun else plural(found.name) or found.name
    return f"{kept}{name}{left}"


def _names(before: str, noun: str) -> list[str]:
    """What a noun may be the end of, the longest first."""
    words = [*before.split(), noun]
    return [" ".join(words[k:]) for k in range(len(words))]


def _split(phrase: str, dictionary: Dictionary) -> tuple[str, str, str]:
    """What precedes the noun of a phrase, the noun, and what follows it."""
    clause = _CLAUSE.search(phrase)
    before, noun, rest = head(phrase[: clause.start()] if clause else phrase)
    rest += clause[0] if clause else ""
    front, _, one = before.rstrip().rpartition(" ")
    if noun.endswith("ing") and dictionary.knows(one) and not dictionary.knows(noun):
        return front and f"{front} ", one, f" {noun}{rest}"  # "a chef cooking"
    return before, noun, rest


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
