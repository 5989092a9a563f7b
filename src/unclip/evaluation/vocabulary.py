"""The things that the benchmark asks for, as GenEval has its 80 classes of COCO.

A class has the name that prompts use, the concepts of the corpus that are it ("dog face" is a dog)
and those so like it that a picture of one is neither right nor wrong ("wolf"). A class was taken up
where the corpus had at least six drawings of it in three styles, a person tells it from every
other at 24 pixels, and the judge does too: see `confusions` in the judge's record.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from unclip.corpus.colours import is_nearest, nearest_colour, recolour
from unclip.corpus.figures import Figures
from unclip.corpus.filters import FILTERS
from unclip.corpus.names import plural
from unclip.corpus.phrases import STYLE_OF
from unclip.corpus.raster import Pixels, resize
from unclip.corpus.store import SpriteStore
from unclip.errors import CorpusError

FILE = Path(__file__).parent / "vocabulary.json"
LEAST = 2
"""Drawings that a store must have of a class: one alone is no concept."""
PAINTED = tuple(FILTERS)
_LOOK = 28
"""Pixels a side at which a colour must be told."""
_NEARLY_ALL = 0.8
"""Share of a drawing's pixels that are of the colour that is its own."""
STYLES = (*STYLE_OF, *PAINTED)
"""What a drawing may be drawn in, and then what a filter may make of any picture."""


@dataclass(frozen=True)
class Thing:
    """A class: `concepts` are it, `drawings` are their rows in the store."""

    name: str
    concepts: tuple[str, ...]
    drawings: tuple[int, ...]

    @property
    def plural(self) -> str | None:
        """None where it cannot be counted."""
        return plural(self.name)


class Vocabulary:
    """The classes that a store can show, and every other drawing in it.

    `others` are rows of drawings that are certainly none of the classes. What is like a class, or
    has its name in its own ("dog house"), is in neither.
    """

    def __init__(self, store: SpriteStore, least: int = LEAST) -> None:
        """Raises `CorpusError` where the store has `least` drawings of no class."""
        listed = json.loads(FILE.read_text(encoding="utf-8"))
        class_of = {concept: name for name, entry in listed.items() for concept in entry["is"]}
        drawings: dict[str, list[int]] = defaultdict(list)
        there = {sprite.concept for sprite in store.sprites}
        taught = [i for i, sprite in enumerate(store.sprites) if sprite.split == "train"]
        for i in taught:
            name = class_of.get(store[i].concept)
            if name is not None:
                drawings[name].append(i)
        self.store, self._figures = store, Figures(store)
        self._own: dict[int, str | None] = {}
        self._fitting: dict[tuple[str, str | None, str | None], tuple[int, ...]] = {}
        self.things = {
            name: Thing(name, tuple(c for c in entry["is"] if c in there), tuple(drawings[name]))
            for name, entry in listed.items()
            if len(drawings[name]) >= least
        }
        if not self.things:
            raise CorpusError(f"{store.path} has {least} drawings of no class of {FILE.name}")
        self.names = tuple(self.things)
        self._number = {i: n for n, t in enumerate(self.things.values()) for i in t.drawings}
        like = {concept for entry in listed.values() for concept in entry.get("like", ())}
        words = re.compile(rf"\b(?:{'|'.join(map(re.escape, self.names))})s?\b", re.IGNORECASE)
        self.others = tuple(
            i
            for i in taught
            if i not in self._number
            and store[i].concept not in like
            and not any(words.search(name) for name in (store[i].concept, *store[i].synonyms))
        )
        self._others = frozenset(self.others)

    def __len__(self) -> int:
        return len(self.names)

    def number(self, drawing: int) -> int | None:
        """The class of a row of the store; `len(self)` for any other thing, None where unsure."""
        return self._number.get(drawing, len(self) if drawing in self._others else None)

    def drawings(
        self, name: str, style: str | None = None, colour: str | None = None
    ) -> tuple[int, ...]:
        """Drawings of a class: those in one style, and those that show a colour they are given."""
        key = name, style, colour
        if key not in self._fitting:
            self._fitting[key] = tuple(
                i
                for i in self.things[name].drawings
                if (style is None or style in PAINTED or self.store[i].style == style)
                and (colour is None or self._shows(i, colour))
            )
        return self._fitting[key]

    def takes_colour(self, drawing: int) -> bool:
        """Whether a drawing can be given another colour than its own."""
        return self._figures.dye(drawing) is not None

    def colour(self, drawing: int) -> str | None:
        """The colour that nearly all of an undyed drawing is of, if there is one."""
        if drawing not in self._own:
            solid = _solid(resize(self.store.small[drawing], _LOOK))
            lines = self.store[drawing].style == "black and white drawing"
            named = nearest_colour(solid) if len(solid) and not lines else None
            sure = named is not None and is_nearest(solid, named).mean() >= _NEARLY_ALL
            self._own[drawing] = named if sure else None
        return self._own[drawing]

    def _shows(self, drawing: int, colour: str) -> bool:
        """Whether a drawing that is given a colour is then mostly of it."""
        own = self._figures.dye(drawing)
        if own is None:
            return False
        solid = _solid(recolour(resize(self.store.small[drawing], _LOOK), own, colour))
        return len(solid) > 0 and nearest_colour(solid) == colour


def _solid(pixels: Pixels) -> Pixels:
    """Colours [n, 3] of the opaque pixels of a drawing."""
    opaque: Pixels = pixels[pixels[..., 3] > 200][:, :3]
    return opaque
