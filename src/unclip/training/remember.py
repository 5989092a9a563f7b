"""Fills the prior's memory: every drawing alone on white, as the image tower sees it, by name."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unclip.corpus import phrases as said
from unclip.corpus.choice import EVERYDAY
from unclip.corpus.colours import BACKGROUND_COLOURS, COLOUR_SYNONYMS, OBJECT_COLOURS
from unclip.corpus.composer import Composer
from unclip.corpus.concepts import also_called
from unclip.corpus.mixture import Mixture
from unclip.corpus.names import plural
from unclip.corpus.raster import Pixels
from unclip.corpus.scene import Background, Placed, Scene
from unclip.corpus.sources import Places
from unclip.corpus.store import SpriteStore
from unclip.corpus.wording import phrases
from unclip.corpus.wordnet import WordNet
from unclip.models.image import ImageTower
from unclip.models.memory import Memory
from unclip.models.text import TextTower
from unclip.models.tokenizer import Tokenizer
from unclip.pipeline.stages.memory import LONGEST, WORD
from unclip.training.data import to_tensor

EACH, EACH_PERSON, EACH_EVERYDAY = 3, 6, 12
"""Drawings of a concept, in as many styles as can be; of people, who come in skin tones; and of an
everyday thing."""
SIZE = 0.85
_WORDS = Places.share / "wordnet"
_STYLES = tuple(said.STYLE_OF)
_WHITE = Background("plain", "white", ((255, 255, 255),))
_BATCH = 128
_PROBES, _SAME = 16, 0.998
"""Of a memory that is there so many are compared, by cosine."""


class Shelf(NamedTuple):
    """What is remembered: the drawings of each thing, and names with the thing that each is of."""

    drawings: list[list[int]]
    names: list[tuple[str, int]]


def choose(store: SpriteStore, drawings: int, names: int, words: WordNet | None = None) -> Shelf:
    """The shelf of a store, while there is room: everyday things first, then all others, then with
    `words` what else they are called."""
    by_concept: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, sprite in enumerate(store.sprites):
        if sprite.split == "train":
            by_concept[sprite.concept][sprite.style].append(i)
    shelf = Shelf([], [(phrase, -1) for phrase in no_things()][:names])
    taken = {name for name, _ in shelf.names}
    room = drawings
    for concept in sorted(by_concept, key=lambda c: (c not in EVERYDAY, -len(by_concept[c]), c)):
        in_turn = _in_turn(list(by_concept[concept].values()))
        chosen = list(itertools.islice(in_turn, min(room, _most(store, concept, by_concept))))
        called = dict.fromkeys(name for i in chosen for name in phrases(store[i]))
        if concept in EVERYDAY and (many := plural(concept)):
            called[many] = None
        new = [name for name in called if name not in taken][: names - len(shelf.names)]
        if new:
            shelf.names.extend((name, len(shelf.drawings)) for name in new)
            shelf.drawings.append(chosen)
            taken.update(new)
            room -= len(chosen)
    if words is not None:
        _add_synonyms(shelf, store, names, words)
    return shelf


def _add_synonyms(shelf: Shelf, store: SpriteStore, most: int, words: WordNet) -> None:
    taken = {name for name, _ in shelf.names}
    for thing, drawings in enumerate(shelf.drawings):
        sprite = store[drawings[0]]
        for name in also_called(sprite.concept, sprite.category, words):
            if name not in taken and len(name.split()) <= LONGEST and len(shelf.names) < most:
                shelf.names.append((name, thing))
                taken.add(name)


def _most(store: SpriteStore, concept: str, by_concept: dict[str, dict[str, list[int]]]) -> int:
    if concept in EVERYDAY:
        return EACH_EVERYDAY
    first = next(iter(by_concept[concept].values()))[0]
    return EACH_PERSON if store[first].category == "people" else EACH


def _in_turn(groups: list[list[int]]) -> Iterator[int]:
    """The first of every group, then the second of every group, and so on."""
    for ones in itertools.zip_longest(*groups):
        yield from (one for one in ones if one is not None)


def no_things() -> tuple[str, ...]:
    """What captions say beside the things themselves, in up to three words."""
    listed = [
        *OBJECT_COLOURS,
        *BACKGROUND_COLOURS,
        *(name for names in COLOUR_SYNONYMS.values() for name in names),
        *(f"{colour} background" for colour in BACKGROUND_COLOURS),
        *("background", "picture", "image", "illustration", "drawing", "painting", "icon"),
        *said.PLAIN_AFTER,
    ]
    for table in (
        said.STYLE_OF,
        said.STYLE_AFTER,
        said.PAINTED_OF,
        said.PAINTED_AFTER,
        said.NUMBERS,
        said.RELATION_PHRASES,
        said.COMPOSITION_OF,
        said.COMPOSITION_AFTER,
        said.LIGHT_PHRASES,
        said.WEATHER_PHRASES,
        said.MOODS,
    ):
        listed += [phrase for options in table.values() for phrase in options]
    words = [WORD.findall(phrase.replace("{}", " ")) for phrase in listed]
    return tuple(dict.fromkeys(" ".join(some) for some in words if 0 < len(some) <= LONGEST))


def alone(composer: Composer, drawing: int) -> Pixels:
    """A drawing in the middle of a white picture of 64 pixels."""
    sprite = composer.store[drawing]
    scene = Scene((Placed(sprite, drawing, 0.5, 0.5, SIZE),), _WHITE, sprite.style)
    return composer.render(scene, 64)


@torch.no_grad()
def remember(
    memory: Memory, composer: Composer, image: ImageTower, text: TextTower, tokenizer: Tokenizer
) -> Shelf:
    """Fill a memory, unless it is filled by these towers already; gives what is in it.

    Where WordNet is installed, so are its synonyms.
    """
    words = WordNet(_WORDS) if _WORDS.is_dir() else None
    store, device = composer.store, memory.first.device
    shelf = choose(store, memory.config.drawings, memory.config.names, words)
    drawings = list(itertools.chain.from_iterable(shelf.drawings))
    names = [name for name, _ in shelf.names]

    def see(some: list[int]) -> Float[Tensor, "b e"]:
        pixels = np.stack([alone(composer, drawing) for drawing in some])
        return F.normalize(image(to_tensor(pixels).to(device)).float(), dim=1)

    def read(some: list[str]) -> Float[Tensor, "b e"]:
        tokens = tokenizer(some, text.config.context)
        embedding = text(tokens.ids.to(device), tokens.mask.to(device)).embedding
        return F.normalize(embedding.float(), dim=1)

    if len(memory) == len(drawings):
        few = slice(0, _PROBES)
        cosines = (see(drawings[few]) * memory.drawing(few)).sum(dim=1)
        named = (read(names[few]) * memory.name(few)).sum(dim=1)
        if min(cosines.min(), named.min()) > _SAME:
            return shelf
    style_of = {name: style for style, called in said.STYLE_AFTER.items() for name in called}
    rare = dict(Mixture().styles)
    memory.remember(
        torch.cat([see(drawings[k : k + _BATCH]) for k in range(0, len(drawings), _BATCH)]),
        torch.tensor([math.log(rare.get(store[i].style, 1.0)) for i in drawings]),
        [len(some) for some in shelf.drawings],
        torch.cat([read(names[k : k + _BATCH]) for k in range(0, len(names), _BATCH)]),
        [thing for _, thing in shelf.names],
        [_STYLES.index(store[i].style) for i in drawings],
        [_STYLES.index(style_of[name]) if name in style_of else -1 for name in names],
    )
    return shelf
