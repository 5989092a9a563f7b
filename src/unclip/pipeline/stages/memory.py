"""A prompt to embeddings of remembered drawings: what the prior starts from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.models.memory import Memory
from unclip.pipeline.stages.common import Generators, candidate

WORD = re.compile(r"[\w'-]+")
WORDS, LONGEST = 32, 3
"""Words of a prompt that are looked at, and of a phrase that may be a name."""
SURE = 0.75
"""Cosine at which a phrase is a name. Where no phrase is, the nearest one must do."""
PER_WORD = 0.02
"""By how much a phrase of one word more may be less sure: "hot dog" is no dog."""
TEMPERATURE = 0.05
"""Of the choice among a thing's drawings, in cosines with the whole prompt."""
_OTHER = 0x3E3
"""Of a row's own seed: other numbers than those of its noise."""


class Named(NamedTuple):
    """A phrase of a prompt: its words from `start` to `end`, the thing and the style that they are
    the name of (-1: of none), and their cosine with that name."""

    start: int
    end: int
    thing: int
    style: int
    cosine: float


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
        self, prompt: str, z_t: Float[Tensor, "1 e"], generators: Generators
    ) -> Float[Tensor, "n k e"]:
        """For each generator one drawing of each thing: in the style that the prompt names, if
        there are any, and the more often the more it looks like the whole prompt. The generators
        themselves are left as they are."""
        own = [candidate(generator.initial_seed(), _OTHER) for generator in generators]
        memory, z_t = self.memory, z_t[0].float()
        chosen = []
        things, style = self.named(prompt)
        for thing in things:
            rows = memory.rows_of(thing.thing)
            drawings = memory.drawing(rows)
            fitness = drawings @ z_t / TEMPERATURE + memory.weight[rows]
            other = memory.drawing_style[rows] != style
            if style >= 0 and not other.all():
                fitness = fitness.masked_fill(other, -torch.inf)
            odds = fitness.softmax(dim=0).cpu()
            chosen.append(drawings[[int(torch.multinomial(odds, 1, generator=g)) for g in own]])
        return torch.stack(chosen, dim=1)

    def named(self, prompt: str) -> tuple[list[Named], int]:
        """The things that a prompt names, in its order, at least one; and the style, or -1."""
        spans, nearness = self._phrases(prompt)
        sure = self._sure(spans, nearness)
        named = [one for one in sure if one.thing >= 0][: self.most]
        if not named:
            nearest = nearness.masked_fill(self.memory.thing < 0, -1.0).amax(dim=0)
            thing = int(self.memory.thing[nearest.argmax()])
            named = [Named(0, 0, thing, -1, float(nearest.max()))]
        return sorted(named), next((one.style for one in sure if one.style >= 0), -1)

    def things(self, text: str) -> list[Named]:
        """All things that a text surely names, in its order."""
        return sorted(one for one in self._sure(*self._phrases(text)) if one.thing >= 0)

    @torch.inference_mode()
    def _phrases(self, text: str) -> tuple[list[tuple[int, int]], Float[Tensor, "p n"]]:
        """Its phrases by their words, and how near each is to every name."""
        words = WORD.findall(text)[:WORDS] or [text]
        spans = [
            (start, start + n)
            for n in range(1, min(LONGEST, len(words)) + 1)
            for start in range(len(words) - n + 1)
        ]
        embedded = self.embed([" ".join(words[a:b]) for a, b in spans])
        return spans, self.memory.nearness(embedded)

    def _sure(self, spans: Sequence[tuple[int, int]], nearness: Tensor) -> list[Named]:
        """Phrases that surely are names, the surest first; none shares a word with another."""
        memory, best = self.memory, nearness.max(dim=1)
        of = torch.stack([memory.thing, memory.name_style], dim=1)[best.indices].tolist()
        found = [
            Named(*span, thing, style, cosine)
            for span, (thing, style), cosine in zip(spans, of, best.values.tolist(), strict=True)
            if cosine >= SURE
        ]
        found.sort(key=lambda one: -one.cosine - PER_WORD * (one.end - one.start))
        return _apart(found)


def _apart(found: Sequence[Named]) -> list[Named]:
    """Those that share no word with one before them."""
    kept: list[Named] = []
    for one in found:
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return kept
