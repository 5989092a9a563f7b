"""Recipes: a request to plain values and back, and the parents that it was made from."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unclip.errors import InvalidArgument
from unclip.pipeline.files import keep_parents, metadata_of
from unclip.pipeline.inputs import MASK_MODES, open_mask, open_picture, own_mask
from unclip.pipeline.recipe import find_parent, kinds_of_request, recipe_of, request_of
from unclip.requests import BACKGROUNDS, SAMPLER_NAMES, Generation, Request
from unclip.types import Picture

HERE = Path()


@dataclass(frozen=True, kw_only=True)
class Collage(Request):
    """A request with pictures wherever one can have them, as those of any edit."""

    operation = "collage"

    image: Image.Image
    mask: Image.Image | None = None
    parts: tuple[Image.Image | str, ...] = ()
    box: tuple[int, int, int, int] = (0, 0, 1, 1)
    amount: float = 0.5


def through_json(recipe):
    return json.loads(json.dumps(recipe))


@pytest.fixture
def folder(tmp_path):
    """Pictures and a mask in `in/`; an empty `out/` beside it."""
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    for colour in ("red", "blue"):
        Image.new("RGB", (4, 4), colour).save(tmp_path / "in" / f"{colour}.png")
    mask = Image.new("RGBA", (4, 4), "white")
    mask.putpixel((1, 2), (0, 0, 0, 0))
    mask.save(tmp_path / "in" / "mask.png")
    return tmp_path


def collage(folder, **values):
    image = open_picture(folder / "in" / "red.png")
    mask = open_mask(folder / "in" / "mask.png", image.size)
    parts = (open_picture(folder / "in" / "blue.png"), "a dog")
    return Collage(**{"image": image, "mask": mask, "parts": parts, "seed": 3, **values})


def written(request, folder, **kept):
    """The recipe as a picture in `folder` would carry it."""
    image = Image.new("RGB", (4, 4))
    return through_json(
        metadata_of(Picture(image, 0, 3, None, 1.0, recipe_of(request)), folder, **kept)
    )


def same(one, other):
    """Equal in every field, pictures by their pixels."""
    assert type(one) is type(other)
    for field in dataclasses.fields(one):
        pairs = [(getattr(one, field.name), getattr(other, field.name))]
        if isinstance(pairs[0][0], tuple):
            pairs = list(zip(*pairs[0], strict=True))
        for a, b in pairs:
            if isinstance(a, Image.Image):
                assert (a.mode, a.size, a.tobytes()) == (b.mode, b.size, b.tobytes())
            else:
                assert a == b
    return True


def test_every_operation_has_its_own_name():
    names = [kind.operation for kind in kinds_of_request()]
    assert len(set(names)) == len(names)
    assert "generate" in names


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
        str.strip
    ),
    st.integers(0, 2**32 - 10),
    st.sampled_from([None, *SAMPLER_NAMES]),
    st.none() | st.floats(0, 30),
    st.sampled_from(BACKGROUNDS),
)
def test_a_generation_comes_back(prompt, seed, sampler, guidance, background):
    request = Generation(
        prompt, seed=seed, sampler=sampler, guidance_scale=guidance, background=background
    )
    assert request_of(through_json(recipe_of(request)), HERE) == request


def test_a_recipe_is_of_one_picture_and_starts_with_what_is_special_to_it():
    recipe = recipe_of(Generation("a cat", n=4, seed=7))
    assert "n" not in recipe
    assert list(recipe)[:2] == ["operation", "prompt"]


def test_pictures_come_back_from_their_files(folder):
    request = collage(folder, amount=0.25)
    recipe = written(request, folder / "out")
    assert recipe["image"]["file"] == "../in/red.png"
    assert recipe["mask"]["mask_mode"] == "alpha"
    assert same(request_of(recipe, folder / "out"), request)
    moved = folder.rename(folder.with_name("moved"))
    assert same(request_of(recipe, moved / "out"), request)


def test_a_parent_is_found_beside_its_result_too(folder):
    request = collage(folder)
    recipe = written(request, folder / "out")
    for file in (folder / "in").iterdir():
        file.rename(folder / "out" / file.name)
    assert same(request_of(recipe, folder / "out"), request)


@pytest.mark.parametrize("mode", MASK_MODES)
def test_a_mask_keeps_its_mode(folder, mode):
    image = Image.new("RGBA", (4, 4), "white")
    image.paste("black", (0, 0, 2, 4))
    image.putpixel((3, 3), (0, 0, 0, 0))
    image.save(folder / "in" / "mask.png")
    mask = open_mask(folder / "in" / "mask.png", (4, 4), mode)
    request = collage(folder, mask=mask)
    assert same(request_of(written(request, folder / "out"), folder / "out"), request)


def test_a_mask_that_was_the_picture_s_own(folder):
    image = open_picture(folder / "in" / "mask.png")
    request = collage(folder, image=image, mask=own_mask(image))
    recipe = written(request, folder / "out")
    assert recipe["mask"] == {**recipe["image"], "mask_mode": "alpha"}
    assert same(request_of(recipe, folder / "out"), request)


def test_another_picture_takes_its_own_mask_with_it(folder):
    image = open_picture(folder / "in" / "mask.png")
    recipe = written(collage(folder, image=image, mask=own_mask(image)), folder / "out")
    other = Image.new("RGBA", (4, 4), "white")
    other.putpixel((3, 3), (0, 0, 0, 0))
    other.save(folder / "in" / "other.png")
    for source in (folder / "in" / "other.png", other):
        request = request_of(recipe, folder / "out", {"image": source})
        assert request.mask.getbbox() == (3, 3, 4, 4)


def test_a_parent_that_is_gone_altered_or_never_was_a_file(folder):
    recipe = written(collage(folder), folder / "out")
    assert find_parent(recipe["image"], folder / "out")[1] == "here"
    blue = folder / "in" / "blue.png"
    data = blue.read_bytes()
    blue.unlink()
    with pytest.raises(InvalidArgument, match=r"parts was ../in/blue.png, which is not there"):
        request_of(recipe, folder / "out")
    blue.write_bytes(data[:-1])
    with pytest.raises(InvalidArgument, match=r"parts was ../in/blue.png, which has been altered"):
        request_of(recipe, folder / "out")
    recipe = written(collage(folder, image=Image.new("RGB", (4, 4))), folder / "out")
    with pytest.raises(InvalidArgument, match="image was in memory"):
        request_of(recipe, folder / "out")


def test_changes(folder):
    recipe = written(collage(folder), folder / "out")
    blue = folder / "in" / "blue.png"
    for value in (blue, str(blue), open_picture(blue)):
        changed = request_of(recipe, folder / "out", {"image": value, "seed": 9, "n": 2})
        assert changed.image.getpixel((0, 0)) == (0, 0, 255)
        assert changed.seeds == range(9, 11)
    assert request_of(recipe, folder / "out", {"mask": None}).mask is None
    assert request_of(recipe, folder / "out", {"box": [1, 2, 3, 4]}).box == (1, 2, 3, 4)
    with pytest.raises(InvalidArgument, match=r"strength is nothing that collage has; it .*amo"):
        request_of(recipe, folder / "out", {"strength": 1})
    with pytest.raises(InvalidArgument, match=r"image is .*gone.png, which does not exist"):
        request_of(recipe, folder / "out", {"image": folder / "gone.png"})
    with pytest.raises(InvalidArgument, match="seed is -1"):
        request_of(recipe, folder / "out", {"seed": -1})


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"operation": "conjure"},
        {"operation": ["generate"], "prompt": "a cat"},
        {"operation": "generate", "prompt": 7},
        {"operation": "generate", "prompt": "a cat", "size": {"sha256": "x"}},
        {"operation": "generate", "prompt": "a cat", "n": [1]},
        {"operation": "collage"},
        {"operation": "collage", "image": {"file": "/dev/zero", "sha256": 0}},
        {"operation": "collage", "image": {"file": "a\0b", "sha256": ""}},
        {"operation": "collage", "image": {"file": 5, "sha256": None}},
        {"operation": "collage", "image": {"file": "a.png", "sha256": ["a"]}},
    ],
)
def test_a_recipe_that_someone_made_up_is_one_line(recipe):
    with pytest.raises(InvalidArgument) as caught:
        request_of(recipe, HERE)
    assert "\n" not in str(caught.value)


def test_a_recipe_from_before_operations_had_names():
    assert request_of({"prompt": "a cat", "seed": 1}, HERE) == Generation("a cat", seed=1)


def test_parents_that_are_kept_make_the_result_whole(folder):
    out = folder / "out"
    drawn = Image.new("RGB", (4, 4), "green")
    mask = open_mask((folder / "in" / "mask.png").read_bytes(), (4, 4))
    request = collage(folder, image=drawn, mask=mask)
    kept = keep_parents(request, out)
    assert keep_parents(request, out) == kept
    recipe = written(request, out, kept=kept)
    assert sorted(p.name for p in out.iterdir()) == ["blue.png", "image.png", "mask.png"]
    for file in (folder / "in").iterdir():
        file.unlink()
    assert same(request_of(recipe, out), request)
    with pytest.raises(InvalidArgument, match=r"parts is .*blue.png, which is absent now"):
        keep_parents(request, folder)
