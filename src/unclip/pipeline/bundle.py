"""Bundles: a whole cascade loaded from a folder, or saved to one."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from unclip.config import DiTConfig, ModelConfig, model_config_from_json
from unclip.errors import BundleError, InvalidArgument
from unclip.models.autoencoder import Autoencoder
from unclip.models.dit import LatentTransformer
from unclip.models.image import ImageTower
from unclip.models.matte import MatteNet
from unclip.models.memory import Memory
from unclip.models.prior import Prior
from unclip.models.text import TextTower
from unclip.models.tokenizer import Tokenizer
from unclip.models.unet import UNet
from unclip.pipeline.bundle_files import (
    CARD,
    FORMAT,
    MANIFEST,
    TOKENIZER,
    BundleInfo,
    check_hash,
    check_safetensors,
    component_file,
    components_of,
    locate,
    one_line,
    read_info,
    record_of,
    replacing_folder,
    sha256_of,
)
from unclip.pipeline.eight_bits import WIDE, reduce, restore

_CONVOLUTIONAL = ("autoencoder", "decoder", "upsampler_256", "upsampler_1024", "matte")

_BUILDERS: dict[str, Callable[[Any], nn.Module]] = {
    "text": TextTower,
    "image": ImageTower,
    "prior": Prior,
    "autoencoder": Autoencoder,
    "decoder": lambda c: LatentTransformer(c) if isinstance(c, DiTConfig) else UNet(c),
    "upsampler_256": UNet,
    "upsampler_1024": UNet,
    "matte": MatteNet,
    "memory": Memory,
}


@dataclass(frozen=True)
class Bundle:
    """A cascade ready to sample from: its networks are in eval mode on `device`, in `dtype`.

    Buffers (the prior's scale, the latents' statistics) stay in float32.
    """

    name: str
    version: str
    licence: str
    config: ModelConfig
    tokenizer: Tokenizer
    modules: Mapping[str, nn.Module]
    record: Mapping[str, Any]
    device: torch.device
    dtype: torch.dtype
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each component's file; empty where it was read from none of ours."""

    @property
    def text(self) -> TextTower:
        return cast(TextTower, self.modules["text"])

    @property
    def image(self) -> ImageTower | None:
        return cast("ImageTower | None", self.modules.get("image"))

    @property
    def prior(self) -> Prior:
        return cast(Prior, self.modules["prior"])

    @property
    def autoencoder(self) -> Autoencoder | None:
        return cast("Autoencoder | None", self.modules.get("autoencoder"))

    @property
    def decoder(self) -> LatentTransformer | UNet:
        return cast("LatentTransformer | UNet", self.modules["decoder"])

    @property
    def matte(self) -> MatteNet | None:
        return cast("MatteNet | None", self.modules.get("matte"))

    @property
    def memory(self) -> Memory | None:
        return cast("Memory | None", self.modules.get("memory"))

    @property
    def parameters(self) -> dict[str, int]:
        """How many each component has."""
        return count_parameters(self.modules)


def build_module(name: str, config: ModelConfig) -> nn.Module:
    """The network of one component, with fresh weights, on the default device."""
    return _BUILDERS[name](getattr(config, name))


def count_parameters(modules: Mapping[str, nn.Module]) -> dict[str, int]:
    """Parameters of each."""
    return {name: sum(p.numel() for p in module.parameters()) for name, module in modules.items()}


def default_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor multiplies in it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if device.type == "cpu":
        known = torch.cpu.get_capabilities()
        if known.get("amx_bf16") or known.get("avx512_bf16"):
            return torch.bfloat16
    return torch.float32


def choose_device(device: str | torch.device | None = None) -> torch.device:
    """A GPU if there is one, unless the caller names a device.

    Raises:
        InvalidArgument: the device is unknown or not here.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError):
        raise InvalidArgument(
            "device", f"is {str(device)!r}, which is not here; it may be cpu or cuda"
        ) from None
    return chosen


def make_bundle(
    config: ModelConfig,
    tokenizer: Tokenizer,
    modules: Mapping[str, nn.Module],
    *,
    name: str = "unsaved",
    version: str = "0",
    licence: str = "",
    record: Mapping[str, Any] | None = None,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> Bundle:
    """Take networks as they are and ready them for sampling; they are changed in place."""
    device = device or torch.device("cpu")
    dtype = dtype or default_dtype(device)
    for key, module in modules.items():
        module.eval().requires_grad_(False)
        for parameter in module.parameters():
            parameter.data = parameter.data.to(device, dtype)
        for buffer in module.buffers():
            buffer.data = buffer.data.to(device)
        if key in _CONVOLUTIONAL:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Bundle(
        name, version, licence, config, tokenizer, dict(modules), record or {}, device, dtype
    )


def load_bundle(
    name_or_path: str | os.PathLike[str] = "default",
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> Bundle:
    """Load a bundle by the name of one that ships, or by its path.

    Args:
        dtype: of the networks; by default what `default_dtype` finds fastest.

    Raises:
        InvalidArgument: no such bundle or device.
        BundleError: a file is missing, altered, cut short, or not what the config describes.
    """
    chosen = choose_device(device)
    info = read_info(locate(name_or_path))
    for name in components_of(info.config):
        check_safetensors(info.path / component_file(name))
    # Hashing leaves Python's lock alone, so it costs nothing beside building and loading.
    with ThreadPoolExecutor(1) as beside:
        hashes = beside.map(lambda f: check_hash(info.path / f, *info.files[f]), info.files)
        try:
            tokenizer = Tokenizer.load(info.path / TOKENIZER)
            modules = {name: _load_module(name, info) for name in components_of(info.config)}
        except BundleError:
            list(hashes)  # an altered file is the better explanation
            raise
        list(hashes)
    if tokenizer.vocab_size > info.config.text.vocab_size:
        raise BundleError(
            f"{info.path / TOKENIZER} has {tokenizer.vocab_size} tokens; "
            f"bundle.json says {info.config.text.vocab_size}"
        )
    bundle = make_bundle(
        info.config,
        tokenizer,
        modules,
        name=info.name,
        version=info.version,
        licence=info.licence,
        record=info.record,
        device=chosen,
        dtype=dtype,
    )
    return replace(bundle, hashes={n: info.files[component_file(n)][1] for n in modules})


class _NoInit(TorchFunctionMode):
    """Networks built under it have whatever was in memory. Building on the meta device would do the
    same, but its first multiplication imports the compiler, which takes a second."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _load_module(name: str, info: BundleInfo) -> nn.Module:
    """Build without initial weights, then take the file's tensors as they are."""
    file = info.path / component_file(name)
    try:
        with _NoInit(), warnings.catch_warnings(action="ignore"):
            module = build_module(name, info.config)
    except (RuntimeError, ValueError, AssertionError, ZeroDivisionError) as error:
        raise BundleError(
            f"{info.path / MANIFEST} describes no {name} that can be built: {one_line(error)}"
        ) from None
    fill(module, _read(file), file)
    return module


def _read(file: Path) -> dict[str, Tensor]:
    check_safetensors(file)
    try:
        return restore(load_file(file), file)
    except (SafetensorError, OSError) as error:
        raise BundleError(f"{file} cannot be read: {one_line(error)}") from None


def fill(module: nn.Module, state: dict[str, Tensor], file: Path) -> None:
    """Give a module a file's tensors.

    Raises:
        BundleError: names or shapes differ, or one has whole numbers where the other has not.
    """
    wanted = module.state_dict()
    for key in [*wanted, *state]:
        if key not in state:
            raise BundleError(f"{file} has no {key}, which its config describes")
        if key not in wanted:
            raise BundleError(f"{file} has {key}, which its config does not describe")
        if state[key].shape != wanted[key].shape:
            raise BundleError(
                f"{file} has {key} of shape {tuple(state[key].shape)}; "
                f"its config says {tuple(wanted[key].shape)}"
            )
        if state[key].is_floating_point() != wanted[key].is_floating_point():
            raise BundleError(
                f"{file} has {key} in {state[key].dtype}; its config says {wanted[key].dtype}"
            )
    module.load_state_dict(state, assign=True)


def save_bundle(
    path: Path,
    config: ModelConfig,
    tokenizer: Tokenizer,
    modules: Mapping[str, nn.Module],
    record: Mapping[str, Any],
    *,
    version: str,
    licence: str,
    name: str | None = None,
    dtype: torch.dtype = torch.float16,
    eight_bits: Collection[str] = (),
) -> None:
    """Write a bundle, whole or not at all; one that is there is replaced.

    Parameters are stored in `dtype`, buffers as they are. float16 is the default because weights
    lie well inside its range (the default networks' are below 8) and it keeps three bits more than
    bfloat16 in the same two bytes: an error of 0.018 % against 0.14 % of the mean weight.

    Args:
        eight_bits: components whose matrices of 128 columns or more are stored in 8 bits a number,
            with a scale a row, and read as float16, where that costs less than 2 % of the mean
            weight: not where a diagonal of ones stands among small numbers. It halves the file of
            the default decoder, at an error of 0.9 %.

    Raises:
        BundleError: a weight is not finite in `dtype`.
        InvalidArgument: `path` holds something else, or cannot be written; a name in `eight_bits`
            is of no component here.
    """
    assert set(modules) == set(components_of(config)), "config and networks differ"
    for key in eight_bits:
        if key not in modules:
            allowed = ", ".join(components_of(config))
            raise InvalidArgument("--eight-bits", f"is {key!r}; it may be {allowed}")
    with replacing_folder(path) as folder:
        tokenizer.save(folder / TOKENIZER)
        for key, module in modules.items():
            _save_module(folder / component_file(key), module, dtype, key in eight_bits)
        sizes = count_parameters(modules)
        name = name or path.resolve().name
        (folder / CARD).write_text(model_card(name, version, licence, sizes, record), "utf-8")
        manifest = {
            "format": FORMAT,
            "name": name,
            "version": version,
            "licence": licence,
            "parameters": sizes,
            "config": config.to_json(),
            "training": dict(record),
            "files": {
                file.name: {"bytes": file.stat().st_size, "sha256": sha256_of(file)}
                for file in sorted(folder.iterdir())
            },
        }
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def _save_module(file: Path, module: nn.Module, dtype: torch.dtype, eight_bits: bool) -> None:
    dtypes = {key: dtype for key, _ in module.named_parameters()}
    large = [
        key
        for key, value in module.named_parameters()
        if eight_bits and value.ndim == 2 and value.shape[1] >= WIDE
    ]
    dtypes.update(dict.fromkeys(large, torch.float16))  # as they are read
    state = {
        key: value.detach().to("cpu", dtypes.get(key, value.dtype)).contiguous()
        for key, value in module.state_dict().items()
    }
    for key, value in state.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise BundleError(f"{file.name}: {key} is not finite in {value.dtype}")
    reduce(state, large)
    save_file(state, file)
    file.chmod(0o644)  # the library writes for the owner alone


def export_workspace(
    run: Path,
    out: Path,
    *,
    version: str = "0.1.0",
    licence: str = "Apache-2.0",
    dtype: torch.dtype = torch.float16,
    eight_bits: Collection[str] = (),
) -> None:
    """Turn a run's folder into a bundle.

    Args:
        run: has `config.json`, `tokenizer.json`, records, and a float32 safetensors file for each
            component.
        eight_bits: components to store smaller, as `save_bundle` does.

    Raises:
        InvalidArgument: the run is incomplete, `out` cannot be written, or a name in `eight_bits`
            is of no component here.
        BundleError: a file of it cannot be read.
    """
    if not (run / "config.json").is_file():
        raise InvalidArgument(
            "run", f"is {run}, which is no run; it may be a folder that was trained"
        )
    try:
        config = model_config_from_json(json.loads((run / "config.json").read_text("utf-8")))
        record = record_of(run)
    except ValueError as error:
        raise BundleError(f"{run} cannot be read: {one_line(error)}") from None
    modules: dict[str, nn.Module] = {}
    for name in components_of(config):
        file = run / component_file(name)
        if not file.is_file():
            raise InvalidArgument("run", f"is {run}, which has no {name} yet; train every stage")
        with _NoInit():
            modules[name] = build_module(name, config)
        fill(modules[name], _read(file), file)
    tokenizer = Tokenizer.load(run / TOKENIZER)
    save_bundle(
        out,
        config,
        tokenizer,
        modules,
        record,
        version=version,
        licence=licence,
        dtype=dtype,
        eight_bits=eight_bits,
    )


def model_card(
    name: str,
    version: str,
    licence: str,
    parameters: Mapping[str, int],
    record: Mapping[str, Any],
) -> str:
    """The bundle's MODEL_CARD.md: what it is and what each stage of training cost."""
    lines = [
        f"# unclip {name} {version}",
        "",
        f"A text-to-image cascade (arXiv 2204.06125) for `unclip`. Licence: {licence}.",
        "",
        f'    unclip generate "a red apple" --model {name}',
        "",
        "| component | parameters |",
        "|---|---|",
        *(f"| {key} | {count / 1e6:.2f} M |" for key, count in parameters.items()),
        "",
        "## Training",
        "",
        "| stage | minutes | pictures | reached |",
        "|---|---|---|---|",
    ]
    for stage, entry in record.items():
        cells = entry if isinstance(entry, Mapping) else {}
        reached = cells.get("reached") or cells.get("losses") or {}
        shown = ", ".join(f"{k} {v:.4g}" for k, v in reached.items())
        if "from" in cells:
            stage = f"{stage}, from {cells['from']}"
        lines.append(f"| {stage} | {cells.get('minutes')} | {cells.get('pictures')} | {shown} |")
    return "\n".join(lines) + "\n"
