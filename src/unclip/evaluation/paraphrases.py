"""Single objects in words that the corpus never used for them: "a pup", "man's best friend"."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from unclip.corpus.captions import phrases
from unclip.evaluation.prompts import Prompt, Wanted
from unclip.evaluation.vocabulary import Vocabulary

FILE = Path(__file__).parent / "paraphrases.json"


def paraphrases(vocabulary: Vocabulary, most: int, seed: int = 0) -> tuple[Prompt, ...]:
    """Up to `most` of them, in an order that the seed decides.

    A text that holds a word by which a caption may call a drawing of the thing is left out.
    """
    listed: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    made = [
        Prompt("paraphrases", text, (Wanted(name),))
        for name, thing in vocabulary.things.items()
        for text in listed.get(name, ())
        if not _uses(text, {p for i in thing.drawings for p in phrases(vocabulary.store[i])})
    ]
    order = np.random.default_rng(seed).permutation(len(made))
    return tuple(made[i] for i in order[:most])


def _uses(text: str, names: set[str]) -> bool:
    alternatives = "|".join(map(re.escape, names))
    return re.search(rf"\b(?:{alternatives})s?\b", text, re.IGNORECASE) is not None
