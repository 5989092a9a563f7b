"""Prompt to embedding and token states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from unclip.models.text import TextEncoding, TextTower
from unclip.models.tokenizer import Tokenizer
from unclip.pipeline.stages.common import Running
from unclip.types import Progress

KEPT = 32
"""Encodings that are kept, the latest used."""


class Texts(NamedTuple):
    """A prompt as the other stages see it.

    Attributes:
        prompt: one row, without padding.
        empty: the encoding of "", the negative of guidance.
        truncated: the prompt was longer than the network's context and lost its end.
        words: the prompt, in the corpus's words where they are asked for.
        given: there is a prompt; without one, `prompt` is the empty encoding too.
    """

    prompt: TextEncoding
    empty: TextEncoding
    truncated: bool
    words: str
    given: bool = True


class TextStage:
    """Prompt to embedding and states. Padding is never computed: one text has none.

    Args:
        reword: says prompts in the words that the network has learned.
    """

    def __init__(
        self,
        tower: TextTower,
        tokenizer: Tokenizer,
        context: int,
        reword: Callable[[str], str] | None = None,
    ) -> None:
        self.tower, self.tokenizer, self.reword = tower, tokenizer, reword
        self.context = min(context, tower.config.context)
        self.device = tower.projection.weight.device
        # A prompt is read by the policy and by the cascade, and the empty one by every request.
        self._encoded = lru_cache(KEPT)(self._encode)

    def embedding(self, text: str) -> Sequence[float]:
        """The sentence embedding: the mean of its states. The policy reads prompts as they are."""
        encoding, _ = self._encoded(text)
        mean: list[float] = encoding.states[0].float().mean(0).tolist()
        return mean

    def __call__(self, prompt: str = "") -> Running[Texts]:
        words = prompt if self.reword is None else self.reword(prompt)
        empty, _ = self._encoded("")
        encoding, truncated = self._encoded(words)
        yield Progress("text", 1, 1)
        return Texts(encoding, empty, truncated, words, bool(prompt))

    @torch.inference_mode()
    def embeddings(self, texts: Sequence[str]) -> Float[Tensor, "n e"]:
        """Of several texts at once, of unit length."""
        encoding, _ = self._read(texts)
        return F.normalize(encoding.embedding.float(), dim=1)

    def _encode(self, text: str) -> tuple[TextEncoding, bool]:
        encoding, truncated = self._read([text])
        return encoding, truncated[0]

    @torch.inference_mode()
    def _read(self, texts: Sequence[str]) -> tuple[TextEncoding, Sequence[bool]]:
        tokens = self.tokenizer(texts, self.context)
        ids, mask = tokens.ids.to(self.device), tokens.mask.to(self.device)
        return self.tower(ids, mask), tokens.truncated
