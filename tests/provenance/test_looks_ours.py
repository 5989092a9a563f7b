"""The guess from looks: what it measures, and that it learns."""

import numpy as np
import pytest
import torch
from PIL import Image
from provenance_pictures import drawing
from torch import nn

from unclip.provenance.detector import Detector, features, load_detector
from unclip.training.provenance.detector import judge, pictures, save, train, with_threshold
from unclip.training.provenance.edits import EDITS, at_random, softened


def blurred(seed):
    """What a small model might draw."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(colours).resize((256, 256), Image.Resampling.BICUBIC)


def drawn(seeds):
    return [drawing(seed, (256, 256)) for seed in seeds]


@pytest.fixture(scope="module")
def learned():
    return train([blurred(k) for k in range(12)], drawn(range(24)), copies=1)


def test_it_learns_to_tell_two_kinds_apart(learned):
    others = drawn(range(100, 110))
    detector = with_threshold(learned, others)
    assert sum(detector.score(image) > 0 for image in others) <= 1
    assert all(detector.score(blurred(k)) > 0 for k in range(100, 110))


def test_it_computes_what_was_trained(learned):
    rows = np.stack([features(image) for image in drawn(range(3))])
    hidden = nn.Linear(*learned.hidden.shape)
    hidden.weight.data = torch.from_numpy(learned.hidden.T)
    hidden.bias.data = torch.from_numpy(learned.hidden_bias)
    inside = hidden(torch.from_numpy((rows - learned.mean) / learned.scale))
    slow = nn.functional.silu(inside).detach().numpy() @ learned.out + learned.bias
    assert learned.scores(rows) == pytest.approx(slow, abs=1e-4)
    assert learned.score(drawing(0, (256, 256))) == pytest.approx(float(slow[0]), abs=1e-4)


def test_what_is_saved_is_loaded(learned, tmp_path, monkeypatch):
    path = tmp_path / "detector.safetensors"
    save(learned, {"made": 12}, path)
    monkeypatch.setattr("unclip.provenance.detector.WEIGHTS", path)
    load_detector.cache_clear()
    loaded = load_detector()
    load_detector.cache_clear()
    assert isinstance(loaded, Detector)
    assert loaded.record == {"made": 12}
    assert loaded.score(blurred(0)) == learned.score(blurred(0))


def test_the_one_that_ships_says_how_it_was_judged():
    record = load_detector().record
    assert record["true positives"].keys() == EDITS.keys()
    assert record["false positives"].keys() == EDITS.keys()
    # a hint: better than chance by far, and seldom wrong of a drawing
    assert record["true positives"]["none"] > 20 * record["false positives"]["none"]
    assert record["false positives"]["none"] <= 0.005


def test_drawings_of_plain_shapes_are_not_taken_for_ours():
    scores = [load_detector().score(image) for image in drawn(range(20))]
    assert sum(score > 0 for score in scores) <= 2


def test_features_are_of_the_middle_square_at_any_size():
    image = drawing(0, (256, 256))
    wide = Image.new("RGB", (400, 256), "blue")
    wide.paste(image, (72, 0))
    assert features(wide) == pytest.approx(features(image), abs=1e-5)
    for odd in (Image.new("RGB", (1, 1)), Image.new("L", (30, 9)), image.convert("RGBA")):
        assert np.isfinite(features(odd)).all()


@pytest.mark.parametrize("name", EDITS)
def test_every_edit_makes_a_picture(name):
    edited = EDITS[name](drawing(0, (256, 256)), np.random.default_rng(0))
    assert edited.mode == "RGB"
    assert min(edited.size) >= 128


def test_edits_at_random_are_a_function_of_the_seed():
    image = drawing(0, (256, 256))
    one, two = (at_random(image, np.random.default_rng(5)).tobytes() for _ in range(2))
    assert one == two
    assert softened(image, np.random.default_rng(0)).size == image.size


def test_judging_counts_after_each_edit(learned, tmp_path):
    blurred(1).resize((512, 300)).save(tmp_path / "a.png")
    (image,) = pictures(tmp_path)
    assert image.size == (437, 256)
    found = judge(learned, [image])
    assert found.keys() == EDITS.keys()
    assert set(found.values()) <= {0.0, 1.0}
