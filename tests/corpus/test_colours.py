from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest

from unclip.corpus.colours import (
    BACKGROUND_COLOURS,
    COLOUR_SYNONYMS,
    OBJECT_COLOURS,
    alike,
    dye,
    nearest_colour,
    object_rgb,
    oklab,
    recolour,
)


def art(rgb: tuple[float, float, float], share: float = 0.8) -> np.ndarray:
    """A shaded square of one colour with a bright and a dark part of another."""
    pixels = np.zeros((80, 80, 4), np.uint8)
    pixels[4:76, 4:76, 3] = 255
    shade = np.linspace(0.8, 1.0, 72)[:, None, None]
    pixels[4:76, 4:76, :3] = np.array(rgb) * shade
    rest = int(72 * (1 - share) / 2)
    pixels[4 : 4 + rest, 4:76, :3] = (60, 200, 220)
    pixels[76 - rest : 76, 4:76, :3] = (30, 30, 30)
    return pixels


@pytest.mark.parametrize("own", ["red", "yellow", "blue", "brown", "white", "grey", "black"])
@pytest.mark.parametrize("colour", OBJECT_COLOURS)
def test_a_dyed_drawing_is_mostly_of_the_named_colour(own: str, colour: str) -> None:
    pixels = art(object_rgb(own))
    main = dye(pixels)
    assert main is not None
    made = recolour(pixels, main, colour)
    solid = made[made[..., 3] > 200][:, :3]
    assert nearest_colour(solid) == colour
    np.testing.assert_array_equal(made[..., 3], pixels[..., 3])
    if own in ("red", "yellow"):  # the other parts keep their colours
        np.testing.assert_array_equal(made[8, 40], pixels[8, 40])


def test_what_has_no_main_colour_takes_none() -> None:
    pixels = art((220, 40, 40))
    pixels[4:40, 4:76, :3] = (40, 60, 220)
    assert dye(pixels) is None
    largest = dye(pixels, least=0.0)  # unless any will do
    assert largest is not None
    assert largest[0] == pytest.approx(230 / 360, abs=0.02)
    assert dye(np.zeros((80, 80, 4), np.uint8)) is None


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
        r, g, b = rgb
        _, s, v = colorsys.rgb_to_hsv(*rgb)
        angle = math.atan2(math.sqrt(3) / 2 * (g - b), r - (g + b) / 2)
        near = math.cos(angle - 2 * math.pi * main[0])
        ours = min(max((near - 0.48) * 4, 0), 1) * min(max(s * 5 - 0.5, 0), 1)
        depth = 0.4 if target[1] < 0.1 and target[2] > 0.9 else 1.0
        new = colorsys.hsv_to_rgb(
            target[0],
            min(s * target[1] / main[1], 1),
            min(target[2] * (v / main[2]) ** depth, 1),
        )
        expected = (rgb + (np.array(new) - rgb) * ours) * before[3]
        assert np.abs(after[:3] - expected).max() <= 1
        assert after[3] == before[3]


def test_every_colour_is_nearest_to_itself() -> None:
    for name in OBJECT_COLOURS:
        assert nearest_colour(np.array([object_rgb(name)], np.uint8)) == name
        assert alike(object_rgb(name), object_rgb(name))
    assert not alike(object_rgb("red"), object_rgb("blue"))
    assert alike(object_rgb("white"), BACKGROUND_COLOURS["light grey"])


def test_oklab_of_known_colours() -> None:
    """White, black and pure red, as Ottosson gives them."""
    expected = [(1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.62796, 0.22486, 0.12585)]
    np.testing.assert_allclose(
        oklab([(255, 255, 255), (0, 0, 0), (255, 0, 0)]), expected, atol=1e-4
    )


def test_synonyms_are_of_colours_there_are() -> None:
    assert {*COLOUR_SYNONYMS} <= {*OBJECT_COLOURS}
    assert len(OBJECT_COLOURS) == 12
