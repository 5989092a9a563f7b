"""The matte network."""

from __future__ import annotations

import pytest
import torch

from unclip.config import MatteConfig, default, tiny
from unclip.models.matte import MatteNet


@pytest.mark.parametrize("size", [(64, 64), (64, 32), (96, 128)])
def test_any_size_that_its_grids_divide(size: tuple[int, int]) -> None:
    config = tiny().matte
    assert config is not None
    assert all(side % config.factor == 0 for side in size)
    pixels = torch.rand(3, 3, *size) * 2 - 1
    network = MatteNet(config).eval()
    with torch.no_grad():
        logits = network(pixels, pixels)
        assert logits.shape == (3, 1, *size)
        torch.testing.assert_close(
            network(pixels[1:2], pixels[1:2]), logits[1:2], atol=1e-5, rtol=1e-4
        )


def test_the_default_one_sees_the_whole_picture_and_stays_small() -> None:
    config = default().matte
    assert config is not None
    network = MatteNet(config)
    for block in [*network.down, *network.middle, *network.up]:
        torch.nn.init.normal_(block.conv_2.weight, std=0.1)  # it starts at zero
    corner = torch.zeros(1, 3, 256, 256, requires_grad=True)
    network(corner, corner.detach())[0, 0, -1, -1].backward()
    assert corner.grad is not None
    assert corner.grad[0, :, :8, :8].abs().sum() > 0
    assert sum(p.numel() for p in network.parameters()) < 520_000


def test_it_learns_what_is_bright() -> None:
    torch.manual_seed(0)
    network = MatteNet(MatteConfig(32, (8, 8)))
    pixels = (torch.rand(8, 1, 4, 4) > 0.5).float().repeat_interleave(8, 2).repeat_interleave(8, 3)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        grey = 2 * pixels.expand(-1, 3, -1, -1) - 1
        logits = network(grey, torch.zeros_like(grey))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, pixels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((logits > 0) == (pixels > 0.5)).float().mean() > 0.98
