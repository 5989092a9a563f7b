"""A small reader of WordNet's noun files: senses, synonyms, direct hypernyms.

Only building a store needs it; the format is that of wndb(5WN).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Lexicographer files (lexnames(5WN)) whose nouns can be drawn.
ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT = 5, 6, 8, 13, 17, 18, 20
CONCRETE = (ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT)


@dataclass(frozen=True)
class Synset:
    """One meaning: its words, its lexicographer file, and the synsets directly above it."""

    key: str
    lemmas: tuple[str, ...]
    lexfile: int
    hypernyms: tuple[str, ...]


class WordNet:
    """Lookups by lemma in lower case with spaces."""

    def __init__(self, folder: Path) -> None:
        """Read the files in `folder`."""
        self._synsets: dict[str, Synset] = {}
        for line in _lines(folder / "data.noun"):
            fields = line.split(" | ")[0].split()
            count = int(fields[3], 16)
            lemmas = tuple(fields[4 + 2 * i].replace("_", " ") for i in range(count))
            start = 4 + 2 * count
            pointers = [fields[start + 1 + 4 * i :] for i in range(int(fields[start]))]
            above = tuple(p[1] for p in pointers if p[0] in ("@", "@i"))
            self._synsets[fields[0]] = Synset(fields[0], lemmas, int(fields[1]), above)
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

    @cached_property
    def _below(self) -> dict[str, list[str]]:
        below: dict[str, list[str]] = {}
        for synset in self._synsets.values():
            for above in synset.hypernyms:
                below.setdefault(above, []).append(synset.key)
        return below

    def names(self, a: Synset, b: Synset) -> bool:
        """Whether a word that means `a` is true of every `b`: the same, or directly above it."""
        return a.key == b.key or a.key in b.hypernyms


def _lines(path: Path) -> list[str]:
    """The entries of a WordNet file; its licence is the lines that begin with two spaces."""
    return [x for x in path.read_text(encoding="latin-1").splitlines() if not x.startswith("  ")]
