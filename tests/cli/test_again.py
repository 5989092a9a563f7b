"""`unclip again` and `unclip show`: a picture from its recipe, to the last pixel or changed."""

import json
from pathlib import Path

import pytest
from PIL import Image

from unclip.pipeline.files import read_picture


def are_the_same(one, other):
    """Signatures differ each time; the recipe and the pixels may not."""
    with Image.open(one) as a, Image.open(other) as b:
        return read_picture(one) == read_picture(other) and a.tobytes() == b.tobytes()


SMALL = ["--size", "256x256", "--steps", "2", "--candidates", "2"]


@pytest.fixture
def apple(unclip, bundle_path, tmp_path):
    """A generated picture. Its recipe names the bundle `tiny`, which no install has."""
    code, _, _ = unclip(
        "generate",
        "a red apple",
        "--seed",
        7,
        "--model",
        bundle_path,
        "-o",
        tmp_path / "out",
        *SMALL,
    )
    assert code == 0
    return tmp_path / "out" / "a-red-apple-7.png"


def test_the_same_picture_again(unclip, bundle_path, apple, tmp_path):
    for source in (apple, apple.with_suffix(".json")):
        code, out, err = unclip("again", source, "--model", bundle_path, "-o", tmp_path / "new")
        assert (code, err) == (0, "")
        assert out == f"{tmp_path / 'new' / apple.name}\n"
    assert are_the_same(tmp_path / "new" / apple.name, apple)
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_in_the_same_folder_nothing_is_added(unclip, bundle_path, apple):
    before = sorted(apple.parent.iterdir())
    code, out, _ = unclip("again", apple, "--model", bundle_path, "-o", apple.parent)
    assert (code, out) == (0, f"{apple}\n")
    assert sorted(apple.parent.iterdir()) == before


def test_changed(unclip, bundle_path, apple, tmp_path):
    command = ["again", apple, "--model", bundle_path, "-o", tmp_path, "--json"]
    code, out, _ = unclip(*command, "--prompt", "two cats", "-n", 2, "--set", "guidance_scale=7.5")
    assert code == 0
    (first, second) = json.loads(out)["pictures"]
    old, _ = read_picture(apple)
    changed = {key for key in old if old[key] != first[key]}
    assert changed == {"prompt", "guidance_scale", "clip_score", "prior_score"}
    assert (second["seed"], first["guidance_scale"]) == (8, 7.5)
    sheet = json.loads(out)["sheet"]
    code, out, _ = unclip("again", sheet, "--model", bundle_path, "-o", tmp_path, "--json")
    assert code == 0
    assert json.loads(out)["pictures"] == [first, second]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "strength=1"], "strength is nothing that generate has; it has "),
        (["--set", "strength"], "--set is 'strength'; it may be like strength=0.5"),
        (["--set", "steps=many"], "steps is 'many'; it may be 1 to 1000"),
        (["--seed", "-1"], "seed is -1"),
        (["--background", "green"], "background is 'green'; it may be auto, opaque or"),
        (["--model", "gone"], "model is 'gone'"),
        ([], "model is 'tiny'"),
    ],
)
def test_a_mistake_is_one_line_and_makes_nothing(unclip, apple, tmp_path, options, message):
    code, out, err = unclip("again", apple, "-o", tmp_path / "new", *options)
    assert (code, out) == (2, "")
    assert err.startswith(f"unclip: {message}")
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_what_is_no_picture_of_ours(unclip, tmp_path):
    plain = tmp_path / "plain.png"
    Image.new("RGB", (4, 4)).save(plain)
    for path in (plain, tmp_path / "gone.png", tmp_path, tmp_path / "gone.json"):
        for command in ("again", "show"):
            code, _, err = unclip(command, path)
            assert code == 2
            assert err.startswith(f"unclip: file is {path}")


def test_another_version_is_said(unclip, bundle_path, apple, tmp_path):
    recipe = json.loads(apple.with_suffix(".json").read_text())
    older = tmp_path / "older.json"
    older.write_text(json.dumps({**recipe, "model_version": "0.9"}))
    code, _, err = unclip("again", older, "--model", bundle_path, "-o", tmp_path)
    assert code == 0
    assert err == "unclip: was made by tiny 0.9, now by tiny 1.2: it will differ\n"


def test_show_prints_the_recipe(unclip, apple):
    code, out, _ = unclip("show", apple)
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["operation"] == "generate"
    assert lines["prompt"] == "a red apple"
    assert lines["seed"] == "7"
    assert lines["pixels"] == "256 x 256"
    code, out, _ = unclip("show", apple.with_suffix(".json"), "--json")
    assert json.loads(out) == {**read_picture(apple)[0], "width": 256, "height": 256}


@pytest.fixture
def edited(unclip, bundle_path, apple, tmp_path):
    """The apple with its left half drawn anew, in a folder of its own."""
    mask = Image.new("RGBA", (256, 256), "white")
    mask.paste((0, 0, 0, 0), (0, 0, 128, 256))
    mask.save(tmp_path / "mask.png")
    code, out, _ = unclip(
        *("edit", apple, "--mask", tmp_path / "mask.png", "--prompt", "two blue cats"),
        *("--seed", 5, "--steps", 2, "--candidates", 1, "--model", bundle_path),
        *("-o", tmp_path / "edits"),
    )
    assert code == 0
    return Path(out.strip())


def test_an_edit_again_is_the_same_picture(unclip, bundle_path, edited, tmp_path):
    recipe, _ = read_picture(edited)
    assert recipe["operation"] == "inpaint"
    assert recipe["image"]["file"] == "../out/a-red-apple-7.png"
    assert recipe["mask"]["file"] == "../mask.png"
    code, out, err = unclip("again", edited, "--model", bundle_path, "-o", tmp_path / "new")
    assert (code, err) == (0, "")
    assert are_the_same(Path(out.strip()), edited)


@pytest.mark.parametrize(
    "command",
    [
        ("vary", "APPLE", "--strength", 0.3, "--size", "256x256"),
        ("vary", "APPLE", "--strength", 1, "--prompt", "a cat", "--size", "256x256"),
        ("blend", "APPLE", "two blue cats", "--weights", "1,2", "--size", "256x256"),
        ("blend", "APPLE", "APPLE", "--size", "256x192"),
        ("edit", "APPLE", "--from", "an apple", "--to", "a rocket", "--size", "256x256"),
        ("outpaint", "APPLE", "--left", 64),
    ],
    ids=lambda command: " ".join(map(str, command)),
)
def test_every_operation_again_is_the_same_picture(unclip, bundle_path, apple, tmp_path, command):
    words = [apple if word == "APPLE" else word for word in command]
    common = ("--model", bundle_path, "--seed", 5, "--candidates", 2, "-o", tmp_path / "made")
    code, out, err = unclip(*words, *common)
    assert (code, err) == (0, "")
    made = Path(out.strip())
    code, out, err = unclip("again", made, "--model", bundle_path, "-o", tmp_path / "new")
    assert (code, err) == (0, "")
    assert are_the_same(Path(out.strip()), made)


def test_a_chain_is_replayed_from_its_files(unclip, bundle_path, edited, apple, tmp_path):
    command = ("again", edited, "--model", bundle_path, "-o", tmp_path / "new", "--chain")
    code, out, _ = unclip(*command)
    assert code == 0
    made = Path(out.strip())
    assert are_the_same(tmp_path / "new" / apple.name, apple)
    with Image.open(made) as new, Image.open(edited) as old:
        assert new.tobytes() == old.tobytes()
    assert read_picture(made)[0]["image"]["file"] == apple.name
    code, out, _ = unclip(*command, "--seed", 6)
    assert code == 0
    assert read_picture(Path(out.strip()))[0]["seed"] == 6


def test_a_parent_that_is_gone_or_altered(unclip, bundle_path, edited, apple, tmp_path):
    command = ("again", edited, "--model", bundle_path, "-o", tmp_path / "new")
    with Image.open(apple) as image:
        image.transpose(Image.Transpose.ROTATE_180).save(apple)
    code, _, err = unclip(*command)
    assert code == 2
    assert err.startswith("unclip: image was ../out/a-red-apple-7.png, which has been altered")
    apple.unlink()
    code, _, err = unclip(*command, "--chain")
    assert code == 2
    assert err.startswith("unclip: image was ../out/a-red-apple-7.png, which is not there")
    _, out, _ = unclip("show", edited)
    assert "../out/a-red-apple-7.png (absent, sha256 " in out
    assert "../mask.png (here, alpha marks what changed, sha256 " in out
    Image.new("RGB", (256, 256), "red").save(tmp_path / "red.png")
    code, out, _ = unclip(*command, "--set", f"image={tmp_path / 'red.png'}")
    assert code == 0
    assert read_picture(Path(out.strip()))[0]["image"]["file"] == "../red.png"


def test_parents_are_kept_if_asked(unclip, bundle_path, edited, apple, tmp_path):
    code, out, _ = unclip(
        *("again", edited, "--model", bundle_path, "-o", tmp_path / "new", "--keep-parents")
    )
    assert code == 0
    kept = tmp_path / "new" / apple.name
    assert kept.read_bytes() == apple.read_bytes()
    recipe, _ = read_picture(Path(out.strip()))
    assert [recipe[name]["file"] for name in ("image", "mask")] == [apple.name, "mask.png"]
