"""A small head on the sentence embedding: what a prompt means where no term gives it away.

The embedding is the mean of the text tower's states, 384 numbers; the head is one hidden layer, or
none, in plain numpy. `unclip eval train-policy` makes `head.npz` again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

FILE = Path(__file__).parent / "head.npz"
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Classifier:
    """Independent chances of each category.

    Args:
        names: the categories, one a column.
        weight, bias: the logistic layer on a normalised embedding.
        mean: of the embeddings that it was trained on.
        tower: hash of the text tower's file that it was trained with.
    """

    names: tuple[str, ...]
    weight: Float[Array, "e c"]
    bias: Float[Array, "c"]
    mean: Float[Array, "e"]
    tower: str

    @classmethod
    def load(cls, path: Path = FILE) -> Classifier:
        """Read a head that `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            names = tuple(str(name) for name in file["names"])
            parts = {key: file[key].astype(np.float32) for key in ("weight", "bias", "mean")}
            return cls(names, **parts, tower=str(file["tower"]))

    def save(self, path: Path) -> None:
        """Write the head, a few kilobytes, in half precision."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                names=np.array(self.names),
                weight=self.weight.astype(np.float16),
                bias=self.bias.astype(np.float16),
                mean=self.mean.astype(np.float16),
                tower=np.array(self.tower),
            )

    def chances(self, embeddings: Float[Array, "n e"]) -> Float[Array, "n c"]:
        """The chance of each category for each embedding."""
        centred = unit(embeddings) - self.mean
        logits = centred @ self.weight + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))

    def scores(self, embedding: Sequence[float]) -> Mapping[str, float]:
        """The chance of each category by its name."""
        row = self.chances(np.asarray(embedding, dtype=np.float32)[None])[0]
        return dict(zip(self.names, map(float, row), strict=True))


def unit(embeddings: Float[Array, "n e"]) -> Float[Array, "n e"]:
    """Embeddings of length 1."""
    return np.asarray(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True))


def fit(
    embeddings: Float[Array, "n e"],
    targets: Float[Array, "n c"],
    names: Sequence[str],
    tower: str,
    decay: float = 1e-4,
    steps: int = 600,
    rate: float = 8.0,
) -> Classifier:
    """Logistic regression with weight decay, by gradient descent with Nesterov's momentum.

    Every category's positives weigh as much as a quarter of its negatives; the result depends on
    the data alone.
    """
    x = unit(embeddings).astype(np.float64)
    mean = x.mean(0)
    x -= mean
    positive = np.maximum(targets.sum(0), 1)
    share = np.clip(0.25 * (len(targets) - positive) / positive, 1.0, 20.0)
    weights = np.where(targets > 0, share, 1.0)
    weights /= weights.sum(0)
    w, b = np.zeros((x.shape[1], targets.shape[1])), np.full(targets.shape[1], -2.0)
    speed_w, speed_b = np.zeros_like(w), np.zeros_like(b)
    for _ in range(steps):
        ahead_w, ahead_b = w + 0.9 * speed_w, b + 0.9 * speed_b
        gap = weights * (1 / (1 + np.exp(-(x @ ahead_w + ahead_b))) - targets)
        speed_w = 0.9 * speed_w - rate * (x.T @ gap + decay * ahead_w)
        speed_b = 0.9 * speed_b - rate * gap.sum(0)
        w, b = w + speed_w, b + speed_b
    return Classifier(tuple(names), w, b, mean, tower)
