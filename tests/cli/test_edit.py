"""The commands that fill pictures: what they write, and one line for every mistake."""

import numpy as np
import pytest
from PIL import Image

from unclip import cli
from unclip.pipeline.files import read_picture

SMALL = ["--steps", "1", "--candidates", "1", "--seed", "7"]


@pytest.fixture
def unclip(capsys, bundle_path, tmp_path):
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def run(command, *arguments):
        arguments = [command, *map(str, arguments), "--model", str(bundle_path)]
        with pytest.raises(SystemExit) as stopped:
            cli.main([*arguments, "-o", str(tmp_path / "out"), *SMALL])
        out, err = capsys.readouterr()
        return stopped.value.code, out.strip(), err

    return run


@pytest.fixture
def photo(tmp_path):
    """A picture of 90 x 60 with a clear part in the middle."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (60, 90, 4), np.uint8))
    image.putalpha(255)
    image.paste((0, 0, 0, 0), (30, 20, 70, 40))
    path = tmp_path / "photo.png"
    image.save(path)
    return path


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_the_clear_part_of_a_picture_is_filled(unclip, photo):
    code, out, err = unclip("edit", photo, "--prompt", "a red apple")
    assert (code, err) == (0, "")
    before, after = pixels(photo), pixels(out)
    kept = before[..., 3] == 255
    assert (after[kept] == before[kept]).all()
    assert (after[..., 3] == 255).all()
    settings, size = read_picture(photo.parent / "out" / "a-red-apple-7.png")
    assert size == (90, 60)
    assert settings["operation"] == "inpaint"
    assert settings["image"]["sha256"]


@pytest.mark.parametrize("mode", ["white", "black", "alpha"])
def test_a_mask_says_what_changes(unclip, photo, mode):
    image = Image.open(photo).convert("RGB")
    image.save(photo)
    mask = Image.new("L", image.size, 255 if mode == "black" else 0)
    mask.paste(0 if mode == "black" else 255, (10, 5, 40, 30))
    if mode == "alpha":
        clear = Image.new("RGBA", image.size)
        clear.putalpha(mask.point(lambda value: 255 - value))
        mask = clear
    path = photo.with_name("mask.png")
    mask.save(path)
    code, out, err = unclip("edit", photo, "--mask", path, "--mask-mode", mode)
    assert (code, err) == (0, "")
    changed = (pixels(out) != pixels(photo)).any(-1)
    assert changed[5:30, 10:40].mean() > 0.5
    changed[5:30, 10:40] = False
    assert not changed.any()


def test_a_picture_grows(unclip, photo):
    Image.open(photo).convert("RGB").save(photo)
    code, out, err = unclip("outpaint", photo, "--left", 20, "--bottom", 5)
    assert (code, err) == (0, "")
    assert pixels(out).shape == (65, 110, 3)
    assert (pixels(out)[:60, 20:] == pixels(photo)).all()
    code, out, _ = unclip("outpaint", photo, "--to", "100x64", "--prompt", "a cat")
    assert code == 0
    assert (pixels(out)[2:62, 5:95] == pixels(photo)).all()


def test_a_frame_on_a_larger_canvas(unclip, photo):
    code, out, err = unclip("outpaint", photo, "--frame", "50,0", "--side", 64)
    assert (code, err) == (0, "")
    assert pixels(out).shape == (64, 114, 4)
    assert (pixels(out)[:60, :30] == pixels(photo)[:, :30]).all()
    assert (pixels(out)[20:40, 50:70, 3] == 255).all()
    assert not pixels(out)[20:40, 30:50, 3].any(), "clear, and not in the frame"


@pytest.mark.parametrize(
    ("named", "arguments"),
    [
        ("image", ["edit", "nothing.png"]),
        ("mask is", ["edit", "{photo}", "--mask", "nothing.png"]),
        ("mask_mode", ["edit", "{photo}", "--mask", "{photo}", "--mask-mode", "grey"]),
        ("mask is missing", ["edit", "{opaque}"]),
        ("mask", ["edit", "{opaque}", "--mask", "{other}", "--mask-mode", "white"]),
        ("prompt", ["edit", "{photo}", "--prompt", " "]),
        ("left", ["outpaint", "{photo}"]),
        ("right", ["outpaint", "{photo}", "--right", "-4"]),
        ("to is", ["outpaint", "{photo}", "--to", "20x20"]),
        ("frame", ["outpaint", "{photo}", "--frame", "3"]),
        ("frame", ["outpaint", "{photo}", "--frame", "3,4", "--left", "5"]),
        ("image has no", ["outpaint", "{opaque}", "--frame", "3,4", "--side", "64"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(unclip, photo, named, arguments):
    Image.open(photo).convert("RGB").save(photo.with_name("opaque.png"))
    Image.new("RGB", (9, 9)).save(photo.with_name("other.png"))
    paths = {name: photo.with_name(f"{name}.png") for name in ("photo", "opaque", "other")}
    code, out, err = unclip(*(argument.format(**paths) for argument in arguments))
    assert (code, out) == (2, "")
    assert named in err
    assert err.count("\n") == 1
    assert not photo.with_name("out").exists()
