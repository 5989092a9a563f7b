"""Finished pictures as files: PNG with its recipe inside and beside. Nothing here needs torch."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from unclip.errors import InvalidArgument
from unclip.pipeline.inputs import decoding, open_header, read_bytes
from unclip.pipeline.recipe import Reference, find_parent, images_of, map_parents, reference_to
from unclip.requests import Request
from unclip.types import Picture

METADATA = "unclip"
"""Keyword of the PNG text chunk that holds a picture's recipe as JSON."""
SIDECAR = ".json"
"""Suffix of the file beside it that holds the same."""

ANIMATIONS = {".webp": "WEBP", ".gif": "GIF"}
"""Formats by suffix."""

Seal = Callable[[bytes, str, str], bytes]
"""Signs a file: its bytes, media type and title to what may leave."""

_FRAME_MS, _END_MS = 100, 500
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
        info.add_itxt("Description", str(metadata.get("prompt") or ""))
        info.add_itxt(METADATA, json.dumps(metadata, ensure_ascii=False))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_LEVEL, pnginfo=info)
    return buffer.getvalue()


def metadata_of(
    picture: Picture, folder: Path | None = None, kept: Mapping[str, Reference] | None = None
) -> dict[str, Any]:
    """Settings and scores as they are stored with a picture in `folder`.

    Its parents are named as seen from there, so that a folder can be moved with all its pictures.

    Args:
        kept: from `keep_parents`.
    """

    def seen(reference: Reference) -> dict[str, Any]:
        reference = (kept or {}).get(reference["sha256"], reference)
        file = reference.get("file")
        if folder is None or file is None:
            return dict(reference)
        try:
            file = Path(os.path.relpath(file, folder)).as_posix()
        except ValueError:  # another drive
            file = Path(file).name
        return {**reference, "file": file}

    return {
        **map_parents(picture.settings, seen),
        "clip_score": None if picture.clip_score is None else round(picture.clip_score, 4),
        "prior_score": round(picture.prior_score, 4),
    }


def save_picture(
    picture: Picture, folder: Path, seal: Seal, kept: Mapping[str, Reference] | None = None
) -> Path:
    """Write `stem-seed.png` and its recipe beside it as JSON, both whole or not at all.

    The recipe is in the picture's file too; beside it, it outlives whatever strips metadata.

    Args:
        kept: from `keep_parents`.
    """
    metadata = metadata_of(picture, folder, kept)
    stem = f"{stem_of(picture.settings)}-{picture.seed}"
    return write_sealed(folder, stem, picture.image, metadata, seal, has_sidecar=True)


def save_sheet(
    pictures: Sequence[Picture], folder: Path, seal: Seal, columns: int | None = None
) -> Path:
    """Write all pictures of a request side by side as `stem-seed-sheet.png`.

    Args:
        columns: see `contact_sheet`.
    """
    first = pictures[0]
    stem = f"{stem_of(first.settings)}-{first.seed}-sheet"
    sheet = contact_sheet([picture.image for picture in pictures], columns=columns)
    metadata = {**metadata_of(first, folder), "n": len(pictures)}
    return write_sealed(folder, stem, sheet, metadata, seal)


def stem_of(settings: Mapping[str, Any]) -> str:
    """What a picture is called: by its prompt, or by its first parent and what was done to it."""
    prompt = settings.get("prompt")
    if prompt:
        return slug(str(prompt))
    files: list[str] = []
    map_parents(settings, lambda parent: files.append(Path(parent.get("file") or "").stem))
    return slug(" ".join([*files[:1], str(settings.get("operation", ""))]))


def keep_parents(request: Request, folder: Path) -> dict[str, Reference]:
    """Copy every picture inside a request into `folder`, and give each, by hash, its new place.

    Those that were in memory are written too, so that the request can be made again.

    Raises:
        InvalidArgument: a file is gone, or was altered since the request was made.
    """
    kept: dict[str, Reference] = {}
    for name, image in images_of(request):
        reference = reference_to(image)
        if reference["file"] is None:
            data, stem, suffix = encode_png(image), name, ".png"
            if "mask_mode" in reference:
                reference["mask_mode"] = "white"  # as it is in memory
        else:
            path, state = find_parent(reference, folder)
            if path is None:
                raise InvalidArgument(name, f"is {reference['file']}, which is {state} now")
            data, stem, suffix = path.read_bytes(), path.stem, path.suffix
        digest = hashlib.sha256(data).hexdigest()
        path = write_new(folder, stem, data, suffix=suffix)
        kept[reference["sha256"]] = {**reference, "file": str(path), "sha256": digest}
    return kept


def save_animation(images: Sequence[Image.Image], path: Path, seal: Seal) -> Path:
    """Write pictures as an animated WebP or GIF that goes on for ever, and give its path, with a
    number where a file of other content has the name.

    Args:
        path: ends in one of `ANIMATIONS`.
    """
    stays = [_FRAME_MS] * len(images)
    stays[0] = stays[-1] = _END_MS
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        ANIMATIONS[path.suffix.lower()],
        save_all=True,
        append_images=images[1:],
        duration=stays,
        loop=0,
    )
    kind = f"image/{path.suffix.lower()[1:]}"
    data = seal(buffer.getvalue(), kind, path.stem)
    return write_new(path.parent, path.stem, data, suffix=path.suffix)


def contact_sheet(
    images: Sequence[Image.Image], tile: int = _SHEET_TILE, columns: int | None = None
) -> Image.Image:
    """Pictures scaled to `tile` pixels in a grid, as square as can be without `columns`."""
    columns = columns or next(c for c in range(1, len(images) + 1) if c * c >= len(images))
    rows = -(-len(images) // columns)
    gap = tile // 48
    step = tile + gap
    sheet = Image.new("RGB", (columns * step + gap, rows * step + gap), "white")
    for i, image in enumerate(images):
        small = image.resize((tile, tile), Image.Resampling.LANCZOS, reducing_gap=2.0)
        alpha = small if small.mode == "RGBA" else None
        sheet.paste(small, (gap + i % columns * step, gap + i // columns * step), alpha)
    return sheet


def write_sealed(
    folder: Path,
    stem: str,
    image: Image.Image,
    metadata: dict[str, Any],
    seal: Seal,
    has_sidecar: bool = False,
) -> Path:
    """Write a picture with its recipe; if the same is there under that name, it is left.

    Signatures differ each time, so pixels and recipes are compared, not bytes.
    """
    data = None
    for path in (_numbered(folder, stem, count) for count in itertools.count(1)):
        if not path.exists():
            break
        if _holds(path, image, metadata):
            data = path.read_bytes()
            break
    if data is None:
        data = seal(encode_png(image, metadata), "image/png", stem)
    beside = {}
    if has_sidecar:
        digest = hashlib.sha256(data).hexdigest()
        file = {"sha256": digest, "width": image.width, "height": image.height}
        text = json.dumps({**metadata, "file": file}, ensure_ascii=False, indent=1) + "\n"
        beside[SIDECAR] = text.encode()
    return write_new(folder, stem, data, beside)


def _holds(path: Path, image: Image.Image, metadata: dict[str, Any]) -> bool:
    try:
        with Image.open(path) as there:
            told = json.loads(getattr(there, "text", {})[METADATA])
            same = (there.mode, there.size) == (image.mode, image.size)
            return same and told == metadata and there.tobytes() == image.tobytes()
    except (KeyError, OSError, SyntaxError, TypeError, ValueError):
        return False


def _numbered(folder: Path, stem: str, count: int, suffix: str = ".png") -> Path:
    return folder / f"{stem if count == 1 else f'{stem}-{count}'}{suffix}"


def write_new(
    folder: Path,
    stem: str,
    data: bytes,
    beside: Mapping[str, bytes] | None = None,
    suffix: str = ".png",
) -> Path:
    """Write `stem.png`, or `stem-2.png` and so on where a file of other content has the name.

    Args:
        beside: further files of the same stem by suffix, which are there before the first is.
    """
    files = {**(beside or {}), suffix: data}
    unique = f".{stem[:40]}.{secrets.token_hex(4)}"
    partials = {end: folder / f"{unique}{end}.partial" for end in files}
    try:
        for end, content in files.items():
            partials[end].write_bytes(content)
        for count in itertools.count(1):
            paths = {end: _numbered(folder, stem, count, end) for end in files}
            there = {end for end, path in paths.items() if path.exists()}
            if all(paths[e].is_file() and paths[e].read_bytes() == files[e] for e in there):
                for end, path in paths.items():
                    if end not in there:
                        partials[end].replace(path)
                return paths[suffix]
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)
    raise AssertionError("unreachable")


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
    """The recipe that is stored in a picture of ours or beside it, and its width and height.

    Args:
        path: of the picture, or of its sidecar.

    Raises:
        InvalidArgument: it is no picture, or none of ours.
    """
    if path.suffix == SIDECAR:
        return _read_sidecar(path)
    data, _ = read_bytes(path, "file")
    with decoding("file", path):
        image = open_header(data, "file", path)
        image.load()
    try:
        return dict(json.loads(getattr(image, "text", {})[METADATA])), image.size
    except (KeyError, TypeError, ValueError, RecursionError):
        pass
    try:
        return _read_sidecar(path.with_suffix(SIDECAR))[0], image.size
    except InvalidArgument:
        raise InvalidArgument("file", f"is {path}, which holds no recipe of ours") from None


def _read_sidecar(path: Path) -> tuple[dict[str, Any], tuple[int, int]]:
    try:
        settings = dict(json.loads(read_bytes(path, "file")[0]))
        file = settings.pop("file")
        return settings, (int(file["width"]), int(file["height"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise InvalidArgument("file", f"is {path}, which holds no recipe of ours") from None
