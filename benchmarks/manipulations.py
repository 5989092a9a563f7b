"""Variations, blends and changes beside plain generation; and what an inversion brings back.

    python benchmarks/manipulations.py [--threads 2] [--repeats 5] [--pictures FOLDER]

The target is 1.5 times plain generation, without the evaluations that an inversion adds: "vary,
strength 1" is a variation without one. PSNR is that of a variation of strength 0 against its
picture: in the decoder's pixels, where the autoencoder alone is the ceiling, and at full size,
beside what bicubic makes of the decoder's pixels. Without --pictures they are the model's own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from common import PROMPT, arguments, in_turns, report

if TYPE_CHECKING:
    from PIL import Image

    from unclip.engine import Engine
    from unclip.requests import Request

SUBJECTS = ("a red apple", "a cat", "a yellow car", "a house", "a smiling face", "two strawberries")
SMALL, FULL = 64, 1024
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}


def main() -> None:
    parser = arguments(__doc__, repeats=5)
    parser.add_argument("--pictures", type=Path, help="folder of pictures to bring back")
    options = parser.parse_args()

    import torch

    import unclip
    from unclip.pipeline.inputs import open_picture
    from unclip.pipeline.manipulate import ROUNDS
    from unclip.requests import Blend, Change, Generation, Variation

    if options.threads:
        torch.set_num_threads(options.threads)
    engine = unclip.load(options.model)
    if options.pictures is None:
        images = [engine.generate(subject, seed=1)[0].image for subject in SUBJECTS]
    else:
        files = sorted(p for p in options.pictures.iterdir() if p.suffix.lower() in SUFFIXES)
        images = [open_picture(path) for path in files]
    a, b = images[:2]
    operations: dict[str, Callable[[int], Request]] = {
        "generate": lambda seed: Generation(PROMPT, seed=seed),
        "vary, strength 0": lambda seed: Variation(a, strength=0.0, seed=seed),
        "vary, strength 0.5": lambda seed: Variation(a, strength=0.5, seed=seed),
        "vary, strength 1": lambda seed: Variation(a, strength=1.0, seed=seed),
        "blend of two pictures": lambda seed: Blend((a, b), seed=seed),
        "blend with a sentence": lambda seed: Blend((a, PROMPT), seed=seed),
        "change": lambda seed: Change(a, "a green apple", "a red apple", seed=seed),
        "style": lambda seed: Change(a, "3d render", reference=b, seed=seed),
    }
    rows = in_turns(engine, operations, options.repeats)
    steps = engine.bundle.config.sampling["decoder"].steps
    options.threads = torch.get_num_threads()
    report(
        rows,
        options,
        dtype=str(engine.bundle.dtype),
        inversion={"steps": steps, "evaluations": ROUNDS * steps},
        pictures=len(images),
        psnr=brought_back(engine, images),
    )


def brought_back(engine: Engine, images: list[Image.Image]) -> dict[str, float]:
    """Mean PSNR in dB of what comes back, and of what could."""
    import torch
    from PIL.Image import Resampling

    from unclip.models.autoencoder import psnr
    from unclip.pipeline.images import to_images, to_pixels
    from unclip.pipeline.manipulate import square
    from unclip.requests import Variation

    found: dict[str, list[float]] = {}

    def note(name: str, made: Image.Image, true: Image.Image) -> None:
        found.setdefault(name, []).append(float(psnr(to_pixels(made), to_pixels(true))))

    network = engine.bundle.autoencoder
    for image in images:
        full, small = square(image, FULL), square(image, SMALL)
        for side, true in ((FULL, full), (SMALL, small)):
            request = Variation(image, strength=0.0, seed=1, size=f"{side}x{side}")
            note(f"{side} px", engine.run(request)[0].image, true)
        bicubic = small.resize(full.size, Resampling.BICUBIC)
        note(f"{FULL} px, bicubic of {SMALL}", bicubic, full)
        if network is not None:
            pixels = to_pixels(small).to(engine.device, engine.bundle.dtype)
            with torch.inference_mode():
                (through,) = to_images(network.decode(network.encode(pixels)))
            note(f"{SMALL} px, autoencoder alone", through, small)
    return {name: round(statistics.mean(values), 2) for name, values in found.items()}


if __name__ == "__main__":
    main()
