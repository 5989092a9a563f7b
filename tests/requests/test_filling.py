"""Requests that fill a picture: what they may be, and how large what they make is."""

import pytest
from PIL import Image

from unclip.errors import InvalidArgument
from unclip.requests import Framing, Inpainting, Outpainting, outpainting

IMAGE, CLEAR = Image.new("RGB", (60, 40)), Image.new("RGBA", (60, 40))
MASK = Image.new("L", (60, 40))


@pytest.mark.parametrize(
    ("argument", "make"),
    [
        ("image", lambda: Inpainting(Image.new("CMYK", (60, 40)), MASK)),
        ("image", lambda: Inpainting("picture.png", MASK)),
        ("image", lambda: Outpainting(Image.new("RGB", (8000, 300)), right=193)),
        ("image", lambda: Outpainting(Image.new("RGB", (33, 1)), right=1)),
        ("mask", lambda: Inpainting(IMAGE, IMAGE)),
        ("mask", lambda: Inpainting(IMAGE, Image.new("L", (40, 60)))),
        ("prompt", lambda: Inpainting(IMAGE, MASK, prompt="")),
        ("size", lambda: Inpainting(IMAGE, MASK, size="1024x1024")),
        ("background", lambda: Inpainting(IMAGE, MASK, background="transparent")),
        ("left", lambda: Outpainting(IMAGE)),
        ("left", lambda: Outpainting(IMAGE, left=-1)),
        ("right", lambda: Outpainting(IMAGE, right=8193)),
        ("top", lambda: Outpainting(IMAGE, top=1.5)),
        ("image", lambda: Framing(IMAGE, x=0, y=0)),
        ("side", lambda: Framing(CLEAR, x=0, y=0, side=63)),
        ("x", lambda: Framing(CLEAR, x=-9000, y=0)),
        ("image", lambda: Framing(CLEAR, x=8000, y=0)),
        ("to", lambda: outpainting(IMAGE, "59x40")),
        ("to", lambda: outpainting(IMAGE, "wide")),
        ("to", lambda: outpainting(IMAGE, "80x80", left=1)),
        ("frame", lambda: outpainting(CLEAR, frame=(0, 0), left=1)),
        ("frame", lambda: outpainting(CLEAR, "80x80", (0, 0))),
    ],
)
def test_a_filling_that_cannot_be_is_told_on_one_line(argument, make):
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert caught.value.argument == argument
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_size_of_a_filling_is_the_pictures():
    assert (Inpainting(IMAGE, MASK).width, Inpainting(IMAGE, MASK).height) == (60, 40)
    wide = Outpainting(IMAGE, left=3, right=4, top=5, bottom=6)
    assert (wide.width, wide.height) == (67, 51)
    framed = Framing(CLEAR, x=-10, y=30, side=64)
    assert (framed.width, framed.height) == (70, 94)


def test_the_picture_is_in_the_middle_of_what_it_grows_to():
    request = outpainting(IMAGE, "101x40", seed=1, prompt="a cat")
    assert (request.left, request.right, request.top, request.bottom) == (20, 21, 0, 0)
    assert (request.width, request.prompt, request.seed) == (101, "a cat", 1)
    assert isinstance(outpainting(CLEAR, frame=(5, 6), side=64), Framing)
