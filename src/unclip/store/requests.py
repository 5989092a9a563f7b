"""Requests as they are kept: plain values for a row of JSON, and their pictures as PNG beside it.

{"operation": "vary", "image": {"blob": 0}, "prompt": "a cat", "seed": 7, ...}

The file that a picture came in is kept too: credentials in it are told of in what is made from it.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from unclip.errors import InvalidArgument
from unclip.requests import Request, kinds_of_request

_ORIGIN = "unclip.origin"
"""Where `unclip.pipeline.inputs` notes which file a picture was; a recipe names it by its hash."""
_QUICK = 1  # the least that PNG compresses


def pack(request: Request) -> tuple[dict[str, Any], list[bytes]]:
    """A request as plain values and the PNG files of its pictures."""
    blobs: dict[bytes, int] = {}

    def number(blob: bytes) -> int:
        return blobs.setdefault(blob, len(blobs))

    def origin(image: Image.Image) -> dict[str, Any]:
        found = image.info.get(_ORIGIN)
        if found is None:
            return {}
        file = {} if found.data is None else {"file": number(found.data)}
        return {"origin": {"sha256": found.sha256, "mask_mode": found.mask_mode, **file}}

    def plain(value: Any) -> Any:
        if isinstance(value, Image.Image):
            buffer = io.BytesIO()
            value.save(buffer, "PNG", compress_level=_QUICK)
            return {"blob": number(buffer.getvalue()), **origin(value)}
        return [plain(part) for part in value] if isinstance(value, tuple | list) else value

    fields = dataclasses.fields(request)
    values = {field.name: plain(getattr(request, field.name)) for field in fields}
    return {"operation": request.operation, **values}, list(blobs)


def unpack(plain: Mapping[str, Any], blobs: Sequence[bytes]) -> Request:
    """The request that was packed, the same to the last bit.

    Raises:
        InvalidArgument: another version of unclip packed what this one does not allow.
    """

    def restored(value: Any) -> Any:
        if isinstance(value, Mapping):
            with Image.open(io.BytesIO(blobs[value["blob"]])) as file:
                image = file.copy()
            if (origin := value.get("origin")) is not None:
                file = origin.get("file")
                image.info[_ORIGIN] = {**origin, "data": None if file is None else blobs[file]}
            return image
        return tuple(restored(part) for part in value) if isinstance(value, list) else value

    operation = plain["operation"]
    kind = {kind.operation: kind for kind in kinds_of_request()}.get(operation)
    if kind is None:
        raise InvalidArgument("operation", f"is {operation!r}, which this version does not know")
    values = {name: restored(value) for name, value in plain.items() if name != "operation"}
    for name in values.keys() - {field.name for field in dataclasses.fields(kind)}:
        raise InvalidArgument(name, f"is nothing that {operation} has in this version")
    request = kind(**values)
    for name, value in values.items():  # weights that are divided by their sum twice may differ
        object.__setattr__(request, name, value)
    return request
