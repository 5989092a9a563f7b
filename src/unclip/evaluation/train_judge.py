"""Training the judge with the one loop that trains everything else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument
from unclip.evaluation.detector import (
    UNSAID,
    Detector,
    DetectorConfig,
    Targets,
    finder_losses,
)
from unclip.evaluation.exam import Exam, examine, renders
from unclip.evaluation.judge import Judge, default_path
from unclip.evaluation.prompts import COLOURS, make_prompts
from unclip.evaluation.report import plain
from unclip.evaluation.study import Study
from unclip.evaluation.vocabulary import STYLES, Vocabulary
from unclip.models.autoencoder import Autoencoder
from unclip.training import loop
from unclip.training.loop import Batch, Objective, Start
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace

WEIGHTS = {"centre": 0.5, "box": 0.5, "kind": 1.0, "style": 0.5, "colour": 0.5}
"""Shares of the losses."""
EXAM_PROMPTS, EXAM_SEED = 100, 1_000_003
"""Of each task, in the exam that ends the training; its scenes are none that were trained on."""


@dataclass(frozen=True)
class JudgeRecipe(Recipe):
    """How a judge is trained; the command that does it is another than that of a model's stage."""

    stage: str = "judge"
    expected: str = (
        "true renders: 0.94 after 313,000 pictures, 0.96 after 717,000, 0.975 after 1.26 M"
    )
    minutes: float | None = 18.0
    batch_size: int = 32
    muon_lr: float = 0.05
    muon_kernels: bool = True
    adamw_lr: float = 1.5e-3
    weight_decay: float = 0.02
    decay_fraction: float = 0.6
    ema_half_life: float = 10_000
    # what it would fuse, the convolutions' own kernels already do
    compile: bool = False

    @property
    def command(self) -> str:
        """The command that runs it."""
        minutes = f" --minutes {self.minutes:g}" if self.minutes else ""
        return f"unclip eval train-judge{minutes}"


class JudgeObjective(Objective):
    """The detector, on scenes that `Study` makes."""

    trained = ("detector",)

    def __init__(self, recipe: Recipe, study: Study) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed)
        self.recipe, self.study = recipe, study
        self.detector = Detector(DetectorConfig(len(study.vocabulary), len(STYLES), len(COLOURS)))

    def batch(self, index: int) -> Batch:
        lesson = self.study.batch(self.recipe.seed, index, self.recipe.batch_size)
        rest = {key: value for key, value in lesson._asdict().items() if key != "targets"}
        return {**rest, **lesson.targets._asdict()}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        maps = self.detector.finder(batch["pixels"])
        losses = finder_losses(maps, Targets(**{key: batch[key] for key in Targets._fields}))
        kind, style, colour = self.detector.classifier(batch["crops"])
        picture, row, column = batch["at"].unbind(dim=1)
        style = style + maps.style[picture, :, row, column]
        for key, logits in (("kind", kind), ("style", style), ("colour", colour)):
            losses[key] = F.cross_entropy(logits, batch[key], ignore_index=UNSAID)
        loss = torch.stack([WEIGHTS[key] * value for key, value in losses.items()]).sum()
        said = batch["kind"] >= 0
        right = (kind.argmax(dim=1) == batch["kind"])[said].float().mean()
        return {"loss": loss, **{k: v.detach() for k, v in losses.items()}, "accuracy": right}


def _further(recipe: JudgeRecipe, pictures: int) -> JudgeRecipe:
    """For a judge that has seen so many pictures: other ones, at half the rate, which falls from
    the start."""
    return dataclasses.replace(
        recipe,
        seed=pictures,
        muon_lr=recipe.muon_lr / 2,
        adamw_lr=recipe.adamw_lr / 2,
        decay_fraction=1.0,
    )


def train(
    folder: Path | None = None,
    *,
    recipe: JudgeRecipe | None = None,
    minutes: float | None = None,
    start_from: Path | None = None,
    resume: bool = False,
    store: Path | None = None,
    autoencoder: Autoencoder | None = None,
    on_log: Callable[[str], None] = print,
) -> tuple[Path, Exam]:
    """Train a judge, examine it, and keep it in `folder`; gives the folder and the exam.

    Args:
        start_from: folder of a judge whose weights are the start.
        autoencoder: of the model that it is to judge: some of its lessons go through it.

    Raises:
        CorpusError: there is no sprite store.
        InvalidArgument: there is no judge to start from, or it is of another vocabulary.
        BundleError: it is altered, cut short, or of another format.
    """
    folder = folder or default_path()
    recipe = recipe or JudgeRecipe()
    if minutes is not None:
        recipe = dataclasses.replace(recipe, minutes=minutes)
    vocabulary = Vocabulary(SpriteStore(store))
    composer = Composer(vocabulary.store)
    before, start = None, None
    if start_from is not None:
        before = Judge.load(start_from)
        if (before.names, before.styles) != (vocabulary.names, STYLES):
            raise InvalidArgument("--from", "is a judge of other things than this corpus shows")
        start = Start(str(start_from), before.record["sha256"][:8], before.pictures)
        recipe = _further(recipe, start.pictures)
    objective = JudgeObjective(recipe, Study(vocabulary, composer, autoencoder))
    if before is not None:
        objective.detector.load_state_dict(before.detector.state_dict())
    workspace = Workspace(folder / "training")
    record = loop.train(objective, recipe, workspace, resume=resume, start=start, on_log=on_log)
    # the workspace has the averaged weights, the objective the last ones
    workspace.load("detector", objective.detector)
    judge = Judge(objective.detector, vocabulary.names, STYLES, {"training": record})
    prompts = make_prompts(vocabulary, EXAM_PROMPTS, EXAM_SEED)
    made = [
        render
        for wrong in (False, True)
        for render in renders(prompts, vocabulary, composer, 4, EXAM_SEED, wrong=wrong)
    ]
    exam = examine(judge, made)
    judge.record["exam"] = plain(exam)
    judge.save(folder)
    return folder, exam
