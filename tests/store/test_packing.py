"""Every request comes out of the store as it went in."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from unclip.errors import InvalidArgument
from unclip.pipeline.inputs import file_of, open_masked, open_picture, origin_of
from unclip.pipeline.recipe import kinds_of_request
from unclip.requests import (
    BACKGROUNDS,
    SAMPLER_NAMES,
    Blend,
    Change,
    Framing,
    Generation,
    Inpainting,
    Outpainting,
    Request,
    Variation,
)
from unclip.store.requests import pack, unpack

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
PROMPTS = WORDS.filter(lambda text: text.strip())
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
FLOATS = st.floats(0, 1)


def images(mode, sides=SIZES):
    bands = len(mode)

    def image(size):
        count = size[0] * size[1] * bands
        data = st.binary(min_size=count, max_size=count)
        return data.map(lambda pixels: Image.frombytes(mode, size, pixels))

    return sides.flatmap(image)


PICTURES = images("RGB") | images("RGBA")


def optional(values):
    return st.none() | values


def common(**more):
    return st.fixed_dictionaries(
        {
            "n": st.integers(1, 10),
            "seed": st.integers(0, 2**32 - 11),
            "steps": optional(st.integers(1, 1000)),
            "guidance_scale": optional(st.floats(0, 30)),
            "candidates": optional(st.integers(1, 64)),
            **more,
        }
    )


MADE = {"size": st.sampled_from(["64x64", "1024x1792"]), "background": st.sampled_from(BACKGROUNDS)}
SAMPLERS = {"sampler": optional(st.sampled_from(SAMPLER_NAMES))}
ITEMS = st.lists(PICTURES | PROMPTS, min_size=2, max_size=5)


@st.composite
def inpaintings(draw):
    image = draw(PICTURES)
    mask = draw(images("L", st.just(image.size)))
    return Inpainting(image, mask, **draw(common(prompt=optional(PROMPTS), **SAMPLERS)))


@st.composite
def blends(draw):
    items = draw(ITEMS)
    if draw(st.booleans()):
        return Blend(items, frames=draw(st.integers(2, 64)), seed=draw(st.integers(0, 9)))
    weights = st.lists(st.floats(1e-3, 1e6), min_size=len(items), max_size=len(items))
    return Blend(items, weights=draw(optional(weights)), **draw(common(**MADE)))


REQUESTS = {
    Generation: st.builds(lambda p, v: Generation(p, **v), PROMPTS, common(**MADE, **SAMPLERS)),
    Variation: st.builds(
        lambda i, v: Variation(i, **v),
        PICTURES,
        common(**MADE, strength=FLOATS, prompt=optional(PROMPTS)),
    ),
    Change: st.builds(
        lambda i, p, r, v: Change(i, p, reference=r, **v),
        PICTURES,
        PROMPTS,
        optional(PICTURES),
        common(**MADE, amount=FLOATS, strength=FLOATS),
    ),
    Blend: blends(),
    Inpainting: inpaintings(),
    Outpainting: st.builds(
        lambda i, v: Outpainting(i, **v),
        PICTURES,
        common(prompt=optional(PROMPTS), left=st.integers(1, 20), bottom=st.integers(0, 20)),
    ),
    Framing: st.builds(
        lambda i, v: Framing(i, **v),
        images("RGBA"),
        common(x=st.integers(-40, 12), y=st.integers(-40, 12), side=st.integers(64, 100)),
    ),
}


def test_every_kind_of_request_is_tried():
    ours = {k for k in kinds_of_request(Request) if k.__module__.startswith("unclip.")}
    assert set(REQUESTS) == ours


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.operation)
def test_a_request_comes_back_as_it_was(kind, data):
    request = data.draw(REQUESTS[kind])
    plain, blobs = pack(request)
    again = unpack(json.loads(json.dumps(plain)), blobs)
    assert type(again) is kind
    assert again == request
    assert pack(again) == (plain, blobs)


def test_weights_are_the_same_to_the_last_bit():
    request = Blend(["a", "b", "c"], weights=[0.1, 0.7, 0.123456789], seed=1)
    for scale in range(1, 200):
        request = Blend(["a", "b", "c"], weights=[1, scale / 7, scale / 3], seed=1)
        assert unpack(*pack(request)).weights == request.weights


def test_colours_and_the_hash_of_a_file_are_kept(tmp_path):
    path = tmp_path / "cat.png"
    Image.new("RGBA", (4, 4), (1, 2, 3, 0)).save(path, icc_profile=PROFILE)
    plain, blobs = pack(Variation(open_picture(path)))
    image = unpack(plain, blobs).image
    assert image.getpixel((0, 0)) == (1, 2, 3, 0)
    assert image.info["icc_profile"] == PROFILE
    assert plain["image"]["origin"]["sha256"] == image.info["unclip.origin"]["sha256"]
    assert "cat.png" not in json.dumps(plain)


def test_what_another_version_allowed_is_told():
    plain, blobs = pack(Generation("a cat"))
    with pytest.raises(InvalidArgument, match="n is 11"):
        unpack({**plain, "n": 11}, blobs)
    with pytest.raises(InvalidArgument, match="operation is 'paint'"):
        unpack({**plain, "operation": "paint"}, blobs)
    with pytest.raises(InvalidArgument, match="hue is nothing that generate has"):
        unpack({**plain, "hue": 3}, blobs)


def test_a_recipe_still_names_the_file_that_a_picture_was_read_from(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(path)
    picture, change = open_masked(path, None, "alpha")
    plain, blobs = pack(Inpainting(picture, change, prompt="a cat", seed=1))
    again = unpack(json.loads(json.dumps(plain)), blobs)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for image, mode in ((again.image, None), (again.mask, "alpha")):
        origin = origin_of(image)
        assert (origin.sha256, origin.path, origin.mask_mode) == (digest, None, mode)


def test_the_file_of_an_upload_is_kept_once(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(path)
    data = path.read_bytes()
    picture, change = open_masked(data, None, "alpha")
    plain, blobs = pack(Inpainting(picture, change, prompt="a cat", seed=1))
    assert blobs.count(data) == 1
    again = unpack(json.loads(json.dumps(plain)), blobs)
    assert file_of(again.image) == file_of(again.mask) == data
