"""Diffusion prior: x0-prediction of the image embedding with MSE (unCLIP, equation 2).

One with anchors learns what a Gaussian around them does not know, in units of what that leaves.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unclip.corpus.batches import batch as compose
from unclip.corpus.composer import Composer
from unclip.corpus.scene import Scene
from unclip.diffusion.gaussian import Gaussian, Guess
from unclip.diffusion.process import q_sample
from unclip.diffusion.schedule import make_schedule
from unclip.models.image import ImageTower
from unclip.models.memory import Memory
from unclip.models.prior import Prior, drop_text
from unclip.models.text import TextEncoding, TextTower
from unclip.training.data import generator_of, load_tokenizer, prepare_run, to_tensor, tokenize
from unclip.training.loop import Batch, Objective
from unclip.training.recipes import Recipe
from unclip.training.remember import alone, remember
from unclip.training.workspace import Workspace

DROP_TEXT = 0.1
"""Share of the batch that sees the empty text, for guidance (unCLIP, appendix C)."""
NOISES = 4
"""Noisy embeddings learned from for each text, whose part of the sequence is computed once."""
POOL = 131_072
"""Pictures that are composed and read by the frozen towers once, and then learned from again with
other noise: 2.4 GB in half precision at the default sizes, and more than twice the speed."""
SAME = 0.8
"""Share of anchors that are the very drawing that a picture shows; others are of its concept."""
NONE = -1
"""In place of a drawing."""


class PriorObjective(Objective):
    trained: tuple[str, ...] = ("prior",)

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        assert config.image is not None
        self.tokenizer = load_tokenizer(workspace)
        self.text, self.image = TextTower(config.text), ImageTower(config.image)
        workspace.load("text", self.text)
        workspace.load("image", self.image)
        self.prior = Prior(config.prior)
        if config.memory is not None:
            self.memory = Memory(config.memory)
            self.trained = ("prior", "memory")
        self.schedule = make_schedule(config.prior.schedule)
        self.recipe, self.composer, self.workspace = recipe, composer, workspace
        self._read: dict[int, tuple[Tensor, TextEncoding]] = {}
        self._shown: dict[int, list[list[int]]] = {}
        self._alone: dict[int, Tensor] = {}
        self._kin: dict[str, list[int]] = defaultdict(list)
        for i, sprite in enumerate(composer.store.sprites):
            if sprite.split == "train":
                self._kin[sprite.concept].append(i)

    @torch.no_grad()
    def initialise(self, fresh: bool) -> None:
        if "memory" in self.trained:
            if not len(self.memory) and self.workspace.has("memory"):
                self.workspace.load("memory", self.memory)
            remember(self.memory, self.composer, self.image, self.text, self.tokenizer)
        if not fresh:
            return
        seed, prior = self.recipe.seed + 2_000_003, self.prior
        made = compose(self.composer, seed, 0, 16 * prior.config.embed_dim)
        z_i = torch.cat([self.image(part) for part in torch.split(to_tensor(made.pixels), 128)])
        prior.fit_scale(z_i)
        if prior.config.anchors:
            shown = [self._things(scene) for scene in made.scenes]
            anchors = self._embedded(self._anchors(seed, 0, shown, same=1.0))
            prior.fit_spread(prior.scale(z_i) - prior.middle(anchors))

    def batch(self, index: int) -> Batch:
        seed, size = self.recipe.seed + 1, self.recipe.batch_size
        pool = max(1, POOL // size)
        of = index if index < pool else int(np.random.default_rng((seed, index)).integers(pool))
        made = {} if of in self._read else self._pictures(seed, of, size)
        if self.prior.config.anchors:
            made["anchors"] = self._anchors(seed, index, self._shown[of], SAME)
        return {"of": torch.tensor(of), **made, **self._noises(seed, index, size)}

    def _pictures(self, seed: int, index: int, size: int) -> Batch:
        made = compose(self.composer, seed, index, size)
        ids, mask = tokenize(self.tokenizer, made.captions)
        self._shown[index] = [self._things(scene) for scene in made.scenes]
        return {"pixels": to_tensor(made.pixels), "ids": ids, "mask": mask}

    def _things(self, scene: Scene) -> list[int]:
        """A drawing of each concept that a scene shows."""
        shown = {placed.sprite.concept: placed.index for placed in reversed(scene.objects)}
        return list(shown.values())[::-1][: self.prior.config.anchors]

    def _noises(self, seed: int, index: int, size: int) -> Batch:
        generator = generator_of(seed, index)
        return {
            "null_ids": self.tokenizer([""]).ids,
            "drop_text": torch.rand(size, generator=generator) < DROP_TEXT,
            "t": self.schedule.uniform_times(generator, NOISES * size),
            "noise": torch.randn(NOISES * size, self.prior.config.embed_dim, generator=generator),
        }

    def _anchors(self, seed: int, index: int, shown: list[list[int]], same: float) -> Tensor:
        """Rows of drawings to start from, `b k`: those shown, or others of their concepts."""
        rng = np.random.default_rng((seed, index, 1))
        rows = torch.full((len(shown), self.prior.config.anchors), NONE)
        for row, drawings in zip(rows, shown, strict=True):
            for k, drawing in enumerate(drawings):
                kin = self._kin[self.composer.store[drawing].concept]
                row[k] = drawing if rng.random() < same else int(rng.choice(kin))
        return rows

    def _embedded(self, rows: Tensor) -> Tensor:
        """Embeddings `b k e` of drawings alone on white, each computed once; zeros for `NONE`."""
        new = sorted({int(row) for row in rows.flatten() if row != NONE} - self._alone.keys())
        for start in range(0, len(new), 128):
            some = new[start : start + 128]
            pixels = np.stack([alone(self.composer, drawing) for drawing in some])
            read = self.image(to_tensor(pixels).to(self.device)).float()
            self._alone.update(zip(some, read, strict=True))
        none = torch.zeros(self.prior.config.embed_dim, device=self.device)
        flat = [self._alone.get(int(row), none) for row in rows.flatten()]
        return torch.stack(flat).reshape(*rows.shape, -1)

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
            anchors = self._embedded(batch["anchors"]) if "anchors" in batch else None
        x0, t = self.prior.scale(z_i).repeat(NOISES, 1), batch["t"]
        x_t = q_sample(x0, t, batch["noise"], self.schedule)
        given = self.prior.prepare(encoding, anchors)
        predicted = self.prior(x_t, self.schedule.network_time(t).float(), given).float()
        guess = Guess(torch.zeros_like(x0), torch.ones_like(x0[:, :1]))  # all is to be learned
        if given.anchor is not None:
            gaussian = Gaussian(self.prior.axes, self.prior.spread)
            mean = given.anchor.repeat(NOISES, 1)
            guess = gaussian.guess(x_t, mean, *self.schedule.alpha_sigma(t))
        loss = F.mse_loss(predicted, (x0 - guess.x0) / guess.left)
        with torch.no_grad():
            estimate = self.prior.unscale(guess.x0 + guess.left * predicted)
            cosine = F.cosine_similarity(estimate, z_i.repeat(NOISES, 1))
        return {"loss": loss, "cosine": cosine.mean()}

    def finish(self) -> dict[str, float]:
        """Also the cosine at pure noise, where only the text can help."""
        seed = self.recipe.seed + 1_000_003
        made, noises = self._pictures(seed, 0, 512), self._noises(seed, 0, 512)
        if self.prior.config.anchors:
            made["anchors"] = self._anchors(seed, 0, self._shown.pop(0), same=1.0)
        batch = self.on_device({**made, **noises})
        everywhere = float(self.forward(batch)["cosine"])
        batch["t"] = torch.ones_like(batch["t"])
        return {"cosine": everywhere, "cosine_from_noise": float(self.forward(batch)["cosine"])}
