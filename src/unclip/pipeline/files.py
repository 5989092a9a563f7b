"""Finished pictures as files: PNG with its settings inside. Nothing here needs torch."""

from __future__ import annotations

import io
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from unclip.errors import InvalidArgument
from unclip.types import Picture

METADATA = "unclip"
"""Keyword of the PNG text chunk that holds a picture's settings as JSON."""

_LEVEL = 1  # zlib's fastest: a third of the default's time for a third more bytes
_SHEET_TILE = 384


def slug(prompt: str, most: int = 48) -> str:
    """A prompt as a part of a file name: words with hyphens between, cut at a word."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", prompt).casefold())
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:most]
        if len(longer.encode()) > 2 * most or len(longer) > most:
            break
        name = longer
    return name or "picture"


def encode_png(image: Image.Image, metadata: dict[str, Any] | None = None) -> bytes:
    """The same bytes for the same pixels and metadata."""
    info = PngInfo()
    if metadata is not None:
        info.add_itxt("Description", str(metadata.get("prompt", "")))
        info.add_itxt(METADATA, json.dumps(metadata, ensure_ascii=False))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_LEVEL, pnginfo=info)
    return buffer.getvalue()


def metadata_of(picture: Picture) -> dict[str, Any]:
    """Settings and scores, as they are stored in a file."""
    return {
        **picture.settings,
        "clip_score": None if picture.clip_score is None else round(picture.clip_score, 4),
        "prior_score": round(picture.prior_score, 4),
    }


def save_picture(picture: Picture, folder: Path) -> Path:
    """Write `slug-seed.png`, whole or not at all, and give its path."""
    name = f"{slug(picture.settings['prompt'])}-{picture.seed}"
    return write_new(folder, name, encode_png(picture.image, metadata_of(picture)))


def save_sheet(pictures: Sequence[Picture], folder: Path) -> Path:
    """Write all pictures of a request side by side as `slug-seed-sheet.png`."""
    first = pictures[0]
    name = f"{slug(first.settings['prompt'])}-{first.seed}-sheet"
    sheet = contact_sheet([picture.image for picture in pictures])
    seeds = [picture.seed for picture in pictures]
    return write_new(folder, name, encode_png(sheet, {**first.settings, "seed": seeds}))


def contact_sheet(images: Sequence[Image.Image], tile: int = _SHEET_TILE) -> Image.Image:
    """Pictures scaled to `tile` pixels in a grid that is as square as can be."""
    columns = next(c for c in range(1, len(images) + 1) if c * c >= len(images))
    rows = -(-len(images) // columns)
    gap = tile // 48
    step = tile + gap
    sheet = Image.new("RGB", (columns * step + gap, rows * step + gap), "white")
    for i, image in enumerate(images):
        small = image.resize((tile, tile), Image.Resampling.LANCZOS, reducing_gap=2.0)
        sheet.paste(small, (gap + i % columns * step, gap + i // columns * step))
    return sheet


def write_new(folder: Path, stem: str, data: bytes) -> Path:
    """Write `stem.png`, or `stem-2.png` and so on where a file of other content has the name."""
    partial = folder / f".{stem[:40]}.{os.getpid()}.partial"
    try:
        partial.write_bytes(data)
        count = 1
        while True:
            path = folder / (f"{stem}.png" if count == 1 else f"{stem}-{count}.png")
            if not path.exists():
                partial.replace(path)
                return path
            if path.is_file() and path.read_bytes() == data:
                return path
            count += 1
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Make a folder and see that it can be written; if the work fails, none is left empty.

    Raises:
        InvalidArgument: it cannot be made or written.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    probe = path / f".unclip.{os.getpid()}.partial"
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidArgument(
                "output",
                f"is {path}, where nothing can be written ({reason}); it may be any folder",
            ) from None
        yield path
    except BaseException:
        for folder in missing:
            try:
                folder.rmdir()  # only if empty
            except OSError:
                break
        raise


def read_picture(path: Path) -> tuple[dict[str, Any], tuple[int, int]]:
    """The settings stored in a picture of ours, and its width and height.

    Raises:
        InvalidArgument: it is no picture, or none of ours.
    """
    try:
        with Image.open(path) as image:
            image.load()
            size, text = image.size, dict(getattr(image, "text", {}))
    except FileNotFoundError:
        raise InvalidArgument("file", f"is {path}, which does not exist") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise InvalidArgument("file", f"is {path}, which is not a picture") from None
    try:
        settings = json.loads(text[METADATA])
    except (KeyError, ValueError):
        raise InvalidArgument("file", f"is {path}, which holds no settings of unclip's") from None
    return dict(settings), size
