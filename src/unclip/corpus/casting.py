"""Who is in a picture: one thing, several of it, or two in a relation, each perhaps in a colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from unclip.corpus.choice import Choice, Shelf, Weighted, pick
from unclip.corpus.colours import OBJECT_COLOURS
from unclip.corpus.figures import Figures
from unclip.corpus.layout import SIDES, Figure
from unclip.corpus.mixture import Mixture
from unclip.corpus.names import plural, uncoloured
from unclip.corpus.relations import LISTED, can, placeable
from unclip.corpus.scene import CloseRelation, Relation
from unclip.corpus.split import Split, allowed, pair_allowed
from unclip.corpus.store import Sprite
from unclip.errors import InvalidArgument

_COUNTS = (2, 3, 4, 5, 6)
_COUNT_WEIGHTS = (0.32, 0.26, 0.18, 0.12, 0.12)
_CLOSE_WEIGHTS: dict[CloseRelation, float] = {
    "on": 0.22, "inside": 0.2, "under": 0.14, "beside": 0.18, "riding": 0.13, "holding": 0.13,
}  # fmt: skip
_DIRECTED = ("left", "right", "leftwards", "rightwards")
_PROBES, _TRIES = 300, 20_000


@dataclass(frozen=True)
class Cast:
    """What a picture shows, before it is put anywhere."""

    figures: tuple[Figure, ...]
    relation: Relation | CloseRelation | None = None
    scenic: bool = False

    @property
    def style(self) -> str | None:
        """The style that all of it is in."""
        first = self.figures[0].sprite.style
        return first if all(f.sprite.style == first for f in self.figures[1:]) else None


Kind = Callable[[np.random.Generator], Cast | None]
"""Draws a cast, or None where this one would show what the split may not."""


class Casting:
    """Draws casts of a mixture."""

    def __init__(self, figures: Figures, mixture: Mixture, split: Split) -> None:
        """Raises `InvalidArgument` where the split has no sprite, or the mixture no share."""
        store = figures.store
        self._store, self._figures, self._split, self._mixture = store, figures, split, mixture
        self._colours: dict[str, tuple[str, ...]] = {}
        part = "heldout" if split == "heldout" else "train"
        indices = [
            i
            for i, s in enumerate(store.sprites)
            if s.split == part and (not s.native or s.native >= mixture.native)
        ]
        if not indices:
            raise InvalidArgument("split", f"has no sprite of {part} in the store")
        shelf = Shelf(store, indices, mixture)
        self.concepts = shelf.concepts
        self._any = shelf.choice(self.concepts)
        countable = [c for c in self.concepts if plural(c)]
        self._countable = {
            n: choice
            for n in _COUNTS
            if (choice := shelf.choice(c for c in countable if allowed(split, c, n)))
        }
        self._counts = tuple(self._countable)
        self._count_weights = Weighted(_COUNT_WEIGHTS[n - 2] for n in self._counts)
        self._scenic_choice = shelf.choice(
            c for c in self.concepts if placeable(c, store[shelf.members[c][0]].category)
        )
        self._related_choices: dict[CloseRelation, tuple[Choice, Choice]] = {}
        for relation in _CLOSE_WEIGHTS:
            if relation == "beside":
                choices = (self._scenic_choice, self._scenic_choice)
            else:
                firsts = (c for c in self.concepts if can(relation, c))
                choices = shelf.choice(firsts), shelf.choice(LISTED[relation][1])
            if all(choices):
                self._related_choices[relation] = choices
        self._relations = tuple(self._related_choices)
        self._relation_weights = Weighted(_CLOSE_WEIGHTS[r] for r in self._relations)
        kinds: list[tuple[float, Kind]] = [
            (mixture.single, self._single),
            (mixture.count, self._count),
            (mixture.pair, self._pair),
            (mixture.coloured, self._coloured),
            (mixture.scenic, self._scenic),
            (mixture.attributed, self._attributed),
            (mixture.related, self._related),
        ]
        if split == "combinations":  # what shows no combination says nothing about them
            kinds = [kind for kind in kinds if kind[1] not in (self._single, self._scenic)]
        self._kinds = [(share, kind) for share, kind in kinds if share > 0 and self._able(kind)]
        if not self._kinds:
            raise InvalidArgument("mixture", "has no share that this store can fill")
        self._shares = Weighted(share for share, _ in self._kinds)

    def draw(self, rng: np.random.Generator) -> Cast:
        """A cast of the mixture."""
        kind = self._kinds[self._shares.draw(rng)][1]
        for _ in range(_TRIES):
            if (cast := kind(rng)) is not None:
                return cast
        raise AssertionError("a kind that was able to draw a cast is so again")

    def _able(self, kind: Kind) -> bool:
        """Whether the store has what a kind of picture needs."""
        rng = np.random.default_rng(0)
        return any(kind(rng) is not None for _ in range(_PROBES))

    def figure(self, rng: np.random.Generator, index: int) -> Figure:
        """A drawing as it will be placed, mirrored or not."""
        sprite = self._store[index]
        return Figure(self._figures, sprite, index, None, self._flip(rng, sprite))

    def _flip(self, rng: np.random.Generator, sprite: Sprite) -> bool:
        flipped = rng.random() < 0.3
        return (
            flipped and sprite.mirrorable and not any(word in sprite.concept for word in _DIRECTED)
        )

    def _single(self, rng: np.random.Generator) -> Cast | None:
        return Cast((self.figure(rng, self._any.draw(rng)),))

    def _scenic(self, rng: np.random.Generator) -> Cast | None:
        if not self._scenic_choice:
            return None
        return Cast((self.figure(rng, self._scenic_choice.draw(rng)),), scenic=True)

    def _count(self, rng: np.random.Generator) -> Cast | None:
        if not self._counts:
            return None
        n = self._counts[self._count_weights.draw(rng)]
        figure = self.figure(rng, self._countable[n].draw(rng))
        if rng.random() < self._mixture.dyed:
            figure = self._dyed(rng, figure) or figure
        return Cast((figure,) * n)

    def _pair(self, rng: np.random.Generator) -> Cast | None:
        two = self._two(rng, self._any, self._any)
        return Cast(two, pick(rng, tuple(SIDES))) if two else None

    def _coloured(self, rng: np.random.Generator) -> Cast | None:
        figure = self._dyed(rng, self.figure(rng, self._any.draw(rng)))
        return Cast((figure,)) if figure else None

    def _attributed(self, rng: np.random.Generator) -> Cast | None:
        two = self._two(rng, self._any, self._any, dyeable=True)
        if two is None:
            return None
        first, second = (self._dyed(rng, figure) for figure in two)
        if first is None or second is None or first.colour == second.colour:
            return None
        return Cast((first, second), pick(rng, tuple(SIDES)))

    def _related(self, rng: np.random.Generator) -> Cast | None:
        if not self._relations:
            return None
        relation = self._relations[self._relation_weights.draw(rng)]
        two = self._two(rng, *self._related_choices[relation])
        if two is None:
            return None
        if rng.random() < self._mixture.dyed:
            first, second = (self._dyed(rng, figure) or figure for figure in two)
            if first.colour != second.colour:
                two = first, second
        return Cast(two, relation)

    def _two(
        self, rng: np.random.Generator, firsts: Choice, seconds: Choice, dyeable: bool = False
    ) -> tuple[Figure, Figure] | None:
        """Two different things, mostly in one style, as an illustrator would."""
        index = firsts.draw(rng)
        if dyeable and self._figures.dye(index) is None:
            return None
        one = self._store[index]
        for attempt in range(12):
            other = seconds.draw(rng)
            two = self._store[other]
            if two.style != one.style and attempt < 8 and rng.random() > 0.1:
                continue
            if dyeable and self._figures.dye(other) is None:
                continue
            if two.concept != one.concept and pair_allowed(self._split, one.concept, two.concept):
                return self.figure(rng, index), self.figure(rng, other)
        return None

    def _dyed(self, rng: np.random.Generator, figure: Figure) -> Figure | None:
        """The same thing in a colour that is not its own, or None where it takes none."""
        if self._figures.dye(figure.index) is None:
            return None
        concept = figure.sprite.concept
        if concept not in self._colours:
            self._colours[concept] = tuple(
                colour
                for colour in OBJECT_COLOURS
                if colour not in concept.split(" ")
                and not concept.startswith("two ")
                and allowed(self._split, uncoloured(concept), colour)
            )
        colours = self._colours[concept]
        return replace(figure, colour=pick(rng, colours)) if colours else None
