"""Words and phrases by group, in several languages, and where a text has them.

A term's word ends in `*` to match every word that begins with it. Chinese and Japanese terms are
found inside a line of letters, by Aho-Corasick; terms of other scripts are whole words.
"""

from __future__ import annotations

import functools
import itertools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ahocorasick
from rapidfuzz.distance import OSA

from unclip.errors import InvalidArgument
from unclip.safety.normalise import WILDCARDS, Lattice, Reading, plain

FOLDER = Path(__file__).parent / "lexicon"
MENDED = 5
"""Letters from which a word of a term, or of a name, is found with one letter wrong."""
_MENDED_STEM, _MENDED_ABROAD, _MENDED_UNKNOWN = 6, 6, 8
"""The same of a stem, in other languages, and in those of which `known.txt` has few words."""
_UNKNOWN = ("id", "tr")
_LONGEST_ENDING = 4
"""Letters that may follow a stem, and its star, where it is mended."""
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A term in a text.

    Args:
        group: what the term belongs to.
        term: as the lexicon has it.
        first, last: the words it takes, `last` excluded.
        distance: letters that had to be mended.
    """

    group: str
    term: str
    first: int
    last: int
    distance: int = 0


class _Node:
    """A word of a phrase, and what may follow it."""

    __slots__ = ("after", "ends")

    def __init__(self) -> None:
        self.after: dict[str, _Node] = {}
        self.ends: tuple[tuple[str, str], ...] = ()


class Lexicon:
    """Finds the terms of all groups in one pass."""

    def __init__(self, terms: Iterable[tuple[str, str, int]], known: frozenset[str]) -> None:
        """Index terms.

        Args:
            terms: group, term, and letters from which its words are mended.
            known: words that are right as they are, however close to a term.
        """
        self._root, self._stems, self._known = _Node(), set[str](), known
        self._unspaced = ahocorasick.Automaton()
        unspaced: dict[str, list[tuple[str, str]]] = defaultdict(list)
        mendable: set[str] = set()
        self._by_length: dict[int, set[str]] = defaultdict(set)
        for group, term, mended in terms:
            if _UNSPACED.search(term):
                unspaced[plain(term).replace(" ", "")].append((group, term))
                continue
            if "*" in term:
                words = [
                    plain(word.rstrip("*")) + "*" * word.endswith("*") for word in term.split()
                ]
            else:
                words = plain(term).split()
            assert words, f"{group} has a term of signs alone: {term!r}"
            node = self._root
            for word in words:
                node = node.after.setdefault(word, _Node())
                if word.endswith("*"):
                    self._stems.add(word)
                self._by_length[len(word.rstrip("*"))].add(word)
                shortest = max(mended, _MENDED_STEM) if word.endswith("*") else mended
                if len(word.rstrip("*")) >= shortest and word.isascii():
                    mendable.add(word)
            node.ends += ((group, term),)
        for word, ends in unspaced.items():
            self._unspaced.add_word(word, (len(word), ends))
        self._unspaced.make_automaton()
        self._mendable: dict[str, list[str]] = defaultdict(list)
        for word in mendable:
            for key in _keys(word):
                self._mendable[key].append(word)

    def find(self, lattice: Lattice) -> list[Hit]:
        """Every term in a text, mended only where it is not there as it is."""
        best: dict[tuple[str, int, int], Hit] = {}
        for hit in itertools.chain(self._spaced(lattice), self._within(lattice)):
            key = (hit.group, hit.first, hit.last)
            if key not in best or hit.distance < best[key].distance:
                best[key] = hit
        # A stem begins "strangled a" too, read as one word.
        exact = {(hit.term, hit.first) for hit in best.values() if hit.last == hit.first + 1}
        return sorted(
            (h for h in best.values() if h.last == h.first + 1 or (h.term, h.first) not in exact),
            key=lambda hit: (hit.first, -hit.last),
        )

    def _spaced(self, lattice: Lattice) -> Iterator[Hit]:
        readings = lattice.readings
        words = [[self._words(reading) for reading in here] for here in readings]
        for first in range(len(readings)):
            walks = [(self._root, first, 0)]
            while walks:
                node, at, distance = walks.pop()
                if at < len(readings):
                    for reading, choices in zip(readings[at], words[at], strict=True):
                        for word, mended in choices:
                            after = node.after.get(word)
                            if after is None:
                                continue
                            end = at + reading.width
                            walks.append((after, end, distance + mended))
                            for group, term in after.ends:
                                if distance + mended <= max(1, len(term) // 6):
                                    yield Hit(group, term, first, end, distance + mended)

    def _words(self, reading: Reading) -> tuple[tuple[str, int], ...]:
        """The terms' words that a reading may be, and how many letters of it are wrong."""
        found: dict[str, int] = {}
        for form in reading.forms:
            for word in self._spellings(form):
                found.setdefault(word, 0)
        for form in reading.loose:
            for word in self._spellings(form):
                found.setdefault(word, 1)
        form = reading.forms[0]
        if not WILDCARDS.isdisjoint(form):
            for word in self._wild(form):
                found.setdefault(word, 1)
        elif reading.width == 1 and len(form) >= MENDED - 1 and form not in self._known:
            for word in self._close(form):
                found.setdefault(word, 1)
        return tuple(found.items())

    def _spellings(self, form: str) -> Iterator[str]:
        yield form
        for end in range(2, len(form) + 1):
            if (stem := form[:end] + "*") in self._stems:
                yield stem

    def _close(self, form: str) -> Iterator[str]:
        """Words that are one wrong letter away; of a stem, those that begin so."""
        if not form.isascii():
            return
        near = {word for key in _keys(form) for word in self._mendable.get(key, ())}
        for word in near:
            if word[-1] != "*":
                if OSA.distance(form, word, score_cutoff=1) <= 1:
                    yield word
            elif (
                form[0] == word[0]
                and len(form) <= len(word) + _LONGEST_ENDING
                and any(
                    OSA.distance(form[: len(word) + more], word[:-1], score_cutoff=1) <= 1
                    for more in (-2, -1, 0)
                )
            ):
                yield word

    def _wild(self, form: str) -> Iterator[str]:
        letters = ["." if c in WILDCARDS else re.escape(c) for c in form]
        if letters.count(".") > len(form) / 2:
            return
        for length in range(2, len(form) + 1):
            if length < len(form) and letters[length - 1] == ".":
                continue
            pattern = re.compile("".join(letters[:length]))
            for word in self._by_length.get(length, ()):
                if (length == len(form) or word[-1] == "*") and pattern.match(word):
                    yield word

    def _within(self, lattice: Lattice) -> Iterator[Hit]:
        text, word_at = lattice.compact
        if not len(self._unspaced) or not _UNSPACED.search(text):
            return
        for end, (length, ends) in self._unspaced.iter(text):
            for group, term in ends:
                yield Hit(group, term, word_at[end - length + 1], word_at[end] + 1)


def _keys(word: str) -> set[str]:
    """Keys of which two words share one where they are one wrong letter apart."""
    stem = word.removesuffix("*")
    if stem != word:
        return {f"<{stem[:2]}", f":{stem[3:6]}"}
    return {f"<{word[:2]}", f"{word[-2:]}>", *(f":{word[i : i + 3]}" for i in (2, 3, 4))}


@functools.cache
def known_words() -> frozenset[str]:
    """Common words of six languages, which are never mended into a term."""
    return frozenset((FOLDER / "known.txt").read_text(encoding="utf-8").split())


def read_groups(folder: Path = FOLDER) -> Iterator[tuple[str, str, int]]:
    """What `Lexicon` takes, of every `*.toml` in a folder: one a language, commas between terms.

    Raises:
        InvalidArgument: a file is not such a list.
    """
    for path in sorted(folder.glob("*.toml")):
        mended = _MENDED_UNKNOWN if path.stem in _UNKNOWN else _MENDED_ABROAD
        mended = MENDED if path.stem == "en" else mended
        for group, terms in read_toml("lexicon", path).items():
            if not isinstance(terms, str):
                raise InvalidArgument("lexicon", f"{path}: {group} must be terms between commas")
            for term in re.split(r"[,，،、\n]", terms):
                if term.strip():
                    yield group, term.strip(), mended


def read_toml(argument: str, path: Path) -> Mapping[str, object]:
    """A TOML file. Raises `InvalidArgument` where it is absent or not one."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgument(argument, f"{path} cannot be read: {error}") from None
