"""Text to token ids, through the `tokenizers` library and one `tokenizer.json`.

The file decides everything (WordPiece for the default model, byte-level BPE for CLIP); this wrapper
only cuts to the context, pads to the longest text of the batch and says what was cut.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import tokenizers
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from unclip.errors import BundleError

PAD = 0
"""Id that fills a batch: `[PAD]` of BERT, `!` of Karlo. Masked everywhere, so never read."""

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


class Tokens(NamedTuple):
    """A batch of texts; `mask` is true on real tokens, which always come first."""

    ids: Int[Tensor, "b n"]
    mask: Bool[Tensor, "b n"]
    truncated: tuple[bool, ...]


class Tokenizer:
    """A `tokenizer.json`, ready for batches. It holds no request state."""

    def __init__(self, core: tokenizers.Tokenizer) -> None:
        core.no_padding()
        core.no_truncation()
        self._core = core

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tokenizer:
        """Read a `tokenizer.json`. Raises `BundleError` where it is absent or unreadable."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(f"{path} is missing") from None
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} is not a tokenizer.json: {error}") from None

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """The content of a `tokenizer.json`. Raises `ValueError` where it is not one."""
        try:
            return cls(tokenizers.Tokenizer.from_str(text))
        except Exception as error:  # the library raises bare `Exception`
            raise ValueError(str(error)) from None

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> Tokenizer:
        """A small lower-casing WordPiece vocabulary: single characters, then the commonest words.

        The library's own trainer breaks ties differently from run to run; this does not.
        """
        normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
        splitter = tokenizers.pre_tokenizers.BertPreTokenizer()
        counts = Counter(
            word
            for text in texts
            for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))
        )
        letters = sorted({letter for word in counts for letter in word})
        words = sorted(counts, key=lambda word: (-counts[word], word))
        pieces = dict.fromkeys([*_SPECIAL, *letters, *(f"##{c}" for c in letters), *words])
        vocab = {piece: i for i, piece in enumerate(list(pieces)[:vocab_size])}
        core = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocab, unk_token="[UNK]"))
        core.normalizer, core.pre_tokenizer = normalizer, splitter
        core.post_processor = tokenizers.processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            special_tokens=[(name, vocab[name]) for name in ("[CLS]", "[SEP]")],
        )
        return cls(core)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `tokenizer.json`."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    def to_json(self) -> str:
        """The content of `tokenizer.json`."""
        return str(self._core.to_str())

    @property
    def vocab_size(self) -> int:
        """How many ids there are: rows of the embedding that goes with it."""
        return int(self._core.get_vocab_size())

    def vocab(self) -> dict[str, int]:
        """Each token and its id."""
        return dict(self._core.get_vocab())

    def encode(self, text: str) -> list[int]:
        """Ids of one text with its start and end tokens, uncut."""
        return list(self._core.encode(text).ids)

    def __call__(self, texts: Sequence[str], context: int | None = None) -> Tokens:
        """Encode a batch, padded to its longest text.

        Args:
            texts: at least one text; each gets the start and end tokens of the file.
            context: the most tokens a text may have, start and end included; no limit if None.
                A longer text keeps its first tokens and its end token.
        """
        assert texts, "an empty batch has no shape"
        rows = [list(found.ids) for found in self._core.encode_batch(list(texts))]
        limit = max(map(len, rows)) if context is None else context
        truncated = tuple(len(row) > limit for row in rows)
        rows = [
            row[: limit - 1] + row[-1:] if cut else row
            for row, cut in zip(rows, truncated, strict=True)
        ]
        length = max(map(len, rows))
        ids = torch.tensor([row + [PAD] * (length - len(row)) for row in rows])
        lengths = torch.tensor([len(row) for row in rows])
        return Tokens(ids, torch.arange(length) < lengths[:, None], truncated)
