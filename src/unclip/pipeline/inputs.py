"""Pictures and masks that users give: read within bounds, upright, 8-bit. Nothing here needs torch.

A file is judged by its header before anything is decoded, so a small file that claims to be huge
costs nothing. Whatever is wrong with it is one `InvalidArgument` that names the argument.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from unclip.errors import InvalidArgument
from unclip.requests import MAX_SIDE, check_choice

MAX_BYTES = 256 * 2**20
"""Enough that the largest picture, once written, can be read again; a server may allow fewer."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MASK_MODES = ("alpha", "white", "black")
"""What marks the part of a mask that changes: alpha 0, as OpenAI has it, or white, or black."""
HALF = 128
"""A mask is all or nothing: from here on a value counts as white, or as opaque."""

Source = str | os.PathLike[str] | bytes | BinaryIO | Image.Image

_MAY_BE = "it may be a PNG, JPEG, WebP, GIF, BMP or TIFF file"
_ORIGIN = "unclip.origin"
_MOST_SCANS = 100  # a progressive JPEG has about ten; each is a pass over the whole picture
_TILE_SIDES = (322, 323)  # TIFF tags
_FULL_SCALES = (1.0, 255.0, 65535.0, 2.0**31 - 1, 2.0**32 - 1)


@dataclass(frozen=True)
class Origin:
    """Which file a picture was read from, so that a recipe can name it.

    Args:
        sha256: hex digest of the file's bytes, or of the pixels of a picture that was in memory.
        path: absolute; None where the bytes came from no named file.
        mask_mode: how a mask was read from it; None for a picture.
        data: the file's bytes, where it has no path to be read from again.
    """

    sha256: str
    path: Path | None = None
    mask_mode: str | None = None
    data: bytes | None = field(default=None, repr=False, compare=False)


def open_picture(source: Source, name: str = "image") -> Image.Image:
    """A user's picture as 8-bit "RGB", or as "RGBA" where it has transparency.

    It is turned upright by its EXIF orientation. Of an animation or of several pages it is the
    first. Numbers of more than 8 bits are scaled to 0..255. CMYK and Lab become sRGB, by the ICC
    profile in the file if it is sound. RGB keeps its numbers and its profile, as
    `info["icc_profile"]`; no other metadata is kept, so that no file made from it tells where a
    photograph was taken.

    Args:
        source: a path, the bytes of a file, an open binary file, or a picture in memory, which is
            not changed.
        name: what the user calls the argument.

    Raises:
        InvalidArgument: it cannot be read, has another format, is cut off or damaged, over 256 MB
            or over 8192 pixels a side.
    """
    if isinstance(source, Image.Image):
        with decoding(name, None):
            _check_size(source.size, name, None)
            return _upright(source)
    data, path = read_bytes(source, name)
    with decoding(name, path):
        picture = _upright(open_header(data, name, path))
    digest = hashlib.sha256(data).hexdigest()
    kept = data if path is None else None
    picture.info[_ORIGIN] = Origin(digest, path and path.absolute(), None, kept)
    return picture


def open_mask(
    source: Source, size: tuple[int, int] | None, mode: str = "alpha", name: str = "mask"
) -> Image.Image:
    """A user's mask as "L": 255 where the picture changes, 0 where it is kept, nothing between.

    Args:
        size: width and height of the picture that it belongs to, upright; None where another place
            compares them.
        mode: one of `MASK_MODES`. In a black-white mask what is transparent is kept, and a colour
            counts by its lightness.

    Raises:
        InvalidArgument: as `open_picture` does; or it has another size, or in mode "alpha" no
            transparency.
    """
    check_choice("mask_mode", mode, MASK_MODES)
    picture = open_picture(source, name)
    if size is not None and picture.size != size:
        raise InvalidArgument(
            name, f"is {_pixels(picture.size)}; it must be {_pixels(size)}, as the picture is"
        )
    if mode == "alpha" and picture.mode != "RGBA":
        raise InvalidArgument(
            name, "has no transparency, which marks what changes; mask_mode may be white or black"
        )
    return _mask(picture, mode)


def open_masked(
    image: Source, mask: Source | None = None, mode: str = "alpha"
) -> tuple[Image.Image, Image.Image]:
    """A picture and the mask of what changes; without one it is the picture's own transparency.

    Raises:
        InvalidArgument: as `open_picture`, `open_mask` and `own_mask` do.
    """
    picture = open_picture(image)
    return picture, own_mask(picture) if mask is None else open_mask(mask, picture.size, mode)


def own_mask(picture: Image.Image, name: str = "image") -> Image.Image:
    """The mask that a picture's own transparency is, where no other is given.

    Args:
        picture: from `open_picture`.

    Raises:
        InvalidArgument: nothing of it is transparent.
    """
    if picture.mode == "RGBA":
        mask = _mask(picture, "alpha")
        if mask.getbbox() is not None:
            return mask
    raise InvalidArgument(
        "mask", f"is missing, and the {name} has no transparent part; give one of the two"
    )


def origin_of(picture: Image.Image) -> Origin:
    """Which file a picture or mask of a request was read from."""
    origin = picture.info.get(_ORIGIN)
    if isinstance(origin, Origin):
        return origin
    if isinstance(origin, Mapping):  # of a request that was stored
        return Origin(origin["sha256"], None, origin["mask_mode"], origin["data"])
    digest = hashlib.sha256(f"{picture.mode} {picture.size}".encode() + picture.tobytes())
    return Origin(digest.hexdigest(), None, "white" if picture.mode == "L" else None)


def file_of(picture: Image.Image) -> bytes | None:
    """The file that a picture was read from; None where it was in memory, or its file is gone."""
    origin = origin_of(picture)
    if origin.path is None:
        return origin.data
    try:
        data = origin.path.read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == origin.sha256 else None


def _mask(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "alpha":
        mask = picture.getchannel("A").point(_below_half)
    else:
        kept = Image.new("RGBA", picture.size, "black" if mode == "white" else "white")
        flat = Image.alpha_composite(kept, picture.convert("RGBA")).convert("L")
        mask = flat.point(_from_half if mode == "white" else _below_half)
    origin = picture.info.get(_ORIGIN)
    mask.info = {} if origin is None else {_ORIGIN: replace(origin, mask_mode=mode)}
    return mask


def _below_half(value: int) -> int:
    return 255 if value < HALF else 0


def _from_half(value: int) -> int:
    return 255 if value >= HALF else 0


@contextmanager
def decoding(name: str, path: Path | None) -> Iterator[None]:
    """Inside, whatever a decoder does with hostile bytes becomes one line, and no warning leaks.

    Raises:
        InvalidArgument: names the argument `name`.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except InvalidArgument:
        raise
    except Image.DecompressionBombError:
        raise _refused(
            name, path, f"is over {MAX_SIDE} pixels a side, the most it may be"
        ) from None
    except UnidentifiedImageError:
        raise _refused(name, path, f"is not a picture that can be read; {_MAY_BE}") from None
    except Exception:  # decoders raise every kind
        raise _refused(name, path, f"is cut off or damaged; {_MAY_BE}") from None


def _refused(name: str, path: Path | None, problem: str) -> InvalidArgument:
    return InvalidArgument(name, problem if path is None else f"is {path}, which {problem}")


def read_bytes(source: Source, name: str) -> tuple[bytes, Path | None]:
    """The bytes of a picture's file, not one more than it may have, and its path if it has one.

    Raises:
        InvalidArgument: there is no such file, or it is too large.
    """
    path, size = None, 0
    data: bytes | None
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            if not path.is_file():  # a device or a pipe might never end
                problem = "is not a file" if path.exists() else "does not exist"
                raise _refused(name, path, f"{problem}; {_MAY_BE}")
            size = path.stat().st_size
            data = path.read_bytes() if size <= MAX_BYTES else b""
        except OSError as error:
            raise _refused(name, path, f"cannot be read: {error.strerror}") from None
    else:
        try:
            data = source.read(MAX_BYTES + 1)  # type: ignore[union-attr]
        except (AttributeError, OSError, ValueError):
            data = None
        if not isinstance(data, bytes):
            raise InvalidArgument(
                name,
                f"is a {type(source).__name__} with no bytes to read; "
                "it may be a path, bytes, an open binary file or a picture",
            )
    if max(size, len(data)) > MAX_BYTES:
        raise _refused(name, path, f"is over {MAX_BYTES >> 20} MB, the most it may be")
    return data, path


def open_header(data: bytes, name: str, path: Path | None) -> Image.Image:
    """A file's picture, not decoded yet, whose size and checksums are in order.

    Raises:
        InvalidArgument: it is too large; other faults are for `decoding` to tell.
    """
    image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    _check_size(image.size, name, path)
    # What is as large as a tile says is decoded before it is cut to the picture.
    tags = getattr(image, "tag_v2", {})
    _check_size([tags[tag] for tag in _TILE_SIDES if tag in tags], name, path)
    if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > _MOST_SCANS:
        raise _refused(name, path, f"takes over {_MOST_SCANS} passes to decode, the most it may")
    image.verify()  # a PNG's checksums, which decoding alone would leave
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _check_size(size: Sequence[int], name: str, path: Path | None) -> None:
    if not all(1 <= side <= MAX_SIDE for side in size):
        raise _refused(name, path, f"is {_pixels(size)}; it may be 1 to {MAX_SIDE} a side")


def _pixels(size: Sequence[int]) -> str:
    return f"{' x '.join(map(str, size))} pixels"


def _upright(image: Image.Image) -> Image.Image:
    """A new picture, upright and 8-bit, its metadata left behind."""
    image.load()
    with suppress(Exception):  # an orientation that cannot be read is none
        image = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        image = _scaled(image)
    elif image.mode in ("CMYK", "LAB"):
        image, profile = _to_srgb(image, profile), None
    elif image.mode == "La":
        image = image.convert("LA")
    picture = image.convert("RGBA" if image.has_transparency_data else "RGB")
    picture = picture.copy() if picture is image else picture
    picture.info = {"icc_profile": profile} if _of_rgb(profile) else {}
    return picture


def _of_rgb(profile: bytes | None) -> bool:
    """By the header of ICC.1, section 7.2: its size and the colours that it is for."""
    return (
        isinstance(profile, bytes)
        and len(profile) == int.from_bytes(profile[:4], "big")
        and profile[16:20] == b"RGB "
    )


def _scaled(image: Image.Image) -> Image.Image:
    """Numbers of 16 or 32 bits, or floats, as "L", or "LA" where one value is transparent.

    White is 65535 for 16 bits. The others do not say: it is the smallest of the usual values that
    is not below the largest pixel.
    """
    values = np.asarray(image)
    levels = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    most = float(levels.max())
    known = 65535.0 if image.mode.startswith("I;16") else None
    scales = _FULL_SCALES if image.mode == "F" else _FULL_SCALES[1:]
    white = known or next((scale for scale in scales if scale >= most), most)
    levels *= 255 / white
    grey = Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        alpha = Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))
        grey = Image.merge("LA", (grey, alpha))
    return grey


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """CMYK or Lab to RGB: by its profile, else by Pillow's plain rule or the definition of Lab."""
    by_profile = partial(
        ImageCms.profileToProfile,
        image,
        outputProfile=ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    converted = None
    with suppress(ImageCms.PyCMSError, OSError):
        converted = by_profile(ImageCms.ImageCmsProfile(io.BytesIO(profile or b"")))
    if converted is None and image.mode == "LAB":
        converted = by_profile(ImageCms.createProfile("LAB"))
    return converted or image.convert("RGB")
