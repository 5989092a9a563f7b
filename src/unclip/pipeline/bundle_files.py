"""A bundle on disk: what its files are and whether they are whole. Nothing here needs torch.

    bundle.json      name, version, licence, config, training record, size and SHA-256 of each file
    tokenizer.json   MODEL_CARD.md
    <component>.safetensors

Nothing is ever unpickled: a file that is not safetensors is refused by its first bytes.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import math
import mmap
import os
import re
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unclip.config import ModelConfig, model_config_from_json
from unclip.errors import BundleError, InvalidArgument

FORMAT = 1
MANIFEST, TOKENIZER, CARD = "bundle.json", "tokenizer.json", "MODEL_CARD.md"
RECORD = "record.json"
COMPONENTS = (
    "text",
    "image",
    "prior",
    "autoencoder",
    "decoder",
    "upsampler_256",
    "upsampler_1024",
    "matte",
    "memory",
)
"""In the order of the cascade; also the fields of `ModelConfig` and the names of the files."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_DTYPE_BYTES = {
    "F64": 8,
    "I64": 8,
    "F32": 4,
    "I32": 4,
    "F16": 2,
    "BF16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True)
class BundleInfo:
    """The checked content of `bundle.json`.

    Args:
        files: size in bytes and SHA-256 of every other file of the bundle.
        parameters: how many each component has.
        record: what each stage of training cost and reached.
    """

    path: Path
    name: str
    version: str
    licence: str
    config: ModelConfig
    parameters: dict[str, int]
    record: dict[str, Any]
    files: dict[str, tuple[int, str]]


def builtin_bundles() -> dict[str, Path]:
    """Bundles that ship in the package, by name."""
    folder = Path(str(importlib.resources.files("unclip"))) / "weights"
    return {file.parent.name: file.parent for file in sorted(folder.glob(f"*/{MANIFEST}"))}


def locate(name_or_path: str | os.PathLike[str]) -> Path:
    """The folder of a bundle: one that ships, by its name, or a path.

    Raises:
        InvalidArgument: it is neither; the message lists what there is.
    """
    shipped = builtin_bundles()
    name = os.fspath(name_or_path)
    if name in shipped:
        return shipped[name]
    if name and "\0" not in name and Path(name).is_dir():
        return Path(name)
    choices = f"it may be {', '.join([*shipped, ''])}the path of a bundle's folder"
    if name == "default":
        raise InvalidArgument("model", f"is 'default', which is not in this install; {choices}")
    if _HUB_ID.fullmatch(name) and not name.startswith("."):
        raise InvalidArgument(
            "model", f"is {name!r}: no such folder, and hub ids cannot be loaded yet; {choices}"
        )
    raise InvalidArgument("model", f"is {name!r}; {choices}")


def read_info(path: Path) -> BundleInfo:
    """Read and check `bundle.json`, and that every file it needs is there.

    Raises:
        BundleError: it is missing or unusable.
    """
    manifest = path / MANIFEST
    try:
        data = json.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BundleError(f"{manifest} is missing: {path} is not a bundle") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{manifest} cannot be read: {error}") from None
    try:
        if data["format"] != FORMAT:
            raise BundleError(f"{manifest} has format {data['format']!r}; it must be {FORMAT}")
        info = BundleInfo(
            path=path,
            name=str(data["name"]),
            version=str(data["version"]),
            licence=str(data["licence"]),
            config=model_config_from_json(data["config"]),
            parameters={str(k): int(v) for k, v in data["parameters"].items()},
            record=dict(data["training"]),
            files={str(k): (int(v["bytes"]), str(v["sha256"])) for k, v in data["files"].items()},
        )
    except KeyError as error:
        raise BundleError(f"{manifest} has no {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{manifest} is not a bundle's: {one_line(error)}") from None
    for file in [TOKENIZER, *(component_file(c) for c in components_of(info.config))]:
        if file not in info.files:
            raise BundleError(f"{manifest} does not list {file}, which its config needs")
    for file in info.files:
        if not (path / file).is_file():
            raise BundleError(f"{path / file} is missing")
    return info


def components_of(config: ModelConfig) -> list[str]:
    """Names of the networks that a config has."""
    return [name for name in COMPONENTS if getattr(config, name) is not None]


def component_file(name: str) -> str:
    """File name of a component."""
    return f"{name}.safetensors"


def check_safetensors(path: Path) -> None:
    """That a file is whole safetensors by its header, which is read as JSON and nothing more.

    Raises:
        BundleError: it is something else, such as a pickle, or is cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(9)
        length = struct.unpack("<Q", start[:8])[0] if len(start) == 9 else 0
        sane = start[8:9] == b"{" and length < 100_000_000
        if not sane:
            if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
                raise BundleError(f"{path} is a pickle, not safetensors; it was not opened")
            raise BundleError(f"{path} is not safetensors")
        if 8 + length > size:
            raise BundleError(f"{path} is cut short: its header is incomplete")
        raw = start[8:] + file.read(length - 1)
    try:
        header = json.loads(raw)
        end = 0
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            first, last = entry["data_offsets"]
            if last - first != math.prod(entry["shape"]) * _DTYPE_BYTES[entry["dtype"]]:
                raise ValueError(f"{name} has another size than its shape")
            end = max(end, last)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} has a broken safetensors header: {one_line(error)}") from None
    if 8 + length + end > size:
        raise BundleError(f"{path} is cut short: {size} bytes of {8 + length + end}")


def check_hash(path: Path, size: int, sha256: str) -> None:
    """Raises `BundleError` where a file is not the one that `bundle.json` lists."""
    if path.stat().st_size != size or sha256_of(path) != sha256:
        raise BundleError(f"{path} has another SHA-256 than bundle.json lists: it was altered")


def sha256_of(path: Path) -> str:
    """Hex digest of a file, read through a memory map: the load that follows finds it in memory."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return hashlib.sha256().hexdigest()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return hashlib.sha256(view).hexdigest()


def record_of(run: Path) -> dict[str, Any]:
    """What each stage of a run has cost and reached: `{stage: {minutes, pictures, losses, ...}}`.

    `training.json` is what the run began with; over it lies `<stage>/record.json` of every stage
    trained since, a file each, so that two trained at once cannot lose each other's.
    """
    began = run / "training.json"
    record: dict[str, Any] = json.loads(began.read_text("utf-8")) if began.is_file() else {}
    for file in sorted(run.glob(f"*/{RECORD}"), key=lambda f: f.stat().st_mtime):
        record[file.parent.name] = json.loads(file.read_text("utf-8"))
    return record


@contextmanager
def replacing_folder(out: Path) -> Iterator[Path]:
    """A new folder that takes the place of the bundle `out` once it is complete, or vanishes.

    Raises:
        InvalidArgument: `out` holds something that is not a bundle, or cannot be written.
    """
    if out.exists() and not (out / MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise InvalidArgument(
            "out", f"is {out}, which is no bundle; it may be a new or empty folder"
        )
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    old = out.with_name(f".{out.name}.{os.getpid()}.old")
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InvalidArgument(
            "out", f"is {out}, which cannot be written: {error.strerror}"
        ) from None
    try:
        yield partial
        if out.exists():
            out.rename(old)
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def one_line(error: Exception) -> str:
    """An error's message without its line breaks."""
    return " ".join(str(error).split())[:300]
