"""Painterly styles, read from prompts and put over pictures."""

import numpy as np
import pytest
from PIL import Image

from unclip.corpus.filters import FILTERS
from unclip.corpus.phrases import PAINTED_AFTER, PAINTED_OF, STYLE_AFTER, STYLE_OF
from unclip.pipeline.paint import FLAT, painted, unpainted


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        *((f"{phrase} a cat", style) for style, all_ in PAINTED_OF.items() for phrase in all_),
        *((f"a cat, {phrase}", style) for style, all_ in PAINTED_AFTER.items() for phrase in all_),
        *(
            (f"a cat in {phrase}", style)
            for style, all_ in PAINTED_AFTER.items()
            for phrase in all_
        ),
        ("Pixel art, a cat", "pixel art"),
        ("an expressive oil painting of a cat", "oil painting"),
        ("a cat, as a pencil drawing", "pencil drawing"),
        ("a cat in the style of an oil painting", "oil painting"),
        ("a cat in watercolor style.", "watercolour"),
    ],
)
def test_a_style_is_found_and_left_out(prompt, style):
    left, found = unpainted(prompt)
    assert found == style
    assert left.rstrip(".") == "a cat"


def test_what_stands_around_it_stays():
    assert unpainted("a cat, watercolour, in a forest, at dusk") == (
        "a cat, in a forest, at dusk",
        "watercolour",
    )


@pytest.mark.parametrize(
    "prompt",
    ["a cat", "a neon sign", "a painting", "watercolour", "a cat, 3d render", "a pencil", "neon, "],
)
def test_a_prompt_without_one_is_left_alone(prompt):
    assert unpainted(prompt) == (prompt, None)


@pytest.fixture(scope="module")
def picture():
    x, y = np.meshgrid(np.linspace(0, 1, 192), np.linspace(0, 1, 128))
    disc = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1
    return Image.fromarray(
        np.where(disc[..., None], (220, 40, 40), (240, 240, 235)).astype(np.uint8)
    )


@pytest.mark.parametrize("style", FILTERS)
def test_a_picture_is_painted_at_its_size(picture, style):
    made = painted(picture, style, 2**32 - 1)
    assert made.size == picture.size
    assert made.tobytes() == painted(picture, style, 2**32 - 1).tobytes()
    assert np.abs(np.asarray(made, int) - np.asarray(picture)).mean() > 1


@pytest.mark.parametrize(
    "prompt",
    [*(f"{one} a cat" for one in STYLE_OF[FLAT]), *(f"a cat, {one}" for one in STYLE_AFTER[FLAT])],
)
def test_a_flat_drawing_is_asked_for_and_made_flat(prompt):
    assert unpainted(prompt) == (prompt, FLAT)  # flat drawings are there to draw it after


def test_a_flat_drawing_has_few_colours(picture):
    shaded = Image.fromarray(
        (np.asarray(picture) * np.linspace(0.9, 1, 192)[None, :, None]).astype(np.uint8)
    )
    made = painted(shaded, FLAT, 0)
    assert made.size == shaded.size
    assert len(made.getcolors()) < 24 < len(shaded.getcolors())
    assert np.abs(np.asarray(made).astype(int) - np.asarray(shaded)).mean() < 6
