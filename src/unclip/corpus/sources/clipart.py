"""The Open Clip Art Library as Debian packages it: drawings of many hands."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from unclip.corpus.raster import View
from unclip.corpus.sources.labels import find
from unclip.corpus.sources.raw import Places, RawSprite

_UNITS = {"": 1.0, "px": 1.0, "pt": 1.25, "mm": 90 / 25.4, "cm": 90 / 2.54, "in": 90.0}
"""User units in a unit of length; the programs of that time drew 90 of them to the inch."""


def read_openclipart(places: Places) -> Iterator[RawSprite]:
    """Debian's `openclipart-svg`, by the names of its files. A file may lie in several folders."""
    root = places.share / "openclipart" / "svg"
    seen: set[str] = set()
    for path in sorted(root.rglob("*.svg")):
        label = find("openclipart", path.stem)
        if label is None or path.stem in seen or path.stat().st_size > 600_000:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = strip_root(text)
        if found is None or "<image" in text:
            continue
        seen.add(path.stem)
        artist = html.unescape(_first(r"<dc:creator>.*?<dc:title>([^<]*)</dc:title>", text))
        yield RawSprite(
            label.concept,
            label.category,
            style="clip art",
            source="openclipart",
            licence="public domain",
            attribution=f"{artist or 'unknown artist'}, Open Clip Art Library, public domain",
            svg=found[0],
            view=_wider(found[1]),
        )


def _wider(view: View) -> View:
    """Half a page more on each side: many of these drawings reach over their page's edge."""
    x, y, width, height = view
    return x - width / 2, y - height / 2, 2 * width, 2 * height


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    return found[1].strip() if found else ""


def strip_root(svg: str) -> tuple[str, View] | None:
    """Take size attributes off an SVG's root: the text without them, and its viewBox."""
    root = re.search(r"<svg\b[^>]*>", svg)
    if root is None:
        return None
    values = dict(re.findall(r"\s(width|height|viewBox)\s*=\s*[\"']([^\"']*)[\"']", root[0]))
    numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", values.get("viewBox", ""))]
    if len(numbers) != 4:
        sides = [
            re.match(r"([\d.]+)(px|pt|mm|cm|in|)$", values.get(k, "")) for k in ("width", "height")
        ]
        if not all(sides):
            return None
        numbers = [0.0, 0.0, *(float(side[1]) * _UNITS[side[2]] for side in sides if side)]
    if min(numbers[2:]) <= 0:
        return None
    sizes = r"\s(?:width|height|viewBox|preserveAspectRatio|x|y)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    bare = re.sub(sizes, "", root[0])
    text = svg[root.start() :] if "<!ENTITY" not in svg else svg
    return text.replace(root[0], bare, 1), (numbers[0], numbers[1], numbers[2], numbers[3])
