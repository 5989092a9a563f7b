"""What the tests share: a bundle of real networks at the `tiny` preset, saved once a session."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from unclip import cli
from unclip.config import ModelConfig, tiny
from unclip.engine import Engine
from unclip.models.memory import Memory
from unclip.models.tokenizer import Tokenizer
from unclip.pipeline.bundle import Bundle, build_module, load_bundle, save_bundle
from unclip.pipeline.bundle_files import components_of
from unclip.provenance.keys import local_credential

CAPTIONS = ["a red apple", "two blue cats on a sofa", "a rocket, 3d render"]


def make_random_modules(config: ModelConfig, seed: int = 0) -> dict[str, nn.Module]:
    """Every network of a config with no weight at zero, so that each of them shows in a picture.

    Each has its own seed: a component more or less leaves the others, and their numbers, alone.
    """
    modules = {}
    with torch.random.fork_rng():
        for name in components_of(config):
            torch.manual_seed(zlib.crc32(name.encode()) + seed)
            modules[name] = build_module(name, config)
            for parameter in modules[name].parameters():
                noise = torch.randn(parameter.shape)
                if parameter.ndim > 1:
                    parameter.data = noise * parameter[0].numel() ** -0.5
                else:
                    parameter.data += 0.1 * noise
            if name == "memory":
                fill_memory(modules[name])
    return modules


def fill_memory(memory: nn.Module, things: int = 6, each: int = 3) -> None:
    """With drawings and names of no meaning, and as many names of no thing."""
    assert isinstance(memory, Memory)
    rows = torch.randn(things * (each + 2), memory.config.embed_dim)
    drawings, names = F.normalize(rows, dim=1).split((things * each, things * 2))
    of = [*range(things), *[-1] * things]
    styles = [k % each for k in range(len(drawings))], [-1] * len(of)
    memory.remember(drawings, torch.zeros(len(drawings)), [each] * things, names, of, *styles)


@pytest.fixture(scope="session")
def random_modules() -> Callable[..., dict[str, nn.Module]]:
    """`make_random_modules`, for tests that change or save networks."""
    return make_random_modules


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(CAPTIONS, 300)


@pytest.fixture(scope="session")
def bundle_path(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A saved bundle. Copy it before changing it."""
    path = tmp_path_factory.mktemp("bundles") / "tiny"
    record = {"clip": {"minutes": 1.0, "pictures": 10, "losses": {"loss": 0.5}}}
    modules = make_random_modules(tiny())
    save_bundle(path, tiny(), tokenizer, modules, record, version="1.2", licence="Apache-2.0")
    return path


@pytest.fixture(scope="session")
def bundle(bundle_path: Path) -> Bundle:
    """The saved bundle in float32, where two ways to one number can be compared closely."""
    return load_bundle(bundle_path, "cpu", torch.float32)


@pytest.fixture(scope="session")
def engine(bundle: Bundle) -> Engine:
    return Engine(bundle)


@pytest.fixture(autouse=True, scope="session")
def own_signing_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Certificates that the tests make are not the machine's."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        local_credential()  # which says so loudly, once
        yield


@pytest.fixture
def unclip(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        return stopped.value.code, out, err

    return run
