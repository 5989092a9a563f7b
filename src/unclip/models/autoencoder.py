"""Small convolutional autoencoder: 64 pixels to an 8 x 8 grid of latents and back.

It takes the fine grain off the decoder, which then has 64 positions to think about instead of
4,096 pixels (latent diffusion, arXiv 2112.10752, with a plain L1 codec in place of a VAE).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unclip.config import AutoencoderConfig
from unclip.models.unet_blocks import ChannelNorm


class ResBlock(nn.Module):
    """Norm, convolution, SiLU, convolution, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.conv_1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv_2.weight)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        out: Tensor = x + self.conv_2(F.silu(self.conv_1(self.norm(x))))
        return out


class Autoencoder(nn.Module):
    """`encode` gives latents of zero mean and unit variance a channel; `decode` takes them back."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        widths, z = config.widths, config.latent_channels
        encoder: list[nn.Module] = [nn.PixelUnshuffle(2), nn.Conv2d(12, widths[0], 3, padding=1)]
        for i, width in enumerate(widths):
            if i:
                encoder.append(nn.Conv2d(widths[i - 1], width, 2, 2))
            encoder += [ResBlock(width) for _ in range(config.encoder_blocks)]
        encoder += [nn.Conv2d(widths[-1], z, 1)]
        self.encoder = nn.Sequential(*encoder)
        # Running statistics fix the scale of the latents for the diffusion.
        self.scale = nn.BatchNorm2d(z, affine=False)
        decoder: list[nn.Module] = [nn.Conv2d(z, widths[-1], 3, padding=1)]
        for i, width in reversed(list(enumerate(widths))):
            decoder += [ResBlock(width) for _ in range(config.decoder_blocks)]
            if i:
                decoder.append(nn.ConvTranspose2d(width, widths[i - 1], 2, 2))
        decoder += [nn.SiLU(), nn.Conv2d(widths[0], 12, 3, padding=1), nn.PixelShuffle(2)]
        self.decoder = nn.Sequential(*decoder)

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b z hf wf"]:
        """Pictures in [-1, 1], sides multiples of `config.factor`, to normalised latents."""
        latents: Tensor = self.scale(self.encoder(pixels))
        return latents

    def decode(self, latents: Float[Tensor, "b z hf wf"]) -> Float[Tensor, "b 3 h w"]:
        """Latents to pictures, not clamped."""
        pixels: Tensor = self.decoder(latents)
        return pixels

    def forward(
        self, pixels: Float[Tensor, "b 3 h w"], noise: Float[Tensor, "b z hf wf"]
    ) -> tuple[Float[Tensor, "b 3 h w"], Float[Tensor, "b z hf wf"]]:
        """Reconstruction through noisy latents, so that `decode` forgives a sampler; latents."""
        latents = self.encode(pixels)
        return self.decode(latents + noise.to(latents.dtype)), latents


def gradient_loss(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """L1 between the horizontal and vertical differences of two pictures: it keeps edges sharp."""
    d = a - b
    return (d.diff(dim=-1).abs().mean() + d.diff(dim=-2).abs().mean()) / 2


def psnr(a: Float[Tensor, "b c h w"], b: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """Mean over pictures of the peak signal-to-noise ratio in dB, for pictures in [-1, 1]."""
    mse = (a.float().clamp(-1, 1) - b.float()).square().mean(dim=(1, 2, 3)).clamp_min(1e-10)
    return (10 * torch.log10(4 / mse)).mean()
