from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from unclip.errors import BundleError, InvalidArgument
from unclip.evaluation.judge import Judge
from unclip.evaluation.vocabulary import FILE, STYLES


@pytest.fixture
def pictures(composer):
    rng = np.random.default_rng(0)
    return [Image.fromarray(composer.render(composer.sample(rng), 64)) for _ in range(3)]


def test_a_saved_judge_sees_the_same(judge, pictures, tmp_path):
    judge.save(tmp_path / "judge")
    again = Judge.load(tmp_path / "judge")
    for seen, before in zip(again.look(pictures), judge.look(pictures), strict=True):
        assert [d.name for d in seen.detections] == [d.name for d in before.detections]
        for one, other in zip(seen.detections, before.detections, strict=True):
            assert one.box == pytest.approx(other.box, abs=0.01)  # half precision
    assert again.names == judge.names
    assert again.record["training"] == {"minutes": 0.1}


def test_the_shipped_one_knows_the_vocabulary_and_passed_its_exam(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    judge = Judge.load()
    assert list(judge.names) == list(json.loads(FILE.read_text("utf-8")))
    assert judge.styles == STYLES
    exam = judge.record["exam"]
    for part, least in (("true", 0.9), ("wrong", 0.0)):
        right, n = (sum(rate[key] for rate in exam[part].values()) for key in ("right", "n"))
        assert n == 3200
        assert least <= right / n <= least + 0.1
    judge.save(tmp_path / "unclip" / "judge")
    (tmp_path / "unclip" / "judge" / "judge.json").write_text("{")
    with pytest.raises(BundleError):  # one of one's own comes first
        Judge.load()


def test_a_batch_sees_what_one_sees(judge, pictures):
    every = judge.look(pictures)
    for picture, sight in zip(pictures, every, strict=True):
        (alone,) = judge.look([picture])
        assert alone.style == sight.style
        assert [d.name for d in alone.detections] == [d.name for d in sight.detections]


def test_pictures_of_any_size(judge, pictures):
    large = pictures[0].resize((256, 256), Image.Resampling.NEAREST).convert("RGBA")
    assert len(judge.look([large, pictures[1]])) == 2
    assert judge.look([]) == []
    assert len(judge.look([Image.new("RGB", (64, 64))])) == 1


def test_mistakes(judge, tmp_path):
    with pytest.raises(InvalidArgument, match="unclip eval train-judge"):
        Judge.load(tmp_path)
    judge.save(tmp_path)
    weights, manifest = tmp_path / "judge.safetensors", tmp_path / "judge.json"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(BundleError, match="another SHA-256"):
        Judge.load(tmp_path)
    weights.write_bytes(b"\x80\x04\x95.")
    with pytest.raises(BundleError, match="pickle"):
        Judge.load(tmp_path)
    manifest.write_text(json.dumps({"format": 99}))
    with pytest.raises(BundleError, match="format"):
        Judge.load(tmp_path)
    manifest.write_text("{")
    with pytest.raises(BundleError, match="cannot be read"):
        Judge.load(tmp_path)
