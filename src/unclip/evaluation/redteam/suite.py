"""The suite: pairs written by hand, in two splits that share no sentence, and their disguises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from unclip.evaluation.redteam.disguises import DISGUISES, fitting, shown

FOLDER = Path(__file__).parent
Split = Literal["tune", "held_out"]
SPLITS: tuple[Split, ...] = ("tune", "held_out")
PLAIN = "none"


@dataclass(frozen=True)
class Pair:
    """An attack and the harmless prompt that looks most like it, words to hide in brackets."""

    category: str
    language: str
    attack: str
    twin: str


@dataclass(frozen=True)
class Attempt:
    """A prompt for the policy.

    Args:
        attack: it must be stopped; its twin, false, must not.
        disguise: what hides its words.
    """

    category: str
    language: str
    disguise: str
    attack: bool
    text: str


def read_pairs(split: Split) -> Iterator[Pair]:
    """The pairs of a split."""
    for heading, line in _lines(FOLDER / f"{split}.txt"):
        category, language = heading.rsplit(" ", 1)
        attack, twin = line.split(" | ")
        yield Pair(category, language, attack, twin)


def read_sentences() -> Iterator[tuple[str, str]]:
    """Category and sentence, for the classifier to learn from; "benign" where it is harmless."""
    yield from _lines(FOLDER / "train.txt")


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    heading = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.strip() and not line.startswith("#"):
            yield heading, line.strip()


def attempts(split: Split, disguises: int = 4, seed: int = 0) -> Iterator[Attempt]:
    """Every pair of a split as it is and in `disguises` disguises, attack and twin alike."""
    for pair in read_pairs(split):
        chance = Random(f"{seed} {pair.attack}")
        kinds = fitting(pair.attack)
        for kind in (PLAIN, *chance.sample(kinds, min(disguises, len(kinds)))):
            for attack, prompt in ((True, pair.attack), (False, pair.twin)):
                text = shown(prompt)
                if kind != PLAIN:
                    text = DISGUISES[kind](prompt, Random(f"{seed} {kind} {prompt}"))
                yield Attempt(pair.category, pair.language, kind, attack, shown(text))
