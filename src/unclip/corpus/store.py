"""The sprite store on disk: every drawing with its names, licence, pixels and, if it has one, SVG.

manifest.json   counts by source and licence, and the attributions
sprites.jsonl   one `Sprite` a line
small.npy       uint8 [n, 80, 80, 4], premultiplied RGBA, mapped
masters.bin     256-px lossless WebP, straight RGBA
svg.bin         zlib-compressed SVG text without size attributes
index.npy       int64 [n, 4]: begin and end in masters.bin, begin and end in svg.bin
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs
from PIL import Image

from unclip.corpus.raster import Pixels, View, premultiplied, render_svg, resize
from unclip.errors import CorpusError

SMALL, MASTER = 80, 256
"""Pixels a side of the mapped sprites and of the masters."""


def default_path() -> Path:
    """Where a store is kept when the caller does not say."""
    return Path(platformdirs.user_cache_dir("unclip")) / "corpus"


@dataclass(frozen=True)
class Sprite:
    """One drawing. Its pixels are a square around what is drawn.

    Args:
        id: stable name, from source and content.
        name: the concept with its skin tone, for people who read the manifest.
        concept: singular noun phrase for captions.
        synonyms: other names of the concept.
        main_colour: hue, saturation and value of art that may be recoloured, else None.
        flat: drawn in few flat colours.
        tone: skin tone 1 to 5, 0 for the default drawing.
        split: "train" or "heldout".
        native: pixels a side of the original; 0 for vector art, which has no limit.
        view: square viewBox of the SVG, in its user units.
        mirrorable: whether it is true when mirrored too: no text, no left or right.
    """

    id: str
    name: str
    concept: str
    synonyms: tuple[str, ...]
    category: str
    style: str
    source: str
    licence: str
    attribution: str
    flat: bool
    main_colour: tuple[float, float, float] | None
    tone: int
    split: str
    native: int
    view: View
    mirrorable: bool = True

    @staticmethod
    def from_json(line: str) -> Sprite:
        """The inverse of `to_json`."""
        data = json.loads(line)
        for key in ("synonyms", "view", "main_colour"):
            data[key] = tuple(data[key]) if data[key] is not None else None
        return Sprite(**data)

    def to_json(self) -> str:
        """One line of `sprites.jsonl`."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)


class SpriteStore:
    """Reads what `build` wrote. `store[i]` is a `Sprite`; pixels are premultiplied RGBA."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the store in `path`; raises `CorpusError` where it is absent or incomplete."""
        self.path = path or default_path()
        try:
            lines = (self.path / "sprites.jsonl").read_text(encoding="utf-8").splitlines()
            self._index = np.load(self.path / "index.npy")
            self.small: Pixels = np.load(self.path / "small.npy", mmap_mode="r")
            self._masters = np.memmap(self.path / "masters.bin", np.uint8, "r")
            self._svgs = np.memmap(self.path / "svg.bin", np.uint8, "r")
        except (OSError, ValueError) as error:
            raise CorpusError(
                f"no sprite store in {self.path} ({error}); run: unclip corpus build"
            ) from error
        self.sprites = tuple(Sprite.from_json(line) for line in lines)
        if not len(self.sprites) == len(self._index) == len(self.small):
            raise CorpusError(f"sprite store in {self.path} is cut off; run: unclip corpus build")

    def __len__(self) -> int:
        return len(self.sprites)

    def __getitem__(self, index: int) -> Sprite:
        return self.sprites[index]

    @cached_property
    def manifest(self) -> dict[str, object]:
        """Counts by source and licence, and the attributions."""
        loaded: dict[str, object] = json.loads((self.path / "manifest.json").read_text())
        return loaded

    def blobs(self, index: int) -> tuple[bytes, bytes]:
        """The master and the compressed SVG as they are stored."""
        begin, end, svg_begin, svg_end = self._index[index]
        return self._masters[begin:end].tobytes(), self._svgs[svg_begin:svg_end].tobytes()

    def svg(self, index: int) -> str | None:
        """The SVG text, drawn by `view`; None for pictures."""
        begin, end = self._index[index, 2:]
        return zlib.decompress(self._svgs[begin:end].tobytes()).decode() if end > begin else None

    def master(self, index: int, size: int) -> Pixels:
        """One sprite at `size` px, [size, size, 4]: SVG is drawn at any size, pictures enlarged."""
        return self.region(index, size, (0, 0, size, size))

    def region(self, index: int, size: int, box: tuple[int, int, int, int]) -> Pixels:
        """The part `box` (x0, y0, x1, y1 px) of the sprite at `size` px, [y1-y0, x1-x0, 4]."""
        x0, y0, x1, y1 = box
        if size > MASTER and (svg := self.svg(index)) is not None:
            x, y, side, _ = self.sprites[index].view
            unit = side / size
            view = (x + x0 * unit, y + y0 * unit, (x1 - x0) * unit, (y1 - y0) * unit)
            # The renderer fails on a part of some filtered drawings: then the master is enlarged.
            with contextlib.suppress(ValueError):
                return premultiplied(render_svg(svg, view, x1 - x0, y1 - y0))
        if size <= SMALL:
            whole = resize(self.small[index], size)
        else:
            begin, end = self._index[index, :2]
            picture = Image.open(io.BytesIO(self._masters[begin:end].tobytes()))
            whole = resize(premultiplied(picture), size)
        return whole[y0:y1, x0:x1]
