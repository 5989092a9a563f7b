from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from unclip.corpus.filters import FILTERS, View
from unclip.corpus.raster import Pixels


def picture(width: int, height: int) -> Pixels:
    """A face before a sky, at any size, drawn large and made smaller."""
    scale = 4
    image = Image.linear_gradient("L").resize((width * scale, height * scale)).convert("RGB")
    draw = ImageDraw.Draw(image)
    unit = min(width, height) * scale / 10
    draw.ellipse((2 * unit, 2 * unit, 8 * unit, 8 * unit), fill=(240, 190, 40))
    draw.ellipse((3.5 * unit, 4 * unit, 4.5 * unit, 5 * unit), fill=(40, 60, 160))
    draw.ellipse((5.5 * unit, 4 * unit, 6.5 * unit, 5 * unit), fill=(40, 60, 160))
    draw.rectangle((4 * unit, 6 * unit, 6 * unit, 6.6 * unit), fill=(190, 30, 40))
    return np.array(image.resize((width, height), Image.Resampling.BOX))


def paint(name: str, width: int, height: int, seed: int = 2) -> Pixels:
    frame = (width, height)
    return FILTERS[name].apply(picture(*frame), View(min(frame), (0, 0), frame, seed))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [64, 200])
def test_a_part_comes_out_as_in_the_whole(name: str, size: int) -> None:
    width, height = size * 3 // 2, size
    whole, before = paint(name, width, height), picture(width, height)
    reach = FILTERS[name].reach(size)
    for x0, y0, x1, y1 in (
        (0, 0, 30, 30),
        (21, 17, 60, 49),
        (width - 30, height - 25, width, height),
    ):
        left, top = max(0, x0 - reach), max(0, y0 - reach)
        part = before[top : min(height, y1 + reach), left : min(width, x1 + reach)]
        view = View(size, (left, top), (width, height), 2)
        made = FILTERS[name].apply(part, view)[y0 - top : y1 - top, x0 - left : x1 - left]
        np.testing.assert_array_equal(made, whole[y0:y1, x0:x1])


@pytest.mark.parametrize("name", FILTERS)
def test_sizes_read_the_same(name: str) -> None:
    small = paint(name, 64, 64).astype(float)
    large = paint(name, 512, 512).reshape(64, 8, 64, 8, 3).mean((1, 3))
    other = picture(64, 64).astype(float)
    blur = [np.asarray(Image.fromarray(p.astype(np.uint8)).resize((16, 16), Image.Resampling.BOX))
            .astype(float) for p in (small, large, other)]  # fmt: skip
    assert np.abs(blur[0] - blur[1]).mean() < 8
    if name != "oil painting":
        assert np.abs(blur[0] - blur[1]).mean() < 0.8 * np.abs(blur[0] - blur[2]).mean() + 2


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_repaints_without_changing_its_input(name: str) -> None:
    before = picture(64, 64)
    kept = before.copy()
    made = paint(name, 64, 64)
    np.testing.assert_array_equal(before, kept)
    assert made.shape == before.shape
    assert made.dtype == np.uint8
    assert np.abs(made.astype(int) - before).mean() > 3
    np.testing.assert_array_equal(made, paint(name, 64, 64))


def test_strokes_follow_the_seed() -> None:
    for name in ("oil painting", "watercolour", "pencil drawing"):
        assert (paint(name, 64, 64, seed=1) != paint(name, 64, 64, seed=2)).any()


def test_each_style_is_what_it_is_called() -> None:
    blocks = paint("pixel art", 96, 96).reshape(32, 3, 32, 3, 3)
    assert (blocks == blocks[:, :1, :, :1]).all(), "blocks of one colour"
    assert paint("neon", 64, 64).mean() < 90, "dark"
    corner = paint("watercolour", 128, 128)[0, ::9]
    assert (corner > 235).all(), "bare paper at the border"
    assert paint("pencil drawing", 128, 128).mean() > picture(128, 128).mean(), (
        "paper shows through"
    )
    paper = paint("halftone", 256, 256)
    assert len(np.unique(paper[200:, 100:156].reshape(-1, 3), axis=0)) > 8, "dots"
