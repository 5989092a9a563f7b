"""A reverse dictionary: from a description to what captions call it. "A purring feline" is a cat.

What the words are is a file beside this module, derived by `dictionary_build` from GloVe's word
vectors (Pennington et al. 2014, public domain), WordNet 3.0 (Princeton University, the WordNet
licence), the tags of emojibase (MIT) and our own descriptions. Nothing here needs the corpus,
WordNet or torch. w words, d dimensions, t things, m entries: a thing and a word that tells of it;
s descriptions, p words of them all.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from safetensors import safe_open

from unclip.corpus.names import EMPTY_WORDS, singular

FILE = Path(__file__).parent / "dictionary.safetensors"
KEPT = 8
"""Descriptions whose fits are kept, the latest used."""
_RARE = 8.5
"""The rarity of a rare word."""
_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class Meaning(NamedTuple):
    """A thing that a description may mean, by its name, and how well it fits: 1 is perfectly."""

    name: str
    fit: float


class Fits(NamedTuple):
    """How well each thing fits a description, and how like that is to one that is known of it."""

    best: Float[ndarray, " t"]
    told: Float[ndarray, " t"]


class Dictionary:
    """Finds the thing that most words of a description tell of.

    A word's fit to a thing is its best squared cosine with any word that tells of the thing, times
    how much that one tells; a description's is the mean of its words', by how rare they are. Or it
    is how like it is to a known description of the thing: how well the words of either are found
    among the other's, whichever is less.

    Args:
        words: what can be understood.
        vectors: one of unit length for each word.
        rarity: of each word: it counts so much.
        names: all phrases by which captions call things.
        things: the one that each thing goes by here.
        familiar: by how much each may fit less well than another and is still meant.
        thing, word, tells: the entries, in the order of things.
        described, said, lengths: for each known description, in the order of things, its thing, its
            words and how many they are.
        kinds: for each thing what it is a kind of.
        like: rare words, each with the number of the word that it is taken for.
    """

    def __init__(
        self,
        words: list[str],
        vectors: Float[ndarray, "w d"],
        rarity: Float[ndarray, " w"],
        names: list[str],
        things: list[str],
        familiar: Float[ndarray, " t"],
        thing: Int[ndarray, " m"],
        word: Int[ndarray, " m"],
        tells: Float[ndarray, " m"],
        described: Int[ndarray, " s"],
        said: Int[ndarray, " p"],
        lengths: Int[ndarray, " s"],
        kinds: dict[str, list[str]],
        like: dict[str, int],
    ) -> None:
        self.words = {word: i for i, word in enumerate(words)}
        self.vectors, self.rarity = vectors, rarity
        self.things, self._kinds, self._like = things, kinds, like
        self._number = {name: t for t, name in enumerate(things)}
        self._names = frozenset(map(str.lower, names))
        self._familiar = familiar
        self._word, self._tells = word, tells
        self._first = np.searchsorted(thing, np.arange(len(things)))
        self._said, self._begin = said, np.cumsum(lengths) - lengths
        self._weight = np.add.reduceat(rarity[said], self._begin) if len(said) else rarity[:0]
        self._described, self._heads = np.unique(described, return_index=True)
        # a phrase is asked about with the words around its noun, which often are none
        self.fits = lru_cache(KEPT)(self._fits)

    @staticmethod
    @cache
    def shipped() -> Dictionary:
        """The one in the package."""
        return Dictionary.load(FILE)

    @staticmethod
    def load(path: Path) -> Dictionary:
        """Read what `save` wrote."""
        with safe_open(path, "np") as file:
            held = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            texts = {key: json.loads(value) for key, value in file.metadata().items()}
        vectors = held["vectors"].astype(np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        columns = ("thing", "word", "described", "said", "lengths")
        numbers = {column: held[column].astype(np.int64) for column in columns}
        return Dictionary(
            texts["words"],
            vectors,
            held["rarity"].astype(np.float32),
            texts["names"],
            texts["things"],
            held["familiar"].astype(np.float32),
            numbers["thing"],
            numbers["word"],
            held["tells"].astype(np.float32) / 255,
            numbers["described"],
            numbers["said"],
            numbers["lengths"],
            texts["kinds"],
            dict(zip(texts["rare"], held["like"].tolist(), strict=True)),
        )

    def knows(self, phrase: str) -> bool:
        """Whether captions call a thing so, or several."""
        low = phrase.lower()
        return low in self._names or (singular(low) or low) in self._names

    def is_kind(self, thing: str, of: str) -> bool:
        """Whether a thing is a kind of another: a penguin is of a bird."""
        return of in self._kinds.get(thing, ())

    def _fits(self, text: str) -> Fits:
        total, weight = np.zeros(len(self.things), np.float32), 0.0
        likeness = np.zeros_like(total)
        ours = np.zeros(len(self._begin), np.float32)
        theirs = np.zeros(len(self._said), np.float32)
        for token in telling(text):
            at = self.words.get(token)
            rarity = _RARE if at is None else float(self.rarity[at])
            at = self._like.get(token) if at is None else at
            weight += rarity
            if at is not None:
                near = np.clip(self.vectors @ self.vectors[at], 0, 1) ** 2
                near[at] = 1
                told = near[self._word] * self._tells
                total += rarity * np.maximum.reduceat(told, self._first)
                if len(theirs):
                    said = near[self._said]
                    ours += rarity * np.maximum.reduceat(said, self._begin)
                    np.maximum(theirs, said, out=theirs)
        weight = max(weight, 1e-6)
        if len(theirs):
            found = np.add.reduceat(theirs * self.rarity[self._said], self._begin) / self._weight
            like = np.minimum(ours / weight, found)
            likeness[self._described] = np.maximum.reduceat(like, self._heads)
        return Fits(np.maximum(total / weight, likeness), likeness)

    def fit(self, thing: str, text: str) -> float:
        """How well a thing fits a description; 0 where there is none of that name."""
        number = self._number.get(thing)
        return 0.0 if number is None else float(self.fits(text).best[number])

    def find(self, text: str) -> Meaning:
        """The thing that fits a description best, familiar ones first."""
        return self._best(self.fits(text).best)

    def recognise(self, text: str) -> Meaning:
        """The thing of which a description most like this one is known."""
        return self._best(self.fits(text).told)

    def _best(self, fits: Float[ndarray, " t"]) -> Meaning:
        best = int((fits + self._familiar).argmax())
        return Meaning(self.things[best], float(fits[best]))


def telling(text: str) -> list[str]:
    """The words of a text that tell something, in lower case and the singular."""
    tokens = _TOKEN.findall(text.lower().replace("’", "'"))
    parts = (part for token in tokens for part in re.split("[-']", token.removesuffix("'s")))
    return [singular(part) or part for part in parts if len(part) > 1 and part not in EMPTY_WORDS]
