"""Bundles: what is saved comes back, and what is broken is refused in one line."""

import json
import pickle
import shutil
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from unclip.config import MemoryConfig, tiny
from unclip.errors import BundleError, InvalidArgument
from unclip.models.memory import Memory
from unclip.pipeline.bundle import (
    _read,
    _save_module,
    default_dtype,
    export_workspace,
    fill,
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
    export_workspace(run, out, version="3", licence="MIT", eight_bits=["decoder"])
    loaded = load_bundle(out, "cpu", torch.float32)
    assert (loaded.name, loaded.version, loaded.record) == ("out", "3", {"clip": {"minutes": 3}})
    assert "clip" in (out / "MODEL_CARD.md").read_text()
    assert torch.int8 in {value.dtype for value in load_file(out / "decoder.safetensors").values()}


@pytest.fixture(scope="module")
def small_path(tmp_path_factory, tokenizer, random_modules):
    """The shared bundle with its prior and decoder in 8 bits. Copy it before changing it."""
    path = tmp_path_factory.mktemp("small") / "tiny"
    modules = random_modules(tiny())
    with torch.no_grad():
        modules["decoder"].blocks[0].mlp.down.weight[3] = 0
    eight_bits = ["prior", "decoder"]
    save_bundle(
        path, tiny(), tokenizer, modules, {}, version="1", licence="MIT", eight_bits=eight_bits
    )
    return path


def test_eight_bits_round_to_half_a_step_and_leave_the_rest(bundle_path, small_path):
    loaded = load_bundle(small_path, "cpu", torch.float16)
    for name in loaded.modules:
        file = f"{name}.safetensors"
        ordinary, small = load_file(bundle_path / file), load_file(small_path / file)
        large = {key.removesuffix(".scale") for key in small if key.endswith(".scale")}
        if name in ("prior", "decoder"):
            assert (small_path / file).stat().st_size < (bundle_path / file).stat().st_size
            parameters = loaded.modules[name].named_parameters()
            assert large == {k for k, p in parameters if p.ndim == 2 and p.shape[1] >= 128} != set()
        else:
            assert not large
        read = loaded.modules[name].state_dict()
        assert set(read) == set(ordinary)
        for key, weight in ordinary.items():
            assert read[key].dtype == weight.dtype
            if key not in large:
                assert torch.equal(read[key], weight)
                assert torch.equal(small[key], weight)
                continue
            assert small[key].dtype == torch.int8
            scale = small[f"{key}.scale"]
            assert (scale.dtype, scale.shape) == (torch.float32, (len(weight), 1))
            if key == "blocks.0.mlp.down.weight" and name == "decoder":
                assert scale[3] == 1
                assert not read[key][3].any()
                weight[3] = 0
            off = (read[key].float() - weight.float()).abs() / scale
            assert off.max() < 0.5 + 127 * 2**-11  # of which the second is float16's


def test_eight_bits_stay_as_they_are_when_saved_again(small_path, tokenizer, tmp_path):
    for dtype in (torch.float16, torch.float32):
        loaded, out = load_bundle(small_path, "cpu", dtype), tmp_path / "tiny"
        save_bundle(
            *(out, loaded.config, tokenizer, loaded.modules, loaded.record),
            **{"version": "1", "licence": "MIT", "eight_bits": ["decoder", "prior"]},
        )
        for file in small_path.iterdir():
            assert (out / file.name).read_bytes() == file.read_bytes(), file.name


def test_eight_bits_of_weights_that_they_cannot_hold(tokenizer, tmp_path, random_modules):
    modules = random_modules(tiny())
    arguments = {"version": "1", "licence": "MIT", "dtype": torch.float32}
    with pytest.raises(InvalidArgument, match="--eight-bits is 'd'; it may be text, image, prior"):
        save_bundle(tmp_path / "b", tiny(), tokenizer, modules, {}, eight_bits="d", **arguments)
    with torch.no_grad():
        modules["decoder"].blocks[0].mlp.down.weight.fill_(1e6)
    with pytest.raises(BundleError, match=r"mlp.down.weight is not finite in torch.float16"):
        save_bundle(
            tmp_path / "b", tiny(), tokenizer, modules, {}, eight_bits=["decoder"], **arguments
        )
    assert not list(tmp_path.iterdir())


def test_eight_bits_whose_scale_is_broken(small_path, tmp_path):
    path = shutil.copytree(small_path, tmp_path / "copy")
    file = path / "decoder.safetensors"
    state, key = load_file(file), "blocks.1.mlp.down.weight"
    scale = state.pop(f"{key}.scale")
    flat, wide = scale[:, 0].contiguous(), scale.expand(-1, 128).contiguous()
    for broken in (scale[:-1].contiguous(), flat, wide, scale[:1].clone(), scale.int()):
        save_file({**state, f"{key}.scale": broken}, file)
        relist(path)
        assert f"has {key}.scale of shape {tuple(broken.shape)} in" in refused(path)
    save_file(state, file)
    relist(path)
    assert f"has {key} in torch.int8; its config says torch.float32" in refused(path)
    for name in ("extra", "blocks.1.norm_mlp.weight", key):
        whole = {**state, key: state[key].half(), f"{name}.scale": scale}
        save_file(whole, file)
        relist(path)
        assert f"has {name}.scale, which its config does not describe" in refused(path)


def test_whole_numbers_that_are_the_networks_own_load_untouched(tmp_path):
    memory = Memory(MemoryConfig(5, 2, 128))
    for number, buffer in enumerate(memory.buffers(), 1):
        buffer.fill_(number)
    file = tmp_path / "memory.safetensors"
    _save_module(file, memory, torch.float16, eight_bits=True)
    loaded = Memory(memory.config)
    fill(loaded, _read(file), file)
    for key, value in memory.state_dict().items():
        assert loaded.state_dict()[key].dtype == value.dtype
        assert torch.equal(loaded.state_dict()[key], value)


def test_a_bundle_can_be_made_of_networks_in_memory(tokenizer, random_modules):
    modules = random_modules(tiny())
    made = make_bundle(tiny(), tokenizer, modules, dtype=torch.float32)
    assert not any(p.requires_grad for m in made.modules.values() for p in m.parameters())
