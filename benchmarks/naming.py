"""Pictures for somebody to name who does not know what was asked for.

    python benchmarks/naming.py OUT [--pictures 50] [--seed 20261130]

Draws everyday things by their plain names, and writes sheets of ten with a number below each, and
`key.json`, the names by number. Show the sheets, not the key.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from common import arguments, report

EACH, ACROSS, SIDE, MARGIN, LINE = 10, 5, 256, 14, 20
"""Pictures of a sheet and of a row; pixels of each, around it, and for its number."""


def main() -> None:
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--seed", type=int, default=20261130)
    options = parser.parse_args()

    import torch
    from PIL import Image, ImageDraw

    import unclip
    from unclip.corpus.choice import EVERYDAY
    from unclip.corpus.names import with_article

    if options.threads:
        torch.set_num_threads(options.threads)
    engine = unclip.load(options.model)
    names = random.Random(options.seed).sample(sorted(EVERYDAY), options.pictures)
    options.out.mkdir(parents=True, exist_ok=True)
    step = SIDE + MARGIN
    for start in range(0, len(names), EACH):
        sheet = Image.new("RGB", (ACROSS * step, -(-EACH // ACROSS) * (step + LINE)), "white")
        draw = ImageDraw.Draw(sheet)
        for k, name in enumerate(names[start : start + EACH]):
            (made,) = engine.generate(
                with_article(name), seed=options.seed + start + k, size=f"{SIDE}x{SIDE}"
            )
            x, y = k % ACROSS * step, k // ACROSS * (step + LINE)
            sheet.paste(made.image, (x, y))
            draw.text((x + 4, y + SIDE + 4), str(start + k + 1), fill=0)
        sheet.save(options.out / f"sheet-{start // EACH + 1}.png")
    key = {str(n): name for n, name in enumerate(names, start=1)}
    (options.out / "key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    report([{"pictures": len(names), "seed": options.seed}], options)


if __name__ == "__main__":
    main()
