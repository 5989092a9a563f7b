from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from unclip.errors import InvalidArgument
from unclip.evaluation import train_judge
from unclip.evaluation.judge import Judge
from unclip.evaluation.study import Study
from unclip.evaluation.train_judge import JudgeObjective, JudgeRecipe, train

TINY = JudgeRecipe(minutes=None, steps=3, batch_size=4, warmup_steps=1)


def test_training_makes_a_judge_that_is_examined(store, tmp_path, monkeypatch):
    monkeypatch.setattr(train_judge, "EXAM_PROMPTS", 1)
    said = []
    folder, exam = train(tmp_path / "judge", recipe=TINY, store=store.path, on_log=said.append)
    judge = Judge.load(folder)
    assert judge.record["training"]["steps"] == 3
    assert judge.record["training"]["command"] == "unclip eval train-judge"
    assert judge.record["exam"]["true"]["counting"]["n"] == exam.true["counting"].n == 4
    assert any("judge" in line for line in said)


def test_a_judge_is_trained_further(store, tmp_path, monkeypatch):
    """From the weights of another, on scenes that it has not seen, at half the rate."""
    monkeypatch.setattr(train_judge, "EXAM_PROMPTS", 1)
    first, _ = train(tmp_path / "first", recipe=TINY, store=store.path, on_log=str)
    still = dataclasses.replace(TINY, muon_lr=0.0, adamw_lr=0.0)
    second, _ = train(
        tmp_path / "second", recipe=still, start_from=first, store=store.path, on_log=str
    )
    before, after = Judge.load(first), Judge.load(second)
    weights = zip(before.detector.parameters(), after.detector.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    record = after.record["training"]
    assert record["from"] == f"{first} {before.record['sha256'][:8]}"
    assert record["recipe"]["seed"] == before.pictures == 12
    assert record["recipe"]["decay_fraction"] == 1
    assert after.pictures == 24


def test_a_judge_of_other_things_is_no_start(store, tmp_path):
    with pytest.raises(InvalidArgument, match="--from is a judge of other things"):
        train(tmp_path, recipe=TINY, start_from=Path("shipped"), store=store.path)


def test_it_learns(vocabulary, composer):
    """Twelve steps on one batch bring every loss down."""
    objective = JudgeObjective(dataclasses.replace(TINY, batch_size=8), Study(vocabulary, composer))
    batch = objective.batch(0)
    optimizer = torch.optim.AdamW(objective.parameters(), 1e-3)
    losses = []
    for _ in range(12):
        now = objective(batch)
        now["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append({key: value.item() for key, value in now.items()})
    for key in ("loss", "centre", "kind", "style", "box", "colour"):
        assert losses[-1][key] < losses[0][key], key
