"""`unclip eval`: what it prints and writes, and one line for every mistake."""

from __future__ import annotations

import json

import pytest
import torch

from tiny_store import composer, packages, store  # noqa: F401
from unclip.evaluation.detector import Detector, DetectorConfig
from unclip.evaluation.judge import Judge
from unclip.evaluation.prompts import COLOURS
from unclip.evaluation.vocabulary import STYLES, Vocabulary


@pytest.fixture(scope="module")
def judge_path(store, tmp_path_factory):  # noqa: F811
    torch.manual_seed(0)
    vocabulary = Vocabulary(store)
    config = DetectorConfig(len(vocabulary), len(STYLES), len(COLOURS), (8, 8, 16), (8, 8, 16))
    path = tmp_path_factory.mktemp("judge")
    Judge(Detector(config), vocabulary.names, STYLES).save(path)
    return path


def test_world_prints_tables_or_json_and_writes_files(
    unclip,
    bundle_path,
    judge_path,
    store,  # noqa: F811
    tmp_path,
):
    asked = ["eval", "world", "--model", bundle_path, "--judge", judge_path, "--store", store.path]
    asked += ["--per-task", 1, "--images", 1, "--paraphrases", 1, "--candidates", 1]
    code, out, err = unclip(*asked, "-o", tmp_path / "new")
    assert code == 0, err
    assert out.index("The judge itself") < out.index("The model") < out.index("true renders of")
    for said in ("color_attr", "paraphrases", "ceiling", "Frechet distance, N =", "CLIP score"):
        assert said in out
    written = json.loads((tmp_path / "new" / "world.json").read_text())
    assert (tmp_path / "new" / "world.png").stat().st_size > 1000
    code, out, err = unclip(*asked, "--json")
    assert code == 0
    del written["answers"]
    assert json.loads(out) == written
    assert "The judge itself" in err


@pytest.mark.parametrize(
    ("named", "arguments"),
    [
        ("unclip eval train-judge", ["world", "--judge", "nowhere"]),
        ("per-task is 0", ["world", "--per-task", "0"]),
        ("images is 0", ["world", "--images", "0"]),
        ("paraphrases is 201", ["world", "--paraphrases", "201"]),
        ("size is", ["world", "--size", "12x12"]),
        ("model is", ["world", "--model", "nothing"]),
        ("corpus build", ["world", "--store", "nowhere"]),
        ("--minutes is 0", ["train-judge", "--minutes", "0"]),
        ("corpus build", ["train-judge", "--store", "nowhere"]),
        ("unclip eval train-judge", ["train-judge", "--from", "nowhere"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    unclip,
    bundle_path,
    judge_path,
    store,  # noqa: F811
    tmp_path,
    monkeypatch,
    named,
    arguments,
):
    monkeypatch.chdir(tmp_path)
    command, *rest = arguments
    known = {"--judge": judge_path, "--store": store.path}
    if command == "world":
        known |= {"--model": bundle_path, "-o": "out"}
    else:
        known["--judge"] = tmp_path / "judge"
    given = [word for key, value in known.items() if key not in rest for word in (key, value)]
    code, out, err = unclip("eval", command, *rest, *given)
    assert (code, out) == (2, "")
    assert err.startswith("unclip: ")
    assert err.count("\n") == 1
    assert named in err
    assert not list(tmp_path.iterdir())
