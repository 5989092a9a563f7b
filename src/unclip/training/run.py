"""Train one stage, or all of them into a bundle: what `unclip train` calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument
from unclip.pipeline.bundle import export_workspace
from unclip.training.loop import train
from unclip.training.objectives import make_objective
from unclip.training.recipes import STAGES, get_recipe
from unclip.training.workspace import Workspace

# Shares of a whole budget, by what each stage still gains from another minute.
SHARES = {
    "clip": 0.16,
    "autoencoder": 0.08,
    "prior": 0.08,
    "decoder": 0.50,
    "upsampler-256": 0.10,
    "upsampler-1024": 0.08,
}


def train_stage(
    stage: str,
    run: Path,
    *,
    recipe: str = "default",
    minutes: float | None = None,
    batch_size: int | None = None,
    resume: bool = False,
    store: Path | None = None,
    on_log: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train a stage of the run in folder `run` and return its record.

    Args:
        minutes: replaces the recipe's length; with `resume`, the length in all.

    Raises:
        InvalidArgument: unknown stage or recipe, a length or batch size out of range, or an
            earlier stage that has not been trained.
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
    objective = make_objective(chosen, workspace, Composer(SpriteStore(store), chosen.mixture))
    return train(objective, chosen, workspace, resume=resume, on_log=on_log)


def train_all(
    budget: float,
    run: Path,
    out: Path,
    *,
    recipe: str = "default",
    resume: bool = False,
    store: Path | None = None,
    on_log: Callable[[str], None] = print,
) -> Path:
    """Train every stage in order within `budget` minutes in all, and write a bundle to `out`."""
    if not budget > 0:
        raise InvalidArgument("--budget", f"is {budget:g} minutes; it must be more than 0")
    for stage in STAGES:
        train_stage(
            stage,
            run,
            recipe=recipe,
            minutes=budget * SHARES[stage],
            resume=resume,
            store=store,
            on_log=on_log,
        )
    export_workspace(run, out)
    return out
