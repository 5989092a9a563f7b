"""Readers of the packages that the corpus is made from: package files to `RawSprite`s.

Nothing is installed or fetched here, and `packages.require` says what is absent. Flags, keycaps,
letters, clock faces, logos and signs are left out.
"""

from __future__ import annotations

import functools
import html
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unclip.corpus.names import concept


@dataclass(frozen=True)
class Places:
    """Where packages lie: the `--prefix` folder of npm, and the shared data of Debian packages."""

    npm: Path
    share: Path = Path("/usr/share")


@dataclass(frozen=True)
class RawSprite:
    """One drawing as its package has it. Exactly one of `svg` and `raster` is set.

    Args:
        names: candidate concepts, the best first; emoji have one, clip art several.
        tags: words that may be synonyms.
        view: the SVG's viewBox (x, y, width, height in user units); 0s for a raster.
        trusted: whether `names` need no check against a dictionary.
    """

    names: tuple[str, ...]
    tags: tuple[str, ...]
    category: str
    style: str
    source: str
    licence: str
    attribution: str
    tone: int = 0
    svg: str | None = None
    view: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    raster: bytes | None = None
    trusted: bool = True


@dataclass(frozen=True)
class _Emoji:
    label: str
    tags: tuple[str, ...]
    category: str
    tone: int


_NPM_STYLES = {
    "fluent-emoji-flat": "flat vector",
    "twemoji": "flat vector",
    "emojione": "flat vector",
    "fxemoji": "flat vector",
    "noto": "cartoon",
    "noto-v1": "cartoon",
    "fluent-emoji": "glossy",
}
_CATEGORIES = {
    "smileys-emotion": "faces",
    "people-body": "people",
    "animals-nature": "animals",
    "food-drink": "food",
    "travel-places": "places",
    "activities": "objects",
    "objects": "objects",
}
_SUBCATEGORIES = {
    "heart": "objects",
    "plant-flower": "nature",
    "plant-other": "nature",
    "sky-weather": "nature",
    "place-geographic": "nature",
    "transport-ground": "vehicles",
    "transport-water": "vehicles",
    "transport-air": "vehicles",
    "hotel": "objects",
    "time": "objects",
    "geometric": "shapes",
}
_NOT_DRAWABLE = re.compile(
    r"o’clock|-thirty|facing right|^middle finger|hundred points|^zzz|anger symbol|dashing away|"
    r"^hole$|^love hotel|medium square|small square|medium-small|button|diamond with a dot|"
    r"pointed down|small (?:blue|orange) diamond|^family: .*,.*,|^kiss:|^couple with heart:|"
    r"^level slider|^control knobs|^speaking head|high brightness|^vs|eye in speech|"
    r"^shibuya|with slash|^muted speaker|speaker (?:low|medium)|^right anger|^splatter|"
    r"^person (?:frowning|pouting)|(?:man|woman) (?:frowning|pouting)|^construction$",
    re.IGNORECASE,
)
_SUBGROUPS_OUT = frozenset({"hair-style", "skin-tone"})
_TONE_WORDS = re.compile(r"-(medium-dark|medium-light|light|medium|dark)(?:-skin-tone)?$")


def _slug(label: str) -> str:
    plain = label.lower().replace("’", "").replace("ñ", "n").replace("é", "e")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _npm_package(places: Places, name: str) -> Path:
    return places.npm / "node_modules" / name


@functools.lru_cache(maxsize=2)
def _emoji_names(places: Places) -> tuple[dict[str, _Emoji], dict[str, _Emoji]]:
    """Emoji by code point ("1f34e") and by slug of the label ("red-apple"), in every tone."""
    package = _npm_package(places, "emojibase-data")
    meta = json.loads((package / "meta" / "groups.json").read_text())
    by_code: dict[str, _Emoji] = {}
    by_slug: dict[str, _Emoji] = {}
    for entry in json.loads((package / "en" / "data.json").read_text()):
        if "group" not in entry:
            continue
        group = meta["groups"][str(entry["group"])]
        subgroup = meta["subgroups"][str(entry["subgroup"])]
        category = _SUBCATEGORIES.get(subgroup) or _CATEGORIES.get(group)
        label = entry["label"]
        if category is None or subgroup in _SUBGROUPS_OUT or _NOT_DRAWABLE.search(label):
            continue
        tags = tuple(entry.get("tags", ()))
        for variant in (entry, *entry.get("skins", ())):
            tone = variant.get("tone", 0)
            if not isinstance(tone, int):  # two people of two tones
                continue
            emoji = _Emoji(label, tags, category, tone)
            by_code[variant["hexcode"].lower().replace("-fe0f", "")] = emoji
            by_slug[_slug(variant["label"])] = emoji
            by_slug[_slug(label) + ("-" + str(tone) if tone else "")] = emoji
    return by_code, by_slug


def _keep_tone(emoji: _Emoji, source: str) -> bool:
    """Default drawings and two of the five tones, chosen by hash: tones stay balanced."""
    if not emoji.tone:
        return True
    start = zlib.crc32(f"{emoji.label}/{source}".encode()) % 5
    return source != "fluent-emoji" and (emoji.tone - 1 - start) % 5 < 2


def _emoji_sprite(emoji: _Emoji, **rest: Any) -> RawSprite:
    return RawSprite((concept(emoji.label),), emoji.tags, emoji.category, tone=emoji.tone, **rest)


def read_fluent_3d(places: Places) -> Iterator[RawSprite]:
    """Microsoft's Fluent emoji as 3D renders, 256 px, by code point."""
    package = _npm_package(places, "@lobehub/fluent-emoji-3d")
    by_code, _ = _emoji_names(places)
    for path in sorted((package / "assets").glob("*.webp")):
        emoji = by_code.get(path.stem.replace("-fe0f", ""))
        if emoji and _keep_tone(emoji, "fluent-emoji-3d"):
            yield _emoji_sprite(
                emoji,
                style="3d render",
                source="fluent-emoji-3d",
                licence="MIT",
                attribution="Fluent Emoji by Microsoft Corporation, MIT, "
                "https://github.com/microsoft/fluentui-emoji",
                raster=path.read_bytes(),
            )


def read_iconify(places: Places, name: str) -> Iterator[RawSprite]:
    """One emoji set of `@iconify-json`, joined on code point where it has them, else on label."""
    package = _npm_package(places, f"@iconify-json/{name}")
    by_code, by_slug = _emoji_names(places)
    info = json.loads((package / "info.json").read_text())
    data = json.loads((package / "icons.json").read_text())
    codes_from = package
    if name == "fluent-emoji":  # the same icon names, published without code points
        codes_from = _npm_package(places, "@iconify-json/fluent-emoji-flat")
    codes: dict[str, str] = {
        icon: code for code, icon in json.loads((codes_from / "chars.json").read_text()).items()
    }
    aliases: dict[str, list[str]] = {}
    for alias, target in data.get("aliases", {}).items():
        if not {"hFlip", "vFlip", "rotate"} & target.keys():
            aliases.setdefault(target["parent"], []).append(alias)
    squashed = {slug.replace("-", ""): emoji for slug, emoji in by_slug.items()}
    author = info["author"]
    for icon, drawing in data["icons"].items():
        known = (by_code.get(codes.get(icon, "").replace("-fe0f", "")),)
        labels = (by_slug.get(_TONE_WORDS.sub(_tone_number, n)) or by_slug.get(n)
                  or (squashed.get(n) if name == "fxemoji" else None)
                  for n in (icon, *aliases.get(icon, ())))  # fmt: skip
        emoji = next(filter(None, (*known, *labels)), None)
        if not emoji or not _keep_tone(emoji, name):
            continue
        box = {**{"left": 0, "top": 0, "width": 16, "height": 16}, **_box(data), **_box(drawing)}
        yield _emoji_sprite(
            emoji,
            style=_NPM_STYLES[name],
            source=name,
            licence=info["license"]["spdx"],
            attribution=f"{info['name']} by {author['name']}, {info['license']['title']}, "
            f"{author['url']}",
            svg='<svg xmlns="http://www.w3.org/2000/svg" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink">{drawing["body"]}</svg>',
            view=(box["left"], box["top"], box["width"], box["height"]),
        )


def _tone_number(match: re.Match[str]) -> str:
    words = ("light", "medium-light", "medium", "medium-dark", "dark")
    return f"-{1 + words.index(match[1])}"


def _box(data: dict[str, Any]) -> dict[str, float]:
    return {k: data[k] for k in ("left", "top", "width", "height") if k in data}


_CLIPART = {
    "animals": "animals",
    "buildings": "places",
    "buildings/furniture": "objects",
    "containers": "objects",
    "education": "objects",
    "electronics": "objects",
    "food": "food",
    "office": "objects",
    "people": "people",
    "people/clothing": "objects",
    "plants": "nature",
    "recreation": "objects",
    "science": "objects",
    "computer/hardware": "objects",
    "signs_and_symbols/weather": "nature",
    "tools": "objects",
    "transportation": "vehicles",
}
_CLIPART_OUT = (
    "smilies", "stickmen", "cards", "roadsigns", "aiga", "religion", "pantyhose", "hummers",
)  # fmt: skip


def read_openclipart(places: Places) -> Iterator[RawSprite]:
    """Debian's `openclipart-svg`: folders of real things, named by title, file name, or keyword."""
    root = places.share / "openclipart" / "svg"
    for path in sorted(root.rglob("*.svg")):
        folder = path.parent.relative_to(root).as_posix()
        part = "/".join(folder.split("/")[:2])
        category = _CLIPART.get(part) or _CLIPART.get(part.split("/")[0])
        if category is None or any(word in folder for word in _CLIPART_OUT):
            continue
        if path.stat().st_size > 300_000:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found = strip_root(text)
        if found is None or "<image" in text or "<text" in text:
            continue
        title = html.unescape(_first(r"<dc:title>([^<]*)</dc:title>", text))
        artist = html.unescape(_first(r"<dc:creator>.*?<dc:title>([^<]*)</dc:title>", text))
        keywords = tuple(k.lower() for k in re.findall(r"<rdf:li>([^<]+)</rdf:li>", text))
        titles = () if "clipart by" in title.lower() else (title,)
        yield RawSprite(
            names=(*titles, path.stem, *reversed(keywords)),
            tags=keywords,
            category=category,
            style="clip art",
            source="openclipart",
            licence="public domain",
            attribution=f"{artist or 'unknown artist'}, Open Clip Art Library, public domain",
            svg=found[0],
            view=_wider(found[1]),
            trusted=False,
        )


def _wider(view: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Half a page more on each side: many of these drawings reach over their page's edge."""
    x, y, width, height = view
    return x - width / 2, y - height / 2, 2 * width, 2 * height


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    return found[1].strip() if found else ""


def strip_root(svg: str) -> tuple[str, tuple[float, float, float, float]] | None:
    """Take size attributes off an SVG's root: the text without them, and its viewBox."""
    root = re.search(r"<svg\b[^>]*>", svg)
    if root is None:
        return None
    values = dict(re.findall(r"\s(width|height|viewBox)\s*=\s*[\"']([^\"']*)[\"']", root[0]))
    numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", values.get("viewBox", ""))]
    if len(numbers) != 4:
        sides = [re.match(r"([\d.]+)(px|pt)?$", values.get(k, "")) for k in ("width", "height")]
        if not all(sides):
            return None
        numbers = [0.0, 0.0, *(float(side[1]) for side in sides if side)]
    if min(numbers[2:]) <= 0:
        return None
    sizes = r"\s(?:width|height|viewBox|preserveAspectRatio|x|y)\s*=\s*(?:\"[^\"]*\"|'[^']*')"
    bare = re.sub(sizes, "", root[0])
    text = svg[root.start() :] if "<!ENTITY" not in svg else svg
    return text.replace(root[0], bare, 1), (numbers[0], numbers[1], numbers[2], numbers[3])


_FURNITURE_LICENCES = {
    "BlendSwap-CC-0": ("CC0-1.0", "Blend Swap CC-0"),
    "BlendSwap-CC-BY": ("CC-BY-3.0", "Blend Swap CC-BY"),
    "KatorLegaz": ("CC-BY-3.0", "Andrew Kator and Jennifer Legaz"),
    "Scopia": ("CC-BY-3.0", "Emmanuel Puybaret / eTeks and Scopia Visual Interfaces Systems"),
}
_FURNITURE_OUT = ("Doors and windows", "Characters", "Staircases")


def read_furniture(places: Places) -> Iterator[RawSprite]:
    """Sweet Home 3D's furniture catalogues: rendered icons of household things."""
    folder = places.share / "sweethome3d" / "furniture"
    for catalogue, (licence, owner) in _FURNITURE_LICENCES.items():
        path = folder / f"{catalogue}.sh3f"
        if not path.is_file():
            continue
        with zipfile.ZipFile(path) as archive:
            text = archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
            table = dict(re.findall(r"^(\w+#\d+)=(.*)$", text, re.MULTILINE))
            for key in [k for k in table if k.startswith("name#")]:
                number = key.removeprefix("name#")
                group = table.get(f"category#{number}", "").strip()
                icon = table.get(f"icon#{number}", "").strip().lstrip("/")
                if group in _FURNITURE_OUT or icon not in archive.namelist():
                    continue
                creator = table.get(f"creator#{number}", owner).strip()
                tags = table.get(f"tags#{number}", "").split(",")
                yield RawSprite(
                    names=(table[key].strip(),),
                    tags=tuple(t.strip().lower() for t in tags if t.strip()),
                    category="vehicles" if group == "Vehicles" else "objects",
                    style="3d render",
                    source="sweethome3d",
                    licence=licence,
                    attribution=f"{creator} ({owner}), {licence}, Sweet Home 3D",
                    raster=archive.read(icon),
                    trusted=False,
                )


Reader = Callable[[Places], Iterator[RawSprite]]

READERS: dict[str, Reader] = {
    "fluent-emoji-3d": read_fluent_3d,
    **{name: functools.partial(read_iconify, name=name) for name in _NPM_STYLES},
    "sweethome3d": read_furniture,
    "openclipart": read_openclipart,
}
"""Every source by name, the cleanest first: of two near-duplicates the earlier is kept."""
