"""True renders as a generator would leave them, so that the judge is not put off by its marks."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unclip.evaluation.detector import PIXELS
from unclip.models.autoencoder import Autoencoder
from unclip.training.data import to_tensor

UNSPOILED = 0.4
"""Share of pictures that stay as they are."""
_BLOTCHES = 0.35
"""The most noise in latents, in standard deviations."""


def spoiled(
    pixels: Float[Tensor, "b 3 p p"],
    rng: np.random.Generator,
    autoencoder: Autoencoder | None = None,
) -> Float[Tensor, "b 3 p p"]:
    """Most pictures as a generator would leave them: warped, soft, noisy, compressed, off in tone.

    Two in five stay as they are.

    Args:
        autoencoder: some go through it, with noise in their latents, as a decoder leaves it there.
    """
    n = len(pixels)

    def some(share: float) -> npt.NDArray[np.intp]:
        return np.flatnonzero((rng.random(n) < share) & bad)

    bad = rng.random(n) >= UNSPOILED
    pixels = pixels.clone()
    if len(rows := some(0.5)):
        pixels[rows] = _warped(pixels[rows], rng)
    if autoencoder is not None and len(rows := some(0.5)):
        pixels[rows] = _decoded(pixels[rows], rng, autoencoder)
    for row in some(0.5):
        side = int(rng.integers(30, 60))
        small = F.interpolate(pixels[row, None], (side, side), mode="bicubic", antialias=True)
        pixels[row] = F.interpolate(small, (PIXELS, PIXELS), mode="bicubic")[0].clamp(-1, 1)
    if len(rows := some(0.3)):
        gain = torch.from_numpy(rng.uniform(0.85, 1.1, (len(rows), 1, 1, 1))).float()
        shift = torch.from_numpy(rng.uniform(-0.06, 0.06, (len(rows), 3, 1, 1))).float()
        pixels[rows] = (pixels[rows] * gain + shift).clamp(-1, 1)
    if len(rows := some(0.3)):
        size = rng.uniform(0, 0.09, (len(rows), 1, 1, 1))
        noise = rng.standard_normal((len(rows), 3, PIXELS, PIXELS)) * size
        pixels[rows] = (pixels[rows] + torch.from_numpy(noise).float()).clamp(-1, 1)
    for row in some(0.25):
        pixels[row] = _compressed(pixels[row], int(rng.integers(40, 95)))
    return pixels


def _warped(x: Float[Tensor, "b c p p"], rng: np.random.Generator) -> Float[Tensor, "b c p p"]:
    """Wobbly lines: a smooth displacement of up to some two pixels."""
    n, _, side, _ = x.shape
    coarse = rng.standard_normal((n, 2, 5, 5)) * rng.uniform(0.2, 1.1, (n, 1, 1, 1))
    field = F.interpolate(torch.from_numpy(coarse).float(), (side, side), mode="bicubic")
    line = (torch.arange(side) + 0.5) * 2 / side - 1
    grid = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1)
    moved = grid + field.permute(0, 2, 3, 1) * (2 / side)
    return F.grid_sample(x, moved, mode="bilinear", padding_mode="border", align_corners=False)


@torch.no_grad()
def _decoded(
    x: Float[Tensor, "b 3 p p"], rng: np.random.Generator, autoencoder: Autoencoder
) -> Float[Tensor, "b 3 p p"]:
    """Blotches and lost lines: through latents of unit variance, up to `_BLOTCHES` of it noise."""
    weight = next(autoencoder.parameters())
    latents = autoencoder.encode(x.to(weight.device, weight.dtype))
    size = rng.uniform(0, _BLOTCHES, (len(x), 1, 1, 1))
    noise = torch.from_numpy(size * rng.standard_normal(latents.shape)).to(latents)
    return autoencoder.decode(latents + noise).to(x).clamp(-1, 1)


def _compressed(pixels: Float[Tensor, "3 p p"], quality: int) -> Float[Tensor, "3 p p"]:
    """Through JPEG and back."""
    levels = ((pixels + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "jpeg", quality=quality)
    with Image.open(buffer) as picture:
        return to_tensor(np.array(picture)[None])[0]
