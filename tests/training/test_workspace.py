"""A run's folder: whole files or the old ones, and nothing but plain values read back."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from torch import nn

from unclip.config import tiny
from unclip.errors import InvalidArgument
from unclip.training.workspace import Workspace, write_atomically


def test_a_failing_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "sub" / "a.txt"
    write_atomically(file, lambda p: p.write_text("old"))

    def fail(path):
        path.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(file, fail)
    assert file.read_text() == "old"
    assert [p.name for p in file.parent.iterdir()] == ["a.txt"]


def test_components_come_back_in_float32(tmp_path):
    workspace = Workspace(tmp_path)
    module = nn.BatchNorm2d(3).bfloat16()
    module(torch.randn(2, 3, 4, 4).bfloat16())
    workspace.save("autoencoder", module)
    loaded = nn.BatchNorm2d(3)
    workspace.load("autoencoder", loaded)
    for key, value in loaded.state_dict().items():
        torch.testing.assert_close(value, module.state_dict()[key].to(value.dtype))
    assert workspace.has("autoencoder")
    assert not workspace.has("prior")


def test_a_component_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidArgument, match=r"^stage needs prior, which this run"):
        Workspace(tmp_path).load("prior", nn.Linear(1, 1))


def test_config_and_records(tmp_path):
    workspace = Workspace(tmp_path / "run")
    assert workspace.config is None
    assert workspace.record == {}
    workspace.save_config(tiny())
    assert workspace.config == tiny()
    workspace.save_record("clip", {"steps": 1})
    workspace.save_record("prior", {"steps": 2})
    workspace.save_record("clip", {"steps": 3})
    assert json.loads((tmp_path / "run/training.json").read_text()) == {
        "clip": {"steps": 3},
        "prior": {"steps": 2},
    }


def test_a_checkpoint_holds_plain_values_only(tmp_path):
    workspace = Workspace(tmp_path)
    assert workspace.load_checkpoint("clip") is None
    workspace.save_checkpoint("clip", {"step": 3, "weights": {"a": torch.ones(2)}})
    loaded = workspace.load_checkpoint("clip")
    assert loaded is not None
    assert loaded["step"] == 3
    workspace.save_checkpoint("clip", {"step": print})
    with pytest.raises(pickle.UnpicklingError):
        workspace.load_checkpoint("clip")
