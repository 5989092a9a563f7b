"""Matte: the true alpha of composed scenes, clean and as worn as the cascade's own pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unclip.config import PRESETS
from unclip.corpus.composer import Composer
from unclip.corpus.raster import Pixels
from unclip.corpus.scene import Background, Scene
from unclip.models.autoencoder import Autoencoder, gradient_loss
from unclip.models.matte import MatteNet
from unclip.pipeline.matte import backdrop_of
from unclip.training.data import generator_of, prepare_run, sheet, to_tensor
from unclip.training.loop import Batch, Objective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

FACTOR = 4
PLACES = 4
"""Pictures of one scene: as it was composed, then in front of the backgrounds of others."""
LATENT_NOISE = 0.4
"""Standard deviation on latents of unit variance at the worst level, as a decoder's errors."""


class MatteObjective(Objective):
    """Pictures of `MatteConfig.image_size` pixels a side."""

    trained = ("matte",)

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        if config.matte is None:  # a run from before there was one
            config = dataclasses.replace(config, matte=PRESETS[recipe.preset]().matte)
            workspace.save_config(config)
        assert config.matte is not None
        assert config.autoencoder is not None, "this preset decodes pixels"
        self.matte = MatteNet(config.matte)
        self.matte.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.autoencoder = Autoencoder(config.autoencoder)
        workspace.load("autoencoder", self.autoencoder)
        self.recipe, self.composer = recipe, composer

    def batch(self, index: int) -> Batch:
        return self._batch(self.recipe.seed + 4, index, self.recipe.batch_size)

    def _batch(self, seed: int, index: int, size: int) -> Batch:
        rng, generator = np.random.default_rng([seed, index]), generator_of(seed, index)
        scenes = [self.composer.sample(rng) for _ in range(-(-size // PLACES))]
        side = self.matte.config.image_size
        whole = np.stack([self.composer.render(scene, side) for scene in scenes])
        black, white, bare = (
            np.stack([self.composer.render(scene, side) for scene in map(change, scenes)])
            for change in (_on_black, _on_white, _bare)
        )
        alpha = alpha_between(black, white)
        moved = [
            (black + np.roll(bare, turn, axis=0) * (1 - alpha)).clip(0, 255).astype(np.uint8)
            for turn in range(1, PLACES)
        ]
        pixels = to_tensor(np.concatenate([whole, *moved])[:size])
        target = torch.from_numpy(np.concatenate([alpha] * PLACES)[:size]).permute(0, 3, 1, 2)
        return {"pixels": self._worn(pixels, generator), "alpha": target.contiguous()}

    @torch.no_grad()
    def _worn(
        self, pixels: Float[Tensor, "b 3 h w"], generator: torch.Generator
    ) -> Float[Tensor, "b 3 h w"]:
        """A third as they are, a third as they come out of the autoencoder, the rest between."""
        level = LATENT_NOISE * torch.rand(len(pixels), 1, 1, 1, generator=generator)
        with self.autocast():  # half of a batch's time else
            latents = self.autoencoder.encode(F.avg_pool2d(pixels, FACTOR).to(self.device))
            noise = level * torch.randn(latents.shape, generator=generator)
            low = self.autoencoder.decode(latents + noise.to(self.device)).float().cpu()
        worn = F.interpolate(low, scale_factor=FACTOR, mode="bicubic", align_corners=False)
        share = (3 * torch.rand(len(pixels), 1, 1, 1, generator=generator) - 1).clamp(0, 1)
        return torch.lerp(pixels, worn.clamp(-1, 1), share)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        pixels, alpha = batch["pixels"], batch["alpha"]
        logits = self.matte(pixels, backdrop_of(pixels)).float()
        made = logits.sigmoid()
        # The first sees every pixel alike, the second every picture, the third the outline.
        loss = (
            F.binary_cross_entropy_with_logits(logits, alpha)
            + 0.5 * (1 - overlap(made, alpha)).mean()
            + gradient_loss(made, alpha)
        )
        cut = (made.detach() > 0.5).float(), (alpha > 0.5).float()
        return {"loss": loss, "iou": overlap(*cut).mean()}

    def sheet(self) -> Image.Image:
        batch = self.on_device(self._batch(self.recipe.seed + 1_000_003, 0, 8))
        pixels = batch["pixels"]
        alpha = self.matte(pixels, backdrop_of(pixels)).float().sigmoid()
        cut = torch.lerp(torch.zeros_like(pixels), pixels, alpha)
        return sheet(torch.cat([pixels, cut, 2 * batch["alpha"].expand_as(cut) - 1]), 8)

    def finish(self) -> dict[str, float]:
        batches = [self._batch(self.recipe.seed + 1_000_003, i, 16) for i in range(4)]
        scores = [float(self.forward(self.on_device(batch))["iou"]) for batch in batches]
        return {"iou": sum(scores) / len(scores)}


def overlap(a: Float[Tensor, "b 1 h w"], b: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """Intersection over union of two mattes, soft where they are (Ruzicka's similarity)."""
    both = torch.minimum(a, b).sum(dim=(1, 2, 3))
    return (both + 1) / (torch.maximum(a, b).sum(dim=(1, 2, 3)) + 1)


def alpha_between(black: Pixels, white: Pixels) -> np.ndarray:
    """The alpha of what is drawn over black and over white, float32 [..., 1].

    Exact (Smith and Blinn 1996, "Blue screen matting", triangulation), and true of any renderer.
    """
    through = white[..., :1].astype(np.float32) - black[..., :1]
    return 1 - through.clip(0, 255) / 255


def _over(scene: Scene, level: int) -> Scene:
    """What a scene shows, flat and without its shadows, over a grey of that level."""
    objects = tuple(dataclasses.replace(placed, shadow=False) for placed in scene.objects)
    plain = Background("plain", "grey", ((level, level, level),))
    return dataclasses.replace(scene, objects=objects, background=plain, filter=None)


def _on_black(scene: Scene) -> Scene:
    return _over(scene, 0)


def _on_white(scene: Scene) -> Scene:
    return _over(scene, 255)


def _bare(scene: Scene) -> Scene:
    return dataclasses.replace(scene, objects=(), filter=None)
