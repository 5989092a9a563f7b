"""Pictures as files: names, recipes, and nothing half-written or overwritten."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unclip.errors import InvalidArgument
from unclip.pipeline.files import (
    contact_sheet,
    encode_png,
    metadata_of,
    output_folder,
    read_picture,
    save_picture,
    save_sheet,
    slug,
    write_new,
)
from unclip.types import Picture


def seal(data, media_type, title):
    return data


def picture(seed=7, colour="red", prompt="a red apple", **settings):
    image = Image.new("RGB", (16, 16), colour)
    return Picture(image, 0, seed, 0.25, 0.5, {"prompt": prompt, "seed": seed, **settings})


@given(st.text(max_size=1000))
def test_any_prompt_is_a_file_name(prompt):
    name = slug(prompt)
    assert 0 < len(name) <= 48
    assert len(name.encode()) <= 200
    assert not set(name) & set("/\\\0. \n")


def test_file_names_read_well():
    assert slug("A rocket, 3D render!") == "a-rocket-3d-render"
    assert slug("???") == "picture"
    assert slug("word " * 100) == "-".join(["word"] * 9)


def test_a_picture_carries_its_settings(tmp_path):
    made = picture(prompt="caf\u00e9 \u2014 \U0001f98a")
    path = save_picture(made, tmp_path, seal)
    assert path.name.endswith("-7.png")
    assert read_picture(path) == (metadata_of(made), (16, 16))
    with Image.open(path) as image:
        assert image.text["Description"] == made.settings["prompt"]


def test_the_same_picture_is_the_same_file_and_another_never_replaces_it(tmp_path):
    first = save_picture(picture(), tmp_path, seal)
    assert save_picture(picture(), tmp_path, seal) == first
    other = save_picture(picture(colour="blue"), tmp_path, seal)
    assert other.name == "a-red-apple-7-2.png"
    assert save_picture(picture(colour="blue"), tmp_path, seal) == other
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"a-red-apple-7{more}{end}" for more in ("-2", "") for end in (".json", ".png")
    ]


def test_the_recipe_is_beside_the_picture_too(tmp_path):
    path = save_picture(picture(), tmp_path, seal)
    sidecar = path.with_suffix(".json")
    told = json.loads(sidecar.read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert told.pop("file") == {"sha256": digest, "width": 16, "height": 16}
    assert told == read_picture(path)[0]
    assert read_picture(sidecar) == read_picture(path)
    with Image.open(path) as image:
        image.copy().save(path)  # by a program that keeps no metadata
    assert read_picture(path) == read_picture(sidecar)


def test_a_sidecar_of_someone_else_is_left_alone(tmp_path):
    theirs = tmp_path / "a-red-apple-7.json"
    theirs.write_text("mine")
    assert save_picture(picture(), tmp_path, seal).name == "a-red-apple-7-2.png"
    assert theirs.read_text() == "mine"


def test_a_picture_without_its_sidecar_gets_it_back(tmp_path):
    path = save_picture(picture(), tmp_path, seal)
    path.with_suffix(".json").unlink()
    assert save_picture(picture(), tmp_path, seal) == path
    assert path.with_suffix(".json").exists()


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
@pytest.mark.parametrize("suffix", [".png", ".json"])
def test_a_disk_that_fills_up_leaves_no_picture(tmp_path, monkeypatch, failing, suffix):
    working = getattr(Path, failing)

    def full(path, *arguments):
        if path.name.endswith(f"{suffix}.partial"):
            raise OSError(28, "No space left on device")
        return working(path, *arguments)

    monkeypatch.setattr(Path, failing, full)
    with pytest.raises(OSError, match="No space"):
        save_picture(picture(), tmp_path, seal)
    assert not list(tmp_path.glob("*.png"))
    assert not list(tmp_path.glob("*.partial"))


def test_parents_are_named_as_seen_from_the_picture(tmp_path):
    parent = {"file": str(tmp_path / "in" / "cat.png"), "sha256": "0" * 64}
    (tmp_path / "out").mkdir()
    made = picture(prompt=None, operation="vary", image=parent, parts=[parent, "a dog"])
    path = save_picture(made, tmp_path / "out", seal)
    assert path.name == "cat-vary-7.png"
    recipe, _ = read_picture(path)
    assert recipe["image"] == {**parent, "file": "../in/cat.png"}
    assert recipe["parts"] == [recipe["image"], "a dog"]


def test_a_write_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "a.png").mkdir()
    assert write_new(tmp_path, "a", b"x").name == "a-2.png"
    with pytest.raises(FileNotFoundError):
        write_new(tmp_path / "gone", "a", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a-2.png", "a.png"]


@pytest.mark.parametrize(("count", "grid"), [(2, (2, 1)), (4, (2, 2)), (5, (3, 2)), (10, (4, 3))])
def test_a_sheet_is_nearly_square(tmp_path, count, grid):
    pictures = [picture(seed) for seed in range(count)]
    path = save_sheet(pictures, tmp_path, seal)
    settings, size = read_picture(path)
    assert (settings["seed"], settings["n"]) == (0, count)
    assert size == tuple(384 * g + 8 * (g + 1) for g in grid)
    assert contact_sheet([p.image for p in pictures]).getpixel((12, 12)) == (255, 0, 0)


def test_an_output_folder_is_made_and_unmade_if_it_stays_empty(tmp_path):
    with output_folder(tmp_path / "a" / "b") as folder:
        (folder / "x").touch()
    with pytest.raises(KeyError), output_folder(tmp_path / "c" / "d"):
        raise KeyError
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]
    with pytest.raises(KeyError), output_folder(tmp_path / "a" / "b"):
        raise KeyError
    assert (tmp_path / "a" / "b" / "x").exists()


def test_an_output_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(InvalidArgument, match="output is"), output_folder(path):
            pass


def test_what_is_not_a_picture_of_ours(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    plain = tmp_path / "plain.png"
    plain.write_bytes(encode_png(Image.new("RGB", (4, 4))))
    broken = tmp_path / "broken.json"
    broken.write_text('{"file": {"width": []}}')
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 100_000)
    for path in (tmp_path / "gone.png", tmp_path / "text.png", plain, tmp_path, broken, deep):
        with pytest.raises(InvalidArgument, match="file is"):
            read_picture(path)
