"""The commands that measure: the benchmark, and the judge that it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unclip.cli.common import Json, Model, Store, say, training_extra
from unclip.errors import InvalidArgument

if TYPE_CHECKING:
    from unclip.evaluation.world import Answer, World

JudgeFolder = Annotated[
    Path | None, typer.Option("--judge", help="Folder of the judge, if not the cache's.")
]


def world(
    model: Model = "default",
    per_task: Annotated[int, typer.Option(help="Prompts of each task.")] = 100,
    images: Annotated[int, typer.Option(help="Pictures for each prompt, 1 to 10.")] = 4,
    paraphrases: Annotated[
        int, typer.Option(help="Prompts in words that the corpus never used, 0 to 200.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="Decides prompts and pictures.")] = 0,
    size: Annotated[str, typer.Option(help="256x256, 512x512 or 1024x1024.")] = "256x256",
    candidates: Annotated[
        int | None, typer.Option(help="Small pictures drawn for each one; CLIP keeps the best.")
    ] = None,
    judge: JudgeFolder = None,
    store: Store = None,
    as_json: Json = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for world.json and the sheet world.png."),
    ] = None,
) -> None:
    """Measure how well a model follows prompts: GenEval's six tasks, style, atoms, paraphrases.

    The judge is a detector that has no part in generation. It is examined first, on pictures of
    which the truth is known.
    """
    from contextlib import nullcontext

    from unclip.pipeline.bundle_files import locate
    from unclip.pipeline.files import output_folder

    if not 0 <= paraphrases <= 200:
        raise InvalidArgument("paraphrases", f"is {paraphrases}; it may be 0 to 200")
    locate(model)
    with training_extra():
        from rich.console import Console

        from unclip.corpus.composer import Composer
        from unclip.corpus.store import SpriteStore
        from unclip.engine import load
        from unclip.evaluation import report as shown
        from unclip.evaluation.judge import Judge
        from unclip.evaluation.paraphrases import paraphrases as listed
        from unclip.evaluation.prompts import make_prompts
        from unclip.evaluation.vocabulary import Vocabulary
        from unclip.evaluation.world import World

    with nullcontext() if output is None else output_folder(output):
        seeing = Judge.load(judge)
        vocabulary = Vocabulary(SpriteStore(store))
        prompts = make_prompts(vocabulary, per_task, seed) + listed(vocabulary, paraphrases)
        asked = World(
            load(model),
            seeing,
            vocabulary,
            Composer(vocabulary.store),
            prompts,
            images=images,
            seed=seed,
            size=size,
            candidates=candidates,
        )
        console = Console(stderr=as_json)
        exam = asked.exam()
        console.print(shown.exam_table(exam))
        answers = _watched(asked)
        report = asked.report(exam, answers)
        console.print(shown.tasks_table(report))
        console.print(shown.closeness_table(report))
        if as_json:
            print(json.dumps(shown.to_json(report)))
        if output is not None:
            for path in shown.save(report, answers, output):
                say(f"wrote {path}")


def _watched(asked: World) -> list[Answer]:
    """All answers, with a bar on a terminal's standard error; after Ctrl-C those that are there."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    answers: list[Answer] = []
    try:
        answers.extend(  # what came before Ctrl-C stays
            track(
                asked.answers(),
                "drawing",
                total=asked.pictures,
                console=console,
                disable=not console.is_terminal,
            )
        )
    except KeyboardInterrupt:
        if not answers:
            raise
        say(f"stopped; what follows is of {len(answers)} pictures of {asked.pictures}")
    return answers


def train_judge(
    minutes: Annotated[float, typer.Option(help="Length of the training, by the clock.")] = 18.0,
    resume: Annotated[bool, typer.Option(help="Go on from the last checkpoint.")] = False,
    start_from: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of a judge to start from; `shipped` is unclip's own."),
    ] = None,
    judge: JudgeFolder = None,
    store: Store = None,
    model: Model = "default",
) -> None:
    """Train another judge for `unclip eval world` than the one that is shipped, and examine it.

    Some of its lessons go through the model's autoencoder, whose marks it is not to mind.
    """
    if not minutes > 0:
        raise InvalidArgument("--minutes", f"is {minutes:g}; it must be more than 0")
    with training_extra():
        from rich.console import Console

        from unclip.evaluation.report import exam_table
        from unclip.evaluation.train_judge import train
        from unclip.pipeline.bundle import load_bundle

    trained, exam = train(
        judge,
        minutes=minutes,
        start_from=start_from,
        resume=resume,
        store=store,
        autoencoder=load_bundle(model).autoencoder,
        on_log=say,
    )
    Console().print(exam_table(exam))
    print(trained)
