from __future__ import annotations

import numpy as np

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
