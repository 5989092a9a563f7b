"""Text as an eye reads it, not as it was typed: the words that a disguised prompt may mean.

A text becomes a lattice: at each word stand the readings that begin there. Most words have one; a
word in leetspeak, in look-alike letters, drawn out or spaced out has several.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TABLES = json.loads((Path(__file__).parent / "lookalikes.json").read_text(encoding="utf-8"))
_FOLDED: dict[str, str] = _TABLES["folded"]
_LATIN: dict[str, str] = _TABLES["latin"]
_LEET: dict[str, str] = _TABLES["leet"]
_SYMBOLS = frozenset(c for c in _LEET if not c.isalnum())
WILDCARDS = frozenset("*#%")
_SIGNS = "".join(_SYMBOLS)
"""Signs that stand for a letter: p*rn."""
_APOSTROPHES = frozenset("'’ʼ`´")
# What French and Italian write before an apostrophe is a word of its own: l'homme, dell'uomo.
_ELIDED = frozenset([*"cdjlmnst", "qu", "un", "all", "dall", "dell", "nell", "sull"])
# The article, "and", "with" and "for", which Arabic writes as one with the word that follows.
_ARABIC_PREFIX = re.compile("(?:[وف]?(?:[بك]?ال|لل)|[وفبلك])(?=[\u0620-\u064a]{3})")
_SIMPLE = re.compile("[A-Za-z0-9 .-]*")
# Marks that a reader of these scripts may leave out; those of Indic scripts and kana are letters.
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f\u0670\u06d6-\u06ed\u093c\u09bc"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]"
)
_BLANKS = frozenset("\u0640\u115f\u1160\u2800\u3164\uffa0")
_SUBSTRING = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LONGEST_RUN, _EDGE_LETTERS, _INNER_LETTERS, _MOST_READINGS = 24, 4, 6, 64
_ALONE = frozenset("aioyeàвскуоия")
"""Words of one letter."""
_JOINED_LETTERS, _JOINED_WORDS = 14, 4


@dataclass(frozen=True)
class Reading:
    """A way to read some of the words.

    Args:
        forms: spellings that it may stand for, the plain one first.
        loose: spellings with every doubled letter undone, which may go too far.
        width: how many words of the text it takes.
    """

    forms: tuple[str, ...]
    loose: tuple[str, ...] = ()
    width: int = 1

    @classmethod
    def of(cls, word: str, width: int = 1) -> Reading:
        """A word, or several as one."""
        return cls(*forms(word), width)


@dataclass(frozen=True)
class Lattice:
    """A text in words.

    Args:
        text: as it was given.
        spans: start and end in `text` of each word.
        readings: those that begin at each word, the plain one first.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    readings: tuple[tuple[Reading, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The plain form of each word."""
        return tuple(here[0].forms[0] for here in self.readings)

    @property
    def compact(self) -> tuple[str, tuple[int, ...]]:
        """All words without spaces, for scripts that have none, and the word of each letter."""
        words = self.words
        return "".join(words), tuple(i for i, word in enumerate(words) for _ in word)


@functools.lru_cache(maxsize=8192)
def _fold(char: str) -> str:
    """One character in lower case and plain letters; empty where it cannot be seen."""
    if char in _FOLDED:
        return _FOLDED[char]
    if char.isspace():
        return " "
    lower = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", char).casefold())
    return "".join(
        c
        for c in "".join(_FOLDED.get(c, c) for c in lower)
        if not (_MARKS.match(c) or c in _BLANKS or unicodedata.category(c) in ("Cf", "Cc", "Cn"))
    )


def plain(text: str) -> str:
    """A text in lower case, plain letters and single spaces; no disguise is undone."""
    if _SIMPLE.fullmatch(text):
        return " ".join(text.lower().replace("-", " ").replace(".", " ").split())
    folded = "".join(map(_fold, text))
    if folded.replace(" ", "").isalnum() and not _SUBSTRING.search(folded):
        return " ".join(folded.split())
    return " ".join("".join(c for c, _ in piece) for piece in _pieces(text))


def read(text: str) -> Lattice:
    """The lattice of a text."""
    pieces = list(_pieces(text))
    words = ["".join(c for c, _ in piece) for piece in pieces]
    spans = tuple((piece[0][1], piece[-1][1] + 1) for piece in pieces)
    readings = [[Reading.of(word)] for word in words]
    for first, last in _joins(text, words, spans):
        readings[first].append(Reading.of("".join(words[first:last]), last - first))
    return Lattice(text, spans, tuple(map(tuple, readings)))


def _pieces(text: str) -> Iterator[list[tuple[str, int]]]:
    """The words, as letters with their places; a sign counts as a letter where one follows it.

    Each character of Chinese and Japanese is a word: they have no spaces.
    """
    chars = [(c, i) for i, char in enumerate(text) for c in _fold(char)]
    piece: list[tuple[str, int]] = []
    for k, (c, i) in enumerate(chars):
        after = chars[k + 1][0] if k + 1 < len(chars) else " "
        if _is_letter(c):
            if piece and (_SUBSTRING.match(c) or _SUBSTRING.match(piece[-1][0])):
                yield piece
                piece = []
            piece.append((c, i))
        elif _stands_for_a_letter(c, after, bool(piece) and not _SUBSTRING.match(piece[-1][0])):
            piece.append((c, i))
        elif c in _APOSTROPHES and piece and _is_letter(after):
            if "".join(letter for letter, _ in piece) in _ELIDED:
                yield piece
                piece = []
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _stands_for_a_letter(c: str, after: str, within: bool) -> bool:
    followed = _is_letter(after) or after in _SYMBOLS or after in WILDCARDS
    if c in _SYMBOLS:
        return followed or within or (c == "@" and after == " ")
    return c in WILDCARDS and within


def _is_letter(c: str) -> bool:
    return c.isalnum() or unicodedata.category(c)[0] == "M"


def _joins(
    text: str, words: list[str], spans: tuple[tuple[int, int], ...]
) -> Iterator[tuple[int, int]]:
    """Neighbouring words that may be one: spaced-out letters, and words cut by a sign."""
    n = len(words)
    single = [len(word) == 1 and not _SUBSTRING.match(word) for word in words]
    between = [text[spans[i][1] : spans[i + 1][0]] for i in range(n - 1)]
    tied = [not any(c.isspace() for c in gap) for gap in between]
    apart = [True, *(_apart(between, tied, i) for i in range(n - 1)), True]
    for i in range(1, n):
        apart[i] |= not (single[i - 1] and single[i])
    starts, ends = list(range(n)), list(range(n + 1))
    for i in range(n):
        starts[i] = i if apart[i] else starts[i - 1]
    for i in range(n - 1, -1, -1):
        ends[i] = i if apart[i] else ends[i + 1]
    for first in range(n):
        letters, singles, bound = len(words[first]), int(single[first]), True
        for last in range(first + 2, min(n, first + _LONGEST_RUN) + 1):
            letters += len(words[last - 1])
            singles += single[last - 1]
            bound = bound and tied[last - 2]
            count = last - first
            if singles == count:
                if any(apart[first + 1 : last]):
                    break
                if (bound and count == 2) or _is_spaced_word(
                    words[starts[first] : first], words[last : ends[last]], count
                ):
                    yield first, last
            elif letters > _JOINED_LETTERS or count > _JOINED_WORDS:
                break
            elif bound or 2 * singles >= count:
                yield first, last


def _apart(between: list[str], tied: list[bool], i: int) -> bool:
    """Whether letters that stand alone are of two words: "r e d  c a r", "r.e.d c.a.r"."""
    return not tied[i] and (len(between[i]) > 1 or any(tied[max(0, i - 1) : i + 2]))


def _is_spaced_word(before: list[str], after: list[str], count: int) -> bool:
    """Whether so many letters may be a word, with others before and after them in their line."""
    edges = sum(not part or (len(part) == 1 and part[0] in _ALONE) for part in (before, after))
    if edges == 2:
        return count > 1
    return count >= (_EDGE_LETTERS if edges and len(before + after) > 2 else _INNER_LETTERS)


@functools.lru_cache(maxsize=4096)
def forms(word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spellings that a word may stand for, itself first, and those that go further."""
    found = [word]
    if (bare := word.rstrip(_SIGNS)) not in ("", word):
        found.insert(0, bare)
    if bare := _ARABIC_PREFIX.sub("", word, count=1) if _ARABIC_PREFIX.match(word) else "":
        found.append(bare)
    if not WILDCARDS.isdisjoint(word):
        found.append("".join(c for c in word if c not in WILDCARDS))
    if not word.isascii():
        latin = "".join(_LATIN.get(c, c) for c in word)
        if latin != word and latin.isascii():
            found.append(latin)
    for known in tuple(found):
        found += _unleeted(known)
    for known in tuple(found):
        found += _shortened(known)
    loose = [
        re.sub(r"(.)\1+", r"\1", known) for known in found if len(re.findall(r"(.)\1", known)) > 1
    ]
    return tuple(dict.fromkeys(found)), tuple(dict.fromkeys(loose))


def _shortened(word: str) -> Iterator[str]:
    """A word with each letter that was drawn out once, twice, or three times (XXX)."""
    parts = [(found[0], found[1]) for found in re.finditer(r"(.)\1*", word)]
    choices = [
        (part,) if len(part) < 3 else (c, c + c, 3 * c)[: len(part) - 1] for part, c in parts
    ]
    if 1 < math.prod(map(len, choices)) <= _MOST_READINGS:
        yield from map("".join, itertools.product(*choices))


def _unleeted(word: str) -> Iterator[str]:
    """A word with its digits and signs read as letters, in every way where they are few."""
    signs = sum(c in _LEET for c in word)
    if not signs or (not any(c.isalpha() for c in word) and not signs == len(word) <= 3):
        return
    choices = [_LEET.get(c, c) for c in word]
    if math.prod(map(len, choices)) > _MOST_READINGS:
        choices = [choice[0] for choice in choices]
    yield from map("".join, itertools.product(*choices))
