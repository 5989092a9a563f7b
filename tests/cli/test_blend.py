"""`unclip vary`, `unclip blend` and `unclip edit --to`."""

import json

import pytest
from PIL import Image, ImageDraw

from unclip.pipeline.files import read_picture

SIZE = ["--size", "256x256", "--seed", "7"]
SMALL = [*SIZE, "--steps", "2", "--candidates", "2"]


@pytest.fixture
def photo(tmp_path):
    """Two pictures, `red.png` and `blue.png`, and what names one of them."""
    for colour in ("red", "blue"):
        image = Image.new("RGB", (90, 60), "white")
        ImageDraw.Draw(image).ellipse((20, 5, 70, 55), fill=colour)
        image.save(tmp_path / f"{colour}.png")
    return lambda name: tmp_path / f"{name}.png"


@pytest.fixture
def draws(unclip, bundle_path, tmp_path):
    """Run a command that makes pictures: its JSON."""

    def run(*arguments):
        code, out, err = unclip(
            *arguments, "--model", bundle_path, "-o", tmp_path / "out", "--json"
        )
        assert (code, err) == (0, "")
        return json.loads(out)

    return run


def test_vary(draws, photo, tmp_path):
    made = draws("vary", photo("red"), "--strength", 0.3, "-n", 2, *SMALL)
    assert [p["seed"] for p in made["pictures"]] == [7, 8]
    recipe, size = read_picture(tmp_path / "out" / "red-vary-7.png")
    assert size == (256, 256)
    assert recipe["operation"] == "vary"
    assert recipe["strength"] == 0.3
    assert recipe["image"]["file"] == "../red.png"


def test_blend_files_are_pictures_and_the_rest_are_sentences(draws, photo):
    made = draws("blend", photo("red"), "two blue cats", "--weights", "3,1", *SMALL[:4])
    recipe = made["pictures"][0]
    assert recipe["items"][0]["file"] == "../red.png"
    assert recipe["items"][1] == "two blue cats"
    assert recipe["weights"] == [0.75, 0.25]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_blend_in_steps_is_a_strip_and_an_animation(draws, photo, tmp_path, suffix):
    path = tmp_path / "moving" / f"way{suffix}"
    made = draws(
        *("blend", photo("red"), photo("blue"), "--steps", 4, "--decoder-steps", 2),
        *("--animate", path, *SIZE),
    )
    assert [p["weights"] for p in made["pictures"]] == [
        pytest.approx([1 - k / 3, k / 3]) for k in range(4)
    ]
    with Image.open(made["sheet"]) as strip:
        assert strip.width > 3 * strip.height
    assert made["animation"] == str(path)
    with Image.open(path) as moving:
        assert (moving.n_frames, moving.size) == (4, (256, 256))
        assert moving.info["loop"] == 0


def test_blend_with_a_style(draws, photo):
    values = ["--amount", 0.4, "--decoder-steps", 2, *SIZE]
    made = draws(
        "blend", photo("red"), "--style", "3d render", "--style-image", photo("blue"), *values
    )
    recipe = made["pictures"][0]
    assert recipe["operation"] == "change"
    assert (recipe["prompt"], recipe["source"], recipe["amount"]) == ("3d render", None, 0.4)
    assert recipe["reference"]["file"] == "../blue.png"


def test_edit_from_one_sentence_to_another(draws, photo):
    made = draws("edit", photo("red"), "--from", "a red apple", "--to", "two blue cats", *SMALL)
    recipe = made["pictures"][0]
    assert recipe["operation"] == "change"
    assert (recipe["source"], recipe["prompt"]) == ("a red apple", "two blue cats")
    assert (recipe["amount"], recipe["strength"], recipe["size"]) == (0.7, 0, "256x256")


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("items has 1; a blend may be of 2 to 10", ["blend", "RED"]),
        ("items holds no.png, a file that does not exist", ["blend", "RED", "no.png"]),
        ("weights is 'a,b'; it may be like 0.7,0.3", ["blend", "RED", "x", "--weights", "a,b"]),
        ("weights is (1.0,); it may be 2 numbers", ["blend", "RED", "x", "--weights", "1"]),
        ("weights is -1.0; it may be 0 to", ["blend", "RED", "x", "--weights", "2,-1"]),
        (
            "--animate is x.png; it may end in .webp or .gif",
            ["blend", "RED", "x", "--animate", "x.png"],
        ),
        ("--style is given with a blend", ["blend", "RED", "x", "--style", "flat"]),
        ("--amount is given without a style", ["blend", "RED", "x", "--amount", "1"]),
        ("image is", ["blend", "a cat", "--style", "flat"]),
        ("strength is 2.0; it may be 0 to 1", ["vary", "RED", "--strength", "2"]),
        ("image is", ["vary", "no.png"]),
        ("prompt is missing", ["edit", "RED", "--from", "a cat"]),
        ("--prompt is given with --to", ["edit", "RED", "--to", "a cat", "--prompt", "a dog"]),
        ("--mask is given with --to", ["edit", "RED", "--to", "a cat", "--mask", "RED"]),
        ("--amount is given without --to", ["edit", "RED", "--prompt", "a cat", "--amount", "1"]),
    ],
)
def test_mistakes_are_told_before_anything_is_loaded(unclip, photo, tmp_path, said, arguments):
    words = [str(photo("red")) if word == "RED" else word for word in arguments]
    code, out, err = unclip(*words, "-o", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.startswith(f"unclip: {said}")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()
