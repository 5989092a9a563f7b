"""Icon sets of a few drawings, painted as the real ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unclip.corpus.build import build
from unclip.corpus.sources import READERS, Places, RawSprite
from unclip.corpus.sources.icons import ICON_SETS, PAIRS
from unclip.corpus.store import SpriteStore

LINE = (
    '<g fill="none"><path fill="#d7e0ff" d="M2 2h10v8H2z"/><path stroke="#4147d5" d="M2 2h9"/></g>'
)
FLAT = (
    '<g fill="none"><path fill="#8fbffa" d="M2 2h10v8H2z"/><path fill="#2859c5" d="M2 2h9v3"/></g>'
)
_LINES = "black and white drawing"
DISC = '<path fill="#fabc3d" d="M24 47.998c13.255 0 24-10.745 24-24C48 10.746 37.255 0 24 0S0 z"/>'


def read(tmp_path: Path, name: str, bodies: dict[str, str], **info: Any) -> dict[str, RawSprite]:
    """What the reader of set `name` makes of `bodies`, by what its SVG holds."""
    folder = tmp_path / "node_modules/@iconify-json" / name
    folder.mkdir(parents=True)
    icons = {icon: {"body": body} for icon, body in bodies.items()}
    (folder / "icons.json").write_text(json.dumps({"icons": icons, "width": 14, "height": 14}))
    about = {"name": "A set", "author": {"name": "An Artist", "url": "https://example.org"},
             "license": {"title": "CC BY 4.0", "spdx": "CC-BY-4.0"}}  # fmt: skip
    (folder / "info.json").write_text(json.dumps(about | info))
    emoji = tmp_path / "node_modules/emojibase-data"
    for path, data in (("en/data.json", []), ("meta/groups.json", {"groups": {}, "subgroups": {}})):
        (emoji / path).parent.mkdir(parents=True, exist_ok=True)
        (emoji / path).write_text(json.dumps(data))
    return {raw.svg or "": raw for raw in READERS[name](Places(tmp_path))}


def test_two_blues_become_ink_on_paper(tmp_path: Path) -> None:
    drawn = read(tmp_path, "streamline-color", {"backpack": LINE, "login-1": LINE})
    (raw,) = drawn.values()
    assert (raw.concept, raw.category, raw.style) == ("backpack", "objects", _LINES)
    assert raw.svg is not None
    assert "#4147d5" not in raw.svg
    assert "#d7e0ff" not in raw.svg
    assert raw.licence == "CC-BY-4.0"
    assert raw.attribution.endswith("https://example.org (changed)")


def test_flat_variants_get_a_colour_where_any_is_true(tmp_path: Path) -> None:
    """A chair may be of any colour; a carrot may not, and is not drawn flat."""
    bodies = {f"chair-{i}-flat": FLAT for i in range(40)}
    drawn = read(
        tmp_path, "streamline-sharp-color", {**bodies, "carrot-flat": FLAT, "carrot": LINE}
    )
    raws = list(drawn.values())
    assert {r.concept for r in raws if r.style == "flat vector"} == {"armchair"}
    assert [r.concept for r in raws if r.style == _LINES] == ["carrot"]
    used = {pair for pair in PAIRS for svg in drawn if all(colour in svg for colour in pair)}
    assert len(used) > len(PAIRS) / 2


def test_variants_share_a_label_and_exceptions_do_not(tmp_path: Path) -> None:
    bodies = {"padlock-square-1": LINE, "padlock-square-2": LINE.replace("h9", "h8")}
    drawn = read(tmp_path, "streamline-flex-color", bodies)
    assert sorted(r.concept for r in drawn.values()) == ["open padlock", "padlock"]


def test_a_badge_loses_its_disc(tmp_path: Path) -> None:
    body = f'<g fill="none">{DISC}<path fill="#df2c2c" d="M20 20h8v8h-8z"/></g>'
    drawn = read(tmp_path, "streamline-kameleon-color", {"bomb": body, "bomb-duo": body})
    (raw,) = drawn.values()
    assert raw.concept == "bomb"
    assert "#fabc3d" not in (raw.svg or "")
    assert "#df2c2c" in (raw.svg or "")
    assert raw.attribution.endswith("(changed)"), "as the licence asks"


def test_of_several_sizes_the_largest_is_read(tmp_path: Path) -> None:
    sizes = {f"book-{n}": f'<path fill="#111" d="M1 1h{n}v9z"/>' for n in (16, 20, 48, 32)}
    drawn = read(tmp_path, "fluent-color", sizes)
    assert [r.concept for r in drawn.values()] == ["book"]
    assert "h48" in next(iter(drawn))


def test_weather_is_read_where_it_is_filled(tmp_path: Path) -> None:
    drawn = read(tmp_path, "meteocons", {"snowman": "<path/>", "snowman-fill": '<path d="M1 1"/>'})
    assert [r.concept for r in drawn.values()] == ["snowman"]


def test_an_author_without_a_page_is_named_all_the_same(tmp_path: Path) -> None:
    author = {"author": {"name": "Somebody"}, "license": {"title": "MIT", "spdx": "MIT"}}
    drawn = read(tmp_path, "game-icons", {"anvil": "<path/>"}, **author)
    assert [r.attribution for r in drawn.values()] == ["A set by Somebody, MIT"]


@pytest.mark.parametrize("name", ICON_SETS)
def test_no_set_reads_what_no_table_names(name: str, tmp_path: Path) -> None:
    assert read(tmp_path, name, {"cursor-click": LINE, "align-left": LINE, "wifi": LINE}) == {}


def test_line_drawings_reach_the_store(tmp_path: Path, packages: Path) -> None:
    bodies = {"anvil": '<path d="M2 2h10v3L8 9H5z"/>', "bat": '<path d="M1 7l6-5 6 5-6 2z"/>'}
    read(tmp_path, "game-icons", bodies)
    build(tmp_path / "store", tmp_path, packages / "share", ("game-icons",), workers=1)
    store = SpriteStore(tmp_path / "store")
    assert [(s.concept, s.style, s.mirrorable) for s in store.sprites] == [
        ("anvil", "silhouette", True),
        ("bat", "silhouette", True),
    ]
    assert "An Artist" in (tmp_path / "store/ATTRIBUTION.md").read_text()
