"""Pictures as files: names, settings inside, and nothing half-written or overwritten."""

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


def picture(seed=7, colour="red", prompt="a red apple"):
    image = Image.new("RGB", (16, 16), colour)
    return Picture(image, 0, seed, 0.25, 0.5, {"prompt": prompt, "seed": seed})


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
    path = save_picture(made, tmp_path)
    assert path.name.endswith("-7.png")
    assert read_picture(path) == (metadata_of(made), (16, 16))
    with Image.open(path) as image:
        assert image.text["Description"] == made.settings["prompt"]


def test_the_same_picture_is_the_same_file_and_another_never_replaces_it(tmp_path):
    first = save_picture(picture(), tmp_path)
    assert save_picture(picture(), tmp_path) == first
    other = save_picture(picture(colour="blue"), tmp_path)
    assert other.name == "a-red-apple-7-2.png"
    assert save_picture(picture(colour="blue"), tmp_path) == other
    assert len(list(tmp_path.iterdir())) == 2


def test_a_write_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "a.png").mkdir()
    assert write_new(tmp_path, "a", b"x").name == "a-2.png"
    with pytest.raises(FileNotFoundError):
        write_new(tmp_path / "gone", "a", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a-2.png", "a.png"]


@pytest.mark.parametrize(("count", "grid"), [(2, (2, 1)), (4, (2, 2)), (5, (3, 2)), (10, (4, 3))])
def test_a_sheet_is_nearly_square(tmp_path, count, grid):
    pictures = [picture(seed) for seed in range(count)]
    path = save_sheet(pictures, tmp_path)
    settings, size = read_picture(path)
    assert settings["seed"] == list(range(count))
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
    for path in (tmp_path / "gone.png", tmp_path / "text.png", plain, tmp_path):
        with pytest.raises(InvalidArgument, match="file is"):
            read_picture(path)
