"""What a picture's file says in plain metadata, which anyone can write and anyone can strip."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

RECIPE = "unclip"
"""Keyword of the PNG text chunk with the recipe of a picture of ours."""

_PLUS = re.compile(r"DMI-PROHIBITED[A-Z-]*")
_SOURCE = re.compile(r"digitalsourcetype/(\w+)", re.IGNORECASE)
_TAGS = {tag.value: tag.name for tag in (ExifTags.Base.Software, ExifTags.Base.ImageDescription)}
_FIELDS = ("Software", "Description", "Comment", "parameters", "prompt")
_LONG = 500


@dataclass(frozen=True)
class Metadata:
    """What is known of a file without decoding it.

    Args:
        media_type: "" if it is no picture that can be read.
        recipe: ours, as it is stored with a picture; None if there is none.
        fields: other text that tells of a picture's origin, by name.
        prohibited: the term by which the PLUS field `DataMining` forbids a use; None if none does.
    """

    media_type: str
    recipe: Mapping[str, Any] | None
    fields: Mapping[str, str]
    prohibited: str | None


def read_metadata(data: bytes) -> Metadata:
    """Of a file in memory; whatever is broken in it counts as absent."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as image:
            media_type = image.get_format_mimetype() or ""
            fields = {name: str(image.info[name]) for name in _FIELDS if name in image.info}
            exif = Image.Exif()
            exif.load(image.info.get("exif", b""))  # `getexif` may decode the whole picture
            fields |= {name: str(exif[tag]) for tag, name in _TAGS.items() if tag in exif}
            packet = _text(image.info.get("xmp") or image.info.get("XML:com.adobe.xmp"))
            recipe = _recipe(image.info.get(RECIPE))
    except Exception:  # decoders raise every kind
        return Metadata("", None, {}, None)
    source, prohibited = _SOURCE.search(packet), _PLUS.search(packet)
    if source:
        fields["digitalSourceType"] = source[1]
    fields = {name: value[:_LONG] for name, value in fields.items()}
    return Metadata(media_type, recipe, fields, prohibited[0] if prohibited else None)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _recipe(value: Any) -> Mapping[str, Any] | None:
    try:
        recipe = json.loads(value)
    except (TypeError, ValueError, RecursionError):
        return None
    return recipe if isinstance(recipe, dict) else None
