"""Pictures larger than a frame, and pictures of which a part is drawn: the whole way, small."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from unclip.config import UNetConfig
from unclip.errors import InvalidArgument
from unclip.pipeline.bundle import make_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.fill import fill, names_background
from unclip.pipeline.generate import generate, plan_for
from unclip.pipeline.stages import drain
from unclip.requests import Framing, Generation, Inpainting, Outpainting
from unclip.types import Picture, Progress

FAST = {"seed": 7, "steps": 2, "candidates": 2}


@pytest.fixture(scope="module")
def cascade(bundle):
    return Cascade(bundle)


@pytest.fixture(scope="module")
def karlo_like(bundle, random_modules):
    """A decoder in pixels, 16 a side, and no image tower."""
    config = dataclasses.replace(
        bundle.config,
        image=None,
        autoencoder=None,
        matte=None,
        upsampler_1024=None,
        decoder=UNetConfig(
            image_size=16,
            in_channels=3,
            out_channels=6,
            channels=(16, 16),
            blocks=1,
            attention=(False, True),
            head_dim=8,
            embed_dim=32,
            text_width=32,
            context_width=16,
            norm_groups=8,
        ),
    )
    return Cascade(
        make_bundle(config, bundle.tokenizer, random_modules(config), dtype=torch.float32)
    )


def picture(width, height, mode="RGB", seed=0):
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, len(mode)), np.uint8))


def box_mask(image, *box):
    mask = Image.new("L", image.size)
    mask.paste(255, box)
    return mask


def made(cascade, request):
    return [event for event in generate(cascade, request) if isinstance(event, Picture)]


def canvas_of(cascade, request):
    """The canvases of a request at the decoder's scale."""
    pixels, _ = drain(fill(cascade, drain(plan_for(cascade, request))))
    return pixels


@pytest.mark.parametrize("size", ["448x256", "256x448", "64x256", "320x256"])
def test_a_wide_picture_has_the_square_one_in_its_middle(cascade, size):
    square = canvas_of(cascade, Generation("a cat", size="256x256", **FAST))
    request = Generation("a cat", size=size, **FAST)
    whole = canvas_of(cascade, request)
    along = int(request.height > request.width)
    start = (max(whole.shape[-2:]) - 64) // 2
    middle = whole.narrow(2 if along else 3, start, 64)
    torch.testing.assert_close(middle, square, atol=1e-5, rtol=0)
    assert [whole.shape[3], whole.shape[2]] == [
        side * 64 // min(request.width, request.height) for side in (request.width, request.height)
    ]
    assert whole.std(dim=(2, 3)).min() > 0.01
    (done,) = made(cascade, request)
    assert done.image.size == (request.width, request.height)


@pytest.mark.parametrize("prompt", ["a red apple", "a plain background", None])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_is_kept_comes_back_byte_for_byte(cascade, prompt, mode):
    rng = np.random.default_rng(5)
    for seed in range(3):
        image = picture(*rng.integers(40, 160, 2).tolist(), mode, seed)
        x, y = (np.sort(rng.choice(side, 2, replace=False)) for side in image.size)
        mask = box_mask(image, x[0], y[0], x[1], y[1])
        (done,) = made(cascade, Inpainting(image, mask, prompt=prompt, **FAST))
        out, before, kept = np.asarray(done.image), np.asarray(image), np.asarray(mask) == 0
        assert done.image.mode == mode
        assert (out[kept] == before[kept]).all()
        assert (out[~kept] != before[~kept]).mean() > 0.5


def test_a_mask_that_keeps_everything_gives_the_picture_back(cascade):
    image = picture(90, 60)
    for prompt in ("a cat", None):
        request = Inpainting(image, Image.new("L", image.size), prompt=prompt, **FAST)
        (done,) = made(cascade, request)
        assert done.image.tobytes() == image.tobytes()


def test_a_mask_that_keeps_nothing_makes_a_new_picture(cascade):
    image = picture(192, 128)
    request = Inpainting(image, Image.new("L", image.size, 255), prompt="a cat", **FAST)
    fresh = canvas_of(cascade, Generation("a cat", size="192x128", **FAST))
    torch.testing.assert_close(canvas_of(cascade, request), fresh, atol=1e-5, rtol=0)
    with pytest.raises(InvalidArgument, match="prompt is missing"):
        made(cascade, dataclasses.replace(request, prompt=None))


def test_a_prompt_says_what_is_drawn(cascade):
    image = picture(100, 100)
    mask = box_mask(image, 20, 30, 70, 80)
    drawn = [
        np.asarray(made(cascade, Inpainting(image, mask, prompt=prompt, **FAST))[0].image)
        for prompt in ("a red apple", "two blue cats", "a blue background", None)
    ]
    differences = [np.abs(a.astype(int) - b).max() for a in drawn for b in drawn if a is not b]
    assert min(differences) > 3


def test_seeds_decide_and_company_does_not(cascade):
    image = picture(96, 64)
    request = Outpainting(image, left=20, right=70, prompt="a cat", **FAST)
    alone = [made(cascade, dataclasses.replace(request, seed=7 + k))[0] for k in (0, 1)]
    together = made(cascade, dataclasses.replace(request, n=2))
    for one, other in zip(alone, together, strict=True):
        difference = np.abs(np.asarray(one.image).astype(int) - np.asarray(other.image))
        assert difference.max() <= 1
        assert one.settings == other.settings
    assert alone[0].image.tobytes() != alone[1].image.tobytes()


def test_outpainting_keeps_the_picture_in_its_place(cascade):
    image = picture(100, 80)
    (done,) = made(cascade, Outpainting(image, left=30, top=5, **FAST))
    out = np.asarray(done.image)
    assert out.shape == (85, 130, 3)
    assert (out[5:, 30:] == np.asarray(image)).all()
    assert done.settings["operation"] == "outpaint"
    assert done.settings["left"] == 30


def test_a_frame_beyond_the_canvas(cascade):
    image = picture(100, 80, "RGBA")
    image.putalpha(255)
    request = Framing(image, x=60, y=-10, side=64, **FAST)
    (done,) = made(cascade, request)
    out = np.asarray(done.image)
    assert out.shape == (90, 124, 4)
    assert (out[10:, :100] == np.asarray(image)).all()
    assert (out[:64, 100:, 3] == 255).all()
    assert not out[64:, 100:].any()


def test_progress_counts_frames_and_shows_the_whole(cascade):
    image = picture(64, 64)
    request = Outpainting(image, right=192, n=2, **FAST)
    events = list(generate(cascade, request))
    steps = [e for e in events if isinstance(e, Progress) and e.stage == "frames"]
    assert [e.step for e in steps] == list(range(1, steps[0].steps + 1))
    assert [e.stage for e in events if isinstance(e, Progress)][:2] == ["text", "decoder"]
    for event in events:
        if isinstance(event, Progress) and event.stage == "frames":
            assert [image.size for image in event.preview()] == [(256, 64)] * 2
    with_known = Inpainting(
        image.resize((256, 256)), box_mask(image.resize((256, 256)), 9, 9, 99, 99), **FAST
    )
    for event in generate(cascade, with_known):
        if isinstance(event, Progress) and event.stage == "upsampler_256":
            (shown,) = event.preview()
            assert shown.size == (256, 256)
            assert shown.crop((99, 0, 256, 256)) == with_known.image.crop((99, 0, 256, 256))


def test_a_decoder_in_pixels_without_an_image_tower(karlo_like):
    image = picture(60, 40)
    mask = box_mask(image, 10, 10, 35, 30)
    (done,) = made(karlo_like, Inpainting(image, mask, prompt="a red apple", **FAST))
    kept = np.asarray(mask) == 0
    assert (np.asarray(done.image)[kept] == np.asarray(image)[kept]).all()
    assert done.clip_score is None
    (wide,) = made(karlo_like, Generation("a cat", size="192x64", **FAST))
    assert wide.image.size == (192, 64)
    for prompt in (None, "a plain background"):
        request = Outpainting(image, right=20, prompt=prompt, **FAST)
        if prompt is None:
            with pytest.raises(InvalidArgument, match="must say what to draw"):
                made(karlo_like, request)
        else:
            assert made(karlo_like, request)[0].image.size == (80, 40)


@pytest.mark.parametrize(
    ("prompt", "is_background"),
    [
        ("a plain blue background", True),
        ("Background", True),
        ("nothing", True),
        ("a dog on a green background", False),
        ("a dog, green background", False),
        ("a dog and its background", False),
        ("a red apple", False),
        ("!", False),
    ],
)
def test_prompts_that_only_name_a_background(prompt, is_background):
    assert names_background(prompt) is is_background
