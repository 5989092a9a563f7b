"""The examples run, as a reader would run them but in this process."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from tiny_store import composer, packages, store  # noqa: F401

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run one with arguments; gives what it printed."""

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_generate(example, bundle_path, tmp_path):
    out = example("generate.py", "a cat", "--model", bundle_path, "--out", tmp_path)
    assert "decoder 1 of" in out
    assert {"a-cat-7.png", "a-cat-8.png"} <= {file.name for file in tmp_path.iterdir()}
    assert list(tmp_path.glob("preview-1-*.png"))


def test_samplers(example):
    lines = example("samplers.py", "--points", 200).splitlines()
    distances = {line.split()[0]: line.split()[-1] for line in lines[1:]}
    assert float(distances["dpmpp_2m"]) < float(distances["ddim"])


def test_train_tiny(example, store, tmp_path):  # noqa: F811
    out = example("train_tiny.py", "--store", store.path, "--out", tmp_path)
    assert "decoder: 16 pictures, loss" in out
    assert (tmp_path / "apple.png").exists()


def test_every_example_is_here():
    assert {file.name for file in EXAMPLES.glob("*.py")} == {
        "generate.py",
        "samplers.py",
        "train_tiny.py",
    }
