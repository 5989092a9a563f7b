"""A canvas: what is known of it at any scale, and that what is kept comes back byte for byte."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unclip.pipeline.canvas import Canvas, canvas_for
from unclip.pipeline.frames import Box
from unclip.requests import Framing, Generation, Inpainting, Outpainting

RED, GREEN = (255, 0, 0), (0, 128, 0)


def noise(width, height, mode="RGB", seed=0):
    rng = np.random.default_rng(seed)
    channels = len(mode)
    return Image.fromarray(rng.integers(0, 256, (height, width, channels), np.uint8))


def inpainting(image, box):
    mask = Image.new("L", image.size)
    mask.paste(255, box)
    return canvas_for(Inpainting(image, mask, seed=1), 64)


def painted(canvas, colour, scale=1):
    """A canvas finished with one colour in every span."""
    parts = {}
    for start, end in canvas.spans:
        shape = list(canvas.grid)
        shape[canvas.along] = end - start
        parts[start, end] = Image.new("RGB", (shape[0] * scale, shape[1] * scale), colour)
    return np.asarray(canvas.finished(parts))


@settings(deadline=None)
@given(
    st.integers(4, 120),
    st.integers(4, 120),
    st.sampled_from(["RGB", "RGBA"]),
    st.integers(0, 2**31),
    st.sampled_from([1, 4]),
)
def test_what_is_kept_comes_back_byte_for_byte(width, height, mode, seed, scale):
    rng = np.random.default_rng(seed)
    image = noise(width, height, mode, seed)
    x, y = np.sort(rng.integers(0, [width + 1, height + 1], (2, 2)), axis=0).T
    mask = np.zeros((height, width), np.uint8)
    mask[y[0] : y[1], x[0] : x[1]] = rng.choice([0, 255, 255], (y[1] - y[0], x[1] - x[0]))
    request = Inpainting(image, Image.fromarray(mask), seed=1)
    out, before = painted(canvas_for(request, 64), GREEN, scale), np.asarray(image)
    assert out.shape == before.shape
    assert (out[mask == 0] == before[mask == 0]).all()
    assert (out[mask > 0, :3] == GREEN).all()
    assert (out[mask > 0, 3:] == 255).all()


def test_nothing_of_what_changes_is_seen():
    image = Image.new("RGB", (300, 200), GREEN)
    image.paste(RED, (100, 50, 181, 133))
    canvas = inpainting(image, (100, 50, 181, 133))
    for shape in ((64, 64), (256, 256), (31, 31)):
        known = canvas.known(shape=shape)
        assert known.pixels.shape == (1, 3, *shape[::-1])
        levels = ((known.pixels + 1) * 127.5)[0][:, known.mask[0, 0] > 0].T
        assert (levels - torch.tensor(GREEN)).abs().max() < 2, "but for rounding"
        assert not known.pixels[known.mask.expand_as(known.pixels) == 0].any()
        assert 0.4 < known.mask.mean() < 0.7


def test_a_part_of_the_long_axis_is_that_part_of_the_whole():
    image = noise(300, 100)
    canvas = canvas_for(Outpainting(image, seed=1, right=20), 50)
    assert canvas.grid == (160, 50)
    whole, part = canvas.known(shape=(640, 200)), canvas.known((100, 160), (240, 200))
    torch.testing.assert_close(whole.pixels[..., 400:], part.pixels, atol=0.02, rtol=0)
    assert canvas.spans == [(142, 160)]
    assert canvas.frames == [110]


@pytest.mark.parametrize("size", ["1024x1024", "1792x1024", "1088x1152", "64x2048"])
def test_a_blank_canvas_is_drawn_as_large_as_it_is_asked_for(size):
    request = Generation("a cat", seed=1, size=size)
    canvas = canvas_for(request, 64)
    assert min(canvas.grid) == 64
    assert painted(canvas, RED).shape == (request.height, request.width, 3)
    assert (painted(canvas, RED) == RED).all()


def test_nothing_is_stretched():
    """A drawn circle is as wide as it is high, whatever the shape of the picture."""
    for size in ("1088x1024", "1024x1600"):
        canvas = canvas_for(Generation("a cat", seed=1, size=size), 64)
        width, height = (4 * side for side in canvas.grid)
        ys, xs = np.mgrid[:height, :width]
        disc = (xs - width // 2) ** 2 + (ys - height // 2) ** 2 < 100**2
        drawn = Image.fromarray(np.repeat(np.uint8(255) * disc[..., None], 3, axis=2))
        out = np.asarray(canvas.finished({(0, max(canvas.grid)): drawn}))[..., 0] > 127
        assert abs(int(out.any(0).sum()) - int(out.any(1).sum())) <= 2
        assert abs(int(out.any(0).sum()) - 800) <= 4


def test_an_outpainted_picture_is_in_its_place():
    image = noise(40, 30)
    request = Outpainting(image, seed=1, left=5, top=7, bottom=1)
    canvas = canvas_for(request, 64)
    out = painted(canvas, GREEN)
    assert out.shape == (38, 45, 3)
    assert (out[7:37, 5:] == np.asarray(image)).all()
    assert (out[:7] == GREEN).all()
    assert (out[:, :5] == GREEN).all()
    assert (out[37:] == GREEN).all()


def test_a_frame_fills_what_is_clear_in_it_and_the_canvas_grows():
    image = Image.new("RGBA", (200, 100))
    image.paste((*RED, 255), (0, 0, 120, 100))
    canvas = canvas_for(Framing(image, seed=1, x=90, y=-30, side=150), 64)
    assert canvas.region == Box(90, 0, 240, 150)
    out = painted(canvas, GREEN)
    assert out.shape == (150, 240, 4)
    assert (out[30:130, :120] == (*RED, 255)).all(), "what was there"
    assert (out[:, 120:] == (*GREEN, 255)).all()
    assert (out[:30, 90:] == (*GREEN, 255)).all()
    assert not out[:30, :90].any(), "clear outside of the frame, as it was"


def test_what_is_judged():
    canvas = inpainting(noise(400, 300), (100, 50, 160, 80))
    assert canvas.focus(on_change=True) == Box(100, 35, 160, 95)
    assert canvas.focus(on_change=False) == canvas.region
    wide = canvas_for(Generation("a cat", seed=1, size="1792x1024"), 64)
    assert wide.focus(on_change=True) == Box(384, 0, 1408, 1024), "the frame in the middle"


def test_a_mask_that_keeps_everything_leaves_nothing_to_draw():
    canvas = canvas_for(Inpainting(noise(50, 40), Image.new("L", (50, 40)), seed=1), 64)
    assert canvas.frames == []
    assert canvas.spans == []
    assert isinstance(canvas, Canvas)
    assert (np.asarray(canvas.finished({})) == np.asarray(noise(50, 40))).all()


def test_half_transparent_pixels_are_seen_on_white():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 200))
    canvas = inpainting(image, (0, 0, 10, 10))
    known = canvas.known()
    level = (known.pixels[known.mask.expand_as(known.pixels) > 0] + 1) * 127.5
    torch.testing.assert_close(level, torch.full_like(level, 55.0), atol=1.0, rtol=0)
