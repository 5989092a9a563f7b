"""The judge examined on pictures of which the truth is known, before it judges any other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from unclip.corpus.composer import Composer
from unclip.evaluation.detector import PIXELS
from unclip.evaluation.judge import Judge
from unclip.evaluation.prompts import Prompt
from unclip.evaluation.scenes import answer, wrong_prompt
from unclip.evaluation.scoring import Rate, score
from unclip.evaluation.vocabulary import Vocabulary


@dataclass(frozen=True)
class Render:
    """A picture made by the composer for a prompt, or for a prompt that is wrong in one way."""

    prompt: Prompt
    picture: Image.Image
    wrong: str | None = None


@dataclass(frozen=True)
class Exam:
    """How often a judge accepted true renders and, by what was wrong, wrong ones.

    `confusions` counts (what was wanted, what was seen instead) in true renders, most first.
    """

    true: dict[str, Rate]
    wrong: dict[str, Rate]
    wrong_kinds: dict[str, Rate]
    confusions: tuple[tuple[str, str, int], ...]

    @property
    def accepted(self) -> Rate:
        """True renders accepted, all tasks together: the ceiling of what a model can reach."""
        return _sum(self.true.values())

    @property
    def false_accepts(self) -> Rate:
        """Wrong renders accepted, all tasks together."""
        return _sum(self.wrong.values())


def _sum(rates: Iterable[Rate]) -> Rate:
    listed = list(rates)
    return Rate(sum(r.right for r in listed), sum(r.n for r in listed))


def renders(
    prompts: Sequence[Prompt],
    vocabulary: Vocabulary,
    composer: Composer,
    each: int,
    seed: int,
    *,
    wrong: bool,
    pixels: int = PIXELS,
) -> Iterator[Render]:
    """`each` pictures of each prompt, all true or all wrong, as a function of the seed."""
    for k, prompt in enumerate(prompts):
        rng = np.random.default_rng((seed, k, wrong))
        for _ in range(each):
            kind, shown = wrong_prompt(prompt, vocabulary, rng) if wrong else (None, prompt)
            scene = answer(shown, vocabulary, composer, rng)
            picture = Image.fromarray(composer.render(scene, pixels))
            yield Render(prompt, picture, kind)


def examine(judge: Judge, made: Sequence[Render]) -> Exam:
    """Score the judge on renders."""
    accepted: dict[tuple[bool, str], list[bool]] = defaultdict(list)
    kinds: dict[str, list[bool]] = defaultdict(list)
    confusions: Counter[tuple[str, str]] = Counter()
    sights = judge.look([render.picture for render in made])
    for render, sight in zip(made, sights, strict=True):
        correct = score(render.prompt, sight).correct
        accepted[render.wrong is None, render.prompt.task].append(correct)
        if render.wrong is not None:
            kinds[render.wrong].append(correct)
            continue
        wanted = {w.name for w in render.prompt.include}
        seen = {found.name for found in sight.detections}
        for name in wanted - seen:
            confusions.update((name, other) for other in seen - wanted or {"nothing"})
    return Exam(
        {task: Rate.of(v) for (true, task), v in accepted.items() if true},
        {task: Rate.of(v) for (true, task), v in accepted.items() if not true},
        {kind: Rate.of(v) for kind, v in sorted(kinds.items())},
        tuple((a, b, n) for (a, b), n in confusions.most_common(20)),
    )
