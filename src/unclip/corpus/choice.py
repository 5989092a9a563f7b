"""Drawing sprites at random."""

from __future__ import annotations

import bisect
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from unclip.corpus.mixture import Mixture
from unclip.corpus.store import SpriteStore

T = TypeVar("T")
_ONE_HAND_WEIGHT = 0.6
EVERYDAY = frozenset((Path(__file__).parent / "everyday.txt").read_text().splitlines())
"""Things that people ask for most."""


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of `items`, uniformly."""
    return items[int(rng.random() * len(items))]


class Weighted:
    """Draws one of some items by weight."""

    def __init__(self, weights: Iterable[float]) -> None:
        self._ends = list(itertools.accumulate(weights))

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return self._ends[-1] if self._ends else 0.0

    def draw(self, rng: np.random.Generator) -> int:
        """The number of an item."""
        at = bisect.bisect_right(self._ends, rng.random() * self._ends[-1])
        return min(at, len(self._ends) - 1)


class Shelf:
    """The sprites that a composer may draw, by concept, and how often each concept is drawn."""

    def __init__(self, store: SpriteStore, indices: Iterable[int], mixture: Mixture) -> None:
        categories, styles = dict(mixture.weights), dict(mixture.styles)
        trees: dict[str, dict[str, dict[int, list[int]]]] = {}
        self.members: dict[str, list[int]] = defaultdict(list)
        for i in indices:
            sprite = store[i]
            tree = trees.setdefault(sprite.concept, {})
            tree.setdefault(sprite.style, {}).setdefault(sprite.tone, []).append(i)
            self.members[sprite.concept].append(i)
        self.concepts = tuple(trees)
        self.branches: dict[str, list[tuple[float, list[list[int]]]]] = {}
        for concept, members in self.members.items():
            drawn_once = all(store[i].source == "openclipart" for i in members)
            weight = categories.get(store[members[0]].category, 2.0)
            hands = _ONE_HAND_WEIGHT if drawn_once else 1.0
            hands *= mixture.everyday if concept in EVERYDAY else 1.0
            self.branches[concept] = [
                (weight * hands * styles.get(style, 1.0), list(tones.values()))
                for style, tones in trees[concept].items()
            ]

    def choice(self, concepts: Iterable[str]) -> Choice:
        """Draws among some of the concepts; those that are not here are left out."""
        return Choice(self, [c for c in concepts if c in self.branches])


class Choice:
    """Draws sprites: concept and style by weight, then skin tone, then drawing, uniformly."""

    def __init__(self, shelf: Shelf, concepts: list[str]) -> None:
        self.concepts = concepts
        branches = [branch for concept in concepts for branch in shelf.branches[concept]]
        self._drawings = [drawings for _, drawings in branches]
        self._ends = list(itertools.accumulate(weight for weight, _ in branches))

    def __bool__(self) -> bool:
        return bool(self._ends) and self._ends[-1] > 0

    def draw(self, rng: np.random.Generator) -> int:
        """A row of the store."""
        at = rng.random() * self._ends[-1]
        number = min(bisect.bisect_right(self._ends, at), len(self._ends) - 1)
        begin = self._ends[number - 1] if number else 0.0
        # where in its branch's share the number fell is as good as another random number
        left = (at - begin) / (self._ends[number] - begin)
        branch: list[Any] = self._drawings[number]
        for _ in range(2):
            left *= len(branch)
            whole = min(int(left), len(branch) - 1)
            branch, left = branch[whole], left - whole
        assert isinstance(branch, int)
        return branch
