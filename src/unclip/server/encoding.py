"""Pictures and previews as the files that were asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image

from unclip.pipeline.files import encode_png

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
DEFAULT_QUALITY = 90


def encode(
    image: Image.Image,
    kind: str,
    compression: int | None = None,
    recipe: Mapping[str, Any] | None = None,
) -> bytes:
    """A picture as a file. PNG and WebP keep its transparency; JPEG lays it on white.

    Args:
        kind: one of `MEDIA_TYPES`.
        compression: 0 to 100, the quality of JPEG and WebP.
        recipe: what made it, which goes into a PNG.
    """
    if kind == "png":
        return encode_png(image, None if recipe is None else dict(recipe))
    quality = DEFAULT_QUALITY if compression is None else compression
    buffer = io.BytesIO()
    wanted = _opaque(image) if kind == "jpeg" else image
    wanted.save(buffer, kind.upper(), quality=quality)
    return buffer.getvalue()


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, (0, 0), image)
    return white
