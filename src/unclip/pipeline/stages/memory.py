"""A prompt to embeddings of remembered drawings: what the prior starts from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.corpus.colours import OBJECT_COLOURS
from unclip.corpus.names import COLOUR_WORDS, TONES
from unclip.corpus.phrases import STYLE_AFTER, STYLE_OF
from unclip.models.memory import Memory
from unclip.pipeline.reading import any_of
from unclip.pipeline.stages.common import Generators, candidate

WORD = re.compile(r"[\w'-]+")
WORDS, LONGEST = 32, 3
"""Words of a prompt that are looked at, and of a phrase that may be a name."""
SURE = 0.75
"""Cosine at which a phrase is a name. Where no phrase is, the nearest one must do."""
PER_WORD = 0.02
"""By how much a phrase of one word more may be less sure: "hot dog" is no dog."""
MANY = 2
"""Times as many drawings are many more."""
TEMPERATURE = 0.05
"""Of the choice among a thing's drawings, in cosines with the whole prompt."""
TASTE = 2.5
"""How much a picture's own taste counts, in times of what chance does."""
SKIN = re.compile(
    r"(?:,? (?:with|has) )?\b((?:very |medium[- ])?(?:light|dark|medium|black|white|brown|pale))"
    r"[- ]skin(?:ned)?\b",
    re.IGNORECASE,
)
"""What a prompt says of a person's skin."""
TONED = 2.0
"""How much that counts among a thing's drawings, in times of the whole prompt."""
_STYLED = [
    {phrase.lower() for phrase in (*STYLE_OF[style], *STYLE_AFTER[style])} for style in STYLE_OF
]
_STYLE = re.compile(
    rf"^((?:an? )?(?:{any_of(chain.from_iterable(STYLE_OF.values()))}))\b"
    rf"|,\s*({any_of(chain.from_iterable(STYLE_AFTER.values()))})(?=\s*(?:,|$))",
    re.IGNORECASE,
)
_COLOURS = COLOUR_WORDS | OBJECT_COLOURS.keys()
_COLOURED = re.compile(rf"(?:(?:an?|the) )?(?:{any_of(_COLOURS)}) ", re.IGNORECASE)
_OTHER, _TASTE = 0x3E3, 0x7A5
"""Of a row's own seed: other numbers than those of its noise."""


class Named(NamedTuple):
    """A phrase of a prompt: its words from `start` to `end`, the thing and the style that they are
    the name of (-1: of none), and their cosine with that name."""

    start: int
    end: int
    thing: int
    style: int
    cosine: float

    @property
    def span(self) -> tuple[int, int]:
        """From which word to which."""
        return self.start, self.end


class MemoryStage:
    """Finds the things that a prompt names, up to as many as the prior takes.

    Args:
        embed: texts to embeddings of unit length.
        most: anchors that the prior takes.
    """

    def __init__(
        self, memory: Memory, embed: Callable[[Sequence[str]], Float[Tensor, "p e"]], most: int
    ) -> None:
        self.memory, self.embed, self.most = memory, embed, most

    @torch.inference_mode()
    def __call__(
        self, prompt: str, z_t: Float[Tensor, "1 e"], generators: Generators, each: int = 1
    ) -> Float[Tensor, "n k e"]:
        """For each generator one drawing of each thing: in the style that the prompt names, if
        there are any, and the more often the more it looks like the whole prompt. The generators
        themselves are left as they are.

        Args:
            each: generators of one picture, which has drawings that it likes better than others
                do: the best of its candidates would be made after the same one as all others'.
        """
        own = [candidate(generator.initial_seed(), _OTHER) for generator in generators]
        tastes = [candidate(g.initial_seed(), _TASTE) for g in generators[::each]]
        memory, z_t = self.memory, z_t[0].float()
        chosen = []
        things, style = self.named(prompt)
        tone = TONED * self._tone(prompt).to(z_t)
        for thing in things:
            rows = memory.rows_of(thing.thing)
            drawings = memory.drawing(rows)
            fitness = drawings @ (z_t + tone) / TEMPERATURE + memory.weight[rows]
            other = memory.drawing_style[rows] != style
            if style >= 0 and not other.all():
                fitness = fitness.masked_fill(other, -torch.inf)
            liked = [_gumbel(len(fitness), taste) for taste in tastes]
            odds = (fitness.cpu() + TASTE * torch.stack(liked)).softmax(dim=1)
            picks = [torch.multinomial(odds[i // each], 1, generator=g) for i, g in enumerate(own)]
            chosen.append(drawings[torch.cat(picks)])
        return torch.stack(chosen, dim=1)

    def named(self, prompt: str) -> tuple[list[Named], int]:
        """The things that a prompt names, in its order, at least one; and the style, or -1."""
        text = _phrases(prompt)
        nearness = self._nearness(text.said)
        best = nearness.max(dim=1)
        sure = self._sure(text, best.indices.tolist(), best.values.tolist())
        named = [one for one in sure if one.thing >= 0][: self.most]
        if not named:
            nearest = nearness.masked_fill(self.memory.thing < 0, -1.0).amax(dim=0)
            thing = int(self.memory.thing[nearest.argmax()])
            named = [Named(0, 0, thing, -1, float(nearest.max()))]
        return sorted(named), next((one.style for one in sure if one.style >= 0), _style_of(prompt))

    @torch.inference_mode()
    def _tone(self, prompt: str) -> Float[Tensor, " e"]:
        """Which way a skin of the tone that a prompt names lies from any other; zeros if none."""
        said = SKIN.search(prompt)
        if said is None:
            return torch.zeros(self.memory.config.embed_dim)
        names = (said[1].lower(), *filter(None, TONES))
        mine, *every = self.embed([f"a person with {name} skin" for name in names])
        return torch.nn.functional.normalize(mine - torch.stack(every).mean(dim=0), dim=0)

    def reader(self) -> Callable[[str], list[Named]]:
        """What finds all things that a text surely names, in its order. Of texts that share
        phrases it reads each phrase once."""
        known: dict[str, tuple[int, float]] = {}

        def things(text: str) -> list[Named]:
            phrases = _phrases(text)
            if new := [one for one in dict.fromkeys(phrases.said) if one not in known]:
                best = self._nearness(new).max(dim=1)
                nearest = zip(best.indices.tolist(), best.values.tolist(), strict=True)
                known.update(zip(new, nearest, strict=True))
            sure = self._sure(phrases, *zip(*map(known.__getitem__, phrases.said), strict=True))
            return sorted(one for one in sure if one.thing >= 0)

        return things

    @cached_property
    def _names(self) -> Float[Tensor, "n e"]:
        return self.memory.name(slice(None))

    @torch.inference_mode()
    def _nearness(self, phrases: Sequence[str]) -> Float[Tensor, "p n"]:
        """How near each phrase is to every name."""
        return self.embed(phrases) @ self._names.T

    def _sure(self, text: Phrases, names: Sequence[int], cosines: Sequence[float]) -> list[Named]:
        """Phrases that surely are the names nearest to them, the surest first.

        None shares a word with another, or goes before another thing as an adjective does: an old
        house is a house, and no old man. A colour makes no phrase surer, and is left out of one
        where the rest is a thing of many more drawings, which may be dyed: a red car, and a red
        fox, which is a herb.
        """
        rest = {
            span: (span[0] + len(said[0].split()), span[1])
            for span, phrase in zip(text.spans, text.said, strict=True)
            if (said := _COLOURED.match(phrase))
        }
        of = torch.stack([self.memory.thing, self.memory.name_style], dim=1)[list(names)].tolist()
        found = [
            Named(*span, thing, style, cosine)
            for span, (thing, style), cosine in zip(text.spans, of, cosines, strict=True)
            if cosine >= SURE
        ]
        drawn = {one.span: self._drawings(one.thing) for one in found}

        def gives_way(one: Named) -> bool:
            plain = drawn.get(rest[one.span], 0) if one.span in rest else 0
            return plain > 0 and plain >= MANY * drawn[one.span]

        def sureness(one: Named) -> float:
            return one.cosine + PER_WORD * (one.end - one.start - (one.span in rest))

        lasting = [one for one in found if not gives_way(one)]
        kept = _apart(sorted(lasting, key=sureness, reverse=True))
        nouns = {text.begin(one.start) for one in kept if one.thing >= 0} & text.joined
        return [one for one in kept if one.thing < 0 or one.end not in nouns]

    def _drawings(self, thing: int) -> int:
        rows = self.memory.rows_of(thing) if thing >= 0 else slice(0, 0)
        return rows.stop - rows.start


def _style_of(prompt: str) -> int:
    """The style that a prompt names as captions do, or -1: a cartoon is a thing to the memory."""
    found = _STYLE.search(prompt)
    said = (found[1] or found[2]).lower() if found else ""
    return next((k for k, words in enumerate(_STYLED) if said in words), -1)


def _gumbel(n: int, generator: torch.Generator) -> Float[Tensor, " n"]:
    """Noise that makes the largest of some logarithms of odds one drawn by them."""
    return -torch.empty(n).exponential_(generator=generator).log()


class Phrases(NamedTuple):
    """Words of a text that follow each other: from which to which, and what they say.

    `joined` are the words before which there is nothing but a space after another, `colours` those
    that are one.
    """

    spans: list[tuple[int, int]]
    said: list[str]
    joined: frozenset[int] = frozenset()
    colours: frozenset[int] = frozenset()

    def begin(self, noun: int) -> int:
        """The first of a noun's colours, or the noun."""
        while noun in self.joined and noun - 1 in self.colours:
            noun -= 1
        return noun


def _phrases(text: str) -> Phrases:
    """Up to `LONGEST` words at a time, but for those of a skin."""
    found = list(WORD.finditer(text))[:WORDS]
    words = [one[0] for one in found] or [text]
    skin = {
        k
        for said in SKIN.finditer(text)
        for k, one in enumerate(found)
        if said.start() <= one.start() < said.end()
    }
    spans = [
        (start, start + n)
        for n in range(1, min(LONGEST, len(words)) + 1)
        for start in range(len(words) - n + 1)
        if skin.isdisjoint(range(start, start + n))
    ]
    if not spans:
        return Phrases([(0, 1)], [text])
    gaps = enumerate(pairwise(found), start=1)
    joined = frozenset(k for k, (a, b) in gaps if text[a.end() : b.start()].isspace())
    colours = frozenset(k for k, word in enumerate(words) if word.lower() in _COLOURS)
    return Phrases(spans, [" ".join(words[a:b]) for a, b in spans], joined, colours)


def _apart(found: Sequence[Named]) -> list[Named]:
    """Those that share no word with one before them."""
    kept: list[Named] = []
    for one in found:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return kept
