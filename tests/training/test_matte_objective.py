"""What the matte network learns from: the true alpha of composed scenes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from unclip.config import tiny as tiny_model
from unclip.corpus.scene import Background
from unclip.pipeline.bundle import build_module
from unclip.training.objectives import make_objective
from unclip.training.objectives.matte import alpha_between, overlap
from unclip.training.recipes import tiny
from unclip.training.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    """A run that has come as far as its autoencoder, which starts at random here."""
    run = Workspace(tmp_path / "run")
    run.save_config(tiny_model())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        run.save("autoencoder", build_module("autoencoder", tiny_model()))
    return run


@pytest.fixture
def objective(workspace, composer):
    return make_objective(tiny("matte"), workspace, composer)


def on(scene, *colour):
    plain = Background("plain", "grey", (colour,))
    objects = tuple(dataclasses.replace(placed, shadow=False) for placed in scene.objects)
    return dataclasses.replace(scene, background=plain, objects=objects, filter=None)


def test_alpha_lays_a_scene_over_any_colour(composer):
    rng = np.random.default_rng(0)
    for _ in range(6):
        scene = composer.sample(rng)
        black, white, other = (
            composer.render(on(scene, *c), 64) for c in ((0,) * 3, (255,) * 3, (30, 200, 90))
        )
        alpha = alpha_between(black, white)
        assert 0 <= alpha.min() < alpha.max() == 1
        laid = black + (1 - alpha) * np.array((30, 200, 90))
        assert np.abs(laid - other).max() <= 2


def test_a_batch_has_every_scene_in_several_places(objective):
    batch = objective._batch(5, 0, 8)
    assert batch["pixels"].shape == (8, 3, 64, 64)
    assert batch["pixels"].abs().max() <= 1
    first, second = batch["alpha"][:2], batch["alpha"][2:4]
    assert torch.equal(first, second), "the same two scenes"
    assert not torch.equal(batch["pixels"][:2], batch["pixels"][2:4])
    again = objective._batch(5, 0, 8)
    assert all(torch.equal(batch[key], again[key]) for key in batch)


def test_overlap_is_iou():
    a, b = torch.zeros(2, 1, 10, 10), torch.zeros(2, 1, 10, 10)
    a[0, :, :, :6], b[0, :, :, 4:] = 1, 1
    torch.testing.assert_close(overlap(a, b), torch.tensor([21 / 101, 1.0]))


def test_the_loss_falls(workspace, train_in, losses):
    train_in("matte", workspace.path, steps=24, batch_size=8)
    assert sum(losses["matte"][-6:]) < 0.97 * sum(losses["matte"][:6])
    assert workspace.has("matte")
    assert 0 < workspace.record["matte"]["reached"]["iou"] <= 1


def test_a_run_from_before_there_was_one_gets_it(workspace, composer):
    config = workspace.config
    assert config is not None
    workspace.save_config(dataclasses.replace(config, matte=None))
    make_objective(tiny("matte"), workspace, composer)
    assert workspace.config == config
