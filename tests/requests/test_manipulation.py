"""Variations, blends and changes: what can be asked, and what is told of what cannot."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unclip.errors import InvalidArgument
from unclip.requests import Blend, Change, Generation, Variation

A, B = Image.new("RGB", (4, 4), "red"), Image.new("RGBA", (4, 4), "blue")
GREY = Image.new("L", (4, 4))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1000), min_size=2, max_size=10).filter(lambda w: sum(w) > 1e-9))
def test_weights_are_made_to_add_up(weights):
    blend = Blend((A,) * len(weights), weights=tuple(weights), seed=1)
    assert math.fsum(blend.weights) == pytest.approx(1)
    assert Blend(blend.items, weights=blend.weights, seed=1).weights == pytest.approx(blend.weights)
    assert blend.shares == [blend.weights]


@settings(deadline=None)
@given(st.integers(2, 10), st.integers(2, 64))
def test_frames_pass_every_item_at_an_even_pace(items, frames):
    blend = Blend(("a cat",) * items, frames=frames, seed=3)
    shares = blend.shares
    assert len(shares) == len(blend.seeds) == frames
    assert shares[0] == (1,) + (0,) * (items - 1)
    assert shares[-1] == (0,) * (items - 1) + (1,)
    places = [sum(i * w for i, w in enumerate(share)) for share in shares]
    for k, (share, place) in enumerate(zip(shares, places, strict=True)):
        assert sum(share) == pytest.approx(1)
        assert sum(w > 0 for w in share) <= 2
        assert place == pytest.approx(k * (items - 1) / (frames - 1))
        alone = blend.alone(k)
        assert (alone.weights, alone.frames, list(alone.seeds)) == (pytest.approx(share), None, [3])


def test_strength_follows_from_what_is_blended():
    assert Blend((A, B)).strength == 0
    assert Blend((A, "a cat")).strength == 1
    assert Blend((A, B), strength=0.5).strength == 0.5
    assert Blend((A, B, B)).weights == pytest.approx((1 / 3,) * 3)


def test_each_picture_of_a_request_alone():
    request = Generation("a cat", n=3, seed=5, candidates=2)
    assert [request.alone(k) for k in range(3)] == [
        Generation("a cat", seed=5 + k, candidates=2) for k in range(3)
    ]


@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ("image", lambda: Variation("cat.png")),
        ("image", lambda: Variation(GREY)),
        ("strength", lambda: Variation(A, strength=1.1)),
        ("strength", lambda: Variation(A, strength=float("nan"))),
        ("strength", lambda: Variation(A, strength=None)),
        ("prompt", lambda: Variation(A, prompt=" ")),
        ("sampler", lambda: Variation(A, sampler="unipc")),
        ("size", lambda: Variation(A, size="100x100")),
        ("items", lambda: Blend((A,))),
        ("items", lambda: Blend("a cat")),
        ("items", lambda: Blend((A,) * 11)),
        ("items", lambda: Blend((A, ""))),
        ("items", lambda: Blend((A, None))),
        ("items", lambda: Blend((A, GREY))),
        ("weights", lambda: Blend((A, B), weights=(1,))),
        ("weights", lambda: Blend((A, B), weights=(1, -1))),
        ("weights", lambda: Blend((A, B), weights=(0, 0))),
        ("weights", lambda: Blend((A, B), weights=(1, float("nan")))),
        ("weights", lambda: Blend((A, B), weights=(1, float("inf")))),
        ("weights", lambda: Blend((A, B), weights=0.5)),
        ("weights", lambda: Blend((A, B), weights=(1, "2"))),
        ("strength", lambda: Blend((A, "a cat"), strength=0.5)),
        ("frames", lambda: Blend((A, B), frames=1)),
        ("frames", lambda: Blend((A, B), frames=65)),
        ("frames", lambda: Blend((A, B), frames=4, weights=(1, 1))),
        ("frames", lambda: Blend((A, B), frames=4, n=2)),
        ("frames", lambda: Blend((A, B), frames=4, candidates=2)),
        ("image", lambda: Change(GREY, "a cat")),
        ("prompt", lambda: Change(A)),
        ("prompt", lambda: Change(A, "")),
        ("prompt", lambda: Change(A, source="a cat", reference=B)),
        ("source", lambda: Change(A, "a cat", "a cat")),
        ("source", lambda: Change(A, "a cat", "")),
        ("reference", lambda: Change(A, reference="b.png")),
        ("amount", lambda: Change(A, "a cat", amount=2)),
        ("strength", lambda: Change(A, "a cat", strength=-1)),
    ],
)
def test_what_is_out_of_range_is_named_on_one_line(argument, make):
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert caught.value.argument == argument
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 200
    assert "may" in message or "must" in message
