"""A run's folder: whole files or the old ones, and nothing but plain values read back."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from pathlib import Path

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
    assert workspace.record == {"clip": {"steps": 3}, "prior": {"steps": 2}}
    assert json.loads((tmp_path / "run/clip/record.json").read_text()) == {"steps": 3}


def test_what_a_run_began_with_counts_until_its_stage_is_trained(tmp_path):
    began = {"clip": {"steps": 1}, "prior": {"steps": 2}}
    (tmp_path / "training.json").write_text(json.dumps(began))
    workspace = Workspace(tmp_path)
    assert workspace.record == began
    workspace.save_record("decoder", {"steps": 4})
    workspace.save_record("clip", {"steps": 3})
    expected = {"clip": {"steps": 3}, "prior": {"steps": 2}, "decoder": {"steps": 4}}
    assert workspace.record == expected
    assert list(workspace.record) == list(expected)
    assert json.loads((tmp_path / "training.json").read_text()) == began


def save_many(run: Path, stage: str) -> None:
    for steps in range(200):
        Workspace(run).save_record(stage, {"steps": steps})
        for _ in range(3):  # what is saved stays, whatever the other saves meanwhile
            assert Workspace(run).record[stage] == {"steps": steps}


def test_two_stages_trained_at_once_keep_their_own_entries(tmp_path):
    stages = ("upsampler-256", "upsampler-1024")
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=save_many, args=(tmp_path, stage)) for stage in stages]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert Workspace(tmp_path).record == {stage: {"steps": 199} for stage in stages}


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
