"""What a reader is told and what it gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Places:
    """Where packages lie: the `--prefix` folder of npm, and the shared data of Debian packages."""

    npm: Path
    share: Path = Path("/usr/share")

    def package(self, name: str) -> Path:
        """The folder of an npm package."""
        return self.npm / "node_modules" / name

    def iconify(self, name: str, file: str) -> Any:
        """What a JSON file of an `@iconify-json` set holds."""
        return json.loads((self.package(f"@iconify-json/{name}") / file).read_text("utf-8"))


@dataclass(frozen=True)
class RawSprite:
    """One drawing as its package has it. Exactly one of `svg` and `raster` is set.

    Args:
        concept: singular noun phrase for what it shows.
        tags: words that may be synonyms of it.
        svg: the text of an SVG without size attributes.
        view: the SVG's viewBox (x, y, width, height in user units); 0s for a raster.
        raster: the bytes of a picture file.
        tone: skin tone 1 to 5, 0 for the default drawing.
    """

    concept: str
    category: str
    style: str
    source: str
    licence: str
    attribution: str
    tags: tuple[str, ...] = ()
    tone: int = 0
    svg: str | None = None
    view: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    raster: bytes | None = None


Reader = Callable[[Places], Iterator[RawSprite]]


def wrapped(body: str) -> str:
    """The SVG around the body of an iconify icon."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{body}</svg>'
    )


def viewbox(*boxes: dict[str, Any]) -> tuple[float, float, float, float]:
    """An iconify icon's viewBox, from its set's fields and its own; the later ones win."""
    box = {"left": 0, "top": 0, "width": 16, "height": 16}
    for one in boxes:
        box |= {key: one[key] for key in box if key in one}
    return box["left"], box["top"], box["width"], box["height"]


def credit(info: dict[str, Any], changed: str = "") -> str:
    """Whom an iconify set's licence asks to name, and what we changed, if anything."""
    author, licence = info["author"], info["license"]
    where = author.get("url") or licence.get("url")
    by = f"{info['name']} by {author['name']}"
    named = ", ".join(filter(None, (by, licence["title"], where)))
    return f"{named} ({changed})" if changed else named
