"""A small reader of WordNet's noun files: senses, synonyms, hypernyms and hyponyms, how often used.

Only building a store and a thesaurus need it; the formats are those of wndb(5WN) and cntlist(5WN).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

# Lexicographer files (lexnames(5WN)) whose nouns can be drawn.
ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT = 5, 6, 8, 13, 17, 18, 20
SUBSTANCE = 27
CONCRETE = (ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT)

Part = Literal["noun", "verb", "adjective", "adverb"]
_FILES: dict[Part, str] = {"verb": "verb", "adjective": "adj", "adverb": "adv"}
_PARTS: dict[str, Part] = {
    "1": "noun", "2": "verb", "3": "adjective", "4": "adverb", "5": "adjective",
}  # fmt: skip
"""The part of speech in a sense key (senseidx(5WN)); 5 is an adjective's satellite."""


@dataclass(frozen=True)
class Synset:
    """One meaning: its words, its lexicographer file, and the synsets directly above it.

    Attributes:
        gloss: what the words mean, in a sentence.
        is_instance: it is one named thing, as a mountain is, not a kind.
    """

    key: str
    lemmas: tuple[str, ...]
    lexfile: int
    hypernyms: tuple[str, ...]
    gloss: str = ""
    is_instance: bool = False


class WordNet:
    """Lookups by lemma in lower case with spaces."""

    def __init__(self, folder: Path) -> None:
        """Read the files in `folder`."""
        self._folder = folder
        self._synsets: dict[str, Synset] = {}
        for line in _lines(folder / "data.noun"):
            data, _, gloss = line.partition(" | ")
            fields = data.split()
            count = int(fields[3], 16)
            lemmas = tuple(fields[4 + 2 * i].replace("_", " ") for i in range(count))
            start = 4 + 2 * count
            pointers = [fields[start + 1 + 4 * i :] for i in range(int(fields[start]))]
            above = tuple(p[1] for p in pointers if p[0] in ("@", "@i"))
            instance = any(p[0] == "@i" for p in pointers)
            self._synsets[fields[0]] = Synset(
                fields[0], lemmas, int(fields[1]), above, gloss.strip(), instance
            )
        self._nouns = {
            f[0].replace("_", " "): tuple(f[-int(f[2]) :])
            for f in map(str.split, _lines(folder / "index.noun"))
        }
        self._common = {
            f[0].replace("_", " ")
            for f in map(str.split, _lines(folder / "index.noun"))
            if int(f[5 + int(f[3])]) > 0
        }
        self._exceptions = dict(
            line.split()[:2] for line in (folder / "noun.exc").read_text().splitlines()
        )

    def singular(self, word: str) -> str | None:
        """The noun lemma behind `word`, or None where it is not a noun."""
        if word in self._nouns:
            return word
        if word in self._exceptions:
            return self._exceptions[word]
        for ending, to in (("ies", "y"), ("ses", "s"), ("xes", "x"), ("ches", "ch"), ("s", "")):
            stem = word.removesuffix(ending) + to
            if word.endswith(ending) and stem in self._nouns:
                return stem
        return None

    def is_common(self, word: str) -> bool:
        """Whether WordNet's tagged texts use this noun."""
        return word in self._common

    def senses(self, phrase: str) -> list[Synset]:
        """Meanings of a noun phrase, the most frequent first; empty where it has none."""
        lemma = self.singular(phrase.lower())
        return [self._synsets[key] for key in self._nouns.get(lemma or "", ())]

    def sense(self, phrase: str, lexfiles: tuple[int, ...]) -> Synset | None:
        """The most frequent meaning in the first of `lexfiles` that holds one."""
        meanings = self.senses(phrase)
        return next((s for file in lexfiles for s in meanings if s.lexfile == file), None)

    def kinds(self, of: Synset, depth: int = 2) -> list[Synset]:
        """What is below a meaning, nearest first."""
        found, level = [], [of.key]
        for _ in range(depth):
            level = [key for above in level for key in self._below.get(above, ())]
            found += [self._synsets[key] for key in level]
        return found

    def above(self, of: Synset) -> list[Synset]:
        """What is directly above a meaning."""
        return [self._synsets[key] for key in of.hypernyms]

    @property
    def synsets(self) -> Iterable[Synset]:
        """Every meaning of a noun."""
        return self._synsets.values()

    @cached_property
    def lemmas(self) -> tuple[str, ...]:
        """Every noun and noun phrase, in lower case."""
        return tuple(self._nouns)

    def is_noun(self, phrase: str) -> bool:
        """Whether a phrase in lower case is itself a lemma, not only a form of one."""
        return phrase in self._nouns

    def breadth(self, of: Synset) -> int:
        """How many meanings are below one, at any depth."""
        found, left = set[str](), [of.key]
        while left:
            new = set(self._below.get(left.pop(), ())) - found
            found |= new
            left += new
        return len(found)

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        below: dict[str, list[str]] = {}
        for synset in self._synsets.values():
            for above in synset.hypernyms:
                below.setdefault(above, []).append(synset.key)
        return below

    def uses(self, word: str, part: Part) -> tuple[int, ...] | None:
        """How often WordNet's tagged texts use each sense of a word as this part of speech, the
        most frequent first and as far as they use any; None where it cannot be that part."""
        if part == "noun":
            return self._uses.get((word, part), ()) if word in self._nouns else None
        return self._uses.get((word, part), ()) if word in self._others[part] else None

    def is_form_of_verb(self, word: str) -> bool:
        """Whether a word is what a verb takes after "is" or "has": "running", "carved"."""
        if word in self._verb_forms:
            return True
        for ending in ("ing", "ed"):
            stem = word.removesuffix(ending)
            if stem != word:
                once = stem[:-1] if stem[-2:-1] == stem[-1:] else stem
                if not self._others["verb"].isdisjoint((stem, stem + "e", once)):
                    return True
        return False

    @cached_property
    def _others(self) -> dict[Part, frozenset[str]]:
        return {
            part: frozenset(
                line.split()[0].replace("_", " ") for line in _lines(self._folder / f"index.{file}")
            )
            for part, file in _FILES.items()
        }

    @cached_property
    def _verb_forms(self) -> frozenset[str]:
        lines = (self._folder / "verb.exc").read_text(encoding="latin-1").splitlines()
        return frozenset(line.split()[0].replace("_", " ") for line in lines if line)

    @cached_property
    def _uses(self) -> dict[tuple[str, Part], tuple[int, ...]]:
        uses: dict[tuple[str, Part], dict[int, int]] = {}
        for line in (self._folder / "cntlist.rev").read_text(encoding="latin-1").splitlines():
            sense, number, count = line.split()
            lemma, _, numbers = sense.partition("%")
            part = _PARTS[numbers[0]]
            ranks = uses.setdefault((lemma.replace("_", " "), part), {})
            # an adjective's satellites are numbered with it
            ranks[int(number)] = ranks.get(int(number), 0) + int(count)
        return {
            key: tuple(ranks.get(i, 0) for i in range(1, max(ranks) + 1))
            for key, ranks in uses.items()
        }

    def names(self, a: Synset, b: Synset) -> bool:
        """Whether a word that means `a` is true of every `b`: the same, or directly above it."""
        return a.key == b.key or a.key in b.hypernyms


def _lines(path: Path) -> list[str]:
    """The entries of a WordNet file; its licence is the lines that begin with two spaces."""
    return [x for x in path.read_text(encoding="latin-1").splitlines() if not x.startswith("  ")]
