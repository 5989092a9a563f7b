"""Each stage's fast path against the slow one, written out here."""

import dataclasses

import pytest
import torch
import torch.nn.functional as F

from unclip.config import SamplingConfig, UNetConfig
from unclip.corpus.thesaurus import Thesaurus
from unclip.diffusion.gaussian import Gaussian
from unclip.diffusion.guidance import classifier_free_guidance
from unclip.diffusion.process import denoiser
from unclip.diffusion.samplers import SAMPLERS, randn_rows
from unclip.diffusion.schedule import make_schedule
from unclip.models.unet import UNet
from unclip.pipeline.stages import (
    DecoderStage,
    Draft,
    KnownPixels,
    MemoryStage,
    PriorStage,
    TextStage,
    UpsamplerStage,
    drain,
)

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.fixture(scope="module")
def texts(bundle):
    return drain(TextStage(bundle.text, bundle.tokenizer, 64)("two blue cats"))


@pytest.fixture(scope="module")
def z_i(bundle):
    return F.normalize(torch.randn(2, bundle.config.prior.embed_dim), dim=-1)


def test_text_has_no_padding_and_says_when_it_is_cut(bundle):
    stage = TextStage(bundle.text, bundle.tokenizer, 8)
    short = drain(stage("a red apple"))
    assert short.prompt.mask.all()
    assert short.empty.mask.sum() == 2
    assert not short.truncated
    long = drain(stage("a red apple on a sofa beside two blue cats"))
    assert long.truncated
    assert long.prompt.states.shape[1] == 8


def test_text_is_read_in_other_words(bundle):
    plain = TextStage(bundle.text, bundle.tokenizer, 64)
    stage = TextStage(bundle.text, bundle.tokenizer, 64, Thesaurus({"pup": "dog"}).translate)
    said, meant = drain(stage("two pups")), drain(plain("two dogs"))
    assert said.words == "two dogs"
    assert torch.equal(said.prompt.embedding, meant.prompt.embedding)
    assert stage.embedding("two pups") == plain.embedding("two pups")  # what the policy reads
    assert drain(plain("two pups")).words == "two pups"


@pytest.fixture(scope="module")
def memory(bundle):
    reader = TextStage(bundle.text, bundle.tokenizer, 64)
    return MemoryStage(bundle.memory, reader.embeddings, bundle.config.prior.anchors)


def test_the_prior_keeps_the_best_of_what_plain_sampling_draws(bundle, texts, memory):
    stage = PriorStage(bundle.prior, SamplingConfig("ddim", 4, temperature=0.5), memory=memory)
    drawn = drain(stage(texts, generators(3, 4), candidates=3))
    anchors = memory("two blue cats", texts.prompt.embedding, generators(3, 4))

    schedule = make_schedule(bundle.config.prior.schedule)
    for k, seed in enumerate((3, 4)):
        generator = generators(seed)[0]
        x_t = 0.5 * randn_rows((3, bundle.config.prior.embed_dim), [generator] * 3)
        prior, own = bundle.prior, anchors[k : k + 1]
        gaussian, mean = Gaussian(prior.axes, prior.spread), prior.middle(own)

        def denoise(x, t, prior=prior, own=own, gaussian=gaussian, mean=mean):
            guess = gaussian.guess(x, mean, *schedule.alpha_sigma(t))
            cache = prior.prepare(texts.prompt, own)
            return guess.x0 + guess.left * prior(x, schedule.network_time(t).float(), cache)

        for i in range(3):  # one candidate at a time
            with torch.no_grad():
                *_, step = SAMPLERS["ddim"](denoise, x_t[i : i + 1], schedule.times(4), schedule)
            z = bundle.prior.unscale(step.x_t)
            cosine = F.cosine_similarity(z, texts.prompt.embedding)
            assert cosine <= drawn.cosine[k] + 1e-5
            if torch.isclose(cosine, drawn.cosine[k : k + 1], atol=1e-5):
                torch.testing.assert_close(drawn.embedding[k : k + 1], z, **CLOSE)
                break
        else:
            pytest.fail("the best is none of the three")


def test_the_prior_can_be_guided(bundle, texts, memory):
    plain = PriorStage(bundle.prior, SamplingConfig("ddpm", 3), memory=memory)
    guided = PriorStage(bundle.prior, SamplingConfig("ddpm", 3, guidance=4.0), memory=memory)
    a, b = (drain(stage(texts, generators(1))).embedding for stage in (plain, guided))
    assert a.shape == b.shape
    assert not torch.allclose(a, b, atol=1e-3)


def test_guidance_in_one_cached_batch_equals_two_calls_a_step(bundle, texts, z_i):
    sampling = SamplingConfig("dpmpp_2m", 5, guidance=3.0, interval=(0.3, 0.7))
    stage = DecoderStage(bundle.decoder, bundle.autoencoder, sampling)
    x_t = stage.noise(generators(1, 2))
    fast = drain(stage(z_i, texts, x_t, generators(1, 2))).pixels

    net, schedule = bundle.decoder, make_schedule("flow")
    states, mask = texts.prompt.states.expand(2, -1, -1), texts.prompt.mask.expand(2, -1)
    yes = torch.ones(2, dtype=torch.bool)
    given = net.condition(z_i, states, mask)
    null = net.condition(z_i, states, mask, drop_embedding=yes, drop_text=yes)
    one = denoiser(lambda x, t: net(x, t, given), "flow", schedule)
    other = denoiser(lambda x, t: net(x, t, null), "flow", schedule)
    guided = classifier_free_guidance(one, lambda x, t: (one(x, t), other(x, t)), 3.0, (0.3, 0.7))
    with torch.no_grad():
        *_, step = SAMPLERS["dpmpp_2m"](guided, x_t, schedule.times(5), schedule)
        slow = bundle.autoencoder.decode(step.x_t).clamp(-1, 1)
    torch.testing.assert_close(fast, slow, **CLOSE)
    assert fast.shape == (2, 3, 64, 64)


@pytest.mark.parametrize("learned_range", [True, False])
def test_a_pixel_unet_is_a_decoder_too(texts, z_i, learned_range):
    config = UNetConfig(
        image_size=16,
        in_channels=3,
        out_channels=6 if learned_range else 3,
        channels=(16, 16),
        blocks=1,
        attention=(False, True),
        head_dim=8,
        embed_dim=32,
        text_width=32,
        context_width=16,
        norm_groups=8,
    )
    net = UNet(config).eval().requires_grad_(False)
    torch.nn.init.normal_(net.head.weight, std=0.05)
    stage = DecoderStage(net, None, SamplingConfig("ddpm", 3, guidance=2.0))
    both = drain(stage(z_i, texts, stage.noise(generators(1, 2)), generators(1, 2))).pixels
    alone = drain(stage(z_i[1:], texts, stage.noise(generators(2)), generators(2))).pixels
    assert both.shape == (2, 3, 16, 16)
    assert both.abs().max() <= 1
    torch.testing.assert_close(both[1:], alone, **CLOSE)


@pytest.mark.parametrize("steps", [1, 2])
def test_an_upsampler_adds_its_residual_to_the_upscaled_picture(bundle, steps):
    net = bundle.modules["upsampler_256"]
    low = torch.rand(1, 3, 64, 64) * 2 - 1
    stage = UpsamplerStage("upsampler_256", net, SamplingConfig("ddim", steps), 4)
    fast = drain(stage(low, generators(5)))

    schedule = make_schedule("flow")
    upscaled = F.interpolate(low, scale_factor=4, mode="bicubic", align_corners=False)
    x_t = randn_rows((1, 3, 256, 256), generators(5))
    denoise = denoiser(lambda x, t: net(x, t, low_res=upscaled), "x0", schedule)
    with torch.no_grad():
        *_, step = SAMPLERS["ddim"](denoise, x_t, schedule.times(steps), schedule)
    slow = (upscaled + step.x_t / net.config.residual_scale).clamp(-1, 1)
    torch.testing.assert_close(fast, slow, **CLOSE)


def test_an_upsampler_is_told_how_bad_its_input_is(bundle, random_modules):
    upsampler = dataclasses.replace(bundle.config.upsampler_256, noise_level=True)
    config = dataclasses.replace(bundle.config, upsampler_256=upsampler)
    net = random_modules(config)["upsampler_256"].eval().requires_grad_(False)
    low = torch.rand(1, 3, 64, 64) * 2 - 1
    made = [
        drain(
            UpsamplerStage("u", net, SamplingConfig("ddim", 1, noise_level=level), 4)(
                low, generators(5)
            )
        )
        for level in (0.0, 0.5)
    ]
    assert (made[0] - made[1]).abs().max() > 1e-2


def test_known_pixels_come_back_and_change_the_rest(bundle, texts, z_i):
    stage = DecoderStage(bundle.decoder, bundle.autoencoder, SamplingConfig("ddim", 4, guidance=2))
    pixels, mask = torch.rand(2, 3, 64, 64) * 2 - 1, torch.zeros(2, 1, 64, 64)
    mask[..., 10:50] = 1
    x_t = stage.noise(generators(1, 2))
    plain = drain(stage(z_i, texts, x_t, generators(1, 2))).pixels
    filled = drain(stage(z_i, texts, x_t, generators(1, 2), known=KnownPixels(pixels, mask))).pixels
    assert torch.equal(filled[..., 10:50], pixels[..., 10:50])
    assert (filled - plain)[..., 50:].abs().max() > 1e-3
    nothing = KnownPixels(pixels, torch.zeros_like(mask))
    empty = drain(stage(z_i, texts, x_t, generators(1, 2), known=nothing)).pixels
    torch.testing.assert_close(empty, plain, **CLOSE)


def test_without_a_prompt_only_the_embedding_counts(bundle, texts, z_i):
    stage = DecoderStage(bundle.decoder, bundle.autoencoder, SamplingConfig("ddim", 3))
    nothing = drain(TextStage(bundle.text, bundle.tokenizer, 64)())
    assert not nothing.given
    x_t = stage.noise(generators(1, 2))
    made = [
        drain(stage(z_i, given, x_t, generators(1, 2))).pixels
        for given in (nothing, texts._replace(given=False), texts)
    ]
    torch.testing.assert_close(made[0], made[1], **CLOSE)
    assert not torch.allclose(made[1], made[2], atol=1e-3)


def test_inversion_finds_the_noise_of_a_picture(bundle, z_i):
    stage = DecoderStage(bundle.decoder, bundle.autoencoder, SamplingConfig("ddim", 20))
    nothing = drain(TextStage(bundle.text, bundle.tokenizer, 64)())
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():  # all that the autoencoder keeps of it
        kept = bundle.autoencoder.decode(bundle.autoencoder.encode(pixels)).clamp(-1, 1)

    def error(x_t):
        return (drain(stage(z_i, nothing, x_t, generators(1, 2))).pixels - kept).abs().mean()

    x_t = drain(stage.invert(pixels, z_i, nothing, 20, iterations=5))
    assert error(x_t) < 0.1 * error(stage.noise(generators(1, 2)))


def test_a_draft_is_drawn_anew_from_its_time(bundle, texts, z_i):
    stage = DecoderStage(bundle.decoder, bundle.autoencoder, SamplingConfig("ddim", 10))
    pixels = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():  # all that the autoencoder keeps of it
        kept = bundle.autoencoder.decode(bundle.autoencoder.encode(pixels)).clamp(-1, 1)
    x_t = stage.noise(generators(1, 2))
    errors = []
    for time, steps in ((0.0, 1), (0.35, 3), (0.7, 7), (1.0, 10)):
        events = []
        running = stage(z_i, texts, x_t, generators(1, 2), draft=Draft(pixels, time))
        while True:
            try:
                events.append(next(running))
            except StopIteration as end:
                errors.append((end.value.pixels - kept).abs().mean().item())
                break
        assert [event.step for event in events] == list(range(1, steps + 1))
    assert errors == sorted(errors)
    plain = drain(stage(z_i, texts, x_t, generators(1, 2))).pixels
    whole = drain(stage(z_i, texts, x_t, generators(1, 2), draft=Draft(pixels, 1.0))).pixels
    torch.testing.assert_close(plain, whole, **CLOSE)


def test_an_upsampler_takes_any_size(bundle):
    """A side that its grids do not divide is padded, which nothing shows."""
    stage = UpsamplerStage("u", bundle.modules["upsampler_256"], SamplingConfig("ddim", 1), 4)
    assert stage.multiple == 2
    low = torch.full((1, 3, 31, 45), 0.25)
    made = drain(stage(low, generators(5)))
    assert made.shape == (1, 3, 124, 180)
    even = F.pad(low, (0, 1, 0, 1), mode="replicate")
    torch.testing.assert_close(made, drain(stage(even, generators(5)))[..., :124, :180], **CLOSE)
