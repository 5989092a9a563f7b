"""Training that starts from a bundle: what is taken over, what is refused, what the record says."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file
from torch.optim.optimizer import register_optimizer_step_post_hook

import unclip
from unclip.config import tiny as tiny_model
from unclip.errors import BundleError, InvalidArgument
from unclip.models.dit import Sketch
from unclip.pipeline.bundle import export_workspace, load_bundle, save_bundle
from unclip.pipeline.bundle_files import component_file, components_of, read_info
from unclip.training.loop import Start, train
from unclip.training.objectives import make_objective
from unclip.training.optim import EMA
from unclip.training.recipes import STAGES, tiny
from unclip.training.run import train_all, train_stage
from unclip.training.workspace import Workspace, networks_of

FROM = "tiny 1.2"


def quiet(_: str) -> None: ...


@pytest.fixture(scope="session")
def begun(bundle, bundle_path, tmp_path_factory):
    """A run that holds the shared bundle and has trained nothing. Copy it before changing it."""
    run = tmp_path_factory.mktemp("runs") / "begun"
    Workspace(run).fill(bundle, bundle_path)
    return run


@pytest.fixture
def start(store, bundle_path):
    """`unclip train STAGE --recipe tiny --from BUNDLE`, with changes."""

    def call(stage, run, **changes):
        values = {"recipe": "tiny", "start_from": bundle_path, "store": store.path, **changes}
        return train_stage(stage, run, on_log=quiet, **values)

    return call


def test_filling_a_run_is_the_reverse_of_exporting_it(begun, bundle_path, tmp_path):
    for name in components_of(tiny_model()):
        state = load_file(begun / component_file(name))
        whole = (torch.int64, torch.int32, torch.int8)
        assert all(v.dtype in (torch.float32, *whole) for v in state.values())
    workspace = Workspace(begun)
    assert workspace.config == tiny_model()
    assert workspace.filled_from(bundle_path)
    export_workspace(begun, tmp_path / "tiny", version="1.2")
    again, first = read_info(tmp_path / "tiny"), read_info(bundle_path)
    assert dataclasses.replace(again, path=first.path) == first


@pytest.mark.parametrize("stage", STAGES)
def test_the_trained_networks_and_their_average_start_from_the_bundle(
    stage, begun, bundle, composer
):
    objective = make_objective(tiny(stage), Workspace(begun), composer, bundle)
    objective.freeze_others()
    average = EMA(objective, 1.0).average
    for name, component in objective.components().items():
        if name == "memory":  # is filled anew, by the towers that there are
            continue
        state = networks_of(bundle)[name].state_dict()
        for key, value in component.state_dict().items():
            assert torch.equal(value, state[key]), key
        for key, parameter in component.named_parameters():
            if parameter.requires_grad:  # what does not move has no average
                assert torch.equal(average[f"{name}.{key}"], state[key].float()), key
    fresh = make_objective(tiny(stage), Workspace(begun), composer)
    for name, component in fresh.components().items():
        state = networks_of(bundle)[name].state_dict()
        assert not all(torch.equal(v, state[k]) for k, v in component.state_dict().items())


def test_a_decoder_reads_what_the_image_tower_of_its_run_writes(begun, bundle, composer, tmp_path):
    run = Workspace(shutil.copytree(begun, tmp_path / "run"))
    sketch = Sketch(tiny_model().decoder)
    run.save("sketch", sketch)
    for start in (None, bundle):
        decoder = make_objective(tiny("decoder"), run, composer, start).decoder
        assert torch.equal(decoder.sketch.output.weight, sketch.output.weight)


def test_a_new_run_takes_over_the_bundle_and_trains_on(start, begun, bundle_path, tmp_path):
    run = tmp_path / "run"
    record = start("autoencoder", run)
    assert (record["from"], record["steps"]) == (FROM, 4)
    assert record["command"] == "unclip train autoencoder --from tiny"
    assert Workspace(run).record == {
        **read_info(bundle_path).record,
        "autoencoder": json.loads(json.dumps(record)),
    }
    changed = {
        file.name: file.read_bytes() != (begun / file.name).read_bytes()
        for file in run.iterdir()
        if file.is_file()
    }
    assert [name for name, other in changed.items() if other] == ["autoencoder.safetensors"]
    assert len(changed) == len(list(begun.iterdir()))
    export_workspace(run, tmp_path / "out")
    assert f"| autoencoder, from {FROM} | " in (tmp_path / "out/MODEL_CARD.md").read_text()


def test_the_average_remembers_what_the_bundle_had_seen(begun, bundle, composer, tmp_path):
    """A bundle's weights are an average, which a few pictures more hardly move."""
    moved = {}
    for pictures in (0, 10**9):
        run = shutil.copytree(begun, tmp_path / str(pictures))
        objective = make_objective(tiny("prior"), Workspace(run), composer, bundle)
        train(
            objective,
            tiny("prior"),
            Workspace(run),
            start=Start("tiny", "1.2", pictures),
            on_log=quiet,
        )
        after, before = load_file(run / "prior.safetensors"), load_file(begun / "prior.safetensors")
        moved[pictures] = sum(float((after[k] - before[k]).abs().sum()) for k in after)
    assert 0 < moved[10**9] < 0.01 * moved[0]


def test_every_stage_from_a_bundle(begun, bundle_path, store, tmp_path):
    run = tmp_path / "run"
    out = train_all(
        1e-6,  # a step of each
        run,
        tmp_path / "out",
        recipe="tiny",
        start_from=bundle_path,
        store=store.path,
        on_log=quiet,
    )
    record = unclip.load(out).bundle.record
    assert {stage: entry["from"] for stage, entry in record.items()} == dict.fromkeys(STAGES, FROM)
    for name in set(components_of(tiny_model())) - {"memory"}:  # which is not learned
        assert (run / component_file(name)).read_bytes() != (
            begun / component_file(name)
        ).read_bytes()


def test_resume_needs_no_bundle_and_still_names_it(start, begun, tmp_path):
    run = shutil.copytree(begun, tmp_path / "run")
    handle = register_optimizer_step_post_hook(lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with pytest.raises(KeyboardInterrupt):
            start("autoencoder", run)
    finally:
        handle.remove()
    assert Workspace(run).record["autoencoder"]["from"] == FROM
    record = start("autoencoder", run, resume=True, start_from=None)
    assert (record["from"], record["steps"]) == (FROM, 4)


def test_a_stage_trained_again_starts_fresh_unless_told(start, begun, tmp_path):
    run = shutil.copytree(begun, tmp_path / "run")
    assert "from" not in start("prior", run, start_from=None)
    fresh = load_file(run / "prior.safetensors")
    assert start("prior", run)["from"] == FROM
    warm, before = load_file(run / "prior.safetensors"), load_file(begun / "prior.safetensors")
    far, near = (
        float((state["image_in.weight"] - before["image_in.weight"]).norm())
        for state in (fresh, warm)
    )
    assert near < 0.5 * far


def test_a_run_with_another_model_is_left_alone(start, begun, bundle_path, tmp_path):
    Workspace(tmp_path / "run").save_config(tiny_model())
    with pytest.raises(InvalidArgument, match="holds another model already; name a new --run"):
        start("prior", tmp_path / "run")
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["config.json"]
    altered = shutil.copytree(bundle_path, tmp_path / "tiny")
    manifest = altered / "bundle.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": "1.3"}))
    with pytest.raises(InvalidArgument, match=r"--from is .*, but .*begun holds another model"):
        start("prior", begun, start_from=altered)


def test_a_bundle_that_is_not_there_or_broken_leaves_nothing(start, bundle_path, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(InvalidArgument, match=r"^--from is 'nothing'; it may be "):
        start("clip", run, start_from="nothing")
    broken = shutil.copytree(bundle_path, tmp_path / "broken")
    (broken / "prior.safetensors").write_bytes(b"\x80\x04\x95.")
    with pytest.raises(BundleError, match="is a pickle"):
        start("clip", run, start_from=broken)
    assert not run.exists()


def test_a_bundle_that_cannot_be_trained_is_named(start, tokenizer, random_modules, tmp_path):
    config = dataclasses.replace(tiny_model(), image=None)
    save_bundle(
        tmp_path / "blind",
        config,
        tokenizer,
        random_modules(config),
        {},
        version="1",
        licence="MIT",
    )
    with pytest.raises(InvalidArgument, match=r"^--from is .*blind, which has no image; it may be"):
        start("autoencoder", tmp_path / "run", start_from=tmp_path / "blind")
    assert not (tmp_path / "run").exists()
    assert load_bundle(tmp_path / "blind").image is None
