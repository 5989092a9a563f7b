"""Emoji: names from `emojibase-data`, drawings from several sets."""

from __future__ import annotations

import functools
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unclip.corpus.names import concept, has_colour
from unclip.corpus.sources.raw import Places, RawSprite, credit, viewbox, wrapped


@dataclass(frozen=True)
class Emoji:
    """What an emoji shows: its label, tags, category, and skin tone from 0 to 5."""

    label: str
    tags: tuple[str, ...]
    category: str
    tone: int


EMOJI_SETS = {
    "fluent-emoji-flat": "flat vector",
    "twemoji": "flat vector",
    "emojione": "flat vector",
    "fxemoji": "flat vector",
    "noto": "cartoon",
    "noto-v1": "cartoon",
    "fluent-emoji": "glossy",
    "fluent-emoji-high-contrast": "black and white drawing",
}
"""Sets of `@iconify-json` with emoji of every tone, and their style."""

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


@functools.lru_cache(maxsize=2)
def emoji_names(places: Places) -> tuple[dict[str, Emoji], dict[str, Emoji]]:
    """Emoji by code point ("1f34e") and by slug of the label ("red-apple"), in every tone."""
    package = places.package("emojibase-data")
    meta = json.loads((package / "meta" / "groups.json").read_text())
    by_code: dict[str, Emoji] = {}
    by_slug: dict[str, Emoji] = {}
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
            emoji = Emoji(label, tags, category, tone)
            by_code[variant["hexcode"].lower().replace("-fe0f", "")] = emoji
            by_slug[_slug(variant["label"])] = emoji
            by_slug[_slug(label) + ("-" + str(tone) if tone else "")] = emoji
    return by_code, by_slug


def _keep_tone(emoji: Emoji, source: str) -> bool:
    """Default drawings and two of the five tones, chosen by hash: tones stay balanced."""
    if not emoji.tone:
        return True
    start = zlib.crc32(f"{emoji.label}/{source}".encode()) % 5
    return source != "fluent-emoji" and (emoji.tone - 1 - start) % 5 < 2


def _sprite(emoji: Emoji, **rest: Any) -> RawSprite:
    named = concept(emoji.label)
    return RawSprite(named, emoji.category, tags=emoji.tags, tone=emoji.tone, **rest)


def read_fluent_3d(places: Places) -> Iterator[RawSprite]:
    """Microsoft's Fluent emoji as 3D renders, 256 px, by code point."""
    package = places.package("@lobehub/fluent-emoji-3d")
    by_code, _ = emoji_names(places)
    for path in sorted((package / "assets").glob("*.webp")):
        emoji = by_code.get(path.stem.replace("-fe0f", ""))
        if emoji and _keep_tone(emoji, "fluent-emoji-3d"):
            yield _sprite(
                emoji,
                style="3d render",
                source="fluent-emoji-3d",
                licence="MIT",
                attribution="Fluent Emoji by Microsoft Corporation, MIT, "
                "https://github.com/microsoft/fluentui-emoji",
                raster=path.read_bytes(),
            )


def read_emoji(places: Places, name: str) -> Iterator[RawSprite]:
    """One emoji set of `@iconify-json`, joined on code point where it has them, else on label."""
    by_code, by_slug = emoji_names(places)
    info, data = places.iconify(name, "info.json"), places.iconify(name, "icons.json")
    # fluent-emoji has the icon names of fluent-emoji-flat, published without code points
    codes_from = "fluent-emoji-flat" if name == "fluent-emoji" else name
    codes: dict[str, str] = {
        icon: code for code, icon in places.iconify(codes_from, "chars.json").items()
    }
    aliases: dict[str, list[str]] = {}
    for alias, target in data.get("aliases", {}).items():
        if not {"hFlip", "vFlip", "rotate"} & target.keys():
            aliases.setdefault(target["parent"], []).append(alias)
    squashed = {slug.replace("-", ""): emoji for slug, emoji in by_slug.items()}
    for icon, drawing in data["icons"].items():
        known = (by_code.get(codes.get(icon, "").replace("-fe0f", "")),)
        labels = (by_slug.get(_TONE_WORDS.sub(_tone_number, n)) or by_slug.get(n)
                  or (squashed.get(n) if name == "fxemoji" else None)
                  for n in (icon, *aliases.get(icon, ())))  # fmt: skip
        emoji = next(filter(None, (*known, *labels)), None)
        if not emoji or not _keep_tone(emoji, name):
            continue
        if EMOJI_SETS[name] == "black and white drawing" and has_colour(concept(emoji.label)):
            continue
        yield _sprite(
            emoji,
            style=EMOJI_SETS[name],
            source=name,
            licence=info["license"]["spdx"],
            attribution=credit(info),
            svg=wrapped(drawing["body"]),
            view=viewbox(data, drawing),
        )


def _tone_number(match: re.Match[str]) -> str:
    words = ("light", "medium-light", "medium", "medium-dark", "dark")
    return f"-{1 + words.index(match[1])}"
