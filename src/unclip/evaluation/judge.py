"""The judge: a trained detector, the names it knows, and how it looks at a picture.

It is kept in a folder of its own and is no part of a bundle: nothing that generates may use it. One
lies beside this module; `unclip eval train-judge` makes another, which is then used in its place.

judge.safetensors   the detector's averaged weights, in half precision
judge.json          its names and sizes, the SHA-256 of the weights, its training and its exam
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from unclip.corpus.raster import Pixels
from unclip.errors import BundleError, InvalidArgument
from unclip.evaluation.detector import PIXELS, Detector, DetectorConfig, Found
from unclip.evaluation.prompts import COLOURS
from unclip.evaluation.scoring import Detection, Sight
from unclip.pipeline.bundle import fill
from unclip.pipeline.bundle_files import check_safetensors, sha256_of
from unclip.training.data import to_tensor
from unclip.training.workspace import pictures_of

FORMAT = 2
SHIPPED = Path(__file__).parent / "shipped_judge"
"""Trained as its record says, on the corpus that the bundle was trained on."""
THERE, CLASS = 0.4, 0.3
"""How sure the judge must be that an object is there, and of its class."""
_WEIGHTS, _MANIFEST = "judge.safetensors", "judge.json"
_BATCH = 64


def default_path() -> Path:
    """Where `unclip eval train-judge` keeps the judge."""
    return Path(platformdirs.user_cache_dir("unclip")) / "judge"


class Judge:
    """Sees things of its vocabulary in pictures of any size."""

    def __init__(
        self,
        detector: Detector,
        names: Sequence[str],
        styles: Sequence[str],
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.detector = detector.eval().requires_grad_(False)
        self.names, self.styles = tuple(names), tuple(styles)
        self.record = dict(record or {})

    @staticmethod
    def load(path: Path | None = None) -> Judge:
        """Read what `save` wrote to this folder, else to the cache's, else what is shipped, which
        goes by the name of `shipped` too.

        Raises:
            InvalidArgument: the folder has no judge.
            BundleError: it is altered, cut short, or of another format.
        """
        kept = default_path() if (default_path() / _MANIFEST).exists() else SHIPPED
        folder = SHIPPED if path == Path("shipped") else path or kept
        try:
            manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
        except FileNotFoundError:
            raise InvalidArgument(
                "judge", f"is not in {folder}; train one: unclip eval train-judge"
            ) from None
        except (OSError, ValueError) as error:
            raise BundleError(f"{folder / _MANIFEST} cannot be read: {error}") from None
        if manifest.get("format") != FORMAT:
            raise BundleError(f"{folder / _MANIFEST} is of another format than {FORMAT}")
        file = folder / _WEIGHTS
        check_safetensors(file)
        if sha256_of(file) != manifest["sha256"]:
            raise BundleError(f"{file} has another SHA-256 than {_MANIFEST} says: it was altered")
        sizes: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in manifest["config"].items()
        }
        detector = Detector(DetectorConfig(**sizes))
        halves = load_file(file)
        state = {k: v.float() if v.is_floating_point() else v for k, v in halves.items()}
        fill(detector, state, file)
        record = {"sha256": manifest["sha256"], **manifest["record"]}
        return Judge(detector, manifest["names"], manifest["styles"], record)

    @property
    def pictures(self) -> int:
        """How many it was trained on, in all."""
        return pictures_of(self.record.get("training", {}))

    def save(self, path: Path) -> None:
        """Write it to a folder; the manifest comes last."""
        path.mkdir(parents=True, exist_ok=True)
        file = path / _WEIGHTS
        state = self.detector.state_dict()
        half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
        save_file({k: v.contiguous() for k, v in half.items()}, file)
        manifest = {
            "format": FORMAT,
            "config": dataclasses.asdict(self.detector.config),
            "names": self.names,
            "styles": self.styles,
            "sha256": sha256_of(file),
            "record": self.record,
        }
        (path / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")

    def look(self, pictures: Sequence[Image.Image]) -> list[Sight]:
        """What it sees in each of some pictures, each seen at 64 pixels."""
        sights: list[Sight] = []
        for start in range(0, len(pictures), _BATCH):
            some = pictures[start : start + _BATCH]
            sights += self._look(np.stack([np.asarray(scaled(picture)) for picture in some]))
        return sights

    @torch.inference_mode()
    def _look(self, rgb: Pixels) -> list[Sight]:
        return [self._sight(found) for found in self.detector(to_tensor(rgb), THERE)]

    def _sight(self, found: Found) -> Sight:
        detections = []
        for kind, box, colour in zip(found.kind, found.box, found.colour, strict=True):
            share, number = (float(x) for x in kind.max(dim=0))
            if share < CLASS or int(number) == len(self.names):
                continue
            x0, y0, x1, y1 = (float(x) for x in box)
            named = COLOURS[int(colour.argmax())]
            detections.append(Detection(self.names[int(number)], share, (x0, y0, x1, y1), named))
        detections.sort(key=lambda one: -one.confidence)
        if not len(found.sure):
            return Sight(tuple(detections))
        looks = (found.style.log() * found.sure[:, None]).sum(dim=0)
        return Sight(tuple(detections), self.styles[int(looks.argmax())])


def scaled(picture: Image.Image) -> Image.Image:
    """A picture as the judge sees it."""
    rgb = picture.convert("RGB")
    return rgb if rgb.size == (PIXELS, PIXELS) else rgb.resize((PIXELS, PIXELS), _FILTER)


_FILTER = Image.Resampling.BICUBIC
