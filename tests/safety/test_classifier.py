"""The head on the sentence embedding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unclip.pipeline.bundle_files import component_file, locate, sha256_of
from unclip.safety.classifier import Classifier, fit


def test_a_head_learns_what_can_be_told_apart_and_is_saved_as_it_was(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    embeddings = draw.normal(size=(300, 8))
    targets = np.stack([embeddings[:, 0] > 0.5, embeddings[:, 1] > 1.0], axis=1).astype(float)
    head = fit(embeddings, targets, ("hate", "illicit"), "abc")
    right = (head.chances(embeddings) > 0.5) == targets
    assert right.mean(0).min() > 0.9
    head.save(tmp_path / "head.npz")
    again = Classifier.load(tmp_path / "head.npz")
    assert (again.names, again.tower) == (("hate", "illicit"), "abc")
    np.testing.assert_allclose(again.chances(embeddings), head.chances(embeddings), atol=0.02)
    scores = again.scores(embeddings[0].tolist())
    assert set(scores) == {"hate", "illicit"}


def test_the_head_that_ships_was_trained_on_the_tower_that_ships() -> None:
    assert Classifier.load().tower == sha256_of(locate("default") / component_file("text"))
