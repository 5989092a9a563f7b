"""The U-Net and its conditioning, at sizes that run in milliseconds."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from unclip.config import UNetConfig, default, tiny
from unclip.models.conditioning import UNetConditioner, UNetConditioning
from unclip.models.unet import UNet
from unclip.models.unet_blocks import Attention, ChannelNorm, ResBlock, unshuffle

DECODER = UNetConfig(
    image_size=16,
    in_channels=3,
    out_channels=6,
    channels=(16, 24),
    blocks=1,
    attention=(False, True),
    head_dim=8,
    embed_dim=12,
    text_width=10,
    context_width=20,
    norm_groups=8,
)


def randomised(module: torch.nn.Module) -> torch.nn.Module:
    """Fresh networks put out zeros; tests need ones that do not."""
    torch.manual_seed(1)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return module.eval()


def decoder(**changes: object) -> UNet:
    net = randomised(UNet(dataclasses.replace(DECODER, **changes)))
    assert isinstance(net, UNet)
    return net


def told(net: UNet, rows: int = 2, tokens: int = 5, lengths: tuple[int, ...] = (3, 5)):
    torch.manual_seed(2)
    mask = torch.arange(tokens) < torch.tensor(lengths)[:, None]
    assert net.conditioner is not None
    return net.conditioner(
        torch.randn(rows, 12), torch.randn(rows, 12), torch.randn(rows, tokens, 10), mask
    )


def noisy(rows: int = 2, size: int = 16) -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    return torch.randn(rows, 3, size, size), torch.linspace(5, 900, rows)


@pytest.mark.parametrize("lengths", [(3, 5), (3, 2), (4, 4)])
def test_cached_keys_and_values_change_nothing(lengths: tuple[int, int]) -> None:
    net = decoder()
    conditioning = told(net, lengths=lengths)
    with torch.no_grad():
        prepared = net.prepare(conditioning)
        # Padding of every row is gone: 4 image tokens and the longest caption are left.
        assert {k.shape[2] for k, _ in prepared.keys_values} == {4 + max(lengths)}
        assert (prepared.mask is None) == (lengths[0] == lengths[1])
        for t in (0.0, 400.0, 999.0):
            x_t, times = noisy()[0], torch.full((2,), t)
            torch.testing.assert_close(
                net(x_t, times, prepared), net(x_t, times, conditioning), rtol=1e-4, atol=1e-5
            )


def test_rows_do_not_see_each_other_or_their_padding() -> None:
    net = decoder()
    both, (x_t, t) = told(net), noisy()
    with torch.no_grad():
        together = net(x_t, t, both)
        context = both.context.clone()
        context[0, 4 + 3 :] = 100.0
        torch.testing.assert_close(
            net(x_t, t, dataclasses.replace(both, context=context)), together
        )
        alone = UNetConditioning(both.time_add[1:], both.context[1:], None)
        torch.testing.assert_close(net(x_t[1:], t[1:], alone), together[1:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("part", ["time_add", "context"])
def test_conditioning_is_heard(part: str) -> None:
    net = decoder()
    conditioning, (x_t, t) = told(net), noisy()
    other = dataclasses.replace(conditioning, **{part: getattr(conditioning, part) + 1})
    with torch.no_grad():
        assert (net(x_t, t, conditioning) - net(x_t, t, other)).abs().max() > 1e-3
        assert (net(x_t, t, conditioning) - net(x_t, t + 50, conditioning)).abs().max() > 1e-3


def test_image_embedding_becomes_time_and_first_tokens() -> None:
    conditioner = randomised(UNetConditioner(DECODER))
    image, text, states = torch.randn(2, 12), torch.randn(2, 12), torch.randn(2, 3, 10)
    out = conditioner(image, text, states, torch.tensor([[True, True, False]] * 2))
    flat = conditioner.image_to_context(image)
    for token in range(4):  # laid out (width, tokens) in the published weights
        torch.testing.assert_close(out.context[:, token], flat[:, token::4])
    assert out.context.shape == (2, 4 + 3, 20)
    assert out.mask.tolist() == [[True] * 6 + [False]] * 2
    time = conditioner.image_to_time(image) + conditioner.text_to_time(text)
    torch.testing.assert_close(out.time_add, time)


def test_dropped_rows_get_the_null_image() -> None:
    conditioner = randomised(UNetConditioner(DECODER))
    image, text, states = torch.randn(2, 12), torch.randn(2, 12), torch.randn(2, 3, 10)
    out = conditioner(image, text, states, drop_image=torch.tensor([True, False]))
    null = conditioner(conditioner.null_image.expand(2, -1), text, states)
    kept = conditioner(image, text, states)
    torch.testing.assert_close(out.context[0], null.context[0])
    torch.testing.assert_close(out.context[1], kept.context[1])
    torch.testing.assert_close(out.time_add[1], kept.time_add[1])
    assert out.mask is None


def test_attention_is_softmax_over_added_then_own_tokens() -> None:
    attention = randomised(Attention(DECODER, 16))
    x, context = torch.randn(1, 16, 3, 4), torch.randn(1, 2, 20)
    mask = torch.tensor([True, False] + [True] * 12)[None, None, None]
    with torch.no_grad():
        out = attention(x, attention.project_context(context), mask)
        tokens = attention.norm(x).flatten(2).mT
        q = attention.q(tokens)
        k = torch.cat([attention.added_k(context), attention.k(tokens)], dim=1)
        v = torch.cat([attention.added_v(context), attention.v(tokens)], dim=1)
        heads = []
        for part in (slice(0, 8), slice(8, 16)):
            scores = q[..., part] @ k[..., part].mT / 8**0.5
            scores[..., 1] = float("-inf")
            heads.append(scores.softmax(-1) @ v[..., part])
        expected = x + attention.out(torch.cat(heads, -1)).mT.reshape(x.shape)
    torch.testing.assert_close(out, expected)


@given(
    factor=st.sampled_from([1, 2, 4, 8]),
    channels=st.integers(1, 4),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_unshuffle_is_torchs(factor: int, channels: int, rows: int, columns: int) -> None:
    x = torch.randn(2, channels, rows * factor, columns * factor)
    out = unshuffle(x, factor)
    assert torch.equal(out, F.pixel_unshuffle(x, factor))
    assert torch.equal(F.pixel_shuffle(out, factor), x)
    if factor > 1:
        assert out.is_contiguous(memory_format=torch.channels_last)


def test_low_res_is_joined_in_pixels() -> None:
    config = dataclasses.replace(tiny().upsampler_256, residual_scale=0.0)
    net = randomised(UNet(config))
    (x_t, t), low_res = noisy(size=32), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        out = net(x_t, t / 1000, low_res=low_res)
        assert out.shape == x_t.shape
        torch.testing.assert_close(net(torch.cat([x_t, low_res], 1), t / 1000), out)
        assert (net(x_t, t / 1000, low_res=-low_res) - out).abs().max() > 1e-3


def test_x_t_of_a_residual_flow_fades_in_with_its_signal() -> None:
    net = randomised(UNet(tiny().upsampler_256))
    (x_t, _), low_res = noisy(size=32), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        pure, half = torch.ones(2), torch.full((2,), 0.5)
        torch.testing.assert_close(
            net(x_t, pure, low_res=low_res), net(-x_t, pure, low_res=low_res)
        )
        gap = net(x_t, half, low_res=low_res) - net(-x_t, half, low_res=low_res)
    assert gap.abs().max() > 1e-3


@pytest.mark.parametrize("preset", [tiny, default])
@pytest.mark.parametrize("stage", ["upsampler_256", "upsampler_1024"])
def test_a_fresh_upsampler_predicts_nothing(preset, stage: str) -> None:
    config = getattr(preset(), stage)
    net = UNet(config)
    x_t = torch.randn(1, 3, 2 * 32, 32)  # any shape that the levels divide
    level = torch.zeros(1) if config.noise_level else None
    assert not net(x_t, torch.ones(1), low_res=x_t, low_res_noise=level).any()


def test_default_upsamplers_fit_the_bundle() -> None:
    limits = {"upsampler_256": 3.2e6, "upsampler_1024": 2.0e6}
    for stage, limit in limits.items():
        net = UNet(getattr(default(), stage))
        assert sum(p.numel() for p in net.parameters()) < limit


def test_noise_level_of_the_small_picture_is_heard() -> None:
    net = randomised(UNet(dataclasses.replace(tiny().upsampler_256, noise_level=True)))
    x_t, t = noisy(size=16)
    with torch.no_grad():
        clean = net(x_t, t / 1000, low_res=x_t, low_res_noise=torch.zeros(2))
        rough = net(x_t, t / 1000, low_res=x_t, low_res_noise=torch.ones(2))
    assert (clean - rough).abs().max() > 1e-3


def test_flow_times_are_fractions_and_others_steps() -> None:
    steps = decoder()
    flow = UNet(dataclasses.replace(DECODER, schedule="flow")).eval()
    flow.load_state_dict(steps.state_dict())
    conditioning, (x_t, t) = told(steps), noisy()
    with torch.no_grad():
        torch.testing.assert_close(
            flow(x_t, t / 1000, conditioning), steps(x_t, t, conditioning), rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("scale_shift", [True, False])
@pytest.mark.parametrize("resblock_updown", [True, False])
@pytest.mark.parametrize("norm", ["group", "channel"])
def test_every_parameter_learns(scale_shift: bool, resblock_updown: bool, norm: str) -> None:
    net = decoder(scale_shift=scale_shift, resblock_updown=resblock_updown, norm=norm)
    x_t, t = noisy(size=8)
    drop = torch.tensor([True, False])
    conditioning = net.conditioner(
        torch.randn(2, 12), torch.randn(2, 12), torch.randn(2, 3, 10), drop_image=drop
    )
    net(x_t, t, conditioning).square().mean().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        # Softmax does not see a constant added to every key, so k's bias alone may stay at zero.
        assert p.grad.any() or name.endswith("k.bias"), name


def test_channel_norm_of_a_crop_is_the_crop_of_the_norm() -> None:
    norm, x = randomised(ChannelNorm(16)), torch.randn(2, 16, 6, 6)
    with torch.no_grad():
        torch.testing.assert_close(norm(x[..., 2:5, :3]), norm(x)[..., 2:5, :3])


@pytest.mark.parametrize(("how", "size"), [(None, 8), ("down", 4), ("up", 16)])
def test_a_fresh_block_is_its_shortcut(how, size: int) -> None:
    block = ResBlock(DECODER, 16, 16, how)
    x = torch.randn(1, 16, 8, 8)
    out = block(x, torch.randn(1, DECODER.time_embed_width))
    assert out.shape == (1, 16, size, size)
    expected = x if how is None else F.interpolate(x, size=(size, size), mode="area")
    torch.testing.assert_close(out, expected)


def test_half_precision_stays_half_and_close() -> None:
    net, (x_t, t) = randomised(UNet(default().upsampler_256)), noisy(1, 64)
    with torch.inference_mode():
        level = torch.zeros(len(x_t))
        exact = net(x_t, t / 1000, low_res=x_t, low_res_noise=level)
        net.bfloat16().to(memory_format=torch.channels_last)
        half = net(x_t.bfloat16(), t / 1000, low_res=x_t.bfloat16(), low_res_noise=level)
    assert half.dtype == torch.bfloat16
    assert (half - exact).square().mean() < 1e-3 * exact.square().mean()
