"""CLIP: text and image tower trained contrastively (Radford et al. 2021, section 2.3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unclip.corpus.batches import batch as compose
from unclip.corpus.composer import Composer
from unclip.models.image import ImageTower
from unclip.models.text import TextTower
from unclip.training.data import (
    load_tokenizer,
    prepare_run,
    starts_from_minilm,
    to_tensor,
    tokenize,
    vocabulary_texts,
)
from unclip.training.loop import Batch, Objective
from unclip.training.minilm import load_minilm
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

MAX_SCALE = math.log(100.0)


class ClipObjective(Objective):
    """The text tower starts from MiniLM and follows slowly; the image tower starts from nothing."""

    trained = ("text", "image")

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        assert config.image is not None
        self.tokenizer = load_tokenizer(workspace)
        self.text = TextTower(config.text)
        if starts_from_minilm(config):
            _, _, start = load_minilm(
                vocabulary_texts(composer), config.text.vocab_size, config.text.context
            )
            self.text.load_state_dict(start.state_dict())
        self.image = ImageTower(config.image)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.recipe, self.composer = recipe, composer

    def batch(self, index: int) -> Batch:
        return self._batch(self.recipe.seed, index, self.recipe.batch_size)

    def _batch(self, seed: int, index: int, size: int) -> Batch:
        made = compose(self.composer, seed, index, size)
        ids, mask = tokenize(self.tokenizer, made.captions)
        # Equal captions are each other's positives: a second "a cat" is no negative of the first.
        numbers = {caption: i for i, caption in enumerate(dict.fromkeys(made.captions))}
        group = torch.tensor([numbers[caption] for caption in made.captions])
        return {"pixels": to_tensor(made.pixels), "ids": ids, "mask": mask, "group": group}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        z_t = self.text(batch["ids"], batch["mask"]).embedding.float()
        z_i = self.image(batch["pixels"]).float()
        scale = self.log_scale.clamp(max=MAX_SCALE).exp()
        logits = scale * z_i @ z_t.T
        same = (batch["group"][:, None] == batch["group"][None]).float()
        target = same / same.sum(dim=1, keepdim=True)
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        best = logits.detach().argmax(dim=1)
        accuracy = same[torch.arange(len(best), device=best.device), best].mean()
        return {"loss": loss, "accuracy": accuracy, "scale": scale.detach()}

    def finish(self) -> dict[str, float]:
        batch = self.on_device(self._batch(self.recipe.seed + 1_000_003, 0, 256))
        return {"accuracy_of_256": float(self.forward(batch)["accuracy"])}
