"""Recipes: a request as the plain values that are kept with each picture, and back to a request.

    {"operation": "vary", "image": {"file": "../cat.png", "sha256": "..."}, "seed": 7, ...}

A picture inside a request is a parent: the recipe names its file, seen from the folder of the
result, and the hash of its bytes. Kinds of request are not known here: a recipe has their fields.
Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL.Image import Image

from unclip.errors import InvalidArgument
from unclip.pipeline.inputs import open_mask, open_picture, origin_of, read_bytes
from unclip.requests import Request, kinds_of_request, shown

Reference = Mapping[str, Any]
"""`file` (None for a picture that was in memory), `sha256`, and for a mask its `mask_mode`."""


def recipe_of(request: Request) -> dict[str, Any]:
    """A request as plain values, its pictures as references with absolute paths.

    `n` is left out: a recipe is of one picture, whose seed replaces the request's.
    """
    common = {field.name for field in dataclasses.fields(Request)}
    names = [field.name for field in dataclasses.fields(request) if field.name != "n"]
    names.sort(key=common.__contains__)  # what this kind of request alone has comes first
    values = {name: _plain(getattr(request, name)) for name in names}
    return {"operation": request.operation, **values}


def request_of(
    recipe: Mapping[str, Any], folder: Path, changes: Mapping[str, Any] | None = None
) -> Request:
    """The request that a recipe tells of, with some fields changed.

    Args:
        recipe: what `recipe_of` gave, with more beside it or not, through JSON or not.
        folder: where its references start.
        changes: by field. A picture is given as `open_picture` takes it, and takes the place of the
            old one wherever that is, as in a mask that was the picture's own transparency.

    Raises:
        InvalidArgument: a parent is absent or was altered; this kind of request has no such field,
            or not with such a value.
    """
    kind, changes = _kind_of(recipe), changes or {}
    names = [field.name for field in dataclasses.fields(kind)]
    for name in changes:
        if name not in names:
            listed = ", ".join(names)
            raise InvalidArgument(name, f"is nothing that {kind.operation} has; it has {listed}")
    replaced = {
        _digest(recipe.get(name)): value for name, value in changes.items() if value is not None
    }
    values = {}
    for name in names:
        if name in changes:
            values[name] = _changed(name, changes[name], recipe.get(name))
        elif (digest := _digest(recipe.get(name))) and digest in replaced:
            values[name] = _open(name, replaced[digest], recipe[name])
        elif name in recipe:
            values[name] = _restored(name, recipe[name], folder)
    try:
        return kind(**values)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise InvalidArgument(
            "file", f"has a recipe that no {kind.operation} can follow; it may be a picture of ours"
        ) from None


def map_parents(value: Any, change: Callable[[Reference], Any]) -> Any:
    """A recipe, or a value in one, with `change` made to each reference."""
    if isinstance(value, Mapping):
        if "sha256" in value:
            return change(value)
        return {key: map_parents(part, change) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [map_parents(part, change) for part in value]
    return value


def find_parent(reference: Reference, folder: Path) -> tuple[Path | None, str]:
    """The file of a reference, "here"; or None with why: "absent", "altered", "in memory".

    It is looked for where it was, seen from `folder`, then in `folder` itself.
    """
    file, state = reference.get("file"), "absent"
    if not isinstance(file, str):
        return None, "in memory"
    for path in (folder / file, folder / Path(file).name):
        if path.is_file():
            data, _ = read_bytes(path, "file")
            if hashlib.sha256(data).hexdigest() == reference["sha256"]:
                return path, "here"
            state = "altered"
    return None, state


def reference_to(image: Image) -> dict[str, Any]:
    """How a recipe names a picture or mask of a request."""
    origin = origin_of(image)
    file = None if origin.path is None else str(origin.path)
    mode = {} if origin.mask_mode is None else {"mask_mode": origin.mask_mode}
    return {"file": file, "sha256": origin.sha256, **mode}


def images_of(request: Request) -> list[tuple[str, Image]]:
    """Every picture inside a request, with the name of its field."""
    values = ((field.name, getattr(request, field.name)) for field in dataclasses.fields(request))
    return [
        (name, part)
        for name, value in values
        for part in (value if isinstance(value, list | tuple) else [value])
        if isinstance(part, Image)
    ]


def sources_of(request: Request) -> list[tuple[str, Image]]:
    """The same without masks: what a request shows or is made from."""
    return [(name, image) for name, image in images_of(request) if name != "mask"]


def _plain(value: Any) -> Any:
    if isinstance(value, Image):
        return reference_to(value)
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _restored(name: str, value: Any, folder: Path) -> Any:
    """The inverse of `_plain`."""

    def opened(reference: Reference) -> Image:
        path, state = find_parent(reference, folder)
        if path is None:
            what = {
                "absent": f"was {reference.get('file')}, which is not there any more",
                "altered": f"was {reference.get('file')}, which has been altered since",
                "in memory": "was in memory and in no file",
            }[state]
            raise InvalidArgument(name, f"{what}; give its file, or another")
        return _open(name, path, reference)

    return _tuples(map_parents(value, opened))


def _changed(name: str, value: Any, recorded: Any) -> Any:
    is_picture = isinstance(recorded, Mapping) or name == "mask"
    if is_picture and value is not None and not isinstance(value, Image):
        return _open(name, value, recorded or {})
    return _tuples(value)


def _digest(value: Any) -> str | None:
    """Of a reference; None for any other value."""
    digest = value.get("sha256") if isinstance(value, Mapping) else None
    return digest if isinstance(digest, str) else None


def _open(name: str, source: Any, reference: Reference) -> Image:
    if name == "mask" or reference.get("mask_mode") is not None:
        return open_mask(source, None, reference.get("mask_mode") or "alpha", name)
    return open_picture(source, name)


def _tuples(value: Any) -> Any:
    """Requests hold tuples; JSON has lists."""
    return tuple(_tuples(part) for part in value) if isinstance(value, list | tuple) else value


def _kind_of(recipe: Mapping[str, Any]) -> type[Request]:
    operation = recipe.get("operation", "generate")
    kinds = {kind.operation: kind for kind in kinds_of_request()}
    if not isinstance(operation, str) or operation not in kinds:
        known = ", ".join(kinds)
        raise InvalidArgument("file", f"was made by {shown(operation)}; it may be by {known}")
    return kinds[operation]
