"""The commands that tell what is here: bundles, and what made a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from unclip.cli.common import Json, say


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
    file: Annotated[Path, typer.Argument(help="A picture that unclip made.")], as_json: Json = False
) -> None:
    """Print the settings that made a picture."""
    from unclip.pipeline.files import read_picture

    settings, (width, height) = read_picture(file)
    if as_json:
        print(json.dumps({**settings, "width": width, "height": height}, ensure_ascii=False))
        return
    for key, value in {**settings, "pixels": f"{width} x {height}"}.items():
        print(f"{key:18}{value}")
