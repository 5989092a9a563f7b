"""A store of a few drawings that go together, written as the builder writes it."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np

from unclip.corpus.raster import main_colour, premultiplied, render_svg, resize, square_view
from unclip.corpus.store import MASTER, SMALL, Sprite, SpriteStore

# concept: category, body in a box of 40 by 40
DRAWINGS = {
    "cat": ("animals", '<path d="M4 34V12l6 5h14l6-9v26z" fill="#c73"/>'),
    "basket": ("objects", '<path d="M4 14h32l-5 22H9z" fill="#a63"/>'),
    "horse": ("animals", '<path d="M2 12h24l8-8v30h-5V24H9v10H4z" fill="#752"/>'),
    "astronaut": ("people", '<circle cx="20" cy="12" r="9" fill="#888"/>'
                  '<rect x="8" y="20" width="24" height="16" fill="#eee"/>'),
    "balloon": ("objects", '<ellipse cx="20" cy="14" rx="10" ry="12" fill="#d22"/>'
                '<rect x="19" y="26" width="2" height="12" fill="#555"/>'),
    "umbrella": ("nature", '<path d="M2 18a18 16 0 0 1 36 0z" fill="#73b"/>'
                 '<rect x="19" y="16" width="2" height="22" fill="#444"/>'),
    "stool": ("objects", '<path d="M4 6h32v6h-4v26h-4V12H12v26H8V12H4z" fill="#950"/>'),
    "log": ("nature", '<rect x="2" y="8" width="36" height="28" rx="6" fill="#843"/>'),
    "rabbit": ("animals", '<path d="M8 36V16L4 2l10 12h10L30 2l4 34z" fill="#aaa"/>'),
    "sailboat": ("vehicles", '<path d="M20 2v24h14zM4 28h32l-6 10H10z" fill="#36c"/>'),
    "sun": ("nature", '<circle cx="20" cy="20" r="16" fill="#fb2"/>'),
    "cup": ("objects", '<rect x="6" y="6" width="28" height="30" rx="4" fill="#f4f4f4"/>'),
    "top hat": ("objects", '<path d="M10 4h20v24h8v6H2v-6h8z" fill="#222"/>'),
    "hand pointing left": ("people", '<path d="M1 18l16-9v6h18v6H17v6z" fill="#fb4"/>'),
}  # fmt: skip


def write_store(folder: Path) -> SpriteStore:
    """Every drawing in two styles."""
    sprites, index, small = [], [], []
    masters, svgs = b"", b""
    for style in ("flat vector", "3d render"):
        for concept, (category, body) in DRAWINGS.items():
            shaded = body.replace("/>", ' stroke="#0003"/>') if style == "3d render" else body
            svg = f'<svg xmlns="http://www.w3.org/2000/svg">{shaded}</svg>'
            view = square_view(svg, (0, 0, 40, 40))
            assert view is not None
            picture = render_svg(svg, view, MASTER, MASTER)
            small.append(resize(premultiplied(picture), SMALL))
            buffer = io.BytesIO()
            picture.save(buffer, "webp", lossless=True)
            begin, svg_begin = len(masters), len(svgs)
            masters, svgs = masters + buffer.getvalue(), svgs + zlib.compress(svg.encode())
            index.append((begin, len(masters), svg_begin, len(svgs)))
            sprites.append(
                Sprite(
                    id=f"{style}/{concept}", name=concept, concept=concept, synonyms=(),
                    category=category, style=style, source="ours", licence="CC0-1.0",
                    attribution="", flat=style == "flat vector",
                    main_colour=main_colour(small[-1]) if style == "flat vector" else None,
                    tone=0, split="train", native=0, view=view,
                    mirrorable="left" not in concept,
                )
            )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "small.npy", np.stack(small))
    np.save(folder / "index.npy", np.array(index, np.int64))
    (folder / "masters.bin").write_bytes(masters)
    (folder / "svg.bin").write_bytes(svgs)
    (folder / "sprites.jsonl").write_text("".join(s.to_json() + "\n" for s in sprites))
    return SpriteStore(folder)
