"""The invisible mark: what it costs, what it survives, and when it is not seen."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter
from provenance_pictures import drawing, encoded, reopened

from unclip.provenance import pattern
from unclip.provenance.watermark import THRESHOLD, embed, read

PAYLOAD = 0x0123456789AB


def psnr(a, b):
    difference = np.asarray(a, np.float64)[..., :3] - np.asarray(b, np.float64)[..., :3]
    return 10 * np.log10(255**2 / np.mean(difference**2))


def resized(image, by):
    return image.resize(tuple(round(side * by) for side in image.size))


EDITS = {
    "nothing": lambda image: image,
    "JPEG 90": lambda image: reopened(encoded(image, "JPEG", quality=90)),
    "JPEG 50": lambda image: reopened(encoded(image, "JPEG", quality=50)),
    "half": lambda image: resized(image, 0.5),
    "twice": lambda image: resized(image, 2),
    "70 %": lambda image: image.crop((40, 90, 40 + 358, 90 + 358)),
    "70 %, half": lambda image: resized(image.crop((101, 7, 101 + 358, 7 + 358)), 0.5),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "grey": lambda image: image.convert("L"),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "screenshot": lambda image: reopened(encoded(resized(image, 0.75), "JPEG", quality=75)),
    "framed": lambda image: framed(image, 40),
}


def framed(image, by):
    around = Image.new("RGB", tuple(side + 2 * by for side in image.size), "grey")
    around.paste(image, (by, by))
    return around


@pytest.fixture(scope="module")
def marked():
    return embed(drawing(), PAYLOAD)


@pytest.mark.parametrize("edit", EDITS)
def test_it_survives(marked, edit):
    found = read(EDITS[edit](marked))
    assert found.found
    assert found.payload == PAYLOAD
    assert found.mirrored == (edit == "mirrored")


@pytest.mark.parametrize("edit", EDITS)
def test_it_is_not_seen_where_it_is_not(edit):
    found = read(EDITS[edit](drawing()))
    assert not found.found
    assert found.payload is None


def test_the_scale_tells_what_was_cut_off(marked):
    assert read(EDITS["70 %"](marked)).scale == pytest.approx(0.7, abs=0.01)
    assert read(EDITS["half"](marked)).scale == 1


@pytest.mark.parametrize("colour", ["white", "black", "grey", "red", "yellow", "navy"])
def test_one_colour_is_enough(colour):
    plain = Image.new("RGB", (512, 512), colour)
    marked = embed(plain, PAYLOAD)
    assert psnr(plain, marked) >= 43
    assert read(reopened(encoded(marked, "JPEG", quality=70))).payload == PAYLOAD


@pytest.mark.parametrize("size", [(256, 256), (300, 520), (1024, 256), (640, 384)])
def test_any_shape_from_256_pixels(size):
    image = drawing(3, size)
    marked = embed(image, PAYLOAD)
    assert marked.size == size
    assert psnr(image, marked) >= 40
    assert read(marked).payload == PAYLOAD


def test_strength_is_what_was_asked_for():
    image = drawing()
    for wanted in (40, 44, 48):
        assert psnr(image, embed(image, PAYLOAD, psnr=wanted)) == pytest.approx(wanted, abs=0.4)


def test_the_same_in_gives_the_same_out():
    image = drawing()
    before = image.tobytes()
    assert embed(image, PAYLOAD).tobytes() == embed(image, PAYLOAD).tobytes()
    assert image.tobytes() == before
    assert embed(image, PAYLOAD).tobytes() != embed(image, PAYLOAD + 1).tobytes()


def test_what_must_stay_stays_byte_for_byte():
    image = drawing()
    where = Image.new("L", image.size)
    where.paste(255, (0, 0, 512, 300))
    marked = embed(image, PAYLOAD, where)
    same = np.asarray(image) == np.asarray(marked)
    assert same[300:].all()
    assert not same[:300].all()
    assert read(marked).payload == PAYLOAD
    nowhere = embed(image, PAYLOAD, Image.new("L", image.size))
    assert nowhere.tobytes() == image.tobytes()


def test_transparency_is_kept():
    image = drawing().convert("RGBA")
    image.putalpha(Image.radial_gradient("L").resize(image.size).point(lambda v: 255 - v))
    marked = embed(image, PAYLOAD)
    assert marked.mode == "RGBA"
    assert marked.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert read(marked).payload == PAYLOAD


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (64, 64)])
def test_tiny_and_narrow_pictures_break_nothing(size):
    assert embed(Image.new("RGB", size, "red"), PAYLOAD).size == size
    assert not read(Image.new("RGB", size, "red")).found


@pytest.mark.parametrize("period", [2, 5, 16, 64])
def test_a_rhythm_of_its_own_is_no_mark(period):
    x, y = np.mgrid[:512, :512]
    tiles = (((x // period) + (y // period)) % 2 * 255).astype(np.uint8)
    assert not read(Image.fromarray(tiles)).found


def test_noise_is_no_mark():
    rng = np.random.default_rng(0)
    highest = [read(Image.fromarray(rng.integers(0, 256, (256, 256), np.uint8))) for _ in range(6)]
    assert max(mark.statistic for mark in highest) < THRESHOLD - 0.5


def test_the_pattern_is_the_same_for_ever():
    """Or else pictures that were marked before could not be read any more."""
    assert (len(pattern.DATA), len(pattern.SYNC)) == (360, 214)
    assert pattern.ALL.across[:3].tolist() == [9, 12, 10]
    assert pattern.ALL.down[:3].tolist() == [-13, -6, 8]
    assert np.angle(pattern.ALL.phase[:3]) == pytest.approx(
        [-2.41872, -1.38827, -2.12253], abs=1e-4
    )


def test_a_tile_is_drawn_as_its_sum_of_waves():
    tile = pattern.spectrum(PAYLOAD)
    places = np.array([0.5, 17.25, 63.0, 70.0], np.float32)
    slow = np.zeros((4, 4))
    for value, across, down in zip(
        tile[pattern.ALL.down + pattern.HIGH, pattern.ALL.across],
        pattern.ALL.across,
        pattern.ALL.down,
        strict=True,
    ):
        turns = (across * places[None, :] + down * places[:, None]) / pattern.TILE
        slow += (value * np.exp(2j * np.pi * turns)).real
    drawn = pattern.draw(tile, places, places)
    assert drawn == pytest.approx(slow * np.sqrt(2 / len(pattern.ALL)), abs=1e-3)
