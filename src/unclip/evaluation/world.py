"""`unclip eval world`: a model asked, its pictures judged, and the judge examined first.

    prompts -> exam of the judge -> pictures -> verdicts -> `Report`

Pictures come through the engine, as a user's do, one answer at a time; the caller drives.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unclip.corpus.composer import Composer
from unclip.engine import Engine
from unclip.errors import InvalidArgument
from unclip.evaluation.distances import diversity, frechet_distance, squared_mmd
from unclip.evaluation.exam import Exam, Render, examine, renders
from unclip.evaluation.judge import Judge, scaled
from unclip.evaluation.prompts import GENEVAL, Prompt
from unclip.evaluation.scoring import Rate, Sight, Verdict, score
from unclip.evaluation.vocabulary import Vocabulary
from unclip.models.image import ImageTower, to_tower_size
from unclip.requests import MAX_PICTURES, Generation
from unclip.training.data import to_tensor


@dataclass(frozen=True)
class Answer:
    """A model's picture for a prompt, and what the judge made of it."""

    prompt: Prompt
    picture: Image.Image
    seed: int
    sight: Sight
    verdict: Verdict


@dataclass(frozen=True)
class TaskResult:
    """A task's pictures that are right, and how many of its single atoms are."""

    seen: Rate
    unseen: Rate
    atoms: Rate

    @property
    def all(self) -> Rate:
        """Seen and unseen combinations together."""
        return Rate(self.seen.right + self.unseen.right, self.seen.n + self.unseen.n)


@dataclass(frozen=True)
class Closeness:
    """Distances of `n` generated pictures to `n` true renders of the same prompts.

    A `floor` is the same figure between two sets of true renders, which no model can beat.
    `diversity` is among the pictures of one prompt; NaN where there is one of each.
    """

    n: int
    frechet: float
    frechet_floor: float
    squared_mmd: float
    squared_mmd_floor: float
    diversity: float
    diversity_of_true: float
    clip_score: float
    clip_score_of_true: float


@dataclass(frozen=True)
class Report:
    """Everything that was measured. `settings` say of what, and how it can be measured again."""

    settings: dict[str, Any]
    exam: Exam
    tasks: Mapping[str, TaskResult]
    closeness: Closeness | None

    @property
    def score(self) -> float:
        """GenEval's: the plain mean over its six tasks; NaN if one was not asked."""
        if not set(GENEVAL) <= set(self.tasks):
            return math.nan
        return sum(self.tasks[task].all.value for task in GENEVAL) / len(GENEVAL)


class World:
    """A benchmark of one model: its prompts, the judge, and the true renders to compare with."""

    def __init__(
        self,
        engine: Engine,
        judge: Judge,
        vocabulary: Vocabulary,
        composer: Composer,
        prompts: Sequence[Prompt],
        *,
        images: int = 4,
        seed: int = 0,
        size: str = "256x256",
        candidates: int | None = None,
    ) -> None:
        """Raises `InvalidArgument` for a judge of another vocabulary, or a value out of range."""
        unknown = sorted(set(vocabulary.names) - set(judge.names))
        if unknown:
            raise InvalidArgument(
                "judge",
                f"does not know {unknown[0]!r}, which the corpus has; unclip eval train-judge",
            )
        if not 1 <= images <= MAX_PICTURES:
            raise InvalidArgument("images", f"is {images}; it may be 1 to {MAX_PICTURES}")
        last = seed + (len(prompts) - 1) * images
        Generation("-", n=images, seed=last, size=size, candidates=candidates)
        self.engine, self.judge = engine, judge
        self.prompts, self.images, self.seed = tuple(prompts), images, seed
        self.size, self.candidates = size, candidates
        self._shared = (self.prompts, vocabulary, composer, images)
        self._true: list[Render] = []

    @property
    def pictures(self) -> int:
        """How many `answers` will give."""
        return len(self.prompts) * self.images

    def exam(self) -> Exam:
        """Examine the judge on true and on wrong renders of these prompts."""
        self._true = list(renders(*self._shared, self.seed, wrong=False))
        return examine(self.judge, [*self._true, *renders(*self._shared, self.seed, wrong=True)])

    def answers(self) -> Iterator[Answer]:
        """The model's pictures, judged as they come: `images` for each prompt, in order.

        Picture k of prompt i has the seed `seed` + i * `images` + k.
        """
        for i, prompt in enumerate(self.prompts):
            result = self.engine.generate(
                prompt.text,
                n=self.images,
                seed=self.seed + i * self.images,
                size=self.size,
                candidates=self.candidates,
            )
            sights = self.judge.look([made.image for made in result])
            for made, sight in zip(result, sights, strict=True):
                verdict = score(prompt, sight)
                yield Answer(prompt, made.image, made.seed, sight, verdict)

    def report(self, exam: Exam, answers: Sequence[Answer]) -> Report:
        """Sum up. Only whole groups of `images` answers are compared with true renders."""
        tasks = dict.fromkeys(answer.prompt.task for answer in answers)
        bundle = self.engine.bundle
        return Report(
            {
                "model": bundle.name,
                "model_version": bundle.version,
                "prompts": len(self.prompts),
                "images": self.images,
                "seed": self.seed,
                "size": self.size,
                "candidates": self.candidates or bundle.config.candidates,
                "judge": self.judge.record.get("sha256"),
            },
            exam,
            {task: _result([a for a in answers if a.prompt.task == task]) for task in tasks},
            self._closeness(answers),
        )

    @torch.inference_mode()
    def _closeness(self, answers: Sequence[Answer]) -> Closeness | None:
        """None where the bundle has no image tower, or there are too few pictures to compare."""
        bundle, n = self.engine.bundle, len(answers)
        if bundle.image is None or n < 2:
            return None
        again = renders(*self._shared, self.seed + 1, wrong=False)
        made, true, other = (
            self._embed(bundle.image, pictures)
            for pictures in (
                [answer.picture for answer in answers],
                [render.picture for render in self._true[:n]],
                [render.picture for render, _ in zip(again, range(n), strict=False)],
            )
        )
        texts = self._embed_texts([answer.prompt.text for answer in answers])
        prompts, whole = torch.arange(n) // self.images, n - n % self.images
        varied = [
            diversity(x[:whole].reshape(-1, self.images, x.shape[1]))
            if self.images > 1
            else math.nan
            for x in (made, true)
        ]
        return Closeness(
            n,
            frechet_distance(made, true),
            frechet_distance(other, true),
            squared_mmd(made, true, prompts),
            squared_mmd(other, true, prompts),
            *varied,
            *(float(F.cosine_similarity(x, texts).mean()) for x in (made, true)),
        )

    def _embed(self, tower: ImageTower, pictures: Sequence[Image.Image]) -> Float[Tensor, "n e"]:
        weight, made = tower.patch.weight, []
        for picture in pictures:
            pixels = to_tensor(np.array(scaled(picture))[None])
            small = to_tower_size(pixels, tower.config.image_size)
            made.append(tower(small.to(weight.device, weight.dtype)).float().cpu())
        return torch.cat(made)

    def _embed_texts(self, texts: Sequence[str]) -> Float[Tensor, "n e"]:
        bundle, made = self.engine.bundle, dict[str, Tensor]()
        for text in dict.fromkeys(texts):
            tokens = bundle.tokenizer([text], bundle.config.prior.text_context)
            ids, mask = tokens.ids.to(bundle.device), tokens.mask.to(bundle.device)
            made[text] = bundle.text(ids, mask).embedding.float().cpu()
        return torch.cat([made[text] for text in texts])


def _result(answers: Sequence[Answer]) -> TaskResult:
    parts = (True, False)
    seen, unseen = (
        Rate.of([a.verdict.correct for a in answers if a.prompt.seen == part]) for part in parts
    )
    return TaskResult(seen, unseen, Rate.of([ok for a in answers for _, ok in a.verdict.atoms]))
