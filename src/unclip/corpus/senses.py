"""What captions mean by a word: one of the meanings that WordNet has for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from unclip.corpus import wordnet as wn
from unclip.corpus.concepts import LEXFILES


class Senses:
    """Chooses meanings of nouns by the category of what is drawn."""

    def __init__(self, words: wn.WordNet) -> None:
        self.words = words
        self._breadths: dict[str, int] = {}

    def of(self, word: str, category: str) -> wn.Synset | None:
        """What captions mean by a word; None for shapes, and where WordNet has no such thing."""
        if category == "shapes":
            return None
        joined = (word.replace(" ", "-", 1), word.replace(" ", ""))  # "wineglass"
        every = self.words.senses(word) or [
            s for one in joined for s in self.words.senses(one) if self.heads(word, s)
        ]
        files = LEXFILES.get(category, wn.CONCRETE)
        if category in ("faces", "people"):  # a ghost, not a ghostwriter; a hand, not a hired one
            drawn = [s for s in every if self._is_imaginary(s)]
            if not drawn and category == "people":
                drawn = [s for s in every if s.lexfile in wn.CONCRETE][:1]
            return next((s for s in drawn if s.lexfile in files), None)
        counts = self.words.uses(word.lower(), "noun") or ()
        ranked = [
            (-(counts[i] if i < len(counts) else 0), -self.breadth(s), i)
            for i, s in enumerate(every)
        ]
        for file in files:
            if of := [rank for rank, s in zip(ranked, every, strict=True) if s.lexfile == file]:
                return every[min(of)[2]]
        return None

    def heads(self, phrase: str, sense: wn.Synset) -> bool:
        """Whether the last word of a phrase says what kind of thing a meaning is."""
        last = phrase.split()[-1]
        return any(last in one.lemmas for one in self.above(sense)[1:])

    def above(self, sense: wn.Synset) -> list[wn.Synset]:
        """A meaning and whatever is above it, nearest first."""
        return [sense, *chain.from_iterable(self.levels(sense))]

    def levels(self, sense: wn.Synset) -> Iterator[list[wn.Synset]]:
        """What is one step above a meaning, what is two, and so on."""
        level = self.words.above(sense)
        while level:
            yield level
            level = [above for one in level for above in self.words.above(one)]

    def breadth(self, sense: wn.Synset) -> int:
        """How many meanings are below one, at any depth."""
        if sense.key not in self._breadths:
            self._breadths[sense.key] = self.words.breadth(sense)
        return self._breadths[sense.key]

    def _is_imaginary(self, sense: wn.Synset) -> bool:
        names = {lemma for one in self.above(sense) for lemma in one.lemmas}
        return not names.isdisjoint(("imaginary being", "spiritual being"))
