"""Did a model of ours make this picture? A guess from how it looks, for when nothing else is left.

Small models draw soft edges and little fine grain, in lightness and colour differently from people
and cameras. A hundred numbers say how much of each there is, and a small network, trained on
pictures of the model that ships, weighs them. It is a hint: another model's picture may pass for
ours, and a soft drawing of a person's too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors import safe_open

WEIGHTS = Path(__file__).with_name("detector.safetensors")
SIDE = 128

_RINGS = 21
_GRADIENTS = (0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_CURVATURES = (0.25, 0.5, 0.75, 0.9, 0.97)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detector:
    """The network: one hidden layer over standardised features.

    Args:
        mean, scale: of the features, [f].
        hidden, hidden_bias: [f, h] and [h].
        out: [h].
        bias: of the result, so that 0 is the threshold.
        record: how it was trained and judged.
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    out: Floats
    bias: Floats
    record: dict[str, object]

    def score(self, image: Image.Image) -> float:
        """Over 0 where the picture looks like one of ours, in units of log odds."""
        return float(self.scores(features(image)[None])[0])

    def scores(self, rows: Floats) -> Floats:
        """Of features, [n, f]."""
        inside = (rows - self.mean) / self.scale @ self.hidden + self.hidden_bias
        active = inside / (1 + np.exp(-np.clip(inside, -60, 60)))
        scores: Floats = active @ self.out + self.bias
        return scores


@cache
def load_detector() -> Detector:
    """The one that ships."""
    with safe_open(WEIGHTS, "np") as file:
        values = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        record = json.loads(file.metadata()["record"])
    return Detector(**values, record=record)


def features(image: Image.Image) -> Floats:
    """What is measured of the middle square of a picture, at 128 pixels, [f]."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.convert("RGB").crop((left, top, left + side, top + side))
    square = square.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(square, np.float32)
    light = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    found: list[Floats] = []
    for plane in (light, pixels[..., 2] - light, pixels[..., 0] - light):
        found.append(_spectrum(plane))
        across, down = np.diff(plane, axis=1)[:-1], np.diff(plane, axis=0)[:, :-1]
        found.append(_levels(np.hypot(across, down), _GRADIENTS))
        inner = plane[1:-1, 1:-1]
        around = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:]
        found.append(_levels(np.abs(4 * inner - around), _CURVATURES))
    spread = np.log(pixels.reshape(-1, 3).std(0) + 1)
    ends = [(pixels.min(2) > 250).mean(), (pixels.max(2) < 5).mean()]
    return np.concatenate([*found, spread, ends]).astype(np.float32)


def _spectrum(plane: Floats) -> Floats:
    """Log power in rings of frequency, each a third of an octave or so."""
    window = np.hanning(SIDE)
    power = np.abs(np.fft.rfft2((plane - plane.mean()) * window[:, None] * window)) ** 2
    ring = _rings()
    sums = np.bincount(ring, power.ravel(), minlength=_RINGS)
    return np.log(sums / np.maximum(np.bincount(ring, minlength=_RINGS), 1) + 10)


@cache
def _rings() -> npt.NDArray[np.int64]:
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None] * SIDE, np.arange(SIDE // 2 + 1))
    ring = (np.log2(np.maximum(frequency, 1)) * 3.4).astype(np.int64)
    rings: npt.NDArray[np.int64] = np.clip(ring, 0, _RINGS - 1).ravel()
    return rings


def _levels(values: Floats, quantiles: tuple[float, ...]) -> Floats:
    levels: Floats = np.log(np.quantile(values, quantiles) + 0.3)
    return levels
