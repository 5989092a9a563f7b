"""Upsamplers: the residual over the upscaled picture, learned on crops of corrupted originals."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from unclip.corpus.composer import Composer
from unclip.corpus.scene import Box, Scene
from unclip.diffusion.process import q_sample
from unclip.diffusion.schedule import make_schedule
from unclip.models.autoencoder import Autoencoder, gradient_loss
from unclip.models.unet import UNet
from unclip.training.data import generator_of, prepare_run, sheet, to_tensor
from unclip.training.loop import Batch, Objective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

FACTOR = 4
FROM_NOISE = 0.5
"""Share of the batch at pure noise: with one or two steps that is where the work is done."""
LATENT_NOISE = 0.25
"""Standard deviation on latents of unit variance at the worst level, as a decoder's errors."""


class UpsamplerObjective(Objective):
    """256: crops of 128 from 64 px through the autoencoder. 1024: crops of 256 from 256 px."""

    def __init__(self, recipe: Recipe, workspace: Workspace, composer: Composer) -> None:
        super().__init__()
        config = prepare_run(recipe, workspace, composer)
        self.size = int(recipe.stage.removeprefix("upsampler-"))
        name = f"upsampler_{self.size}"
        unet = getattr(config, name)
        assert unet is not None
        self.trained = (name,)
        self.crop = 128 if self.size == 256 else 256
        setattr(self, name, UNet(unet))
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.autoencoder: Autoencoder | None = None
        if self.size == 256:
            assert config.autoencoder is not None
            self.autoencoder = Autoencoder(config.autoencoder)
            workspace.load("autoencoder", self.autoencoder)
        self.schedule = make_schedule(unet.schedule)
        # Nothing enlarged is taught as sharp.
        sharp = dataclasses.replace(composer.mixture, native=self.size)
        self.recipe, self.composer = recipe, Composer(composer.store, sharp, composer.split)

    @property
    def network(self) -> UNet:
        """The upsampler of this stage."""
        network: UNet = getattr(self, self.trained[0])
        return network

    def batch(self, index: int) -> Batch:
        return self._batch(self.recipe.seed + 3, index, self.recipe.batch_size)

    def _batch(self, seed: int, index: int, size: int) -> Batch:
        rng = np.random.default_rng([seed, index])
        generator = generator_of(seed, index)
        crops: list[np.ndarray] = []
        while len(crops) < size:
            scene = self.composer.sample(rng)
            part = self.composer.render_crop(scene, self.size, self._box(scene, rng))
            crops += [half for row in np.split(part, 2) for half in np.split(row, 2, axis=1)]
        pixels = to_tensor(np.stack(crops[:size]))
        low, level = self._corrupt(pixels, generator)
        t = torch.rand(size, generator=generator, dtype=torch.float64)
        t[: max(1, round(FROM_NOISE * size))] = 1.0
        noise = torch.randn(pixels.shape, generator=generator)
        return {"pixels": pixels, "low": low, "level": level, "t": t, "noise": noise}

    def _box(self, scene: Scene, rng: np.random.Generator) -> Box:
        """Two by two crops around a point on an object: bare background has little to teach."""
        side = 2 * self.crop
        placed = scene.objects[int(rng.integers(len(scene.objects)))]
        centre = np.array([placed.x, placed.y]) + (rng.random(2) - 0.5) * placed.size
        corner = (centre * self.size - side / 2).clip(0, self.size - side) // 8 * 8
        x, y = corner.astype(int).tolist()
        return x, y, x + side, y + side

    def _corrupt(self, pixels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The small picture as the stage before would hand it over, and how bad it is in [0, 1]."""
        low = F.avg_pool2d(pixels, FACTOR)
        level = torch.rand(len(low), generator=generator)
        if self.autoencoder is not None:
            with torch.no_grad():
                latents = self.autoencoder.encode(low.to(self.device))
                noise = torch.randn(latents.shape, generator=generator)
                noise *= LATENT_NOISE * level[:, None, None, None]
                low = self.autoencoder.decode(latents + noise.to(self.device)).cpu()
        else:
            noise = torch.randn(low.shape, generator=generator)
            for i, bad in enumerate(level.tolist()):  # paper: blur, sigma 0.6 (appendix C)
                low[i] = blur(low[i : i + 1], 0.25 + 0.75 * bad)[0] + 0.03 * bad * noise[i]
                if i % 4 == 0:
                    low[i] = jpeg(low[i], int(98 - 40 * bad))
        return low.clamp(-1, 1), level

    def _upscaled(self, batch: Batch) -> Tensor:
        return F.interpolate(batch["low"], scale_factor=FACTOR, mode="bicubic", align_corners=False)

    def _residual(self, batch: Batch, upscaled: Tensor, x_t: Tensor) -> Tensor:
        """The network's estimate of the scaled residual."""
        output: Tensor = self.network(
            x_t.contiguous(memory_format=torch.channels_last),
            self.schedule.network_time(batch["t"]).float(),
            low_res=upscaled.contiguous(memory_format=torch.channels_last),
            low_res_noise=batch["level"] if self.network.config.noise_level else None,
        )
        return output.float()

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        pixels, t, config = batch["pixels"], batch["t"], self.network.config
        upscaled = self._upscaled(batch)
        x0 = (pixels - upscaled) * config.residual_scale
        output = self._residual(batch, upscaled, q_sample(x0, t, batch["noise"], self.schedule))
        error = output - x0
        # The square sees edges, the absolute value the flat parts, differences what lies between.
        loss = error.square().mean() + 0.5 * error.abs().mean() + gradient_loss(output, x0)
        first = t >= 1
        made = upscaled + output.detach() / config.residual_scale
        gain = 10 * torch.log10(
            mse(upscaled[first], pixels[first]) / mse(made[first], pixels[first])
        )
        return {"loss": loss, "psnr_over_bicubic": gain}

    def sheet(self) -> Image.Image:
        batch = self.on_device(self._batch(self.recipe.seed + 1_000_003, 0, 6))
        batch["t"] = torch.ones_like(batch["t"])
        upscaled = self._upscaled(batch)
        output = self._residual(batch, upscaled, batch["noise"])
        made = upscaled + output / self.network.config.residual_scale
        return sheet(torch.cat([upscaled, made, batch["pixels"]]), 6)

    def finish(self) -> dict[str, float]:
        batch = self.on_device(self._batch(self.recipe.seed + 1_000_003, 0, 32))
        batch["t"] = torch.ones_like(batch["t"])
        return {"psnr_over_bicubic": float(self.forward(batch)["psnr_over_bicubic"])}


def mse(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared error of pictures, clamped to [-1, 1]."""
    return (a.clamp(-1, 1) - b).square().mean()


def blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur with a kernel of 3, as in the paper's first upsampler (appendix C)."""
    side = float(np.exp(-0.5 / sigma**2))
    kernel = torch.tensor([side, 1.0, side]) / (1 + 2 * side)
    weight = (kernel[:, None] * kernel[None]).expand(x.shape[1], 1, 3, 3).contiguous()
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, groups=x.shape[1])


def jpeg(x: Tensor, quality: int) -> Tensor:
    """One picture through a JPEG file."""
    from unclip.training.data import to_uint8

    buffer = io.BytesIO()
    Image.fromarray(to_uint8(x[None])[0]).save(buffer, "JPEG", quality=quality)
    return to_tensor(np.array(Image.open(buffer))[None])[0]
