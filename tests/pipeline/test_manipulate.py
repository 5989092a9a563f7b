"""Variations, blends and changes on the tiny bundle: what each keeps, and what it makes anew."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from unclip.diffusion.sphere import slerp, spherical_mean
from unclip.errors import InvalidArgument
from unclip.models.autoencoder import psnr
from unclip.pipeline.bundle import make_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.generate import generate, plan_for
from unclip.pipeline.images import to_pixels
from unclip.pipeline.inputs import open_picture
from unclip.pipeline.manipulate import FARTHEST, square
from unclip.pipeline.rank import image_embedding
from unclip.pipeline.recipe import request_of
from unclip.pipeline.stages import drain
from unclip.requests import Blend, Change, Generation, Variation
from unclip.types import Picture, Progress

SMALL = {"size": "256x256", "steps": 4, "seed": 7}


@pytest.fixture(scope="module")
def cascade(bundle):
    return Cascade(bundle)


def drawn(colour, width=96, height=64):
    """A disc on a light ground."""
    image = Image.new("RGB", (width, height), (240, 235, 220))
    ImageDraw.Draw(image).ellipse((width // 2 - 22, 8, width // 2 + 26, 56), fill=colour)
    return image


RED, BLUE, GREEN = (drawn(colour) for colour in ("crimson", "royalblue", "seagreen"))


def plan(cascade, request):
    with torch.inference_mode():
        return drain(plan_for(cascade, request))


def embedding(cascade, image):
    pixels = to_pixels(square(image, cascade.decoder.pixels))
    return image_embedding(cascade.bundle.image, pixels)


def pictures(cascade, request):
    return [event for event in generate(cascade, request) if isinstance(event, Picture)]


def pixels(picture):
    return np.asarray(picture.image).astype(int)


def far(one, other):
    return np.abs(pixels(one) - pixels(other)).max()


def small(cascade, request):
    """The decoder's pictures."""
    made = plan(cascade, request)
    with torch.inference_mode():
        return drain(
            cascade.decoder(made.z_i, made.texts, made.x_t, made.generators, made.sampling)
        ).pixels


def itself(cascade, image):
    """A picture as the autoencoder lets it through."""
    decoder = cascade.decoder
    with torch.inference_mode():
        seen = to_pixels(square(image, decoder.pixels))
        return decoder.autoencoder.decode(decoder.autoencoder.encode(seen)).clamp(-1, 1)


def test_strength_0_makes_the_picture_again(cascade):
    back = small(cascade, Variation(RED, strength=0, **SMALL))
    assert psnr(back, itself(cascade, RED)) > 35
    described = small(cascade, Variation(RED, strength=0, prompt="a red apple", **SMALL))
    assert psnr(described, itself(cascade, RED)) > 35
    made = plan(cascade, Variation(RED, n=2, strength=0, **SMALL))
    assert made.candidates == 1, "they would all be alike"
    torch.testing.assert_close(made.x_t[0], made.x_t[1])


def test_strength_1_keeps_nothing_but_the_embedding(cascade):
    red = plan(cascade, Variation(RED, strength=1, candidates=2, **SMALL))
    torch.testing.assert_close(red.z_i, embedding(cascade, RED).expand(2, -1))
    torch.testing.assert_close(red.x_t, cascade.decoder.noise(fresh(red)))
    assert red.sampling.eta == 1
    assert red.sampling.guidance == cascade.decoder.sampling.guidance


def fresh(made):
    """The generators of a plan before anything was drawn."""
    return [torch.Generator().manual_seed(g.initial_seed()) for g in made.generators]


def test_between_them_more_strength_leads_farther(cascade):
    home = plan(cascade, Variation(RED, strength=0, **SMALL)).x_t
    away = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        made = plan(cascade, Variation(RED, strength=strength, candidates=1, **SMALL))
        away.append(torch.nn.functional.cosine_similarity(home.flatten(), made.x_t.flatten(), 0))
        assert made.sampling.eta == strength
        usual = cascade.decoder.sampling.guidance
        assert made.sampling.guidance == pytest.approx(1 + (usual - 1) * strength)
    assert all(more < less for less, more in itertools.pairwise(away))


def test_a_blend_is_in_the_middle(cascade):
    a, b, c = (embedding(cascade, image) for image in (RED, BLUE, GREEN))
    two = plan(cascade, Blend((RED, BLUE), weights=(3, 1), **SMALL))
    torch.testing.assert_close(two.z_i, slerp(a, b, 0.25))
    x_a, x_b = (plan(cascade, Variation(i, strength=0, **SMALL)).x_t for i in (RED, BLUE))
    middle = slerp(x_a.flatten(1), x_b.flatten(1), 0.25)
    torch.testing.assert_close(two.x_t.flatten(1), middle, rtol=1e-3, atol=1e-3)
    three = plan(cascade, Blend((RED, BLUE, GREEN), **SMALL))
    mean = spherical_mean(torch.stack([a, b, c]), torch.full((3,), 1 / 3))
    torch.testing.assert_close(three.z_i, mean)
    assert plan(cascade, Blend((RED, BLUE), strength=1, **SMALL)).sampling.eta == 1


def test_sentences_are_blended_by_what_the_prior_draws(cascade):
    made = plan(cascade, Blend((RED, "two blue cats"), weights=(1, 1), candidates=2, **SMALL))
    generators = fresh(made)
    cascade.decoder.noise(generators)
    texts = drain(cascade.text("two blue cats"))
    told = drain(cascade.prior(texts, generators)).embedding
    seen = embedding(cascade, RED).expand(2, -1)
    torch.testing.assert_close(made.z_i, slerp(seen, told, 0.5))
    assert not made.texts.given
    words = plan(cascade, Blend(("a red apple", "two blue cats"), **SMALL))
    assert words.sampling.eta == 1


def test_frames_lead_from_the_first_to_the_last_and_each_is_a_blend(cascade):
    request = Blend((RED, BLUE, GREEN), frames=5, **SMALL)
    way = pictures(cascade, request)
    assert [picture.seed for picture in way] == [7] * 5
    assert [picture.index for picture in way] == list(range(5))
    wanted = [(1, 0, 0), (0.5, 0.5, 0), (0, 1, 0), (0, 0.5, 0.5), (0, 0, 1)]
    for k, picture in enumerate(way):
        assert picture.settings["weights"] == list(wanted[k])
        assert picture.settings["frames"] is None
        (alone,) = pictures(cascade, request.alone(k))
        assert far(alone, picture) <= 1
        assert alone.settings == picture.settings
        assert alone.clip_score == pytest.approx(picture.clip_score, abs=1e-3)
    (first,) = pictures(cascade, Variation(RED, strength=0, **SMALL))
    assert far(first, way[0]) <= 1


def test_a_change_goes_from_what_the_source_says_to_what_the_prompt_says(cascade):
    values = {"candidates": 2, **SMALL}
    here = embedding(cascade, RED)
    none = plan(cascade, Change(RED, "two blue cats", "a red apple", amount=0, **values))
    torch.testing.assert_close(none.z_i, here.expand(2, -1))
    assert none.sampling.guidance == 1
    back = small(cascade, Change(RED, "two blue cats", "a red apple", amount=0, **SMALL))
    assert psnr(back[:1], itself(cascade, RED)) > 35

    made = plan(cascade, Change(RED, "two blue cats", "a red apple", amount=1, **values))
    drawn = []
    for prompt in ("a red apple", "two blue cats"):
        generators = fresh(made)
        cascade.decoder.noise(generators)
        drawn.append(drain(cascade.prior(drain(cascade.text(prompt)), generators)).embedding)
    z_d = torch.nn.functional.normalize(drawn[1] - drawn[0], dim=-1)
    torch.testing.assert_close(made.z_i, slerp(here.expand(2, -1), z_d, FARTHEST))
    torch.testing.assert_close(made.z_i.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(made.x_t, none.x_t, rtol=1e-4, atol=1e-4)


def test_a_style_may_be_a_picture(cascade):
    a, b = embedding(cascade, RED), embedding(cascade, BLUE)
    made = plan(cascade, Change(RED, reference=BLUE, amount=0.4, **SMALL))
    torch.testing.assert_close(made.z_i, slerp(a, b, 0.4 * FARTHEST))
    assert made.candidates == 1
    both = plan(cascade, Change(RED, "3d render", reference=BLUE, amount=0.4, **SMALL))
    words = plan(cascade, Change(RED, "3d render", amount=0.4, **SMALL))
    torch.testing.assert_close(
        both.z_i, slerp(words.z_i, b.expand_as(words.z_i), 0.4 * FARTHEST), rtol=1e-4, atol=1e-4
    )


def test_words_that_mean_the_same_lead_nowhere(cascade):
    with pytest.raises(InvalidArgument, match="source means"):
        plan(cascade, Change(RED, "a red  apple", "a red apple", **SMALL))


REQUESTS = {
    "vary": lambda **v: Variation(RED, strength=0.6, **v),
    "describe": lambda **v: Variation(RED, strength=1, prompt="two blue cats", **v),
    "blend": lambda **v: Blend((RED, "two blue cats"), **v),
    "pictures": lambda **v: Blend((RED, BLUE), strength=0.3, **v),
    "change": lambda **v: Change(RED, "two blue cats", strength=0.2, **v),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_picture_is_the_same_in_any_company(cascade, kind):
    values = {"size": "256x256", "steps": 3, "candidates": 2}
    five = pictures(cascade, REQUESTS[kind](n=5, seed=7, **values))
    for n, first in ((1, 3), (2, 3)):
        for k, picture in enumerate(
            pictures(cascade, REQUESTS[kind](n=n, seed=7 + first, **values))
        ):
            there = five[first + k]
            assert far(picture, there) <= 1
            assert picture.settings == there.settings
    assert far(five[0], five[1]) > 10


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_recipe_says_all_of_it(cascade, kind, tmp_path):
    request = REQUESTS[kind](n=1, candidates=2, **SMALL)
    (picture,) = pictures(cascade, request)
    assert picture.settings["operation"] == request.operation
    assert picture.settings["sampler"] == "ddim"
    for name, image in {"red": RED, "blue": BLUE}.items():
        image.save(tmp_path / f"{name}.png")

    def opened(value):
        if isinstance(value, Image.Image):
            return open_picture(tmp_path / ("red.png" if value is RED else "blue.png"))
        return tuple(map(opened, value)) if isinstance(value, tuple) else value

    fields = {f.name: opened(getattr(request, f.name)) for f in dataclasses.fields(request)}
    (saved,) = pictures(cascade, type(request)(**fields))
    assert saved.image.tobytes() == picture.image.tobytes()
    (again,) = pictures(cascade, request_of(saved.settings, tmp_path))
    assert again.image.tobytes() == picture.image.tobytes()
    assert again.settings == saved.settings


def test_every_step_is_counted(cascade):
    events = list(generate(cascade, Change(RED, "two blue cats", reference=BLUE, **SMALL)))
    prior = cascade.bundle.config.sampling["prior"].steps
    for stage, steps in (("text", 3), ("prior", 2 * prior), ("inversion", 4), ("decoder", 4)):
        seen = [e for e in events if isinstance(e, Progress) and e.stage == stage]
        assert [e.step for e in seen] == list(range(1, steps + 1))
        assert {e.steps for e in seen} == {steps}
    assert not any(
        e.stage == "inversion" for e in progress(cascade, Variation(RED, strength=1, **SMALL))
    )


def progress(cascade, request):
    return [event for event in generate(cascade, request) if isinstance(event, Progress)]


def test_pictures_of_any_shape_are_seen_as_their_middle_on_white():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    seen = np.asarray(square(wide, 16))[:, 1:-1]  # the outer pixels are mixed with those beyond
    assert (seen == (0, 0, 255)).all()
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert set(square(clear, 8).get_flattened_data()) == {(255, 255, 255)}
    assert square(Image.new("RGB", (1, 1), "red"), 8).getpixel((3, 3)) == (255, 0, 0)


@pytest.mark.parametrize("size", ["128x256", "256x128"])
def test_wide_and_tall_pictures(cascade, size):
    (picture,) = pictures(cascade, Variation(RED, strength=0.5, **{**SMALL, "size": size}))
    assert f"{picture.image.width}x{picture.image.height}" == size


def test_a_bundle_that_sees_nothing_says_so(bundle):
    modules = {k: m for k, m in bundle.modules.items() if k != "image"}
    blind = Cascade(
        make_bundle(bundle.config, bundle.tokenizer, modules, name="blind", dtype=bundle.dtype)
    )
    with pytest.raises(InvalidArgument, match="model is blind, which has no image tower"):
        plan(blind, Variation(RED, **SMALL))
    assert plan(blind, Blend(("a red apple", "two blue cats"), **SMALL)).fit.tolist() == [1.0] * 4


def test_one_step_cannot_be_run_backwards(cascade):
    with pytest.raises(InvalidArgument, match="steps is 1"):
        plan(cascade, Variation(RED, strength=0.5, seed=1, steps=1))


def test_a_sentence_with_itself_is_what_is_generated_for_it(cascade):
    """The same noise and, but for the second draw, the same embedding."""
    blended = plan(cascade, Blend(("a red apple", "a red apple"), candidates=1, **SMALL))
    generated = plan(cascade, Generation("a red apple", candidates=1, **SMALL))
    torch.testing.assert_close(blended.x_t, generated.x_t)
