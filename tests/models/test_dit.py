"""The default decoder: caching, conditioning, inpainting channels and other grids."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from unclip.config import DiTConfig, tiny
from unclip.models.dit import Known, LatentTransformer, known_channels


@pytest.fixture
def decoder() -> LatentTransformer:
    config = tiny().decoder
    assert isinstance(config, DiTConfig)
    torch.manual_seed(0)
    network = LatentTransformer(config)
    for parameter in network.parameters():  # the zero-initialised layers would hide everything
        nn.init.normal_(parameter, std=0.1)
    return network.eval()


def inputs(decoder: LatentTransformer, b: int = 3, n: int = 5, grid: int = 8):
    c = decoder.config
    generator = torch.Generator().manual_seed(1)
    x_t = torch.randn(b, c.latent_channels, grid, grid, generator=generator)
    t = torch.rand(b, generator=generator)
    z_i = nn.functional.normalize(torch.randn(b, c.embed_dim, generator=generator), dim=-1)
    states = torch.randn(b, n, c.text_width, generator=generator)
    mask = torch.ones(b, n, dtype=torch.bool)
    mask[0, 3:] = False
    return x_t, t, z_i, states, mask


@torch.no_grad()
def test_starts_at_zero() -> None:
    config = tiny().decoder
    assert isinstance(config, DiTConfig)
    network = LatentTransformer(config)
    x_t, t, *text = inputs(network)
    assert network(x_t, t, network.condition(*text)).abs().max() == 0


@torch.no_grad()
def test_prepared_context_equals_unprepared(decoder: LatentTransformer) -> None:
    x_t, t, *text = inputs(decoder)
    conditioning = decoder.condition(*text)
    slow = decoder(x_t, t, conditioning)
    fast = decoder(x_t, t, decoder.prepare(conditioning))
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_gradient_and_inference_attention_agree(decoder: LatentTransformer) -> None:
    x_t, t, *text = inputs(decoder)
    fused = decoder(x_t, t, decoder.condition(*text))
    with torch.enable_grad():
        plain = decoder(x_t, t, decoder.condition(*text))
    torch.testing.assert_close(fused, plain.detach(), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_padding_changes_nothing(decoder: LatentTransformer) -> None:
    x_t, t, z_i, states, mask = inputs(decoder)
    padded = decoder(x_t, t, decoder.condition(z_i, states, mask))[:1]
    alone = decoder(x_t[:1], t[:1], decoder.condition(z_i[:1], states[:1, :3], mask[:1, :3]))
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_dropped_conditioning_is_not_seen(decoder: LatentTransformer) -> None:
    x_t, t, z_i, states, mask = inputs(decoder)
    yes = torch.ones(3, dtype=torch.bool)
    one = decoder.condition(z_i, states, mask, drop_embedding=yes, drop_text=yes)
    other = decoder.condition(-z_i, 2 * states, mask, drop_embedding=yes, drop_text=yes)
    torch.testing.assert_close(decoder(x_t, t, one), decoder(x_t, t, other))
    kept = decoder.condition(z_i, states, mask, drop_embedding=~yes, drop_text=~yes)
    assert not torch.allclose(decoder(x_t, t, kept), decoder(x_t, t, one))


@torch.no_grad()
def test_each_condition_matters(decoder: LatentTransformer) -> None:
    x_t, t, z_i, states, mask = inputs(decoder)
    base = decoder(x_t, t, decoder.condition(z_i, states, mask))
    u = decoder.config.pixel_factor**2
    known = Known(torch.randn_like(x_t), torch.ones(3, u, 8, 8))
    others = [
        decoder(x_t, t, decoder.condition(-z_i, states, mask)),
        decoder(x_t, t, decoder.condition(z_i, -states, mask)),
        decoder(x_t, 1 - t, decoder.condition(z_i, states, mask)),
        decoder(x_t, t, decoder.condition(z_i, states, mask), known),
    ]
    assert all(not torch.allclose(base, other, atol=1e-3) for other in others)


@torch.no_grad()
def test_runs_on_other_grids(decoder: LatentTransformer) -> None:
    x_t, t, *text = inputs(decoder)
    wide = torch.cat([x_t, x_t[..., :4]], dim=-1)
    assert decoder(wide, t, decoder.condition(*text)).shape == wide.shape


def test_every_parameter_gets_a_gradient(decoder: LatentTransformer) -> None:
    x_t, t, *text = inputs(decoder)
    dropped = torch.tensor([True, False, False])
    decoder(x_t, t, decoder.condition(*text, drop_embedding=dropped)).square().sum().backward()
    assert [n for n, p in decoder.named_parameters() if p.grad is None] == []


def test_a_latent_is_known_where_any_of_its_pixels_is() -> None:
    generator = torch.Generator().manual_seed(0)
    mask = (torch.rand(2, 1, 16, 16, generator=generator) < 0.02).float()
    known = known_channels(torch.ones(2, 3, 16, 16), mask, lambda p: p[:, :, ::8, ::8] * 0 + 1, 8)
    for row in range(2):
        for y in range(2):
            for x in range(2):
                part = mask[row, 0, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8]
                assert (known.latents[row, :, y, x] == part.max()).all()
                assert torch.equal(known.mask[row, :, y, x], part.flatten())
