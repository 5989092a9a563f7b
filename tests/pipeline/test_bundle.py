"""Bundles: what is saved comes back, and what is broken is refused in one line."""

import json
import pickle
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from unclip.config import tiny
from unclip.errors import BundleError, InvalidArgument
from unclip.pipeline.bundle import (
    default_dtype,
    export_workspace,
    load_bundle,
    make_bundle,
    save_bundle,
)
from unclip.pipeline.bundle_files import (
    COMPONENTS,
    check_safetensors,
    locate,
    read_info,
    sha256_of,
)


@pytest.fixture
def copy(bundle_path, tmp_path):
    return shutil.copytree(bundle_path, tmp_path / "copy")


def relist(path):
    """Make `bundle.json` agree with the files as they are now."""
    data = json.loads((path / "bundle.json").read_text())
    for name, entry in data["files"].items():
        entry["bytes"] = (path / name).stat().st_size
        entry["sha256"] = sha256_of(path / name)
    (path / "bundle.json").write_text(json.dumps(data))


def refused(path):
    with pytest.raises(BundleError) as caught:
        load_bundle(path, "cpu")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_round_trip(bundle, bundle_path, random_modules):
    original = random_modules(tiny())
    assert bundle.config == tiny()
    assert (bundle.name, bundle.version, bundle.licence) == ("tiny", "1.2", "Apache-2.0")
    assert bundle.record["clip"]["pictures"] == 10
    assert set(bundle.modules) == set(COMPONENTS)
    for name, module in bundle.modules.items():
        assert not module.training
        for key, value in module.state_dict().items():
            assert value.device.type == "cpu"
            torch.testing.assert_close(
                value, original[name].state_dict()[key], rtol=1e-3, atol=1e-4
            )
    info = read_info(bundle_path)
    assert info.parameters == bundle.parameters
    assert sum(size for size, _ in info.files.values()) < 2_000_000


def test_float16_keeps_more_of_a_weight_than_bfloat16(random_modules):
    weight = next(iter(random_modules(tiny())["decoder"].parameters()))
    error = {
        t: (weight.to(t).float() - weight).abs().mean() for t in (torch.float16, torch.bfloat16)
    }
    assert 6 < error[torch.bfloat16] / error[torch.float16] < 10


def test_networks_run_in_the_fast_precision_and_buffers_stay_exact(bundle_path):
    loaded = load_bundle(bundle_path, "cpu", torch.bfloat16)
    assert loaded.prior.query.dtype == torch.bfloat16
    assert loaded.prior.mean.dtype == torch.float32
    assert default_dtype(torch.device("cpu")) in (torch.bfloat16, torch.float32)


def test_saving_replaces_a_bundle_but_nothing_else(tokenizer, tmp_path, random_modules):
    modules = random_modules(tiny())
    out = tmp_path / "b"
    for version in ("1", "2"):
        save_bundle(out, tiny(), tokenizer, modules, {}, version=version, licence="MIT")
    assert read_info(out).version == "2"
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("keep")
    with pytest.raises(InvalidArgument, match="out is"):
        save_bundle(other, tiny(), tokenizer, modules, {}, version="1", licence="MIT")
    assert [file.name for file in other.iterdir()] == ["mine.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b", "other"]


def test_a_save_that_fails_leaves_nothing(tokenizer, tmp_path, random_modules):
    modules = random_modules(tiny())
    with torch.no_grad():
        next(modules["decoder"].parameters()).fill_(1e6)
    with pytest.raises(BundleError, match="not finite"):
        save_bundle(tmp_path / "b", tiny(), tokenizer, modules, {}, version="1", licence="MIT")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["prior.safetensors", "tokenizer.json", "MODEL_CARD.md"])
def test_a_missing_file(copy, name):
    (copy / name).unlink()
    assert f"{name} is missing" in refused(copy)


def test_a_missing_manifest(tmp_path):
    assert "bundle.json is missing" in refused(tmp_path)


def test_one_flipped_bit(copy):
    file = copy / "decoder.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    assert "decoder.safetensors has another SHA-256" in refused(copy)


def test_an_altered_tokenizer(copy):
    (copy / "tokenizer.json").write_text("{}")
    assert "tokenizer.json has another SHA-256" in refused(copy)


@pytest.mark.parametrize("keep", [0, 5, 9, 200, -1])
def test_cut_short(copy, keep):
    file = copy / "text.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert "text.safetensors is" in refused(copy)
    relist(copy)
    assert "text.safetensors is" in refused(copy)


class Trap:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_unopened(copy, tmp_path, protocol):
    trap = tmp_path / "sprung"
    (copy / "image.safetensors").write_bytes(pickle.dumps(Trap(str(trap)), protocol))
    relist(copy)
    assert "image.safetensors is a pickle, not safetensors; it was not opened" in refused(copy)
    assert not trap.exists()


def test_a_torch_checkpoint_is_refused_unopened(copy):
    torch.save({"a": torch.zeros(2)}, copy / "image.safetensors")
    relist(copy)
    assert "is a pickle" in refused(copy)


def test_other_content(copy):
    (copy / "image.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{]]]]")
    relist(copy)
    assert "has a broken safetensors header" in refused(copy)


def test_a_header_whose_length_looks_like_a_pickle_is_no_pickle(tmp_path):
    file = tmp_path / "a.safetensors"
    header = json.dumps({"__metadata__": {"pad": "x"}}).encode()
    header = header.ljust(0x0480)
    file.write_bytes(struct.pack("<Q", len(header)) + header)
    assert file.read_bytes()[:2] == b"\x80\x04"
    check_safetensors(file)


def test_networks_that_the_config_does_not_describe(copy):
    file = copy / "prior.safetensors"
    state = load_file(file)
    query = state.pop("query")
    save_file(state, file)
    relist(copy)
    assert "prior.safetensors has no query" in refused(copy)
    save_file({**state, "query": query, "extra": torch.zeros(1)}, file)
    relist(copy)
    assert "prior.safetensors has extra" in refused(copy)
    save_file({**state, "query": query[..., :-1].contiguous()}, file)
    relist(copy)
    assert "query of shape (1, 1, 31)" in refused(copy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("config"), "no 'config'"),
        (lambda d: d.update(format=9), "format 9"),
        (lambda d: d.update(config={"name": "x"}), "is not a bundle's"),
        (lambda d: d.update(files=[]), "is not a bundle's"),
        (lambda d: d["files"].pop("prior.safetensors"), "does not list prior.safetensors"),
        (lambda d: d["config"]["text"].update(depth=3), "has no blocks.2"),
        (lambda d: d["config"]["text"].update(vocab_size=100), "shape"),
        (lambda d: d["config"]["upsampler_256"].update(unshuffle=0), "upsampler_256"),
    ],
)
def test_a_manifest_that_is_wrong(copy, change, said):
    data = json.loads((copy / "bundle.json").read_text())
    change(data)
    (copy / "bundle.json").write_text(json.dumps(data))
    assert said in refused(copy)


def test_a_manifest_that_is_no_json(copy):
    (copy / "bundle.json").write_bytes(b"\xff{")
    assert "bundle.json cannot be read" in refused(copy)


@pytest.mark.parametrize("model", ["nothing", "kakaobrain/karlo-v1-alpha", "", "a\0b"])
def test_an_unknown_model_is_told_what_there_is(model):
    with pytest.raises(InvalidArgument, match="the path of a bundle's folder") as caught:
        locate(model)
    assert caught.value.argument == "model"
    assert ("hub ids cannot be loaded yet" in str(caught.value)) == ("karlo" in model)


def test_an_unknown_device(bundle_path):
    with pytest.raises(InvalidArgument, match="device"):
        load_bundle(bundle_path, "abacus")


def test_a_run_becomes_a_bundle(tokenizer, tmp_path, random_modules):
    run, out = tmp_path / "run", tmp_path / "out"
    run.mkdir()
    with pytest.raises(InvalidArgument, match="run is"):
        export_workspace(run, out)
    (run / "config.json").write_text(json.dumps(tiny().to_json()))
    (run / "training.json").write_text(json.dumps({"clip": {"minutes": 3}}))
    tokenizer.save(run / "tokenizer.json")
    modules = random_modules(tiny())
    for name, module in modules.items():
        if name != "prior":
            save_file(module.state_dict(), run / f"{name}.safetensors")
    with pytest.raises(InvalidArgument, match="has no prior yet"):
        export_workspace(run, out)
    save_file(modules["prior"].state_dict(), run / "prior.safetensors")
    export_workspace(run, out, version="3", licence="MIT")
    loaded = load_bundle(out, "cpu", torch.float32)
    assert (loaded.name, loaded.version, loaded.record) == ("out", "3", {"clip": {"minutes": 3}})
    assert "clip" in (out / "MODEL_CARD.md").read_text()


def test_a_bundle_can_be_made_of_networks_in_memory(tokenizer, random_modules):
    modules = random_modules(tiny())
    made = make_bundle(tiny(), tokenizer, modules, dtype=torch.float32)
    assert not any(p.requires_grad for m in made.modules.values() for p in m.parameters())
