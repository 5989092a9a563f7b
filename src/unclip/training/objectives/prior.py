"""Diffusion prior: x0-prediction of the image embedding with MSE (unCLIP, equation 2)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unclip.corpus.batches import batch as compose
from unclip.corpus.composer import Composer
from unclip.diffusion.process import q_sample
from unclip.diffusion.schedule import make_schedule
from unclip.models.image import ImageTower
from unclip.models.prior import Prior, drop_text
from unclip.models.text import TextEncoding, TextTower
from unclip.training.data import generator_of, load_tokenizer, prepare_run, to_tensor, tokenize
from unclip.training.loop import Batch, Objective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

DROP_TEXT = 0.1
"""Share of the batch that sees the empty text, for guidance (unCLIP, appendix C)."""
NOISES = 4
"""Noisy embeddings learned from for each text, whose part of the sequence is computed once."""
POOL = 131_072
"""Pictures that are composed and read by the frozen towers once, and then learned from again with
other noise: 2.4 GB in half precision at the default sizes, and more than twice the speed."""


class PriorObjective(Objective):
    trained = ("prior",)

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        assert config.image is not None
        self.tokenizer = load_tokenizer(workspace)
        self.text, self.image = TextTower(config.text), ImageTower(config.image)
        workspace.load("text", self.text)
        workspace.load("image", self.image)
        self.prior = Prior(config.prior)
        self.schedule = make_schedule(config.prior.schedule)
        self.recipe, self.composer = recipe, composer
        self._read: dict[int, tuple[Tensor, TextEncoding]] = {}

    @torch.no_grad()
    def initialise(self, fresh: bool) -> None:
        if not fresh:
            return
        pixels = to_tensor(compose(self.composer, self.recipe.seed + 2_000_003, 0, 1024).pixels)
        self.prior.fit_scale(torch.cat([self.image(part) for part in torch.split(pixels, 128)]))

    def batch(self, index: int) -> Batch:
        seed, size = self.recipe.seed + 1, self.recipe.batch_size
        pool = max(1, POOL // size)
        of = index if index < pool else int(np.random.default_rng((seed, index)).integers(pool))
        made = {} if of in self._read else self._pictures(seed, of, size)
        return {"of": torch.tensor(of), **made, **self._noises(seed, index, size)}

    def _pictures(self, seed: int, index: int, size: int) -> Batch:
        made = compose(self.composer, seed, index, size)
        ids, mask = tokenize(self.tokenizer, made.captions)
        return {"pixels": to_tensor(made.pixels), "ids": ids, "mask": mask}

    def _noises(self, seed: int, index: int, size: int) -> Batch:
        generator = generator_of(seed, index)
        return {
            "null_ids": self.tokenizer([""]).ids,
            "drop_text": torch.rand(size, generator=generator) < DROP_TEXT,
            "t": self.schedule.uniform_times(generator, NOISES * size),
            "noise": torch.randn(NOISES * size, self.prior.config.embed_dim, generator=generator),
        }

    def _embeddings(self, batch: Batch) -> tuple[Tensor, TextEncoding]:
        """z_i and the texts of a batch, kept for the next time that its pictures come."""
        of = int(batch["of"]) if "of" in batch else None
        if of not in self._read:
            z_i, text = self.image(batch["pixels"]), self.text(batch["ids"], batch["mask"])
            half = TextEncoding(text.embedding.bfloat16(), text.states.bfloat16(), text.mask)
            if of is None:
                return z_i.float(), half
            self._read[of] = z_i.float(), half
        return self._read[of]

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            z_i, text = self._embeddings(batch)
            null = self.text(batch["null_ids"], torch.ones_like(batch["null_ids"]).bool())
            encoding = drop_text(text, null, batch["drop_text"])
        x0, t = self.prior.scale(z_i).repeat(NOISES, 1), batch["t"]
        x_t = q_sample(x0, t, batch["noise"], self.schedule)
        predicted = self.prior(x_t, self.schedule.network_time(t).float(), encoding).float()
        loss = F.mse_loss(predicted, x0)
        with torch.no_grad():
            cosine = F.cosine_similarity(self.prior.unscale(predicted), z_i.repeat(NOISES, 1))
        return {"loss": loss, "cosine": cosine.mean()}

    def finish(self) -> dict[str, float]:
        """Also the cosine at pure noise, where only the text can help."""
        seed = self.recipe.seed + 1_000_003
        batch = self.on_device({**self._pictures(seed, 0, 512), **self._noises(seed, 0, 512)})
        everywhere = float(self.forward(batch)["cosine"])
        batch["t"] = torch.ones_like(batch["t"])
        return {"cosine": everywhere, "cosine_from_noise": float(self.forward(batch)["cosine"])}
