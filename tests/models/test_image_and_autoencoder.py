"""Image tower and autoencoder."""

from __future__ import annotations

import pytest
import torch

from unclip.config import tiny
from unclip.models.autoencoder import Autoencoder, gradient_loss, psnr
from unclip.models.image import ImageTower, to_tower_size
from unclip.models.layers import position_embedding_2d, timestep_embedding


def test_image_tower_gives_unit_embeddings_independent_of_the_batch() -> None:
    config = tiny().image
    assert config is not None
    tower = ImageTower(config).eval()
    pixels = torch.rand(3, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        z_i = tower(pixels)
        torch.testing.assert_close(tower(pixels[1:2]), z_i[1:2], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(z_i.norm(dim=-1), torch.ones(3))


def test_to_tower_size_keeps_means_and_range() -> None:
    pixels = torch.full((1, 3, 256, 256), 0.25)
    torch.testing.assert_close(to_tower_size(pixels, 64), torch.full((1, 3, 64, 64), 0.25))
    assert to_tower_size(torch.randn(1, 3, 100, 80), 64).abs().max() <= 1


def test_autoencoder_shapes_and_fixed_scale() -> None:
    config = tiny().autoencoder
    assert config is not None
    network = Autoencoder(config)
    pixels = torch.rand(16, 3, 64, 64) * 2 - 1
    for _ in range(200):  # running statistics settle
        latents = network.encode(pixels)
    network.eval()
    latents = network.encode(pixels)
    assert latents.shape == (16, config.latent_channels, 64 // config.factor, 64 // config.factor)
    torch.testing.assert_close(
        latents.std(dim=(0, 2, 3)), torch.ones(config.latent_channels), atol=0.05, rtol=0
    )
    assert network.decode(latents).shape == pixels.shape
    assert network.decode(network.encode(pixels[..., :32])).shape == (16, 3, 64, 32)


def test_autoencoder_learns() -> None:
    config = tiny().autoencoder
    assert config is not None
    torch.manual_seed(0)
    network = Autoencoder(config)
    pixels = torch.rand(8, 3, 1, 1).expand(8, 3, 64, 64) * 2 - 1  # flat colours
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        output, _ = network(pixels, torch.zeros(()))
        loss = (output - pixels).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_psnr_and_gradient_loss_against_their_definitions() -> None:
    a = torch.zeros(1, 3, 8, 8)
    assert psnr(a + 0.2, a).item() == pytest.approx(20.0, abs=1e-4)  # mse 0.04 of a range of 2
    assert gradient_loss(a + 0.2, a).item() == 0
    ramp = torch.arange(8.0).expand(1, 3, 8, 8)
    assert gradient_loss(ramp, a).item() == pytest.approx(0.5)


def test_sinusoids() -> None:
    embedding = timestep_embedding(torch.tensor([0.0, 3.0]), 8)
    torch.testing.assert_close(embedding[0], torch.tensor([1.0] * 4 + [0.0] * 4))
    assert embedding[1, 0] == pytest.approx(torch.cos(torch.tensor(3.0)).item())
    grid = position_embedding_2d(3, 5, 16)
    assert grid.shape == (15, 16)
    assert len(grid.unique(dim=0)) == 15
    torch.testing.assert_close(
        grid.view(3, 5, 16), position_embedding_2d(4, 6, 16).view(4, 6, 16)[:3, :5]
    )
