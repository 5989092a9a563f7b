"""Autoencoder: L1 and gradient loss through noisy latents."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor

from unclip.corpus.batches import batch as compose
from unclip.corpus.composer import Composer
from unclip.models.autoencoder import Autoencoder, gradient_loss, psnr
from unclip.training.data import generator_of, prepare_run, sheet, to_tensor
from unclip.training.loop import Batch, Objective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

NOISE = 0.1
"""Largest standard deviation of the noise on latents of unit variance."""


class AutoencoderObjective(Objective):
    trained = ("autoencoder",)

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        assert config.autoencoder is not None, "this preset decodes pixels"
        self.autoencoder = Autoencoder(config.autoencoder)
        self.autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe, self.composer = recipe, composer

    def batch(self, index: int) -> Batch:
        pixels = to_tensor(
            compose(self.composer, self.recipe.seed, index, self.recipe.batch_size).pixels
        )
        generator = generator_of(self.recipe.seed, index)
        config = self.autoencoder.config
        side = pixels.shape[-1] // config.factor
        noise = torch.randn(len(pixels), config.latent_channels, side, side, generator=generator)
        size = torch.rand(len(pixels), 1, 1, 1, generator=generator) * NOISE
        return {"pixels": pixels, "noise": noise * size}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        pixels = batch["pixels"]
        output, _ = self.autoencoder(pixels, batch["noise"])
        output = output.float()
        l1, gradient = (output - pixels).abs().mean(), gradient_loss(output, pixels)
        return {
            "loss": l1 + gradient,
            "l1": l1.detach(),
            "gradient": gradient.detach(),
            "psnr": psnr(output.detach(), pixels),
        }

    def _unseen(self, count: int) -> Tensor:
        made = compose(self.composer, self.recipe.seed + 1_000_003, 0, count)
        return to_tensor(made.pixels).to(self.device)

    def sheet(self) -> Image.Image:
        pixels = self._unseen(16)
        output = self.autoencoder.decode(self.autoencoder.encode(pixels))
        return sheet(torch.cat([pixels, output]), 16)

    def finish(self) -> dict[str, float]:
        pixels = self._unseen(256)
        output = self.autoencoder.decode(self.autoencoder.encode(pixels))
        return {"psnr": float(psnr(output, pixels))}
