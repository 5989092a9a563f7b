"""One run at the `tiny` preset, all six stages trained for four steps, shared by a session."""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.modules.module import register_module_forward_hook

from tiny_store import composer, packages, store  # noqa: F401
from unclip.training.loop import Objective, train
from unclip.training.objectives import make_objective
from unclip.training.recipes import tiny
from unclip.training.run import train_all
from unclip.training.workspace import Workspace

Losses = dict[str, list[float]]


@contextmanager
def recorded_losses() -> Iterator[Losses]:
    """The loss of every step of every stage that is trained inside."""
    losses: Losses = defaultdict(list)

    def record(module: Any, _: Any, output: Any) -> None:
        if isinstance(module, Objective):
            losses[module.recipe.stage].append(output["loss"].item())

    handle = register_module_forward_hook(record)
    try:
        yield losses
    finally:
        handle.remove()


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """A sum over threads has no fixed order; these tests compare to the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Trained:
    """`run` must not be changed: copy it first."""

    run: Path
    bundle: Path
    losses: Losses


@pytest.fixture(scope="session")
def trained(store, tmp_path_factory: pytest.TempPathFactory) -> Trained:  # noqa: F811
    """What `unclip train all --recipe tiny` makes."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    with recorded_losses() as losses:
        train_all(60, run, run / "bundle", recipe="tiny", store=store.path, on_log=lambda _: None)
    return Trained(run, run / "bundle", dict(losses))


@pytest.fixture
def train_in(composer) -> Callable[..., dict[str, Any]]:  # noqa: F811
    """Trains one stage of a run with the tiny recipe and changes to it; gives the record.

    Ctrl-C arrives while batch `stop_at` is made, one step ahead.
    """

    def call(
        stage: str, run: Path, *, resume: bool = False, stop_at: int | None = None, **changes: Any
    ) -> dict[str, Any]:
        recipe, workspace = replace(tiny(stage), **changes), Workspace(run)
        objective = make_objective(recipe, workspace, composer)
        if stop_at is not None:
            whole = objective.batch

            def interrupted(index: int) -> Any:
                if index == stop_at:  # while step `stop_at - 1` is under way or about to be
                    signal.raise_signal(signal.SIGINT)
                return whole(index)

            objective.batch = interrupted  # type: ignore[method-assign]
        return train(objective, recipe, workspace, resume=resume, on_log=lambda _: None)

    return call


@pytest.fixture
def losses() -> Iterator[Losses]:
    """The losses of a test's own training."""
    with recorded_losses() as recorded:
        yield recorded
