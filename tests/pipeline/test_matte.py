"""Cutting out: alpha follows edges, colours are the objects' own, and requests ask for it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from unclip.config import tiny
from unclip.engine import Engine
from unclip.errors import InvalidArgument
from unclip.models.matte import MatteNet
from unclip.pipeline.bundle import make_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.files import contact_sheet, read_picture, save_picture
from unclip.pipeline.generate import generate
from unclip.pipeline.matte import alpha_of, backdrop_of, cut_out, foreground, guided_filter
from unclip.requests import Generation

SMALL = {"seed": 7, "size": "256x256", "steps": 2, "candidates": 1}


def disc(side, soft, radius=0.3):
    """A disc's coverage, its rim `soft` pixels wide, [1, 1, side, side]."""
    axis = (torch.arange(side) + 0.5) / side - 0.5
    distance = (axis[:, None] ** 2 + axis[None] ** 2).sqrt() - radius
    return (0.5 - distance * side / soft).clamp(0, 1)[None, None]


def over(colour, alpha, background):
    """A colour laid over another, [1, 3, h, w]."""
    front, back = (torch.tensor(c).reshape(1, 3, 1, 1) for c in (colour, background))
    return front * alpha + back * (1 - alpha)


RED, GREEN, WHITE = (0.9, 0.1, 0.1), (0.1, 0.7, 0.2), (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("known", "share"), [(128, 0.05), (64, 0.75)])
def test_a_small_matte_follows_the_edges_of_a_larger_picture(known, share):
    sharp = disc(512, 1.0)
    picture = over(RED, sharp, GREEN)
    small = F.interpolate(picture, (128, 128), mode="area")
    matte = F.interpolate(sharp, (known, known), mode="area")
    matte = F.interpolate(matte, (128, 128), mode="bilinear")
    followed = guided_filter(small, matte, picture)
    plain = F.interpolate(matte, (512, 512), mode="bilinear")
    assert (followed - sharp).abs().mean() < share * (plain - sharp).abs().mean()


def test_a_matte_of_a_flat_picture_is_only_smoothed():
    flat = torch.full((1, 3, 32, 32), 0.5)
    values = disc(32, 8.0)
    once = F.avg_pool2d(values, 5, 1, 2, count_include_pad=False)
    twice = F.avg_pool2d(once, 5, 1, 2, count_include_pad=False)
    torch.testing.assert_close(guided_filter(flat, values, flat), twice, atol=1e-4, rtol=0)


@pytest.mark.parametrize("side", [256, 512])
@pytest.mark.parametrize("background", [GREEN, WHITE])
def test_the_background_is_taken_out_of_the_colours(side, background):
    alpha = disc(side, side / 32)
    own = foreground(over(RED, alpha, background), alpha)
    inside = (alpha > 0.1).expand_as(own)
    red = torch.tensor(RED).reshape(1, 3, 1, 1).expand_as(own)
    assert (own - red)[inside].abs().max() < 0.08
    mixed = over(RED, alpha, background)
    assert (mixed - red)[inside].abs().max() > 0.4, "which it was not before"


def test_opaque_and_empty_pictures_come_back_as_they_are():
    pixels = torch.rand(1, 3, 40, 24)
    torch.testing.assert_close(foreground(pixels, torch.ones(1, 1, 40, 24)), pixels)
    assert foreground(pixels, torch.zeros(1, 1, 40, 24)).isfinite().all()


@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.5, 0.0), (0.3, -0.4)])
def test_a_backdrop_is_what_a_plain_colour_or_a_gradient_is_without_objects(slope):
    axis = torch.linspace(-1, 1, 128)
    plane = (slope[0] * axis[None] + slope[1] * axis[:, None]).expand(1, 3, 128, 128)
    picture = torch.where(disc(128, 1.0) > 0.5, 0.9, plane)
    error = (backdrop_of(picture) - plane).abs()
    assert error.mean() < 0.02
    assert error.max() < 0.1


class Bright(MatteNet):
    """Says that what is bright is the object: a network that needs no training."""

    def forward(self, pixels, backdrop):
        return 50 * pixels.mean(1, keepdim=True)


@pytest.fixture
def bright():
    return Bright(dataclasses.replace(tiny().matte, image_size=128))


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 180), (256, 256)])
def test_any_size_is_cut_out(bright, size):
    image = Image.new("RGB", size, "white")
    cut = cut_out(bright, image)
    assert (cut.mode, cut.size) == ("RGBA", size)
    assert cut.getextrema() == ((255, 255),) * 4


def test_a_cut_out_disc(bright):
    alpha = disc(300, 2.0)
    pixels = over(WHITE, alpha, (0.1, 0.1, 0.1))
    found = alpha_of(bright, pixels)
    assert (found - alpha).abs().mean() < 0.01
    rows = (pixels[0] * 255).round().byte().permute(1, 2, 0).numpy()
    cut = np.asarray(cut_out(bright, Image.fromarray(rows)))
    assert (cut[150, 150] == 255).all()
    assert cut[5, 5, 3] == 0
    rim = (cut[..., 3] > 40) & (cut[..., 3] < 215)
    assert rim.any()
    assert cut[rim][:, :3].min() > 200, "the rim is white too"


def test_a_request_for_a_transparent_background(engine, tmp_path):
    cascade = Cascade(engine.bundle)
    *_, opaque = generate(cascade, Generation("a cat", **SMALL))
    *_, clear = generate(cascade, Generation("a cat", **SMALL, background="transparent"))
    assert (opaque.image.mode, clear.image.mode) == ("RGB", "RGBA")
    expected = cut_out(engine.bundle.matte, opaque.image)
    assert clear.image.tobytes() == expected.tobytes()
    assert clear.clip_score == opaque.clip_score
    (clear,) = engine.generate("a cat", **SMALL, background="transparent")
    assert clear.image.getchannel("A").tobytes() == expected.getchannel("A").tobytes()
    path = save_picture(clear, tmp_path, lambda data, kind, title: data)
    assert read_picture(path)[0]["background"] == "transparent"
    with Image.open(path) as image:
        assert image.mode == "RGBA"
    (again,) = engine.again(path)
    assert again.image.tobytes() == clear.image.tobytes()


def test_a_sheet_shows_white_where_there_is_nothing():
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert contact_sheet([clear, clear]).getextrema() == ((255, 255),) * 3


def test_a_model_without_a_matte_says_so(bundle):
    modules = {name: module for name, module in bundle.modules.items() if name != "matte"}
    config = dataclasses.replace(bundle.config, matte=None)
    engine = Engine(make_bundle(config, bundle.tokenizer, modules, dtype=torch.float32))
    with pytest.raises(InvalidArgument, match="background is 'transparent'; with this model it"):
        engine.generate("a cat", **SMALL, background="transparent")
