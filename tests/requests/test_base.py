"""Requests: the one place where a user's values are checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unclip.diffusion.samplers import SAMPLERS
from unclip.errors import InvalidArgument
from unclip.requests import SAMPLER_NAMES, Generation


def test_sampler_names_are_those_that_exist():
    assert set(SAMPLER_NAMES) == set(SAMPLERS)


def test_a_missing_seed_is_drawn_once_and_kept():
    first, second = Generation("a cat"), Generation("a cat")
    assert first.seed is not None
    assert first.seed != second.seed
    assert list(Generation("a cat", n=3, seed=5).seeds) == [5, 6, 7]


@given(
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=("Cs",)),
        min_size=1,
        max_size=1000,
    ).filter(str.strip),
    st.integers(1, 10),
    st.integers(0, 2**32 - 10),
    st.tuples(st.integers(1, 32), st.integers(1, 32)),
    st.sampled_from([None, *SAMPLER_NAMES]),
    st.floats(0, 30),
)
def test_everything_in_range_is_accepted(prompt, n, seed, sides, sampler, guidance):
    width, height = (64 * side for side in sides)
    size = f"{width}x{height}"
    request = Generation(
        prompt, n=n, seed=seed, size=size, sampler=sampler, guidance_scale=guidance
    )
    assert len(request.seeds) == n
    assert (request.width, request.height) == (width, height)


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("prompt", {"prompt": ""}),
        ("prompt", {"prompt": " \n\t"}),
        ("prompt", {"prompt": "x" * 1001}),
        ("prompt", {"prompt": "a\0b"}),
        ("prompt", {"prompt": "a\ud800b"}),
        ("prompt", {"prompt": None}),
        ("n", {"n": 0}),
        ("n", {"n": 11}),
        ("n", {"n": True}),
        ("n", {"n": 2.0}),
        ("size", {"size": "300x300"}),
        ("size", {"size": "x" * 500}),
        ("size", {"size": None}),
        ("size", {"size": "1024x100"}),
        ("size", {"size": "0x64"}),
        ("size", {"size": "2112x64"}),
        ("size", {"size": "auto"}),
        ("size", {"size": "1024×1024"}),
        ("seed", {"seed": -1}),
        ("seed", {"seed": 2**32}),
        ("seed", {"seed": 2**32 - 1, "n": 2}),
        ("steps", {"steps": 0}),
        ("steps", {"steps": 1001}),
        ("guidance_scale", {"guidance_scale": -0.1}),
        ("guidance_scale", {"guidance_scale": float("nan")}),
        ("guidance_scale", {"guidance_scale": "3"}),
        ("sampler", {"sampler": "heun"}),
        ("candidates", {"candidates": 0}),
        ("candidates", {"candidates": 65}),
    ],
)
def test_what_is_out_of_range_is_named_on_one_line(argument, values):
    with pytest.raises(InvalidArgument) as caught:
        Generation(**{"prompt": "a cat", **values})
    assert caught.value.argument == argument
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 200
    assert "may" in message or "must" in message
