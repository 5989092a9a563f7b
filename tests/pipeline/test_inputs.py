"""Pictures that users give: every kind of file, and every way a file can be wrong."""

import hashlib
import io
import resource
import struct
import time
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms

from unclip.errors import InvalidArgument
from unclip.pipeline.inputs import (
    FORMATS,
    MAX_BYTES,
    open_mask,
    open_picture,
    origin_of,
    own_mask,
)
from unclip.requests import MAX_SIDE

HALVES = Image.new("RGB", (6, 4), "red")
HALVES.paste("blue", (3, 0, 6, 4))


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks, depth=8, colour=2, rows=None):
    """A PNG file from its chunks; its pixels are those of `rows`, else none."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows)) if rows is not None else chunk(b"IDAT", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *chunks, body, chunk(b"IEND", b"")]
    )


def tiff(tags):
    """A little-endian TIFF of one directory; values are single longs."""
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def refusal(source, name="image", opened=open_picture):
    """The message, after a check that it came at once, on a line, without memory or a warning."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with warnings.catch_warnings(action="error"), pytest.raises(InvalidArgument) as caught:
        opened(source, name=name)
    assert time.perf_counter() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB
    assert caught.value.argument == name
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300
    return message


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format(kind):
    made = open_picture(encoded(HALVES, kind))
    assert made.mode == "RGB"
    assert made.size == (6, 4)
    left, right = np.array(made.getpixel((0, 0))), np.array(made.getpixel((5, 3)))
    assert left[0] > 200 > 60 > left[2]
    assert right[2] > 200 > 60 > right[0]


def test_from_a_path_bytes_a_file_or_memory(tmp_path):
    data = encoded(HALVES)
    path = tmp_path / "halves.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        made = [open_picture(s) for s in (path, str(path), data, file, HALVES)]
    assert all(image.tobytes() == HALVES.tobytes() for image in made)
    digest = hashlib.sha256(data).hexdigest()
    assert [origin_of(image).path for image in made] == [path, path, None, None, None]
    assert [origin_of(image).sha256 for image in made[:4]] == [digest] * 4
    assert origin_of(made[4]) == origin_of(HALVES)
    assert HALVES.info == {}
    made[4].putpixel((0, 0), (0, 0, 0))
    assert HALVES.getpixel((0, 0)) == (255, 0, 0)


@given(st.sampled_from([(1, 1), (1, 300), (300, 1), (7, 5)]), st.binary(min_size=1, max_size=40))
def test_a_lossless_file_comes_back_to_the_last_bit(size, noise):
    data = (noise * (size[0] * size[1] * 4))[: size[0] * size[1] * 4]
    image = Image.frombytes("RGBA", size, data)
    assert open_picture(encoded(image)).tobytes() == data


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("1", "RGB"), ("L", "RGB"), ("LA", "RGBA"), ("La", "RGBA"), ("P", "RGB"), ("PA", "RGBA"),
        ("RGB", "RGB"), ("RGBX", "RGB"), ("RGBA", "RGBA"), ("RGBa", "RGBA"), ("CMYK", "RGB"),
        ("YCbCr", "RGB"), ("LAB", "RGB"), ("HSV", "RGB"), ("I", "RGB"), ("F", "RGB"),
        ("I;16", "RGB"), ("I;16B", "RGB"), ("I;16L", "RGB"),
    ],
)  # fmt: skip
def test_every_mode_in_memory(mode, expected):
    made = open_picture(Image.new(mode, (3, 2)))
    assert (made.mode, made.size) == (expected, (3, 2))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_upright(kind, orientation):
    upright = Image.new("RGB", (32, 16), "white")
    upright.paste("red", (0, 0, 16, 8))
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(turn[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "where I live"
    made = open_picture(encoded(stored, kind, exif=exif))
    assert made.size == upright.size
    assert np.abs(np.asarray(made, float) - np.asarray(upright, float)).mean() < 12
    assert set(made.info) == {"unclip.origin"}


def test_an_orientation_that_cannot_be_read_is_none():
    made = open_picture(encoded(HALVES, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert made.size == HALVES.size


def test_sixteen_bits_are_scaled_and_a_transparent_value_stays_so():
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16)[None]
    levels = np.arange(256)
    for kind, image in (
        ("PNG", Image.fromarray(ramp)),
        ("TIFF", Image.fromarray(ramp.astype(np.int32))),
    ):
        grey = np.asarray(open_picture(encoded(image, kind)))
        assert (grey == levels[None, :, None]).all()
    rows = b"\0" + ramp.astype(">u2").tobytes()
    clear = chunk(b"tRNS", struct.pack(">H", int(ramp[0, 5])))
    made = np.asarray(open_picture(png(256, 1, clear, depth=16, colour=0, rows=rows)))
    assert (made[0, :, 0] == levels).all()
    assert (made[0, :, 3] == np.where(levels == 5, 0, 255)).all()
    deep = np.repeat(ramp.astype(">u2")[..., None], 3, axis=2)
    made = np.asarray(open_picture(png(256, 1, depth=16, rows=b"\0" + deep.tobytes())))
    assert np.abs(made[0, :, 0].astype(int) - levels).max() <= 1


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_floats_are_scaled_by_the_white_that_they_need(white):
    values = np.array([[0, 0.25, 0.5, 1, np.nan, -1]], np.float32) * white
    made = np.asarray(open_picture(encoded(Image.fromarray(values), "TIFF")))
    assert made[0, :, 0].tolist() == [0, 64, 128, 255, 0, 0]


def test_palettes_and_grey_with_transparency():
    palette = HALVES.convert("P", palette=Image.Palette.ADAPTIVE)
    red = palette.getpixel((0, 0))
    for kind in ("PNG", "GIF"):
        made = open_picture(encoded(palette, kind, transparency=red))
        assert made.mode == "RGBA"
        assert made.getpixel((0, 0))[3] == 0
        assert made.getpixel((5, 0)) == (0, 0, 255, 255)
    half = bytes([255] * red + [128])
    assert open_picture(encoded(palette, transparency=half)).getpixel((0, 0)) == (255, 0, 0, 128)
    grey = open_picture(encoded(Image.new("L", (2, 2), 9), transparency=9))
    assert grey.getpixel((0, 0))[3] == 0
    colour = open_picture(encoded(HALVES, transparency=(0, 0, 255)))
    assert [colour.getpixel((x, 0))[3] for x in (0, 5)] == [255, 0]


def test_cmyk_with_and_without_a_profile():
    ink = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        for profile in (None, b"not a profile"):
            red = open_picture(encoded(ink, kind, icc_profile=profile)).getpixel((0, 0))
            assert red[0] > 240
            assert max(red[1:]) < 15
    lab = Image.new("LAB", (2, 2), (138, 208, 195))  # L 54, a 80, b 67: sRGB's red
    assert np.abs(np.array(open_picture(lab).getpixel((0, 0))) - (255, 0, 0)).max() < 12


def test_a_profile_is_kept_with_its_numbers_where_they_are_rgb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = open_picture(encoded(HALVES, icc_profile=profile))
    assert made.info["icc_profile"] == profile
    assert made.tobytes() == HALVES.tobytes()
    cut = open_picture(encoded(HALVES, icc_profile=profile[:99]))
    assert "icc_profile" not in cut.info


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_many(kind):
    frames = [Image.new("RGB", (4, 4), (0, i, 0)) for i in range(1, 250)]
    exact = {"lossless": True} if kind == "WEBP" else {}
    first = Image.new("RGB", (4, 4), "red")
    data = encoded(first, kind, save_all=True, append_images=frames, **exact)
    assert open_picture(data).getpixel((0, 0))[:3] == (255, 0, 0)


def test_ten_thousand_frames_cost_no_more_than_one():
    frame = struct.pack(">IIIIHHBB", 4, 4, 0, 0, 1, 1, 0, 0)
    pixels = zlib.compress(bytes(13 * 4))
    more = [
        part
        for i in range(1, 20_000, 2)
        for part in (
            chunk(b"fcTL", struct.pack(">I", i) + frame),
            chunk(b"fdAT", struct.pack(">I", i + 1) + pixels),
        )
    ]
    first = [chunk(b"acTL", struct.pack(">II", 10_000, 0)), chunk(b"fcTL", bytes(4) + frame)]
    data = png(4, 4, *first, rows=bytes(13 * 4))
    data = data[:-12] + b"".join(more) + data[-12:]
    start = time.perf_counter()
    assert open_picture(data).size == (4, 4)
    assert time.perf_counter() - start < 2


HUGE = 50_000


@pytest.mark.parametrize(
    "data",
    [
        png(HUGE, HUGE),
        png(MAX_SIDE + 1, 1),
        png(12_000, 9_000),  # Pillow itself only warns of it
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 0, 0, 54, 40, HUGE, HUGE, 1, 24, 0, 0, 0, 0, 0, 0),
        b"GIF89a" + struct.pack("<HHBBB", HUGE, HUGE, 0, 0, 0) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
        b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\x3f\0\xff\x3f\0" + bytes(20),
        tiff({256: HUGE, 257: HUGE, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 279: 1}),
        tiff(
            {256: 9, 257: 9, 258: 8, 259: 8, 262: 1, 277: 1, 322: HUGE, 323: HUGE, 324: 8, 325: 9}
        ),
    ],
    ids=["png", "side", "warned", "bmp", "gif", "webp", "tiff", "tile"],
)
def test_a_bomb_is_refused_from_its_header(data):
    assert "8192" in refusal(data)


def test_a_huge_jpeg_is_refused_from_its_header():
    data = bytearray(encoded(HALVES, "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    assert "8192" in refusal(bytes(data))


def test_a_progressive_jpeg_may_not_pass_over_the_picture_for_ever():
    data = encoded(HALVES, "JPEG", progressive=True)
    assert open_picture(data).size == (6, 4)
    last = data.rindex(b"\xff\xda")
    assert "passes" in refusal(data[:last] + data[last:-2] * 200 + b"\xff\xd9")


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_text_or_profile_that_unpacks_to_twenty_megabytes(kind):
    packed = zlib.compress(bytes(20_000_000), 9)
    head = b"a\0\1\0\0\0" if kind == b"iTXt" else b"a\0\0"
    assert "damaged" in refusal(png(1, 1, chunk(kind, head + packed), rows=bytes(4)))


def test_many_texts_together_are_bounded_too():
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000), 9))
    assert "damaged" in refusal(png(1, 1, *[text] * 200, rows=bytes(4)))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_off(kind):
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    data = encoded(noise, kind)
    for keep in (0.3, 0.6, 0.9):
        refusal(data[: int(len(data) * keep)])


@pytest.mark.parametrize("where", [b"IHDR", b"IDAT"])
def test_a_checksum_that_is_wrong(where):
    data = bytearray(encoded(HALVES))
    at = data.index(where)
    length = int.from_bytes(data[at - 4 : at], "big")
    data[at + 4 + length] ^= 1
    refusal(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><title>404</title>",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%PDF-1.7",
        b"P6 1 1 255 abc",  # Pillow reads it, we do not
        b"\0" * 100,
    ],
)
def test_what_is_no_picture(data, tmp_path):
    assert "PNG, JPEG, WebP, GIF, BMP or TIFF" in refusal(data)
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    message = refusal(path, "reference")
    assert message.startswith(f"reference is {path}, which is ")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(FORMATS), st.data())
def test_damage_is_a_picture_or_one_line(kind, data):
    file = bytearray(encoded(HALVES, kind))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    with warnings.catch_warnings(action="error"), suppress(InvalidArgument):
        assert open_picture(bytes(file)).mode in ("RGB", "RGBA")


def test_a_file_that_is_too_large_absent_or_no_file(tmp_path, monkeypatch):
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "over 256 MB" in refusal(large)
    monkeypatch.setattr("unclip.pipeline.inputs.MAX_BYTES", 2**20)
    assert "over 1 MB" in refusal(bytes(2**20 + 1))
    assert "over 1 MB" in refusal(io.BytesIO(bytes(2**20 + 1)))
    assert "does not exist" in refusal(tmp_path / "gone.png")
    assert "does not exist" in refusal("a\0b.png")
    assert "not a file" in refusal(tmp_path)
    assert "not a file" in refusal("/dev/zero")
    assert "no bytes" in refusal(io.StringIO("text"))
    assert "no bytes" in refusal(7)
    assert "no bytes" in refusal(None)


def test_a_size_in_memory_is_checked_too():
    assert "8192" in refusal(Image.new("1", (MAX_SIDE + 1, 1)))
    assert "8192" in refusal(Image.new("RGB", (0, 3)))
    closed = Image.open(io.BytesIO(encoded(HALVES)[:-30]))
    refusal(closed)


def mask_of(mode, size=(4, 1)):
    """Four values of a mask, from none to all, in the channel that `mode` looks at."""
    levels = (0, 127, 128, 255)
    if mode == "alpha":
        image = Image.new("RGBA", size, "green")
        image.putalpha(Image.frombytes("L", (4, 1), bytes(levels)))
        return encoded(image)
    return encoded(Image.frombytes("L", size, bytes(levels)))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("alpha", [255, 255, 0, 0]), ("white", [0, 0, 255, 255]), ("black", [255, 255, 0, 0])],
)
def test_what_a_mask_marks(mode, expected):
    mask = open_mask(mask_of(mode), (4, 1), mode)
    assert mask.mode == "L"
    assert list(mask.tobytes()) == expected
    assert origin_of(mask).mask_mode == mode


@pytest.mark.parametrize("mode", ["white", "black"])
def test_what_is_transparent_in_a_black_and_white_mask_is_kept(mode):
    mask = open_mask(
        encoded(Image.new("RGBA", (2, 2), (*[255 * (mode == "white")] * 3, 0))), (2, 2), mode
    )
    assert mask.getextrema() == (0, 0)


def test_a_mask_that_does_not_fit(tmp_path):
    def opened(source, name):
        return open_mask(source, (6, 4), name=name)

    assert "must be 6 x 4" in refusal(Image.new("RGBA", (4, 6)), "mask", opened)
    assert "transparency" in refusal(HALVES, "mask", opened)
    assert "cut off" in refusal(encoded(Image.new("RGBA", (6, 4)))[:-20], "mask", opened)
    with pytest.raises(InvalidArgument, match="mask_mode is 'grey'; it may be alpha, white or"):
        open_mask(HALVES, HALVES.size, "grey")


def test_a_mask_all_clear_or_all_opaque_is_everything_or_nothing():
    for alpha, level in ((0, 255), (255, 0)):
        mask = open_mask(Image.new("RGBA", (6, 4), (1, 2, 3, alpha)), (6, 4))
        assert mask.getextrema() == (level, level)


def test_the_transparency_of_the_picture_itself(tmp_path):
    cut = HALVES.copy()
    cut.putalpha(Image.new("L", cut.size, 255))
    with pytest.raises(InvalidArgument, match="mask is missing, and the image has no transp"):
        own_mask(open_picture(cut))
    with pytest.raises(InvalidArgument, match="mask is missing"):
        own_mask(open_picture(HALVES))
    cut.putpixel((5, 3), (0, 0, 0, 0))
    path = tmp_path / "cut.png"
    cut.save(path)
    mask = own_mask(open_picture(path))
    assert mask.getbbox() == (5, 3, 6, 4)
    origin = origin_of(mask)
    assert origin.path == path
    again = open_mask(origin.path, cut.size, origin.mask_mode)
    assert ImageChops.difference(again, mask).getbbox() is None
