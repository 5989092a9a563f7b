"""Train the detector of a model's pictures against drawings of people, and judge it on others.

    python -m unclip.training.provenance.detector MADE [--store STORE] [--photographs FOLDER]

MADE is a folder of pictures of the model, a third of which are kept for the judgement. Drawings are
composed from the corpus; those it is judged on, and the threshold set by, show concepts that no
drawing in training shows. Photographs are never trained on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

from unclip.corpus.composer import Composer
from unclip.corpus.split import Split
from unclip.corpus.store import SpriteStore
from unclip.provenance.detector import WEIGHTS, Detector, features
from unclip.training.provenance.edits import EDITS, at_random, cropped, softened

SIDE = 256
FALSE_POSITIVES = 0.005
_HIDDEN = 128
_STEPS = 600
_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def train(made: Iterable[Image.Image], drawn: Iterable[Image.Image], copies: int = 6) -> Detector:
    """A detector whose threshold is not set yet.

    Args:
        made: the model's pictures; each is learned as it is and `copies` times edited.
        drawn: of people; each is learned once, edited or not, and one in three softened.
    """
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    rows, truth = [], []
    for image in made:
        for k in range(copies + 1):
            rows.append(features(at_random(image, rng) if k else image))
            truth.append(1.0)
    for k, image in enumerate(drawn):
        soft = softened(image, rng) if k % 3 == 0 else image
        rows.append(features(at_random(soft, rng) if k % 4 else soft))
        truth.append(0.0)
    x = np.stack(rows)
    mean, scale = x.mean(0), x.std(0) + 1e-3
    inputs, targets = torch.from_numpy((x - mean) / scale), torch.tensor(truth)
    network = nn.Sequential(
        nn.Linear(x.shape[1], _HIDDEN), nn.SiLU(), nn.Dropout(0.2), nn.Linear(_HIDDEN, 1)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.3)
    for _ in range(_STEPS):
        noisy = inputs + 0.1 * torch.randn_like(inputs)
        loss = F.binary_cross_entropy_with_logits(network(noisy)[:, 0], targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    hidden, hidden_bias, out, bias = (p.detach().numpy() for p in network.parameters())
    return Detector(mean, scale, hidden.T.copy(), hidden_bias, out[0], bias, {})


def with_threshold(detector: Detector, drawn: Sequence[Image.Image]) -> Detector:
    """The same with 0 where `FALSE_POSITIVES` of these drawings, edited, would count as ours."""
    rng = np.random.default_rng(3)
    rows = [features(edit(image, rng)) for edit in EDITS.values() for image in drawn]
    threshold = np.quantile(detector.scores(np.stack(rows)), 1 - FALSE_POSITIVES)
    return Detector(**{**vars(detector), "bias": detector.bias - np.float32(threshold)})


def judge(detector: Detector, images: Sequence[Image.Image]) -> dict[str, float]:
    """The share of pictures that count as ours, after each edit."""
    rng = np.random.default_rng(1)
    return {
        name: round(float(np.mean([detector.score(edit(image, rng)) > 0 for image in images])), 4)
        for name, edit in EDITS.items()
    }


def save(detector: Detector, record: dict[str, object], path: Path = WEIGHTS) -> None:
    values = {name: value for name, value in vars(detector).items() if name != "record"}
    save_file(values, path, {"record": json.dumps(record)})


def drawings(store: SpriteStore, split: Split, count: int, seed: int) -> Iterable[Image.Image]:
    """Pictures of the corpus, of 256 pixels."""
    composer = Composer(store, split=split)
    for k in range(count):
        rng = np.random.default_rng((seed, k))
        yield Image.fromarray(composer.render(composer.sample(rng), SIDE))


def pictures(folder: Path) -> list[Image.Image]:
    """Those in a folder, the shorter side of each 256 pixels."""
    found = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES):
        with Image.open(path) as image:
            scale = SIDE / min(image.size)
            shape = (round(image.width * scale), round(image.height * scale))
            found.append(image.convert("RGB").resize(shape, Image.Resampling.LANCZOS))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("made", type=Path, help="folder of the model's pictures")
    parser.add_argument("--store", type=Path, help="of sprites; the usual one if not given")
    parser.add_argument("--drawings", type=int, default=3000, help="to train on")
    parser.add_argument("--judged", type=int, default=2000, help="drawings to judge it on")
    parser.add_argument("--photographs", type=Path, help="folder of photographs to judge it on")
    parser.add_argument("--output", type=Path, default=WEIGHTS)
    options = parser.parse_args()

    made = pictures(options.made)
    order = np.random.default_rng(0).permutation(len(made))
    kept = [made[k] for k in order[: len(made) // 3]]
    learned = [made[k] for k in order[len(made) // 3 :]]
    store = SpriteStore(options.store)
    detector = train(learned, drawings(store, "train", options.drawings, 0))
    half = options.judged // 2
    others = list(drawings(store, "heldout", options.judged, 1))
    detector = with_threshold(detector, others[:half])
    record: dict[str, object] = {
        "made": len(learned),
        "drawn": options.drawings,
        "judged": {"made": len(kept), "drawn": len(others) - half},
        "true positives": judge(detector, kept),
        "false positives": judge(detector, others[half:]),
    }
    if options.photographs is not None:
        rng = np.random.default_rng(2)
        parts = [
            cropped(image, rng.uniform(0.5, 1), rng)
            for image in pictures(options.photographs)
            for _ in range(5)
        ]
        record["photographs"] = {"parts": len(parts), "false positives": judge(detector, parts)}
    save(detector, record, options.output)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
