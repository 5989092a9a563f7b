"""From composed scenes to tensors, and the fixed prompts that every sheet shows."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unclip.config import PRESETS, ModelConfig, TextConfig
from unclip.corpus.composer import Composer
from unclip.models.tokenizer import Tokenizer
from unclip.training.minilm import load_minilm
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace, write_atomically

TEXT_TOKENS = 24
"""Tokens of a training caption, padded or cut: one shape, so that a network compiles once."""

PROMPTS = (
    "a red apple",
    "a rocket, 3d render, on a blue background",
    "two cats",
    "a dog",
    "a slice of pizza",
    "a flat vector drawing of a house",
    "a yellow car",
    "a tree on a green background",
    "a smiling face",
    "a bird, 3d render",
    "three strawberries",
    "a cat to the left of a dog",
    "a purple butterfly",
    "a cup of coffee",
    "a fish on a light blue background",
    "a guitar",
)


def to_tensor(pixels: np.ndarray) -> Float[Tensor, "b 3 h w"]:
    """uint8 `b h w 3` to [-1, 1] `b 3 h w`, channels-last in memory."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_uint8(pixels: Float[Tensor, "b 3 h w"]) -> np.ndarray:
    """[-1, 1] to uint8 `b h w 3`."""
    rounded = ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return rounded.permute(0, 2, 3, 1).cpu().numpy()


def sheet(pixels: Float[Tensor, "b 3 h w"], columns: int) -> Image.Image:
    """A grid of pictures, row by row, with a pixel or two between."""
    tiles = to_uint8(pixels)
    n, h, w, _ = tiles.shape
    rows = -(-n // columns)
    canvas = np.full((rows * (h + 2), columns * (w + 2), 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = (i // columns) * (h + 2), (i % columns) * (w + 2)
        canvas[y : y + h, x : x + w] = tile
    return Image.fromarray(canvas)


def generator_of(seed: int, index: int) -> torch.Generator:
    """The randomness of batch `index`: noise, times and masks, but not the scenes."""
    state = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


def prepare_run(recipe: Recipe, workspace: Workspace, composer: Composer) -> ModelConfig:
    """The run's config; the first stage to come fixes it, and the tokenizer with it.

    Raises `CorpusError` where the default text tower's starting weights are not installed.
    """
    config = workspace.config
    if config is None:
        config = PRESETS[recipe.preset]()
        tokenizer, text = make_tokenizer(config, composer)
        config = dataclasses.replace(config, text=text)
        write_atomically(workspace.path / "tokenizer.json", tokenizer.save)
        workspace.save_config(config)
    return config


def starts_from_minilm(config: ModelConfig) -> bool:
    """Whether the text tower has MiniLM's shape, and so its weights to start from."""
    return (config.text.width, config.text.norm) == (384, "post")


def make_tokenizer(config: ModelConfig, composer: Composer) -> tuple[Tokenizer, TextConfig]:
    """Tokenizer and text config for a new run: MiniLM's, pruned, where the tower starts from it."""
    if starts_from_minilm(config):
        tokenizer, text, _ = load_minilm(
            vocabulary_texts(composer), config.text.vocab_size, config.text.context
        )
        return tokenizer, text
    tokenizer = Tokenizer.train(vocabulary_texts(composer), config.text.vocab_size)
    return tokenizer, dataclasses.replace(config.text, vocab_size=tokenizer.vocab_size)


def vocabulary_texts(composer: Composer) -> list[str]:
    """Texts whose words the tokenizer should keep: captions, and every name in the store."""
    rng = np.random.default_rng(0)
    captions = [composer.caption(composer.sample(rng), rng) for _ in range(5_000)]
    names = {
        name for sprite in composer.store.sprites for name in (sprite.concept, *sprite.synonyms)
    }
    return captions + sorted(names)


def load_tokenizer(workspace: Workspace) -> Tokenizer:
    return Tokenizer.load(workspace.path / "tokenizer.json")


def tokenize(tokenizer: Tokenizer, captions: list[str]) -> tuple[Tensor, Tensor]:
    """Ids and mask of exactly `TEXT_TOKENS` columns."""
    tokens = tokenizer(captions, TEXT_TOKENS)
    pad = TEXT_TOKENS - tokens.ids.shape[1]
    return (
        torch.nn.functional.pad(tokens.ids, (0, pad)),
        torch.nn.functional.pad(tokens.mask, (0, pad)),
    )
