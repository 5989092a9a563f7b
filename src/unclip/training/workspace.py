"""A run's folder: the parts trained so far, their record, and checkpoints with optimizer state.

<run>/config.json  tokenizer.json  training.json
<run>/<component>.safetensors       averaged weights in float32, newest
<run>/<stage>/checkpoint.pt         everything that an exact resume needs
<run>/<stage>/sheets/ tensorboard/  what it looks like on the way
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from platformdirs import user_cache_dir
from safetensors.torch import load_file, save_file
from torch import nn

from unclip.config import ModelConfig, model_config_from_json
from unclip.errors import InvalidArgument


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
        text = json.dumps(config.to_json(), indent=1)
        write_atomically(self.path / "config.json", lambda p: p.write_text(text))

    def has(self, component: str) -> bool:
        return (self.path / f"{component}.safetensors").exists()

    def save(self, component: str, module: nn.Module) -> None:
        """Keep a component's weights and buffers in float32."""
        state = {
            k: v.detach().float().contiguous() if v.is_floating_point() else v.detach()
            for k, v in module.state_dict().items()
        }
        write_atomically(self.path / f"{component}.safetensors", lambda p: save_file(state, str(p)))

    def load(self, component: str, module: nn.Module) -> None:
        """Fill a module. Raises `InvalidArgument` where its stage has not run yet."""
        if not self.has(component):
            raise InvalidArgument(
                "stage", f"needs {component}, which this run has not trained: {self.path}"
            )
        module.load_state_dict(load_file(str(self.path / f"{component}.safetensors")))

    @property
    def record(self) -> dict[str, Any]:
        """What each stage has cost and reached: `{stage: {minutes, pictures, loss, ...}}`."""
        file = self.path / "training.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def save_record(self, stage: str, entry: dict[str, Any]) -> None:
        record = {**self.record, stage: entry}
        text = json.dumps(record, indent=1)
        write_atomically(self.path / "training.json", lambda p: p.write_text(text))

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
