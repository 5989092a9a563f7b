"""A tiny store, built by the real builder from packages of a few drawings made here."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from unclip.corpus.build import build
from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore

SOURCES = ("twemoji", "noto", "sweethome3d", "openclipart")

# label, tags, group, subgroup, hexcode, body: all drawn in a 36 x 36 box
EMOJI = [
    ("red apple", ["fruit"], 4, 42, "1F34E", '<circle cx="18" cy="20" r="13" fill="#d22"/>'),
    ("cat face", ["kitty", "pet"], 3, 34, "1F431",
     '<path d="M4 4l8 8h12l8-8v28H4z" fill="#fc4"/><circle cx="12" cy="20" r="2"/>'),
    ("automobile", ["car", "driving"], 5, 54, "1F697",
     '<rect x="1" y="14" width="34" height="12" fill="#27c"/><circle cx="9" cy="27" r="4"/>'),
    ("rocket", ["space"], 5, 56, "1F680", '<path d="M18 1l7 30H11z" fill="#999"/>'),
    ("cherries", ["fruit"], 4, 42, "1F352",
     '<circle cx="9" cy="26" r="7" fill="#c02"/><circle cx="27" cy="26" r="7" fill="#c02"/>'),
    ("pig nose", [], 3, 34, "1F43D", '<rect x="15" y="2" width="6" height="30" fill="#2a4"/>'),
    ("backhand index pointing left", [], 1, 18, "1F448",
     '<path d="M1 18l16-9v6h18v6H17v6z" fill="#fb4"/>'),
]  # fmt: skip
NOUNS = {  # lemma: (lexicographer file, more lemmas of the synset, how often texts use it)
    "apple": (13, [], 2), "fruit": (20, [], 5), "cat": (5, ["true cat"], 9),
    "car": (6, ["auto", "automobile", "motorcar"], 9), "rocket": (6, ["projectile"], 1),
    "chair": (6, [], 3), "dog": (5, [], 9), "penguin": (5, [], 0), "manager": (18, [], 3),
    "nose": (8, [], 3), "hammer": (6, [], 1),
}  # fmt: skip
CLIPART = {  # file, as the real package has it: its title, keywords and colour
    "animals/birds/tux_clemente_01.svg": ("Manager", ["penguin", "bird"], "#222"),
    "animals/mammals/dog_01_drawn_with_strai_01.svg": ("Dog 02", ["dog", "mammal"], "#842"),
    "tools/hammer_peterm1.svg": ("Clipart by A. Person - box", ["tool"], "#a33"),
    "tools/thing.svg": ("Xyzzy plugh", ["tool"], "#a33"),
}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_npm(root: Path) -> None:
    modules = root / "node_modules"
    entries = [
        {"label": label, "tags": tags, "group": group, "subgroup": sub, "hexcode": code}
        for label, tags, group, sub, code, _ in EMOJI
    ]
    entries[-1]["skins"] = [
        {"label": f"{EMOJI[-1][0]}: skin {tone}", "hexcode": f"1F448-1F3F{tone}", "tone": tone}
        for tone in (1, 2, 3, 4, 5)
    ]
    _write(modules / "emojibase-data/en/data.json", json.dumps(entries))
    groups = dict(enumerate(("smileys-emotion", "people-body", "component", "animals-nature",
                             "food-drink", "travel-places", "activities", "objects")))  # fmt: skip
    subgroups = {18: "hand", 34: "animal-mammal", 42: "food-fruit", 54: "transport-ground",
                 56: "transport-air", 74: "office"}  # fmt: skip
    meta = json.dumps({"groups": groups, "subgroups": subgroups})
    _write(modules / "emojibase-data/meta/groups.json", meta)
    for name, stretch in (("twemoji", 1.0), ("noto", 0.6)):
        icons, chars = {}, {}
        for label, _, _, _, code, body in EMOJI:
            for tone in range(6) if "skin" in str(entries[-1]) and code == "1F448" else (0,):
                icon = label.replace(" ", "-") + (f"-tone{tone}" if tone else "")
                shade = body.replace("#fb4", f"#{9 + tone:x}7{tone}")
                icons[icon] = {"body": f'<g transform="scale(1 {stretch})">{shade}</g>'}
                chars[code.lower() + (f"-1f3f{tone}" if tone else "")] = icon
        folder = modules / "@iconify-json" / name
        _write(folder / "icons.json", json.dumps({"icons": icons, "width": 36, "height": 36}))
        _write(folder / "chars.json", json.dumps(chars))
        licence = {"title": "CC BY 4.0", "spdx": "CC-BY-4.0"}
        author = {"name": "An Artist", "url": "https://example.org"}
        info = {"name": name, "author": author, "license": licence}
        _write(folder / "info.json", json.dumps(info))


def _write_wordnet(folder: Path) -> None:
    data, index = ["  1 licence text"], ["  1 licence text"]
    for number, (word, (lexfile, others, used)) in enumerate(NOUNS.items()):
        key = f"{number + 1:08d}"
        lemmas = [word, *others]
        listed = " ".join(f"{x.replace(' ', '_')} 0" for x in lemmas)
        data.append(f"{key} {lexfile:02d} n {len(lemmas):02x} {listed} 000 | a gloss")
        index += [f"{x.replace(' ', '_')} n 1 0 1 {used} {key}" for x in lemmas]
    _write(folder / "data.noun", "\n".join(data))
    _write(folder / "index.noun", "\n".join(index))
    _write(folder / "noun.exc", "geese goose\n")
    _write(folder / "cntlist.rev", "dog%1:05:00:: 1 9\n")


def _write_share(root: Path) -> None:
    _write_wordnet(root / "wordnet")
    for name, (title, keywords, colour) in CLIPART.items():
        bag = "".join(f"<rdf:li>{k}</rdf:li>" for k in keywords)
        _write(
            root / "openclipart/svg" / name,
            '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="120" height="80" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:rdf="http://www.w3.org/1999/02/'
            f'22-rdf-syntax-ns#"><metadata><dc:title>{title}</dc:title>{bag}</metadata>'
            f'<ellipse cx="60" cy="40" rx="{20 + 3 * len(title)}" ry="30" fill="{colour}"/></svg>',
        )
    picture = Image.new("RGBA", (128, 128))
    ImageDraw.Draw(picture).rectangle((40, 10, 90, 120), fill=(140, 90, 40, 255))
    buffer = io.BytesIO()
    picture.save(buffer, "png")
    catalogue = "name#1=Chair\ncategory#1=Living room\nicon#1=/a/chair.png\ncreator#1=Someone\n"
    path = root / "sweethome3d/furniture/Scopia.sh3f"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("PluginFurnitureCatalog.properties", catalogue)
        archive.writestr("a/chair.png", buffer.getvalue())


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `npm` and `share` parts, laid out as the real packages are."""
    root = tmp_path_factory.mktemp("packages")
    _write_npm(root / "npm")
    _write_share(root / "share")
    return root


@pytest.fixture(scope="session")
def store(packages: Path) -> SpriteStore:
    out = packages / "store"
    build(out, packages / "npm", packages / "share", SOURCES, workers=1)
    return SpriteStore(out)


@pytest.fixture(scope="session")
def composer(store: SpriteStore) -> Composer:
    return Composer(store)
