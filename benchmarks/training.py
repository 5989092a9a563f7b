"""Pictures a second of each training stage, and its share of the machine's GEMM rate.

    python benchmarks/training.py [--seconds 30] [--recipe default] [--threads 2] [--json FILE]

Each stage runs in the real loop, data and optimizers included, from random weights; the clock
starts at the fifth step, after compilation. Model FLOPs are those of one forward and backward pass,
frozen networks included and optimizers not; the GEMM rate is that of 2048 x 2048 matrices on the
same threads in the type that the loop computes in, measured before and after each stage.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import signal
import tempfile
import time
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from common import Row, report
from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore
from unclip.pipeline.bundle import build_module, default_dtype
from unclip.training.data import prepare_run
from unclip.training.loop import train
from unclip.training.objectives import make_objective
from unclip.training.recipes import RECIPES, STAGES, Recipe, get_recipe
from unclip.training.workspace import Workspace

WARM = 4


def gemm_rate(device: str, size: int = 2048, seconds: float = 1.0) -> float:
    """Best FLOP/s of a product of two matrices of the type that the loop computes in."""
    dtype = default_dtype(torch.device(device))
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        (a @ b)[0, 0].item()
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def model_flops(recipe: Recipe, workspace: Workspace, composer: Composer) -> int:
    """Of one step's forward and backward pass, uncompiled."""
    objective = make_objective(recipe, workspace, composer)
    objective.freeze_others()
    with FlopCounterMode(display=False) as counter:
        objective(objective.batch(0))["loss"].backward()
    return counter.get_total_flops()


def seconds_a_step(
    recipe: Recipe, workspace: Workspace, composer: Composer, seconds: float
) -> tuple[float, int]:
    """Mean over `seconds` of the real loop, and how many steps those were."""
    objective = make_objective(recipe, workspace, composer)
    times: list[float] = []

    def note(*_: object) -> None:
        times.append(time.perf_counter())
        if len(times) > WARM + 1 and times[-1] - times[WARM] > seconds:
            signal.raise_signal(signal.SIGINT)  # the loop ends with this step

    objective.register_forward_hook(note)
    with contextlib.suppress(KeyboardInterrupt):
        train(objective, recipe, workspace, on_log=lambda _: None)
    measured = times[WARM:]
    return (measured[-1] - measured[0]) / (len(measured) - 1), len(measured) - 1


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of each stage")
    parser.add_argument("--recipe", default="default", choices=[*RECIPES])
    parser.add_argument("--stages", nargs="+", default=[*STAGES], choices=STAGES)
    parser.add_argument("--threads", type=int, help="processor threads; torch's own choice if not")
    parser.add_argument("--store", type=Path, help="the corpus, if not where it is built")
    parser.add_argument("--json", type=Path, help="also write the result to this file")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.threads = torch.get_num_threads()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    composer = Composer(SpriteStore(options.store))
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        config = prepare_run(get_recipe(options.recipe, "clip"), workspace, composer)
        options.model = config.name
        for component in ("text", "image", "autoencoder"):
            workspace.save(component, build_module(component, config))
        for stage in options.stages:
            recipe = dataclasses.replace(
                get_recipe(options.recipe, stage),
                minutes=None,
                steps=1_000_000,
                checkpoint_minutes=1e6,
                sheet_minutes=1e6,
            )
            flops = model_flops(recipe, workspace, composer)
            rates = [gemm_rate(device)]
            step, steps = seconds_a_step(recipe, workspace, composer, options.seconds)
            rates.append(gemm_rate(device))
            gemm = sum(rates) / 2
            rows.append(
                {
                    "stage": stage,
                    "pictures/s": recipe.batch_size / step,
                    "batch": recipe.batch_size,
                    "steps": steps,
                    "GFLOP/picture": flops / recipe.batch_size / 1e9,
                    "model GFLOP/s": flops / step / 1e9,
                    "GEMM GFLOP/s": gemm / 1e9,
                    "share of GEMM": flops / step / gemm,
                }
            )
    report(rows, options, device=device, recipe=options.recipe)


if __name__ == "__main__":
    main()
