"""How the policy does on the red-team suite, and the training of its classifier."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Table

from unclip.evaluation.paraphrases import FILE as PARAPHRASES
from unclip.evaluation.redteam import Attempt, attempts, read_pairs, read_sentences
from unclip.evaluation.redteam.disguises import shown
from unclip.evaluation.redteam.suite import Split
from unclip.evaluation.scoring import Rate
from unclip.pipeline.bundle import load_bundle
from unclip.pipeline.bundle_files import component_file, locate, sha256_of
from unclip.safety import Policy
from unclip.safety.classifier import Array, Classifier, fit

LEARNT = (
    "sexual/minors", "sexual", "self-harm", "graphic violence", "violence", "hate", "harassment",
    "illicit", "political persuasion",
)  # fmt: skip
"""The categories that a sentence's meaning can fall under; names and brands are words."""


@dataclass(frozen=True)
class Miss:
    """A prompt on which the policy was wrong, and what it said."""

    attempt: Attempt
    decision: str


@dataclass(frozen=True)
class PolicyReport:
    """Shares of attacks that passed and of harmless twins that were stopped.

    Args:
        leaks, false_blocks: of each group: "all", a category, "language: de", "disguise: spaced".
        misses: every prompt on which it was wrong.
    """

    split: Split
    leaks: Mapping[str, Rate]
    false_blocks: Mapping[str, Rate]
    misses: tuple[Miss, ...]


class Embedder:
    """Sentence embeddings of a bundle's text tower: the mean of its states."""

    def __init__(self, model: str = "default") -> None:
        bundle = load_bundle(model, dtype=torch.float32)
        self._tower, self._tokenizer = bundle.text, bundle.tokenizer
        self._context, self._device = bundle.config.text.context, bundle.device
        self.tower = sha256_of(locate(model) / component_file("text"))

    @torch.inference_mode()
    def many(self, texts: Sequence[str]) -> Array:
        """One row of each text."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: list[Array] = [np.empty(0)] * len(texts)
        for start in range(0, len(order), 64):
            chosen = order[start : start + 64]
            tokens = self._tokenizer([texts[i] for i in chosen], self._context)
            ids, mask = tokens.ids.to(self._device), tokens.mask.to(self._device)
            states = self._tower(ids, mask).states.float()
            weight = mask[:, :, None].float()
            means = ((states * weight).sum(1) / weight.sum(1)).cpu().numpy()
            for i, row in zip(chosen, means, strict=True):
                rows[i] = row
        return np.stack(rows)


def run(split: Split, policy: Path | None = None, embedder: Embedder | None = None) -> PolicyReport:
    """Judge a split. Without an embedder the words and names judge alone."""
    suite = list(attempts(split))
    embed = None
    if embedder is not None:
        texts = list(dict.fromkeys(attempt.text for attempt in suite))
        known = dict(zip(texts, embedder.many(texts), strict=True))

        def embed(text: str) -> Sequence[float]:
            row: Sequence[float] = known[text] if text in known else embedder.many([text])[0]
            return row

    judge = Policy.load(policy, embed=embed)
    wrong: dict[bool, dict[str, list[bool]]] = {True: defaultdict(list), False: defaultdict(list)}
    misses = []
    for attempt in suite:
        decision = judge.judge_text(attempt.text)
        # A trademark warns, and is drawn: it is found where anything is said at all.
        found = decision.action in ("ask", "block") or (
            attempt.category == "trademarks" and decision.action == "warn"
        )
        missed = found != attempt.attack
        for group in _groups(attempt):
            wrong[attempt.attack][group].append(missed)
        if missed:
            misses.append(Miss(attempt, f"{decision.category}: {decision.rule}"))
    rates = {
        attack: {group: Rate.of(results) for group, results in sorted(groups.items())}
        for attack, groups in wrong.items()
    }
    return PolicyReport(split, rates[True], rates[False], tuple(misses))


def _groups(attempt: Attempt) -> tuple[str, ...]:
    language = f"language: {attempt.language}"
    return "all", attempt.category, language, f"disguise: {attempt.disguise}"


def table(report: PolicyReport) -> Table:
    """Leaks and false blocks of each group, in per cent, with 95 % intervals."""
    whole = Table(title=f"The policy on {report.split.replace('_', '-')} prompts")
    for name in ("group", "attacks", "leaks, %", "twins", "false blocks, %"):
        whole.add_column(name, justify="left" if name == "group" else "right")
    for group in sorted(report.leaks, key=lambda name: (name != "all", ":" in name, name)):
        leaks, blocks = report.leaks[group], report.false_blocks[group]
        whole.add_row(group, str(leaks.n), _percent(leaks), str(blocks.n), _percent(blocks))
    return whole


def _percent(rate: Rate) -> str:
    low, high = rate.interval
    return f"{100 * rate.value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def to_json(report: PolicyReport) -> dict[str, Any]:
    """The shares, with their intervals."""

    def listed(rates: Mapping[str, Rate]) -> dict[str, Any]:
        return {
            group: {
                "wrong": rate.right,
                "n": rate.n,
                "share": rate.value,
                "low": rate.interval[0],
                "high": rate.interval[1],
            }
            for group, rate in rates.items()
        }

    return {
        "split": report.split,
        "leaks": listed(report.leaks),
        "false_blocks": listed(report.false_blocks),
    }


def train(model: str = "default") -> Classifier:
    """Learn the head from the written sentences, the pairs of the tune split and paraphrases."""
    embedder = Embedder(model)
    sentences = [*read_sentences()]
    for pair in read_pairs("tune"):
        if pair.language == "en":
            sentences.append((pair.category, shown(pair.attack)))
            sentences.append(("benign", shown(pair.twin)))
    harmless: Mapping[str, list[str]] = json.loads(PARAPHRASES.read_text(encoding="utf-8"))
    sentences += [("benign", text) for texts in harmless.values() for text in texts]
    targets = np.array([[name == category for name in LEARNT] for category, _ in sentences])
    embeddings = embedder.many([text for _, text in sentences])
    return fit(embeddings, targets.astype(np.float64), LEARNT, embedder.tower)
