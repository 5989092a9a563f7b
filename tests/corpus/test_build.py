from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from unclip.corpus.build import build
from unclip.corpus.sources import READERS
from unclip.corpus.store import MASTER, SMALL, SpriteStore
from unclip.errors import CorpusError

SOURCES = ("twemoji", "noto", "sweethome3d", "openclipart")


def test_concepts_come_from_labels_and_tables(store: SpriteStore) -> None:
    concepts = {s.concept for s in store.sprites}
    assert {
        "red apple",
        "car",
        "rocket",
        "cat face",
        "chair",
        "dog",
        "penguin",
        "hammer",
    } <= concepts
    assert "manager" not in concepts, "a penguin titled Manager is taught as a penguin"
    assert not any("xyzzy" in c or "thing" in c for c in concepts)


def test_every_sprite_has_source_licence_and_attribution(store: SpriteStore) -> None:
    for sprite in store.sprites:
        assert sprite.source in SOURCES
        assert sprite.licence in ("CC-BY-4.0", "CC-BY-3.0", "public domain")
        assert sprite.attribution in store.manifest["attribution"]
    assert len({s.id for s in store.sprites}) == len(store)


def test_synonyms_are_true_ones(store: SpriteStore) -> None:
    synonyms = {s.concept: s.synonyms for s in store.sprites}
    assert set(synonyms["car"]) == {"automobile", "auto", "motorcar"}
    assert synonyms["red apple"] == ("apple",), "a fruit tag is no name of an apple"


def test_what_points_left_is_not_mirrored(store: SpriteStore) -> None:
    fixed = {s.concept for s in store.sprites if not s.mirrorable}
    assert fixed == {"hand pointing left"}


def test_tones_are_thinned_evenly(store: SpriteStore) -> None:
    tones = [
        s.tone for s in store.sprites if s.source == "twemoji" and "pointing left" in s.concept
    ]
    assert len(tones) == len(set(tones)) == 3
    assert 0 in tones


def test_pixels_are_premultiplied_centred_squares(store: SpriteStore) -> None:
    assert store.small.shape == (len(store), SMALL, SMALL, 4)
    assert (store.small[..., :3] <= store.small[..., 3:]).all()
    for i in range(len(store)):
        rows, columns = np.nonzero(store.small[i, ..., 3] > 12)
        extents = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert max(extents) >= SMALL - 4, store[i].concept
        assert abs(rows.min() + rows.max() - (SMALL - 1)) <= 3
        assert abs(columns.min() + columns.max() - (SMALL - 1)) <= 3


def test_masters_agree_at_every_size(store: SpriteStore) -> None:
    for i in range(len(store)):
        reference = store.master(i, MASTER).reshape(64, 4, 64, 4, 4).mean((1, 3))
        for size in (64, 128, 512):
            k = size // 64
            pixels = store.master(i, size)
            assert pixels.shape == (size, size, 4)
            got = pixels.reshape(64, k, 64, k, 4).mean((1, 3))
            assert np.abs(got - reference).mean() < 5, (store[i].concept, size)


def test_near_duplicates_are_removed(packages: Path, tmp_path: Path) -> None:
    npm = tmp_path / "npm"
    shutil.copytree(packages / "npm", npm)
    iconify = npm / "node_modules/@iconify-json"
    shutil.copytree(iconify / "twemoji", iconify / "emojione")
    both = ("twemoji", "emojione")
    manifest = build(tmp_path / "store", npm, packages / "share", both, workers=1)
    again = [s for s in SpriteStore(tmp_path / "store").sprites if s.source == "emojione"]
    assert all(s.tone for s in again), "each set keeps its own two of the five tones"
    assert manifest["near_duplicates_removed"] >= 7


def test_building_again_keeps_ids_and_open_readers(packages: Path, tmp_path: Path) -> None:
    place = tmp_path / "store"
    build(place, packages / "npm", packages / "share", SOURCES, workers=1)
    before = SpriteStore(place)
    pixels = before.small.copy()
    build(place, packages / "npm", packages / "share", SOURCES, workers=1)
    np.testing.assert_array_equal(before.small, pixels)
    assert before.master(0, 200).any()
    assert SpriteStore(place).sprites == before.sprites
    assert [p.name for p in tmp_path.iterdir()] == ["store"], "no partial folder stays"


@pytest.mark.parametrize("source", READERS)
def test_an_absent_package_names_its_command(source: str, packages: Path, tmp_path: Path) -> None:
    share = tmp_path / "share"
    shutil.copytree(packages / "share/wordnet", share / "wordnet")
    with pytest.raises(CorpusError, match=r"run: (npm install --prefix \S+|apt-get install) \S+"):
        build(tmp_path / "store", tmp_path, share, (source,), workers=1)
    assert not (tmp_path / "store").exists()


def test_all_absent_packages_are_named_at_once(packages: Path, tmp_path: Path) -> None:
    """What is pasted from the message installs everything, and only what is absent."""
    npm = tmp_path / "npm"
    shutil.copytree(packages / "npm", npm)
    with pytest.raises(CorpusError) as raised:
        build(tmp_path / "store", npm, tmp_path, ("twemoji", "fluent-emoji", "openclipart"))
    flat, glossy = "@iconify-json/fluent-emoji-flat@1.2.6", "@iconify-json/fluent-emoji@1.2.7"
    assert str(raised.value) == (
        f"corpus packages are absent; run: npm install --prefix {npm} {flat} {glossy}"
        " && apt-get install wordnet-base openclipart-svg"
    )
    with pytest.raises(CorpusError) as raised:
        build(tmp_path / "store", tmp_path, tmp_path)
    named = str(raised.value).split()
    assert len(named) == len(set(named) - {"install"}) + 2, "each package once"
    sets = [n for n in READERS if n not in ("fluent-emoji-3d", "sweethome3d", "openclipart")]
    wanted = {f"@iconify-json/{s}" for s in sets} | {"emojibase-data", "@lobehub/fluent-emoji-3d"}
    assert wanted == {n.rpartition("@")[0] for n in named if re.search(r"@\d+\.\d+\.\d+$", n)}
    assert "sweethome3d-furniture" in named
    (npm / "node_modules/@iconify-json/twemoji/icons.json").unlink()
    with pytest.raises(CorpusError, match=r"npm install .* @iconify-json/twemoji@[\d.]+$"):
        build(tmp_path / "store", npm, packages / "share", ("twemoji",))


def test_a_place_that_cannot_be_written_is_named(packages: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CorpusError, match=r"out .* cannot be written"):
        build(tmp_path / "file/store", packages / "npm", packages / "share", SOURCES, workers=1)


def test_absent_wordnet_and_unknown_source_are_named(packages: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="apt-get install wordnet-base"):
        build(tmp_path / "store", packages / "npm", tmp_path, SOURCES)
    with pytest.raises(CorpusError, match="it may be"):
        build(tmp_path / "store", packages / "npm", packages / "share", ("clipart",))


def test_a_store_that_is_absent_or_cut_off_says_what_to_run(
    store: SpriteStore, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match="unclip corpus build"):
        SpriteStore(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(store.path, copy)
    lines = (copy / "sprites.jsonl").read_text().splitlines(keepends=True)
    (copy / "sprites.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(CorpusError, match="cut off"):
        SpriteStore(copy)
