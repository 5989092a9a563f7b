"""Icon sets of `@iconify-json`: of each, the drawings that a table says show a thing."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from unclip.corpus.names import concept
from unclip.corpus.sources.emoji import emoji_names
from unclip.corpus.sources.labels import Label, find, load
from unclip.corpus.sources.raw import Places, RawSprite, credit, viewbox, wrapped

_INK, _PAPER, _SHADE = "#111111", "#ffffff", "#d9d9d9"


@dataclass(frozen=True)
class IconSet:
    """How a set is read.

    Args:
        style: the style of its drawings, as captions have it.
        table: the file of `shown/` that names them.
        paints: colours to replace, old to new. Sets in two colours that stand for ink and paper
            become line drawings.
        flat: the light and the dark blue of its variants without lines, which are drawn in a pair
            of `PAIRS`; empty where there are none.
    """

    style: str
    table: str
    paints: tuple[tuple[str, str], ...] = ()
    flat: tuple[str, ...] = ()


_LINES = "black and white drawing"
_DUO = (("#4147d5", _INK), ("#d7e0ff", _PAPER))
_BLUES = ("#8fbffa", "#2859c5")

ICON_SETS: dict[str, IconSet] = {
    "streamline-emojis": IconSet("cartoon", "streamline"),
    "streamline-ultimate-color": IconSet("cartoon", "streamline"),
    "streamline-kameleon-color": IconSet("flat vector", "streamline"),
    "streamline-stickies-color": IconSet("cartoon", "streamline"),
    "flat-color-icons": IconSet("flat vector", "colour"),
    "flat-ui": IconSet("flat vector", "colour"),
    "fluent-color": IconSet("glossy", "colour"),
    "meteocons": IconSet("glossy", "colour"),
    "streamline-plump-color": IconSet(
        _LINES, "streamline", (("#2859c5", _INK), ("#8fbffa", _SHADE)), _BLUES
    ),
    "streamline-color": IconSet(_LINES, "streamline", _DUO, _BLUES),
    "streamline-flex-color": IconSet(_LINES, "streamline", _DUO, _BLUES),
    "streamline-sharp-color": IconSet(_LINES, "streamline", _DUO, _BLUES),
    "streamline-cyber-color": IconSet(
        _LINES, "streamline", (("#092f63", _INK), ("#bbd8ff", _SHADE))
    ),
    "streamline-freehand-color": IconSet(_LINES, "streamline", (("#0c6fff", "#020202"),)),
    "icon-park": IconSet(
        _LINES,
        "icon-park",
        (('stroke="#fff"', 'stroke="#000"'), ("#2F88FF", _PAPER), ("#43CCF8", _SHADE)),
    ),
    "marketeq": IconSet(_LINES, "marketeq", (("#306CFE", _INK), ("#344054", _INK))),
    "game-icons": IconSet("silhouette", "game-icons"),
}
"""Sets by name, the most colourful first."""

PAIRS = (
    ("#f79a9a", "#c22f2f"), ("#fcc37d", "#d96a10"), ("#fde08a", "#c99700"), ("#a5dba0", "#2e8b3d"),
    ("#8fdcd6", "#127c78"), ("#8fbffa", "#2859c5"), ("#c9aef5", "#6d3bbf"), ("#f9b3d4", "#cc3d80"),
    ("#d9b99b", "#7a4a21"), ("#c4c9d0", "#4a5260"),
)  # fmt: skip
"""Light and dark of one colour."""

_ANY_COLOUR = ("objects", "vehicles", "shapes")
_OWN_COLOUR = re.compile(
    r"\b(?:gold|coins?|fire|campfire|tooth|bone|traffic|moon|basketball|planet|log|banknotes?)\b"
)
# the disc that the icons of one set lie on
_DISC = re.compile(r'^(<g fill="none">)<path fill="#\w{6}" d="M24 47\.99[^"]*"/>')


def read_icons(places: Places, name: str) -> Iterator[RawSprite]:
    """One icon set: the drawings that its table names, the largest where sizes differ."""
    icons = ICON_SETS[name]
    info, data = places.iconify(name, "info.json"), places.iconify(name, "icons.json")
    for icon, drawing in _drawings(data["icons"], name).items():
        flat = icon.endswith("-flat") and bool(icons.flat)
        label = _label(places, name, icon)
        if label is None or (flat and not _any_colour(label)):
            continue
        paints = icons.paints
        if flat:
            pair = PAIRS[zlib.crc32(f"{name}/{icon}".encode()) % len(PAIRS)]
            paints = tuple(zip(icons.flat, pair, strict=True))
        body = _painted(_DISC.sub(r"\1", drawing["body"]), paints)
        yield RawSprite(
            label.concept,
            label.category,
            style="flat vector" if flat else icons.style,
            source=name,
            licence=info["license"]["spdx"],
            attribution=credit(info, "changed" if body != drawing["body"] else ""),
            svg=wrapped(body),
            view=viewbox(data, drawing),
        )


def _label(places: Places, name: str, icon: str) -> Label | None:
    """What an icon shows. Numbers count variants of a drawing, and a suffix says its rendering."""
    if icon.endswith("-duo") or (name == "meteocons") != icon.endswith("-fill"):
        return None
    full = re.sub(r"-(?:flat|fill)$", "", icon)
    base = re.sub(r"(?:-\d+)+$", "", full)
    table = ICON_SETS[name].table
    part = name
    if table == "streamline":
        part = name.removeprefix("streamline-").removesuffix("-color")
    names = (f"{part}/{full}", f"{part}/{base}", full, base)
    if any(n in load(table) for n in names):
        return find(table, *names)
    if name == "streamline-emojis" and (emoji := emoji_names(places)[1].get(base)):
        return Label(concept(emoji.label), emoji.category)
    return None


def _drawings(icons: dict[str, dict[str, str]], name: str) -> dict[str, dict[str, str]]:
    """The icons; where they come in sizes ("book-20", "book-48"), the largest."""
    if name != "fluent-color":
        return icons
    best: dict[str, tuple[int, str]] = {}
    for icon in icons:
        stem, _, size = icon.rpartition("-")
        if size.isdigit():
            best[stem] = max(best.get(stem, (0, "")), (int(size), icon))
    return {icon: icons[icon] for _, icon in best.values()}


def _any_colour(label: Label) -> bool:
    """Whether a thing may be drawn in a colour that is not its own: a chair, but no banana."""
    return label.category in _ANY_COLOUR and not _OWN_COLOUR.search(label.concept)


def _painted(body: str, paints: tuple[tuple[str, str], ...]) -> str:
    for old, new in paints:
        body = body.replace(old, new)
    return body
