"""A run's folder: the parts trained so far, their record, and checkpoints with optimizer state.

<run>/config.json  tokenizer.json
<run>/<component>.safetensors       averaged weights in float32, newest
<run>/<stage>/record.json           what training it has cost and reached
<run>/<stage>/checkpoint.pt         everything that an exact resume needs
<run>/<stage>/sheets/ tensorboard/  what it looks like on the way
<run>/from.json  training.json      of the bundle that it started from: its manifest and record
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_dir
from safetensors.torch import load_file, save_file
from torch import nn

from unclip.config import ModelConfig, model_config_from_json
from unclip.errors import InvalidArgument
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.bundle_files import MANIFEST, RECORD, TOKENIZER, component_file, record_of


def default_run(name: str) -> Path:
    """Where runs are kept: outside the source tree, in the user's cache folder."""
    return Path(user_cache_dir("unclip")) / "runs" / name


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def networks_of(bundle: Bundle) -> dict[str, nn.Module]:
    """A bundle's networks as a run keeps them: the sketch, which `clip` trains, on its own too."""
    sketch = getattr(bundle.decoder, "sketch", None)
    return {**bundle.modules, **({} if sketch is None else {"sketch": sketch})}


def pictures_of(record: Mapping[str, Any]) -> int:
    """How many pictures weights have seen by the record of their training, in all."""
    return int(record.get("pictures", 0)) + int(record.get("pictures_before", 0))


class Workspace:
    """The folder of one run, which grows into a bundle stage by stage."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def config(self) -> ModelConfig | None:
        """The model that this run trains, once the first stage has fixed it."""
        file = self.path / "config.json"
        return model_config_from_json(json.loads(file.read_text())) if file.exists() else None

    def save_config(self, config: ModelConfig) -> None:
        self._write_json("config.json", config.to_json())

    def fill(self, bundle: Bundle, folder: Path) -> None:
        """Make this new run hold the model of a bundle that lies in `folder`.

        The reverse of `export_workspace`. The config comes last: without one the run is still new.
        """
        write_atomically(self.path / TOKENIZER, bundle.tokenizer.save)
        for name, module in networks_of(bundle).items():
            self.save(name, module)
        self._write_json("training.json", dict(bundle.record))
        manifest = (folder / MANIFEST).read_bytes()
        write_atomically(self.path / "from.json", lambda p: p.write_bytes(manifest))
        self.save_config(bundle.config)

    def filled_from(self, folder: Path) -> bool:
        """Whether `fill` made this run of the bundle that lies in `folder`, as it is now."""
        file = self.path / "from.json"
        return file.is_file() and file.read_bytes() == (folder / MANIFEST).read_bytes()

    def has(self, component: str) -> bool:
        return (self.path / component_file(component)).exists()

    def save(self, component: str, module: nn.Module) -> None:
        """Keep a component's weights and buffers in float32."""
        state = {
            k: v.detach().float().contiguous() if v.is_floating_point() else v.detach()
            for k, v in module.state_dict().items()
        }
        write_atomically(self.path / component_file(component), lambda p: save_file(state, str(p)))

    def load(self, component: str, module: nn.Module) -> None:
        """Fill a module. Raises `InvalidArgument` where its stage has not run yet."""
        if not self.has(component):
            raise InvalidArgument(
                "stage", f"needs {component}, which this run has not trained: {self.path}"
            )
        module.load_state_dict(load_file(str(self.path / component_file(component))))

    @property
    def record(self) -> dict[str, Any]:
        """What each stage has cost and reached, as `record_of` tells it."""
        return record_of(self.path)

    def save_record(self, stage: str, entry: dict[str, Any]) -> None:
        self._write_json(f"{stage}/{RECORD}", entry)

    def _write_json(self, name: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, indent=1)
        write_atomically(self.path / name, lambda p: p.write_text(text))

    def stage(self, stage: str) -> Path:
        """The folder of one stage's logs, sheets and checkpoint."""
        folder = self.path / stage
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def save_checkpoint(self, stage: str, state: dict[str, Any]) -> None:
        write_atomically(self.stage(stage) / "checkpoint.pt", lambda p: torch.save(state, p))

    def load_checkpoint(self, stage: str) -> dict[str, Any] | None:
        """What `save_checkpoint` wrote, tensors and plain values only, or None."""
        file = self.stage(stage) / "checkpoint.pt"
        if not file.exists():
            return None
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        return state
