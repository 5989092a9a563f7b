"""The prior: its cached prefix against one whole causal pass, its mask, its scaling, its size."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from unclip.config import PriorConfig, default, karlo, tiny
from unclip.models.prior import Prior, PriorConditioning, drop_text

CONFIG = dataclasses.replace(tiny().prior, anchors=0)
WITH_ANCHORS = tiny().prior


def make(config: PriorConfig = CONFIG) -> Prior:
    """A prior in which every weight says something: fresh blocks are the identity."""
    torch.manual_seed(0)
    prior = Prior(config).eval()
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.normal_(std=0.2)
    return prior


def texts(lengths: list[int], seed: int = 0) -> PriorConditioning:
    generator = torch.Generator().manual_seed(seed)
    b, n = len(lengths), max(lengths)
    return PriorConditioning(
        F.normalize(torch.randn(b, CONFIG.embed_dim, generator=generator), dim=1),
        torch.randn(b, n, CONFIG.text_width, generator=generator),
        torch.arange(n) < torch.tensor(lengths)[:, None],
    )


def noised(b: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(b, CONFIG.embed_dim, generator=generator),
        torch.rand(b, generator=generator) * 999,
    )


def whole_pass(prior: Prior, x_t, t, text: PriorConditioning, anchors=()) -> torch.Tensor:
    """All tokens in one sequence under one causal mask, padding to the full context: no cache."""
    b, n, _ = text.states.shape
    gap = CONFIG.text_context - n
    states = F.pad(prior.states_in(text.states), (0, 0, 0, gap))
    z_t = prior.text_in(text.embedding * CONFIG.embed_dim**0.5)
    remembered = [prior.anchor_in(anchor) for anchor in anchors]
    suffix = [z_t, *remembered, prior.time(t), prior.image_in(x_t), prior.query[0].expand(b, -1)]
    x = torch.cat([states, torch.stack(suffix, 1)], 1) + prior.positions
    mask = F.pad(F.pad(text.mask, (0, gap)), (0, len(suffix)), value=True)
    length = mask.shape[1]
    allowed = mask[:, None, None, :] & torch.ones(length, length, dtype=torch.bool).tril()
    for block in prior.blocks:
        x, _ = block(x, allowed)
    return prior.image_out(prior.norm(x[:, -1]))


@pytest.mark.parametrize("grad", [True, False])
@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(1, 10), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_the_cache_equals_one_causal_pass(grad, lengths, seed):
    prior, text = make(), texts(lengths, seed)
    x_t, t = noised(len(lengths), seed)
    with torch.set_grad_enabled(grad):
        cache = prior.prepare(text)
        expected = whole_pass(prior, x_t, t, text)
        torch.testing.assert_close(prior(x_t, t, cache), expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(prior(x_t, t, text), expected, atol=1e-5, rtol=1e-5)


def test_anchors_are_tokens_of_the_prefix_and_their_mean_is_kept():
    prior, text = make(WITH_ANCHORS), texts([3, 6])
    x_t, t = noised(2)
    prior.fit_scale(torch.randn(64, CONFIG.embed_dim) + 1)
    anchors = F.normalize(torch.randn(2, 2, CONFIG.embed_dim), dim=2)
    anchors[1, 1] = 0  # the second row has one
    cache = prior.prepare(text, anchors)
    scaled = [prior.scale(anchors[:, 0]), prior.scale(anchors[:, 1]) * torch.tensor([[1], [0]])]
    expected = whole_pass(prior, x_t, t, text, scaled)
    torch.testing.assert_close(prior(x_t, t, cache), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(cache.anchor[0], (scaled[0] + scaled[1])[0] / 2)
    torch.testing.assert_close(cache.anchor[1], scaled[0][1])
    one = prior.prepare(text, anchors[:, :1])
    torch.testing.assert_close(prior(x_t, t, one)[1], expected[1], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(prior(x_t, t, one)[0], expected[0], atol=1e-3)


def test_the_spread_around_anchors_is_measured():
    prior = make(WITH_ANCHORS)
    mixing = torch.randn(CONFIG.embed_dim, CONFIG.embed_dim)
    prior.fit_spread(torch.randn(20_000, CONFIG.embed_dim) @ mixing)
    covariance = prior.axes @ prior.spread.diag() @ prior.axes.T
    expected = mixing.T @ mixing
    assert (covariance - expected).norm() < 0.05 * expected.norm()


def test_one_cache_serves_every_step():
    prior, text = make(), texts([5, 3])
    cache = prior.prepare(text)
    for seed in range(3):
        x_t, t = noised(2, seed)
        torch.testing.assert_close(prior(x_t, t, cache), prior(x_t, t, text))


def test_several_noisy_embeddings_share_their_texts():
    prior, text = make(), texts([3, 5])
    x_t, t = noised(6)
    with torch.no_grad():
        together = prior(x_t, t, text)
        apart = [prior(x_t[i : i + 2], t[i : i + 2], text) for i in (0, 2, 4)]
    torch.testing.assert_close(together, torch.cat(apart), rtol=1e-4, atol=1e-4)


def test_a_text_is_the_same_alone_or_padded():
    prior, text = make(), texts([9, 4])
    x_t, t = noised(2)
    alone = PriorConditioning(text.embedding[1:], text.states[1:, :4], text.mask[1:, :4])
    torch.testing.assert_close(prior(x_t, t, text)[1:], prior(x_t[1:], t[1:], alone))


def test_the_prefix_is_causal_and_the_output_sees_all():
    prior, text = make(), texts([6])
    x_t, t = noised(1)
    changed = text.states.clone()
    changed[0, 3] += 1
    other = text._replace(states=changed)
    for (k, v), (k2, v2) in zip(
        prior.prepare(text).blocks, prior.prepare(other).blocks, strict=True
    ):
        torch.testing.assert_close(k[:, :, :3], k2[:, :, :3])
        torch.testing.assert_close(v[:, :, :3], v2[:, :, :3])
    # Past the first block every later token has seen the change.
    assert not torch.isclose(k[:, :, 3:], k2[:, :, 3:]).all(-1).any()
    base = prior(x_t, t, text)
    for variant in (
        prior(x_t, t, other),
        prior(x_t, t, text._replace(embedding=-text.embedding)),
        prior(x_t + 1, t, text),
        prior(x_t, t + 100, text),
    ):
        assert (variant - base).abs().max() > 1e-3


def test_text_past_the_context_is_left_out():
    prior, text = make(), texts([CONFIG.text_context + 5])
    x_t, t = noised(1)
    cut = text._replace(
        states=text.states[:, : CONFIG.text_context], mask=text.mask[:, : CONFIG.text_context]
    )
    torch.testing.assert_close(prior(x_t, t, text), prior(x_t, t, cut))


def test_dropped_text_is_the_empty_text():
    prior, text, null = make(), texts([6, 5, 4]), texts([2], seed=1)
    x_t, t = noised(3)
    mixed = drop_text(text, null, torch.tensor([False, True, False]))
    out = prior(x_t, t, mixed)
    torch.testing.assert_close(out[[0, 2]], prior(x_t, t, text)[[0, 2]])
    torch.testing.assert_close(out[1:2], prior(x_t[1:2], t[1:2], null))


@given(seed=st.integers(0, 999))
@settings(max_examples=10, deadline=None)
def test_scaling_is_standard_and_has_an_inverse(seed):
    prior = Prior(CONFIG)
    generator = torch.Generator().manual_seed(seed)
    z = F.normalize(torch.randn(64, CONFIG.embed_dim, generator=generator) + 0.5, dim=1)
    prior.fit_scale(z)
    scaled = prior.scale(z)
    torch.testing.assert_close(scaled.mean(0), torch.zeros(CONFIG.embed_dim), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(0), torch.ones(CONFIG.embed_dim))
    torch.testing.assert_close(prior.unscale(scaled), z)
    torch.testing.assert_close(prior.unscale(scaled + 1).norm(dim=1), torch.ones(64))


def test_unscale_stays_off_the_sphere_where_clip_is_not_normalised():
    prior = Prior(dataclasses.replace(CONFIG, normalize=False))
    z = torch.randn(3, CONFIG.embed_dim)
    torch.testing.assert_close(prior.unscale(prior.scale(z)), z)


def test_published_and_shipped_sizes():
    with torch.device("meta"):
        published, ours = Prior(karlo().prior), Prior(default().prior)
    # Karlo's PriorTransformer counts its mean and std, 768 each, among 1,022,030,080 parameters.
    assert sum(p.numel() for p in published.parameters()) == 1_022_030_080 - 2 * 768
    assert sum(p.numel() for p in ours.parameters()) == 5_381_760


def test_it_learns():
    torch.manual_seed(0)
    prior, text = Prior(CONFIG), texts([4] * 8)
    target, (x_t, t) = torch.randn(8, CONFIG.embed_dim), noised(8)
    optimizer = torch.optim.AdamW(prior.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = F.mse_loss(prior(x_t, t, text), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad is not None for p in prior.parameters())
    assert losses[-1] < losses[0] / 4
