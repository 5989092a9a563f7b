"""Making a sprite store from installed packages; nothing is installed or fetched."""

from __future__ import annotations

import collections
import concurrent.futures
import io
import json
import multiprocessing
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unclip.corpus.concepts import synonyms
from unclip.corpus.names import TONES, mirrorable
from unclip.corpus.packages import require
from unclip.corpus.raster import (
    Pixels,
    View,
    looks,
    main_colour,
    premultiplied,
    render_svg,
    resize,
    square_picture,
    square_view,
)
from unclip.corpus.sources import READERS, Places, RawSprite
from unclip.corpus.store import MASTER, SMALL, Sprite, SpriteStore
from unclip.corpus.wordnet import WordNet
from unclip.errors import CorpusError

HELD_OUT = 0.09
"""Share of the phrases made of known words ("man biking") that training never sees."""


DRAWING = 1
"""Raised whenever `_draw` gives other pixels, so that nothing older is taken over."""


@dataclass(frozen=True)
class _Drawn:
    """A rasterised sprite, as it comes back from a worker."""

    small: Pixels
    master: bytes
    svg: bytes
    view: View
    native: int


def _identity(raw: RawSprite) -> str:
    """The sprite's id: it changes with the source's content and with nothing else."""
    content = raw.svg.encode() if raw.svg is not None else raw.raster
    assert content is not None
    marks = f"{DRAWING} {raw.tone} {raw.view}".encode()
    return f"{raw.source}-{zlib.crc32(content, zlib.crc32(marks)):08x}"


def _draw(raw: RawSprite) -> _Drawn | None:
    """Rasterise one sprite; None where the drawing is empty or broken."""
    view: View = (0.0, 0.0, 0.0, 0.0)
    native = 0
    if raw.svg is not None:
        try:
            square = square_view(raw.svg, raw.view)
            if square is None:
                return None
            picture = render_svg(raw.svg, square, MASTER, MASTER)
        except ValueError:
            return None
        view = square
    else:
        assert raw.raster is not None
        trimmed = square_picture(raw.raster)
        if trimmed is None:
            return None
        native = trimmed.width
        picture = trimmed.resize((MASTER, MASTER), Image.Resampling.LANCZOS)
    small = resize(premultiplied(picture), SMALL)
    if looks(small)[0] < 0.03:
        return None
    buffer = io.BytesIO()
    picture.save(buffer, "webp", lossless=True, quality=0, method=0)
    svg = zlib.compress(raw.svg.encode(), 6) if raw.svg else b""
    return _Drawn(small, buffer.getvalue(), svg, view, native)


def held_out(concept: str, words: WordNet) -> bool:
    """Whether training must not see a concept. Single things with a name are always taught; what
    is held out can be put together from words that are taught."""
    made_up = " " in concept and not words.senses(concept)
    # this salt leaves the phrases that people try first ("ice cream cone") to be taught
    return made_up and zlib.crc32(f"held out 5485: {concept}".encode()) % 10_000 < HELD_OUT * 10_000


_UNCOLOURED = ("people", "faces", "places", "shapes")


def _style(raw: RawSprite, small: Pixels) -> str:
    """Clip art without colour is what a person would call it instead."""
    _, saturation, dark = looks(small)
    if raw.style != "clip art" or saturation > 0.04:
        return raw.style
    return "silhouette" if dark > 0.9 else "black and white drawing"


def _duplicates(small: list[Pixels], names: list[tuple[str, int]]) -> set[int]:
    """Indices of drawings that nearly equal an earlier one of the same (concept, tone), or one of
    any concept and that tone with the same difference hash."""
    tiny = np.stack([resize(p, 10) for p in small]).astype(np.float32)
    grey = tiny[..., :3].mean(-1) + (255 - tiny[..., 3])
    bits = (grey[:, :, 1:] > grey[:, :, :-1] + 2).reshape(len(tiny), -1)
    buckets: dict[object, list[int]] = {}
    gone: set[int] = set()
    for i, (concept, tone) in enumerate(names):
        keys = (concept, tone), (bits[i].tobytes(), tone)
        for key, limit in zip(keys, (7.0, 3.5), strict=True):
            kept = buckets.setdefault(key, [])
            if any(np.abs(tiny[i] - tiny[j]).mean() < limit for j in kept):
                gone.add(i)
                break
        else:
            for key in keys:
                buckets[key].append(i)
    return gone


def build(
    out: Path,
    packages: Path,
    share: Path = Path("/usr/share"),
    sources: Sequence[str] = tuple(READERS),
    workers: int | None = None,
) -> dict[str, Any]:
    """Read `sources` and write a store to `out`, replacing one that is there; returns its manifest.

    The new store appears whole by a rename, so that a reader of the old one keeps its files.
    Drawings whose source has not changed since the old one are taken over from it.

    Args:
        packages: the folder that npm installed into (`npm install --prefix PACKAGES ...`).
        share: where Debian packages put their data.
        workers: processes; as many as processors by default.

    Raises `CorpusError` that gives the commands for packages that are absent, or says why `out`
    cannot be written.
    """
    unknown = [name for name in sources if name not in READERS]
    if unknown:
        raise CorpusError(f"sources has {unknown[0]!r}; it may be {', '.join(READERS)}")
    places = Places(packages, share)
    require(places, sources)
    words = WordNet(share / "wordnet")
    raws = [raw for source in sources for raw in READERS[source](places)]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise CorpusError(f"out {out} cannot be written: {error.strerror}") from error
    folder.chmod(0o755)
    try:
        try:
            before: SpriteStore | None = SpriteStore(out)
        except CorpusError:
            before = None
        manifest = _write(folder, raws, words, workers or os.cpu_count() or 1, before)
        old = out.with_name(f".{out.name}-old-{os.getpid()}")
        if out.exists():
            out.rename(old)
        folder.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return manifest


def _drawn(raws: list[RawSprite], workers: int, before: SpriteStore | None) -> list[_Drawn | None]:
    """Drawings of all `raws`; what `before` has of the same content is taken over."""
    known = {sprite.id: i for i, sprite in enumerate(before.sprites)} if before else {}
    ids = [_identity(raw) for raw in raws]
    fresh = [raw for raw, key in zip(raws, ids, strict=True) if key not in known]
    done: Iterator[_Drawn | None]
    if workers == 1 or len(fresh) < 50:
        done = map(_draw, fresh)
    else:
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(workers, context) as pool:
            done = iter(list(pool.map(_draw, fresh, chunksize=16)))
    return [_taken(before, known[k]) if before and k in known else next(done) for k in ids]


def _taken(store: SpriteStore, index: int) -> _Drawn:
    sprite = store[index]
    return _Drawn(np.array(store.small[index]), *store.blobs(index), sprite.view, sprite.native)


def _write(
    folder: Path,
    raws: list[RawSprite],
    words: WordNet,
    workers: int,
    before: SpriteStore | None,
) -> dict[str, Any]:
    results = _drawn(raws, workers, before)
    drawn = [(raw, result) for raw, result in zip(raws, results, strict=True) if result is not None]
    if not drawn:
        raise CorpusError("the sources given hold no drawing that can be used")
    gone = _duplicates([d.small for _, d in drawn], [(raw.concept, raw.tone) for raw, _ in drawn])
    kept = [entry for i, entry in enumerate(drawn) if i not in gone]

    category: dict[str, str] = {}
    tags: dict[str, set[str]] = collections.defaultdict(set)
    for raw, _ in kept:
        category.setdefault(raw.concept, raw.category)
        tags[raw.concept].update(raw.tags)
    other = {c: synonyms(c, category[c], frozenset(tags[c]), words) for c in category}

    sprites: list[Sprite] = []
    index: list[tuple[int, int, int, int]] = []
    small = np.lib.format.open_memmap(
        folder / "small.npy", "w+", np.uint8, (len(kept), SMALL, SMALL, 4)
    )
    with (folder / "masters.bin").open("wb") as masters, (folder / "svg.bin").open("wb") as svgs:
        for i, (raw, result) in enumerate(kept):
            small[i] = result.small
            begin, svg_begin = masters.tell(), svgs.tell()
            masters.write(result.master)
            svgs.write(result.svg)
            index.append((begin, masters.tell(), svg_begin, svgs.tell()))
            style = _style(raw, result.small)
            concept, flat = raw.concept, style == "flat vector"
            recolourable = flat and not raw.tone and category[concept] not in _UNCOLOURED
            tone = f", {TONES[raw.tone]} skin" if raw.tone else ""
            sprites.append(
                Sprite(
                    id=_identity(raw),
                    name=concept + tone,
                    concept=concept,
                    synonyms=other[concept],
                    category=category[concept],
                    style=style,
                    source=raw.source,
                    licence=raw.licence,
                    attribution=raw.attribution,
                    flat=flat,
                    main_colour=main_colour(result.small) if recolourable else None,
                    tone=raw.tone,
                    split="heldout" if held_out(concept, words) else "train",
                    native=result.native,
                    view=result.view,
                    mirrorable=mirrorable(concept) and "<text" not in (raw.svg or ""),
                )
            )
        svgs.write(b"\0")  # a memory map cannot be empty
    small.flush()
    np.save(folder / "index.npy", np.array(index, np.int64))
    (folder / "sprites.jsonl").write_text("".join(s.to_json() + "\n" for s in sprites), "utf-8")
    manifest = _manifest(sprites, len(raws), len(gone))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False))
    (folder / "ATTRIBUTION.md").write_text(attribution(manifest), encoding="utf-8")
    return manifest


def attribution(manifest: dict[str, Any]) -> str:
    """Whom to thank, as Markdown: what the licences of the drawings ask for."""
    lines = [
        "# Attribution",
        "",
        f"The {manifest['sprites']:,} drawings of this corpus are by:",
        "",
    ]
    lines += [f"- {one}" for one in manifest["attribution"]]
    return "\n".join(lines) + "\n"


def _manifest(sprites: list[Sprite], read: int, duplicates: int) -> dict[str, Any]:
    def counts(field: str) -> dict[str, int]:
        return dict(collections.Counter(str(getattr(s, field)) for s in sprites).most_common())

    return {
        "sprites": len(sprites),
        "concepts": len({s.concept for s in sprites}),
        "read": read,
        "near_duplicates_removed": duplicates,
        "by_source": counts("source"),
        "by_licence": counts("licence"),
        "by_style": counts("style"),
        "by_category": counts("category"),
        "heldout_concepts": sorted({s.concept for s in sprites if s.split == "heldout"}),
        "attribution": sorted({s.attribution for s in sprites}),
    }
