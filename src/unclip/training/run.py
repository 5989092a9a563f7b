"""Train one stage, or all of them into a bundle: what `unclip train` calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from unclip.config import DiTConfig
from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument
from unclip.pipeline.bundle import Bundle, export_workspace, load_bundle
from unclip.pipeline.bundle_files import COMPONENTS, locate
from unclip.training.loop import Start, train
from unclip.training.objectives import make_objective
from unclip.training.recipes import STAGES, get_recipe
from unclip.training.workspace import Workspace, pictures_of

# Shares of a whole budget, by what each stage still gains from another minute.
SHARES = {
    "autoencoder": 0.08,
    "clip": 0.16,
    "prior": 0.08,
    "decoder": 0.48,
    "upsampler-256": 0.10,
    "upsampler-1024": 0.06,
    "matte": 0.04,
}


def train_stage(
    stage: str,
    run: Path,
    *,
    recipe: str = "default",
    minutes: float | None = None,
    batch_size: int | None = None,
    resume: bool = False,
    start_from: str | Path | None = None,
    store: Path | None = None,
    on_log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train a stage of the run in folder `run` and return its record.

    The stage starts from fresh weights, also where the run has trained it before. With `resume` it
    goes on from its checkpoint if there is one; with `start_from` it starts from a bundle's weights
    and average, with a new optimizer. A new run then takes over the whole bundle first, so that any
    stage may be trained; a run that began so accepts the same bundle again. The sizes of the
    networks are always the run's: those of the bundle, or of the recipe that came first.

    Args:
        minutes: replaces the recipe's length; with `resume`, the length in all.
        start_from: name or folder of a bundle.

    Raises:
        InvalidArgument: unknown stage, recipe or bundle, a length or batch size out of range, an
            earlier stage that has not been trained, or a run that holds another model than the
            bundle's.
        BundleError: a file of the bundle is missing or was altered.
        CorpusError: no sprite store.
    """
    chosen = get_recipe(recipe, stage)
    if minutes is not None:
        if not minutes > 0:  # a NaN is refused too
            raise InvalidArgument("--minutes", f"is {minutes:g}; it must be more than 0")
        chosen = dataclasses.replace(chosen, minutes=minutes)
    if batch_size is not None:
        if batch_size < 1:
            raise InvalidArgument("--batch-size", f"is {batch_size}; it must be at least 1")
        chosen = dataclasses.replace(chosen, batch_size=batch_size)
    workspace = Workspace(run)
    composer = Composer(SpriteStore(store), chosen.mixture)
    bundle, start = None, None
    if start_from is not None:
        bundle = _begin(workspace, start_from)
        start = Start(bundle.name, bundle.version, pictures_of(bundle.record.get(stage, {})))
    objective = make_objective(chosen, workspace, composer, bundle)
    return train(objective, chosen, workspace, resume=resume, start=start, on_log=on_log)


def _begin(workspace: Workspace, name: str | Path) -> Bundle:
    """The bundle that a run starts from; a new run is filled with it."""
    try:
        folder = locate(name)
    except InvalidArgument as error:
        raise InvalidArgument("--from", error.problem) from None
    if workspace.config is not None and not workspace.filled_from(folder):
        raise InvalidArgument(
            "--from",
            f"is {name}, but {workspace.path} holds another model already; "
            "name a new --run, or leave --from out",
        )
    bundle = load_bundle(folder, "cpu", torch.float32)
    needed = [c for c in COMPONENTS if c not in ("matte", "memory")]
    lacking = [component for component in needed if component not in bundle.modules]
    if lacking or not isinstance(bundle.config.decoder, DiTConfig):
        raise InvalidArgument(
            "--from",
            f"is {name}, which has no {lacking[0] if lacking else 'decoder of latents'}; "
            "it may be a bundle that `unclip train all` made",
        )
    if workspace.config is None:
        workspace.fill(bundle, folder)
    return bundle


def train_all(
    budget: float,
    run: Path,
    out: Path,
    *,
    recipe: str = "default",
    resume: bool = False,
    start_from: str | Path | None = None,
    store: Path | None = None,
    on_log: Callable[[str], None] = print,
) -> Path:
    """Train every stage in order within `budget` minutes in all, and write a bundle to `out`.

    Each starts as `train_stage` says.
    """
    if not budget > 0:
        raise InvalidArgument("--budget", f"is {budget:g} minutes; it must be more than 0")
    for stage in STAGES:
        train_stage(
            stage,
            run,
            recipe=recipe,
            minutes=budget * SHARES[stage],
            resume=resume,
            start_from=start_from,
            store=store,
            on_log=on_log,
        )
    export_workspace(run, out)
    return out
