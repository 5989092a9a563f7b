"""What of a caption is not true of a scene, found by reading it: a slow second opinion."""

from __future__ import annotations

import re

from unclip.corpus.captions import phrases
from unclip.corpus.colours import COLOUR_SYNONYMS
from unclip.corpus.filters import DARK
from unclip.corpus.names import plural, uncoloured
from unclip.corpus.phrases import (
    CLEAR_PHRASES,
    COMPOSITION_AFTER,
    COMPOSITION_OF,
    LIGHT_PHRASES,
    MIRRORED,
    NUMBERS,
    OVER_PHRASES,
    PAINTED_AFTER,
    PAINTED_OF,
    PLACE_PHRASES,
    RELATION_PHRASES,
    STYLE_AFTER,
    STYLE_OF,
    TIME_OF,
    WEATHER_PHRASES,
)
from unclip.corpus.scene import Placed, Scene


def words_of(placed: Placed) -> str:
    """A pattern of the names that a caption may give an object."""
    bare = {uncoloured(p) for p in phrases(placed.sprite)}
    names = bare | {*phrases(placed.sprite)} | {m for p in bare if (m := plural(p))}
    return rf"\b(?:{'|'.join(re.escape(n) for n in sorted(names, key=len, reverse=True))})\b"


def colour_of(placed: Placed) -> str:
    assert placed.colour
    return f"(?:{'|'.join(COLOUR_SYNONYMS.get(placed.colour, (placed.colour,)))})"


def said(caption: str, before: str, tables: dict[str, tuple[str, ...]]) -> set[str]:
    """Which entries of a table of phrases a caption has, each after `before`."""
    return {
        key
        for key, words in tables.items()
        if any(re.search(rf"{before}{re.escape(w)}(?:,|$| )", caption) for w in words)
    }


def lies(scene: Scene, caption: str) -> list[str]:
    """What the caption says that is not so."""
    found: list[str] = []

    def check(what: str, true: bool) -> None:
        if not true:
            found.append(what)

    for placed in scene.objects:
        colour = rf"\b{colour_of(placed)} " if placed.colour else ""
        check("object", re.search(colour + words_of(placed), caption) is not None)
    if scene.count > 1:
        check("count", re.search(rf"\b(?:{'|'.join(NUMBERS[scene.count])}) ", caption) is not None)
    if scene.relation:
        also = {"beside"} if scene.relation in ("left of", "right of") else set()
        check("relation", relations(scene, caption) <= {scene.relation, *also})
    behind = r".*\b(?:on|with|against) (?:an? )?([\w ]+?) (?:gradient )?background"
    if match := re.match(behind, caption):
        check("background", match[1] == scene.background.name and scene.filter not in DARK)
    elif "background" in caption:
        found.append("background")
    places_said = places(caption)
    check("place", not places_said or places_said == scene.background.kind)
    lights = said(caption, r"\b", {**LIGHT_PHRASES})
    clear = said(caption, r"\b", {**CLEAR_PHRASES})
    check(
        "light",
        lights | clear <= {scene.background.light} and (not lights or scene.background.is_place),
    )
    check("clear", not clear or scene.background.weather == "clear")
    time = TIME_OF[scene.background.light]
    weathers = {k: tuple(w.format(time) for w in v) for k, v in WEATHER_PHRASES.items()}
    check("weather", said(caption, r"\b", weathers) <= {scene.background.weather})
    styles = said(caption, r"^", {**STYLE_OF, **PAINTED_OF})
    styles |= said(caption, r", ", {**STYLE_AFTER, **PAINTED_AFTER})
    check("style", styles <= {scene.style})
    framed = said(caption, r"^", {**COMPOSITION_OF}) | said(caption, r", ", {**COMPOSITION_AFTER})
    check("composition", framed <= {scene.composition})
    return found


def relations(scene: Scene, caption: str) -> set[str]:
    """Relations of the first object to the second that the caption states."""
    a, b = (words_of(placed) for placed in scene.objects)
    skin = r"(?: (?:with|and) [\w-]+ skin)?"
    between = r" (?:the |an? )?(?:\w+ )?"
    found = set()
    for relation, words in RELATION_PHRASES.items():
        for word in words:
            if re.search(rf"\b{a}{skin} {word}{between}{b}", caption):
                found.add(relation)
            if re.search(rf"\b{b}{skin} {word}{between}{a}", caption):
                found.add(MIRRORED.get(relation, f"is {relation} of"))
    if re.search(rf"\b{b}{skin} (?:containing|with){between}{a}", caption):
        found.add("inside")
    if re.search(rf"\b{a}{skin} (?:containing|with){between}{b}", caption):
        found.add("is inside of")
    return found


def places(caption: str) -> str | None:
    """The place of the longest phrase for one."""
    found: list[tuple[int, str]] = []
    for table in (PLACE_PHRASES, OVER_PHRASES):
        for kind, words in table.items():
            for word in words:
                pattern = re.escape(word).replace(r"\{\}", r"(?:[a-z]+ )?") + r"(?:,|$| )"
                if match := re.search(rf"\b{pattern}", caption):
                    found.append((len(match[0].strip(", ")), kind))
    return max(found)[1] if found else None
