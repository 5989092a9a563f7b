"""Short runs of a small decoder, one change each, in one table: what pays on small means.

    python benchmarks/short_runs.py [--pictures 6144] [--only "wide"] [--threads 1] [--json FILE]

Every run starts from the bundle's towers and autoencoder and fresh weights of the decoder, learns
from the same pictures in the same order, and is asked about the same unseen ones: the error of the
predicted flow at three times, given embedding and text, by the averaged weights. 1 is what a
network that knows nothing gets. Seconds are of the processor, so that a busy machine does not
count. Needs the corpus (`unclip corpus build`).
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from common import Row, arguments, report
from unclip.config import DiTConfig
from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore
from unclip.diffusion.process import q_sample, target
from unclip.models.dit import Known
from unclip.pipeline.bundle import load_bundle
from unclip.pipeline.bundle_files import locate
from unclip.training import optim
from unclip.training.loop import train
from unclip.training.objectives import decoder as stage
from unclip.training.objectives.decoder import DecoderObjective
from unclip.training.recipes import Recipe, get_recipe
from unclip.training.workspace import Workspace

TIMES = (0.98, 0.8, 0.5)
"""Asked about: what it is, what it looks like, its grain."""
UNSEEN, BATCHES = 77, 4
"""Seed and number of the batches that are asked about."""


@dataclass(frozen=True)
class Change:
    """What one run does otherwise.

    Args:
        sizes: of the decoder.
        recipe: of how it learns.
        constants: of a module, for the time of the run.
    """

    sizes: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    constants: tuple[tuple[Any, str, Any], ...] = ()


CHANGES = {
    "as it is": Change(),
    "AdamW for all": Change(constants=((optim, "_HIDDEN", set()),)),
    "Muon at half the rate": Change(recipe={"muon_lr": 0.01}),
    "Muon at twice the rate": Change(recipe={"muon_lr": 0.04}),
    "batches of 32": Change(recipe={"batch_size": 32}),
    "wide: 3 blocks of 264": Change({"depth": 3, "width": 264, "heads": 4}),
    "narrow: 12 blocks of 132": Change({"depth": 12, "width": 132, "heads": 2}),
    "no first guess on the grid": Change({"sketch_width": 0}),
    "one token of the embedding": Change({"image_tokens": 1}),
    "no text states": Change(constants=((stage, "DROP_TEXT", 1.0),)),
    "exact embeddings": Change(constants=((stage, "EMBEDDING_NOISE", 0.0),)),
    "times about the middle": Change(constants=((stage, "NOISE_LEVELS", (0.0, 1.0)),)),
    "rate falls from the start": Change(recipe={"decay_fraction": 1.0}),
}


def small(config: DiTConfig, change: Change) -> DiTConfig:
    """A twelfth of the shipped decoder, changed."""
    return dataclasses.replace(config, **{"depth": 6, "width": 192, "heads": 3, **change.sizes})


@torch.no_grad()
def errors(objective: DecoderObjective, blind: bool) -> list[float]:
    """Mean squared error of the flow at each of `TIMES`, as a share of its variance."""
    decoder, found = objective.decoder, []
    made = [objective._batch(UNSEEN, k, 64) for k in range(BATCHES)]
    for time_ in TIMES:
        parts = []
        for batch in made:
            pixels = batch["pixels"]
            x0 = objective.autoencoder.encode(pixels).float()
            t = torch.full((len(x0),), time_, dtype=torch.float64)
            encoding = objective.text(batch["ids"], batch["mask"])
            nothing = torch.zeros(len(x0), dtype=torch.bool)
            conditioning = decoder.condition(
                objective.image(pixels).float(),
                encoding.states,
                encoding.mask,
                drop_embedding=nothing,
                drop_text=nothing | blind,
            )
            grid = (len(x0), decoder.config.pixel_factor**2, *x0.shape[2:])
            known = Known(torch.zeros_like(x0), torch.zeros(grid))
            x_t = q_sample(x0, t, batch["noise"], objective.schedule)
            said = decoder(x_t, objective.schedule.network_time(t).float(), conditioning, known)
            levels = objective.schedule.alpha_sigma(t)
            wanted = target(decoder.config.prediction, x0, batch["noise"], *levels)
            parts.append(float((said.float() - wanted).square().mean() / wanted.var()))
        found.append(statistics.mean(parts))
    return found


def run(change: Change, recipe: Recipe, workspace: Workspace, store: SpriteStore) -> Row:
    """One line of the table."""
    before = [(module, name, getattr(module, name)) for module, name, _ in change.constants]
    for module, name, value in change.constants:
        setattr(module, name, value)
    try:
        torch.manual_seed(0)
        objective = DecoderObjective(recipe, workspace, Composer(store, recipe.mixture))
        objective.initialise(fresh=True)
        used = time.process_time()
        train(objective, recipe, workspace, on_log=lambda _: None)
        used = time.process_time() - used
        workspace.load("decoder", objective.decoder)  # the averaged weights
        objective.eval()
        blind = any(name == "DROP_TEXT" for _, name, _ in change.constants)
        with objective.autocast():
            errors_ = errors(objective, blind)
    finally:
        for module, name, value in before:
            setattr(module, name, value)
    parameters = sum(p.numel() for p in objective.decoder.parameters()) / 1e6
    shown = {f"error at {t:g}": e for t, e in zip(TIMES, errors_, strict=True)}
    return {"M parameters": round(parameters, 2), "ms a picture": 1e3 * used, **shown}


def main() -> None:
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("--pictures", type=int, default=6_144, help="that each run learns from")
    parser.add_argument("--only", nargs="+", help="parts of names: those runs, beside the first")
    parser.add_argument("--store", type=Path, help="the sprite store")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    store, folder = SpriteStore(options.store), locate(options.model)
    bundle = load_bundle(folder, "cpu", torch.float32)
    decoder = bundle.config.decoder
    assert isinstance(decoder, DiTConfig), "this bundle's decoder draws no latents"
    chosen = {
        name: change
        for name, change in CHANGES.items()
        if change == Change() or any(part in name for part in options.only or [""])
    }
    rows: list[Row] = []
    for name, change in chosen.items():
        recipe = dataclasses.replace(
            get_recipe("default", "decoder"), minutes=None, ema_half_life=2_000, compile=False
        )
        recipe = dataclasses.replace(recipe, **change.recipe)
        recipe = dataclasses.replace(recipe, steps=options.pictures // recipe.batch_size)
        with tempfile.TemporaryDirectory() as place:
            workspace = Workspace(Path(place) / "run")
            workspace.fill(bundle, folder)
            config = dataclasses.replace(bundle.config, decoder=small(decoder, change))
            workspace.save_config(config)
            row = run(change, recipe, workspace, store)
        row["ms a picture"] /= options.pictures
        rows.append({"change": name, **row})
        print(rows[-1], flush=True)
    report(rows, options, pictures=options.pictures)


if __name__ == "__main__":
    main()
