from __future__ import annotations

import colorsys

import numpy as np
import pytest

from unclip.corpus.colours import OBJECT_COLOURS, recolour
from unclip.corpus.raster import over, packed, unpacked


def test_over_is_exact_for_every_alpha_and_colour() -> None:
    """The packed arithmetic is the rounded formula, for all 256 x 256 pairs."""
    alpha, under = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    for share in (0.0, 0.5, 1.0):
        part = np.stack([*[np.floor(alpha * share)] * 3, alpha], -1).astype(np.uint8)
        below = np.stack([under, under[:, ::-1], under.T], -1).astype(np.uint8)
        canvas = packed(below)
        np.testing.assert_array_equal(unpacked(canvas), below)
        over(part, canvas)
        expected = part[..., :3] + np.floor(below * (255.0 - part[..., 3:]) / 255 + 0.5)
        np.testing.assert_array_equal(unpacked(canvas), expected)


def test_over_takes_mirrored_parts_and_windows() -> None:
    rng = np.random.default_rng(0)
    part = rng.integers(0, 256, (9, 7, 4)).astype(np.uint8)
    part[..., :3] = np.minimum(part[..., :3], part[..., 3:])
    below = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    one, two = packed(below), packed(below)
    over(part[:, ::-1], one[4:13, 5:12])
    over(np.ascontiguousarray(part[:, ::-1]), window := two[4:13, 5:12].copy())
    two[4:13, 5:12] = window
    np.testing.assert_array_equal(unpacked(one), unpacked(two))


@pytest.mark.parametrize("colour", OBJECT_COLOURS)
def test_recolour_agrees_with_colorsys(colour: str) -> None:
    """The planes give what one pixel at a time does."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (12, 12, 4)).astype(np.uint8)
    pixels[..., :3] = np.minimum(pixels[..., :3], pixels[..., 3:])
    main, target = (0.98, 0.8, 0.9), OBJECT_COLOURS[colour]
    made = recolour(pixels, main, colour).reshape(-1, 4)
    for before, after in zip(pixels.reshape(-1, 4).astype(float), made, strict=True):
        alpha = before[3] / 255
        rgb = np.minimum(before[:3] / 255 / max(alpha, 1 / 255), 1)
        h, s, v = colorsys.rgb_to_hsv(*rgb)
        off = (h - main[0] + 0.5) % 1 - 0.5
        ours = min(max((0.17 - abs(off)) * 20, 0), 1) * min(max(s * 5 - 0.5, 0), 1)
        depth = 0.4 if target[1] < 0.1 and target[2] > 0.9 else 1.0
        new = colorsys.hsv_to_rgb(
            (target[0] + 0.4 * off) % 1,
            min(s * target[1] / main[1], 1),
            min(target[2] * (v / main[2]) ** depth, 1),
        )
        expected = (rgb + (np.array(new) - rgb) * ours) * before[3]
        assert np.abs(after[:3] - expected).max() <= 1
        assert after[3] == before[3]
