"""CLIP: text and image tower trained contrastively (Radford et al. 2021, section 2.3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unclip.config import DiTConfig
from unclip.corpus.batches import batch as compose
from unclip.corpus.composer import Composer
from unclip.models.autoencoder import Autoencoder
from unclip.models.dit import Sketch
from unclip.models.image import ImageTower
from unclip.models.text import TextTower
from unclip.training.data import (
    load_tokenizer,
    prepare_run,
    starts_from_minilm,
    to_tensor,
    tokenize,
)
from unclip.training.loop import Batch, Objective
from unclip.training.minilm import minilm_tower
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

MAX_SCALE = math.log(100.0)
RECONSTRUCTION = 6.0
"""Weight of the sketch's error: what makes the embedding say what a picture looks like, too."""


class ClipObjective(Objective):
    """The text tower starts from MiniLM and follows slowly; the image tower starts from nothing."""

    trained = ("text", "image", "sketch")

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        assert config.image is not None
        self.tokenizer = load_tokenizer(workspace)
        self.text = TextTower(config.text)
        self.image = ImageTower(config.image)
        assert config.autoencoder is not None
        assert isinstance(config.decoder, DiTConfig)
        self.autoencoder = Autoencoder(config.autoencoder)
        workspace.load("autoencoder", self.autoencoder)
        self.autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.sketch = Sketch(config.decoder)
        # No component, so a bundle has none: it is always learned anew.
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.recipe, self.composer, self.config = recipe, composer, config

    def initialise(self, fresh: bool) -> None:
        if fresh and starts_from_minilm(self.config):
            start = minilm_tower(self.tokenizer, self.config.text)
            self.text.load_state_dict(start.state_dict())

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
        contrastive = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        with torch.no_grad():
            x0 = self.autoencoder.encode(batch["pixels"]).float()
        reconstruction = F.mse_loss(self.sketch(z_i * z_i.shape[1] ** 0.5).float(), x0)
        best = logits.detach().argmax(dim=1)
        accuracy = same[torch.arange(len(best), device=best.device), best].mean()
        return {
            "loss": contrastive + RECONSTRUCTION * reconstruction,
            "contrastive": contrastive.detach(),
            "reconstruction": reconstruction.detach(),
            "accuracy": accuracy,
            "scale": scale.detach(),
        }

    def finish(self) -> dict[str, float]:
        batch = self.on_device(self._batch(self.recipe.seed + 1_000_003, 0, 256))
        reached = self.forward(batch)
        return {
            "accuracy_of_256": float(reached["accuracy"]),
            "reconstruction": float(reached["reconstruction"]),
        }
