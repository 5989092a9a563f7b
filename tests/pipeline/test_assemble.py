"""Pictures put together from things drawn one by one."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.config import tiny
from unclip.corpus.colours import BACKGROUND_COLOURS, nearest_colour
from unclip.corpus.scene import CloseRelation, Relation
from unclip.evaluation.scoring import relative_position
from unclip.models.memory import Memory
from unclip.pipeline import assemble
from unclip.pipeline.assemble import (
    DEPTHS,
    FULL,
    Cell,
    Cutout,
    cut_out,
    dark,
    dyed,
    ground_of,
    lay_out,
    put_together,
    set_off,
)
from unclip.pipeline.bundle import make_bundle
from unclip.pipeline.cascade import Cascade
from unclip.pipeline.generate import generate
from unclip.pipeline.paint import painted
from unclip.pipeline.reading import Reading, Thing
from unclip.requests import Generation, Outpainting
from unclip.types import Picture, Progress

SIDE = 64
RED, BLUE = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
RELATIONS = (*get_args(Relation), *get_args(CloseRelation), None)


def box(cell, width=1.0, height=1.0):
    """x0, y0, x1, y1 of a thing of these proportions in a cell."""
    scale = FULL * cell.side / max(width, height)
    w, h = width * scale, height * scale
    top = cell.y - cell.hold * h
    return cell.x - w / 2, top, cell.x + w / 2, top + h


def cells_of(relation, counts, place="", seed=0):
    reading = Reading(tuple(Thing("cat", n) for n in counts), relation, place=place)
    return lay_out(reading, torch.Generator().manual_seed(seed))


@given(
    st.sampled_from(RELATIONS),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.sampled_from(["", "in a forest", "in space"]),
    st.integers(0, 99),
)
def test_things_are_in_the_picture_and_clear_of_each_other(relation, counts, place, seed):
    cells = cells_of(relation, counts, place, seed)
    assert len(cells) == sum(counts)
    boxes = [box(cell) for cell in cells]
    for x0, y0, x1, y1 in boxes:
        assert min(x0, y0) > -0.01
        assert max(x1, y1) < 1.01
    for i, a in enumerate(boxes):
        for j, b in enumerate(boxes[:i]):
            w, h = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
            near = (i < counts[0]) != (j < counts[0])
            touch = near * {**DEPTHS, "holding": 0.2}.get(relation, 0.0)
            # the corners of five meet
            assert min(w, h) < 0.05 + touch


@given(
    st.sampled_from(["left of", "right of", "above", "below", "on", "under"]),
    st.lists(st.integers(1, 2), min_size=2, max_size=2),
    st.floats(0.4, 2.5),
)
def test_the_first_thing_is_where_the_prompt_says(relation, counts, shape):
    said = {"on": "above", "under": "below"}.get(relation, relation)
    boxes = [box(cell, shape, 1.0) for cell in cells_of(relation, counts)]
    for a in boxes[: counts[0]]:
        for b in boxes[counts[0] :]:
            if counts == [1, 1] or relation in ("left of", "right of"):
                assert said in relative_position(a, b) or shape > 2 or shape < 0.5
            else:  # of several some are far aside
                assert math.copysign(1, a[1] - b[1]) == (1 if said == "below" else -1)


def test_one_on_a_ground_stands_on_it():
    (cell,) = cells_of(None, [1], "in a meadow")
    assert cell.hold == 1.0
    (afloat,) = cells_of(None, [1], "in space")
    assert afloat.hold == 0.5


def square(colour, height=20, width=30):
    return Cutout(
        colour.view(1, 3, 1, 1).expand(1, 3, height, width), torch.ones(1, 1, height, width)
    )


def test_a_thing_keeps_its_proportions_and_colours():
    ground = torch.ones(1, 3, SIDE, SIDE)
    picture = put_together(ground, [square(RED)], [Cell(0.5, 0.5, 0.5)], 256)
    assert picture.shape == (1, 3, 256, 256)
    inside = (picture[0] - 2 * RED.view(3, 1, 1) + 1).abs().amax(0) < 0.1
    rows, columns = (inside.any(d).sum().item() for d in (1, 0))
    assert columns == pytest.approx(FULL * 128, abs=2)
    assert rows == pytest.approx(columns * 2 / 3, abs=2)
    assert (picture[0, :, :60] == 1).all(), "the rest is the ground"


def test_the_first_thing_is_in_front():
    ground, cell = torch.zeros(1, 3, SIDE, SIDE), Cell(0.5, 0.5, 0.5)
    picture = put_together(ground, [square(BLUE), square(RED)], [cell, cell], SIDE)
    assert picture[0, :, 32, 32].tolist() == [-1, -1, 1]


def test_a_higher_layer_is_in_front():
    ground, cell = torch.zeros(1, 3, SIDE, SIDE), Cell(0.5, 0.5, 0.5)
    cells = [cell, cell._replace(layer=1)]
    picture = put_together(ground, [square(BLUE), square(RED)], cells, SIDE)
    assert picture[0, :, 32, 32].tolist() == [1, -1, -1]


def test_riders_sit_what_is_inside_is_hidden_and_what_is_held_is_small():
    rider, mount = cells_of("riding", [1, 1], "in a meadow")
    assert rider.y > mount.y
    assert (rider.hold, mount.hold) == (1, 0)
    assert mount.stands
    assert not rider.stands
    content, vessel = cells_of("inside", [1, 1])
    assert content.layer < vessel.layer
    assert content.y - vessel.y == pytest.approx(DEPTHS["inside"])
    holder, held = cells_of("holding", [1, 1])
    assert held.side < holder.side / 2
    assert held.layer > holder.layer
    assert held.x > holder.x


def test_a_thing_at_the_rim_is_moved_in():
    ground = torch.zeros(1, 3, SIDE, SIDE)
    picture = put_together(ground, [square(RED)], [Cell(1.0, 1.0, 0.5)], SIDE)
    assert (picture[0, 0] == 1).sum() == pytest.approx((FULL * 32) ** 2 * 2 / 3, rel=0.1)


class Disc(torch.nn.Module):
    """A matte that knows: what is red is a thing. (The real one's accuracy is its training's.)"""

    config = tiny().matte

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(20.0))

    def forward(self, pixels, backdrop):
        red = pixels[:, :1] - pixels[:, 2:]
        return self.scale * (red - 1)


def drawn_disc(radius=0.2, x=0.5, y=0.5):
    line = (torch.arange(SIDE) + 0.5) / SIDE
    rows, columns = torch.meshgrid(line, line, indexing="ij")
    sky = torch.tensor([-0.5, 0.0, 0.8]).view(3, 1, 1).expand(3, SIDE, SIDE).clone()
    sky[:, SIDE // 2 :] = torch.tensor([-0.6, 0.4, -0.5]).view(3, 1, 1)
    disc = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
    return torch.where(disc, 2 * RED.view(3, 1, 1) - 1, sky)[None], disc


def test_what_is_cut_out_is_the_thing_alone():
    pixels, disc = drawn_disc(0.2, 0.4)
    cut = cut_out(Disc(), pixels)
    assert cut.alpha.shape[-1] == pytest.approx(disc.any(0).sum().item(), abs=3)
    middle = cut.colours.shape[-1] // 2
    assert cut.colours[0, :, middle, middle].tolist() == pytest.approx([1, 0, 0], abs=0.05)


def test_where_the_matte_finds_nothing_all_is_taken():
    pixels = torch.full((1, 3, SIDE, SIDE), -0.2)
    cut = cut_out(Disc(), pixels)
    assert cut.alpha.shape == (1, 1, SIDE, SIDE)
    assert (cut.alpha == 1).all()


def test_a_thing_is_dyed_where_it_is_of_another_colour():
    thing = square(RED)
    blue = dyed(thing, "blue")
    assert nearest_colour((255 * blue.colours[0, :, 0, :4].T).byte().numpy()) == "blue"
    assert torch.equal(blue.alpha, thing.alpha)
    assert dyed(thing, "red") is thing
    assert dyed(thing, None) is thing


def test_a_silhouette_is_dark_and_keeps_its_outline():
    thing = square(RED)
    shape = dark(thing)
    assert shape.colours.shape == thing.colours.shape
    assert shape.colours.max() < 0.1
    assert torch.equal(shape.alpha, thing.alpha)


def test_a_thing_is_not_lost_before_its_ground():
    white = torch.full((1, 3, SIDE, SIDE), 0.98)
    assert set_off(white, ["red", "black"]) is white
    other = set_off(white, ["white", "blue"])
    assert (other[0, :, 0, 0] < 0.9).any()
    assert nearest_colour(((other[0, :, :1, 0].T + 1) * 127.5).byte().numpy()) not in (
        "blue",
        "red",
    )


def test_what_is_too_small_to_have_a_colour_is_left():
    thing = square(RED, 3, 3)
    assert dyed(thing, "blue") is thing


@pytest.mark.parametrize("x", [0.5, 0.1, 0.0])
def test_a_ground_keeps_its_horizon_and_nothing_of_the_thing(x):
    pixels, disc = drawn_disc(0.3, x)
    ground = ground_of(Disc(), pixels)
    truth, _ = drawn_disc(0.0)
    assert (ground - truth).abs().mean() < 0.06
    assert (ground[0, 0][disc] < 0.3).all(), "no red is left"
    rows = truth[0, :, :, 5]
    assert torch.allclose(ground[0, :, :, SIDE // 2][:, :8], rows[:, :8], atol=0.02)


@pytest.fixture(scope="module")
def cascade(random_modules, tokenizer):
    """The tiny bundle, with a memory that knows a cat and a dog by its own text tower."""
    modules = random_modules(tiny())
    bundle = make_bundle(tiny(), tokenizer, modules, dtype=torch.float32)
    memory = modules["memory"]
    assert isinstance(memory, Memory)
    names = Cascade(bundle).text.embeddings(["cat", "cats", "dog"])
    drawings = torch.nn.functional.normalize(torch.randn(4, names.shape[1]), dim=1)
    memory.remember(drawings, torch.zeros(4), [2, 2], names, [0, 0, 1], [-1] * 4, [-1] * 3)
    return Cascade(bundle)


def made(cascade, prompt, **values):
    request = Generation(prompt, **{"seed": 5, "size": "256x256", **values})
    return list(generate(cascade, request))


def pictures(events):
    return [event for event in events if isinstance(event, Picture)]


def test_a_prompt_of_several_things_is_drawn_in_layers(cascade):
    (picture,) = pictures(made(cascade, "two cats and a dog in a forest"))
    assert picture.settings["layers"] == ["a cat", "a dog", "a cat in a forest"]
    assert picture.settings["prompt"] == "two cats and a dog in a forest"
    (plain,) = pictures(made(cascade, "a cat"))
    assert "layers" not in plain.settings


def test_a_colour_is_left_out_of_what_is_drawn(cascade, monkeypatch):
    monkeypatch.setattr(assemble, "EXACT", 2.0)  # to random networks most words are one
    (picture,) = pictures(made(cascade, "a green cat"))
    assert picture.settings["layers"] == ["a cat, dyed green"]


def test_a_painterly_style_is_put_over_the_finished_picture(cascade):
    (picture,) = pictures(made(cascade, "an oil painting of a cat and a dog"))
    (plain,) = pictures(made(cascade, "a cat and a dog"))
    assert picture.settings["paint"] == "oil painting"
    assert picture.settings["prompt"] == "an oil painting of a cat and a dog"
    assert picture.image.tobytes() == painted(plain.image, "oil painting", 5).tobytes()
    assert "paint" not in plain.settings


def test_a_plain_backdrop_needs_no_picture_of_it(cascade):
    (picture,) = pictures(made(cascade, "a cat on a light blue background", size="64x64"))
    assert picture.settings["layers"] == ["a cat"]
    corner = np.asarray(picture.image)[:2, :2].reshape(-1, 3).mean(0)
    assert corner == pytest.approx(BACKGROUND_COLOURS["light blue"], abs=1)
    (other,) = pictures(made(cascade, "a cat on a blurry background", size="64x64"))
    assert other.settings["layers"] == ["a cat", "a cat on a blurry background"]


@pytest.mark.parametrize("prompt", ["!! and ??", "1 , 2", "red  ...", "a cat and", "in a forest"])
def test_prompts_without_words_or_things(cascade, prompt):
    assert len(pictures(made(cascade, prompt, size="64x64"))) == 1


def test_its_steps_are_counted_over_the_layers(cascade):
    events = made(cascade, "a cat and a dog", n=2)
    sampling = cascade.bundle.config.sampling
    for stage, steps in [
        ("prior", 2 * sampling["prior"].steps),
        ("decoder", 2 * sampling["decoder"].steps),
        ("upsampler_256", 4 * sampling["upsampler_256"].steps),
    ]:
        seen = [e for e in events if isinstance(e, Progress) and e.stage == stage]
        assert [e.step for e in seen] == list(range(1, steps + 1))
        assert {e.steps for e in seen} == {steps}


def test_its_pictures_are_the_same_in_any_company(cascade):
    together = pictures(made(cascade, "a cat and a dog", n=3))
    for k, picture in enumerate(together):
        (alone,) = pictures(made(cascade, "a cat and a dog", seed=5 + k))
        difference = np.abs(np.asarray(alone.image, int) - np.asarray(picture.image, int))
        assert difference.max() <= 1


@pytest.mark.parametrize("size", ["64x64", "512x512", "1024x1024", "512x256"])
def test_sizes(cascade, size):
    (picture,) = pictures(made(cascade, "a cat and a dog", size=size))
    assert f"{picture.image.width}x{picture.image.height}" == size


def test_several_things_are_set_into_a_picture(cascade):
    (before,) = pictures(made(cascade, "a cat"))
    request = Outpainting(before.image, prompt="a cat and a dog", right=128, seed=1)
    (after,) = pictures(list(generate(cascade, request)))
    assert after.image.size == (384, 256)
    assert after.image.crop((0, 0, 256, 256)).tobytes() == before.image.tobytes()


def test_a_bundle_without_a_matte_draws_it_all_at_once(random_modules, tokenizer):
    modules = random_modules(tiny())
    del modules["matte"]
    cascade = Cascade(make_bundle(tiny(), tokenizer, modules))
    (picture,) = pictures(made(cascade, "a cat and a dog"))
    assert "layers" not in picture.settings
