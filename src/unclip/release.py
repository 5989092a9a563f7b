"""What a picture goes through before it leaves: a mark in its pixels, a signature on its file.

    Picture -> marked -> encoded with its recipe -> signed

Signed last: metadata written afterwards would break the signature.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from unclip.errors import InvalidArgument
from unclip.pipeline.files import encode_png
from unclip.pipeline.inputs import file_of
from unclip.pipeline.recipe import map_parents, sources_of
from unclip.provenance.manifest import MEDIA_TYPES, Ingredient, Making, SignedPicture, Signer
from unclip.provenance.payload import payload_of
from unclip.provenance.watermark import embed
from unclip.requests import Blend, Change, Filling, Request, Variation
from unclip.types import Picture

TAPER = 16
"""Pixels from the edge of what is new to where its mark is at its full strength."""

_SOURCES = (Variation, Blend, Change)
"""Requests that take what a picture looks like, and not only what is around a part of it."""


def marked(picture: Picture, request: Request) -> Picture:
    """The picture with our invisible mark where it is new; what was given stays byte for byte.

    The mark stands for the recipe: its 48 bits are a hash of it, whatever file its parents are in.
    """
    where = None
    if isinstance(request, Filling):
        where = tapered(new_pixels(picture.image, request))
    image = embed(picture.image, payload_of(said_by(picture.settings)), where)
    return dataclasses.replace(picture, image=image)


def said_by(settings: Mapping[str, Any]) -> str:
    """What the mark of a picture is the hash of."""
    named = map_parents(settings, lambda parent: "parent")
    return json.dumps(named, sort_keys=True, ensure_ascii=False)


def new_pixels(image: Image.Image, request: Filling) -> Image.Image:
    """Where a picture is not what was given, 255 in "L" of its size."""
    given = Image.new(image.mode, image.size)
    given.paste(request.image.convert(image.mode), request.offset)
    differs = np.any(np.asarray(image) != np.asarray(given), axis=-1)
    return Image.fromarray(np.where(differs, np.uint8(255), np.uint8(0)))


def tapered(mask: Image.Image) -> Image.Image:
    """A mask that rises from 0 at its edges inwards, so that a mark begins without a seam."""
    near = np.asarray(mask.filter(ImageFilter.BoxBlur(TAPER)), np.float32)
    inside = np.asarray(mask) > 0
    return Image.fromarray(np.where(inside, np.clip(2 * near - 255, 0, 255), 0).astype(np.uint8))


def signed(
    signer: Signer,
    data: bytes,
    media_type: str,
    request: Request,
    model: str,
    title: str = "picture",
) -> SignedPicture:
    """An encoded picture as it may leave.

    Args:
        model: name and version of what made it.

    Raises:
        SigningError: there is no valid key, or signing failed.
    """
    ingredients = []
    for name, image in sources_of(request):
        file = file_of(image)
        kind = None if file is None else _media_type(file)
        if file is None or kind is None:  # what was in memory has no file of its own
            file, kind = encode_png(image), "image/png"
        ingredients.append(Ingredient(file, kind, name))
    making = Making(request.operation, model, ingredients, title=title)
    return signer.sign(data, media_type, making)


def check_sources(signer: Signer, request: Request) -> None:
    """See that the pictures of a request may be used for what it does with them.

    Raises:
        InvalidArgument: one of them says that it may not.
    """
    if not isinstance(request, _SOURCES):
        return
    for name, image in sources_of(request):
        file = file_of(image)
        reason = None if file is None else signer.forbids_use(file)
        if reason is not None:
            raise InvalidArgument(name, f"may not be used so: {reason}")


def _media_type(file: bytes) -> str | None:
    with Image.open(io.BytesIO(file)) as image:
        kind = Image.MIME.get(image.format or "")
    return kind if kind in MEDIA_TYPES else None
