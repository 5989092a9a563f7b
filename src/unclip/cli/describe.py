"""The commands that tell what is here: bundles, and what made a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import Json, say

if TYPE_CHECKING:
    from collections.abc import Mapping


def models(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Further bundles to describe, by folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the bundles that are here, with size, licence and version."""
    from unclip.pipeline.bundle_files import builtin_bundles, locate, read_info

    paths = [*builtin_bundles().values(), *(locate(folder) for folder in folders or [])]
    infos = [read_info(path) for path in paths]
    if as_json:
        rows = [
            {
                "name": info.name,
                "version": info.version,
                "licence": info.licence,
                "parameters": info.parameters,
                "bytes": sum(size for size, _ in info.files.values()),
                "path": str(info.path),
            }
            for info in infos
        ]
        print(json.dumps(rows))
        return
    for info in infos:
        total = sum(info.parameters.values()) / 1e6
        size = sum(size for size, _ in info.files.values()) / 1e6
        print(
            f"{info.name} {info.version}  {total:.1f} M parameters, {size:.0f} MB, {info.licence}"
        )
        print(f"  {info.path}")
        for name, count in info.parameters.items():
            print(f"  {name:15}{count / 1e6:8.2f} M")
    if not infos:
        say("no bundle ships in this install; `unclip train all` makes one")


def show(
    file: Annotated[Path, typer.Argument(help="A picture that unclip made, or its .json file.")],
    as_json: Json = False,
) -> None:
    """Print the recipe of a picture, and whether the pictures it was made from are still there."""
    from unclip.pipeline.files import read_picture
    from unclip.pipeline.recipe import find_parent, map_parents

    recipe, (width, height) = read_picture(file)
    if as_json:

        def with_state(parent: Mapping[str, Any]) -> dict[str, Any]:
            return {**parent, "state": find_parent(parent, file.parent)[1]}

        told = {**map_parents(recipe, with_state), "width": width, "height": height}
        print(json.dumps(told, ensure_ascii=False))
        return

    def line(parent: Mapping[str, Any]) -> str:
        mode = f", {parent['mask_mode']} marks what changed" if "mask_mode" in parent else ""
        state = find_parent(parent, file.parent)[1]
        return f"{parent.get('file')} ({state}{mode}, sha256 {parent['sha256'][:12]})"

    for key, value in {**map_parents(recipe, line), "pixels": f"{width} x {height}"}.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{key:18}{shown}")
