"""`unclip eval policy` and `unclip eval train-policy`: the red-team suite, and the classifier."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unclip.cli.common import Json, Model, say
from unclip.errors import InvalidArgument


class Split(StrEnum):
    """Which half of the suite."""

    TUNE = "tune"
    HELD_OUT = "held-out"


def policy(
    split: Annotated[
        Split, typer.Option(help="Held-out prompts, or those that words were tuned on.")
    ] = Split.HELD_OUT,
    file: Annotated[
        Path | None, typer.Option("--policy", help="A policy.toml, if not the package's own.")
    ] = None,
    model: Model = "default",
    words_only: Annotated[
        bool, typer.Option("--words-only", help="Judge without the classifier and its model.")
    ] = False,
    misses: Annotated[
        bool, typer.Option("--misses", help="Name the prompts judged wrongly; --split tune only.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Attack the policy with the red-team suite: what gets through, and what it wrongly stops."""
    from rich.console import Console

    from unclip.evaluation.policy import Embedder, run, table, to_json

    if misses and split is Split.HELD_OUT:
        raise InvalidArgument("--misses", "is for --split tune; held-out prompts stay unseen")
    embedder = None if words_only else Embedder(model)
    report = run("held_out" if split is Split.HELD_OUT else "tune", file, embedder)
    Console(stderr=as_json).print(table(report))
    if misses:
        for miss in report.misses:
            what = "leak" if miss.attempt.attack else "false block"
            say(f"{what}, {miss.attempt.disguise}: {miss.attempt.text!r}; {miss.decision}")
    if as_json:
        print(json.dumps(to_json(report)))


def train_policy(
    model: Model = "default",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File, if not the package's own.")
    ] = None,
) -> None:
    """Train the policy's classifier on the sentences that the package has; under a minute."""
    from unclip.evaluation.policy import train
    from unclip.safety.classifier import FILE

    path = output or FILE
    train(model).save(path)
    print(path)
