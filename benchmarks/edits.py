"""Inpainting, outpainting and sizes: time beside plain generation, bytes kept, seams, drift.

    python benchmarks/edits.py [--threads 2] [--repeats 5] [--masks 100] [--strip FILE.png]

Operations at 1024 are measured in turns, so that a busy moment falls on each. The target is 1.5
times plain generation. Pictures are then continued to the right, 512 pixels at a time, until they
are 4096 wide: across each seam the step of the mean colour and the energy of the gradient are set
against the other columns that were drawn, and the colour of the last 512 columns against that of
the first 512 that were drawn. --strip writes them all, 1024 pixels wide, one below the other.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from common import PROMPT, Row, arguments, in_turns, report

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from unclip.engine import Engine
    from unclip.requests import Request

SCENES = (
    "a camel in the desert",
    "a boat on the sea",
    "a red apple",
    "a rocket, 3d render, on a blue background",
    "a dog on a green background",
    "a house in a field",
)
WIDE, STEP, NEAR = 4096, 512, 8


def main() -> None:
    parser = arguments(__doc__, repeats=5)
    parser.add_argument("--masks", type=int, default=100)
    parser.add_argument("--scenes", type=int, default=len(SCENES))
    parser.add_argument("--strip", type=Path)
    options = parser.parse_args()

    import torch
    from PIL import Image

    import unclip

    if options.threads:
        torch.set_num_threads(options.threads)
    engine = unclip.load(options.model)
    rows = times(engine, options.repeats)
    strips = [continued(engine, scene) for scene in SCENES[: options.scenes]]
    if options.strip is not None and strips:
        sheet = Image.new("RGB", (1024, 264 * len(strips) - 8), "white")
        for k, strip in enumerate(strips):
            sheet.paste(strip.resize((1024, 256)), (0, 264 * k))
        sheet.save(options.strip)
    report(
        rows,
        options,
        dtype=str(engine.bundle.dtype),
        masks=options.masks,
        bytes_changed_outside_masks=changed_outside(engine, options.masks),
        most_levels_between_batch_sizes=between_batches(engine),
        **seams(strips),
    )


def times(engine: Engine, repeats: int) -> list[Row]:
    """Of each operation at 1024, beside generation."""
    from PIL import Image

    from unclip.requests import Framing, Generation, Inpainting, Outpainting

    image = engine.generate(PROMPT, seed=1)[0].image
    mask = Image.new("L", image.size)
    mask.paste(255, (300, 300, 700, 700))
    canvas = Image.new("RGBA", (1536, 1024))
    canvas.paste(image, (0, 0))
    operations: dict[str, Callable[[int], Request]] = {
        "generate": lambda seed: Generation(PROMPT, seed=seed),
        "edit, a prompt": lambda seed: Inpainting(image, mask, prompt="a red apple", seed=seed),
        "edit, no prompt": lambda seed: Inpainting(image, mask, seed=seed),
        "outpaint 512 right": lambda seed: Outpainting(image, right=512, seed=seed),
        "outpaint to 1536": lambda seed: Outpainting(image, left=256, right=256, seed=seed),
        "the same, a prompt": lambda seed: Outpainting(
            image, left=256, right=256, prompt="a red apple", seed=seed
        ),
        "frame": lambda seed: Framing(canvas, x=512, y=0, seed=seed),
        "generate 1536x1024": lambda seed: Generation(PROMPT, size="1536x1024", seed=seed),
        "generate 1792x1024": lambda seed: Generation(PROMPT, size="1792x1024", seed=seed),
    }
    return in_turns(engine, operations, repeats)


def changed_outside(engine: Engine, masks: int) -> int:
    """Bytes that are not what they were where a mask keeps them, over pictures of any shape."""
    import numpy as np
    from PIL import Image

    from unclip.requests import Inpainting

    rng = np.random.default_rng(0)
    changed = 0
    for seed in range(masks):
        width, height = rng.integers(16, 400, 2)
        image = Image.fromarray(rng.integers(0, 256, (height, width, 3 + seed % 2), np.uint8))
        grid = rng.random((rng.integers(1, 6), rng.integers(1, 6))) < 0.5
        coarse = Image.fromarray(np.uint8(255) * grid)
        mask = coarse.resize(image.size, int(rng.choice([Image.Resampling.NEAREST, 2])))
        prompt = (None, "a red apple", "a plain background")[seed % 3]
        if grid.mean() > 0.5:  # without a prompt there must be something to go on with
            prompt = "a cat"
        request = Inpainting(image, mask, prompt=prompt, steps=2, candidates=1, seed=1)
        done = np.asarray(engine.run(request)[0].image)
        kept = np.asarray(mask) == 0
        changed += int((done[kept] != np.asarray(image)[kept]).sum())
    return changed


def between_batches(engine: Engine) -> dict[str, int]:
    """The largest difference between a picture alone and beside others, in levels of 255."""
    from PIL import Image

    from unclip.requests import Filling, Inpainting, Outpainting

    image = engine.generate(PROMPT, seed=1, size="512x512")[0].image
    mask = Image.new("L", image.size)
    mask.paste(255, (150, 150, 350, 350))
    found = {}
    requests: dict[str, Callable[[int], Filling]] = {
        "edit": lambda n: Inpainting(image, mask, prompt="a red apple", seed=5, n=n),
        "outpaint": lambda n: Outpainting(image, right=512, seed=5, n=n),
    }
    for name, make in requests.items():
        one, two, five = (engine.run(make(n)) for n in (1, 2, 5))
        pairs = [(one[0], two[0]), (one[0], five[0]), (two[1], five[1])]
        found[name] = max(difference(a.image, b.image) for a, b in pairs)
    return found


def difference(a: Image.Image, b: Image.Image) -> int:
    import numpy as np

    return int(np.abs(np.asarray(a).astype(int) - np.asarray(b)).max())


def continued(engine: Engine, scene: str) -> Image.Image:
    """A picture, 512 pixels at a time, until it is 4096 wide."""
    image = engine.generate(scene, seed=7)[0].image
    while image.width < WIDE:
        image = engine.outpaint(image, right=STEP, seed=image.width)[0].image
    return image


def seams(strips: list[Image.Image]) -> Row:
    """Steps of colour and gradients across the seams, and elsewhere; and drift. In levels of 255.

    A step is between the means of 8 columns on either side, row by row; the energy of a gradient is
    the mean square between two columns.
    """
    import numpy as np

    at_seam: list[list[float]] = [[], []]
    elsewhere: list[list[float]] = [[], []]
    drift = []
    for strip in strips:
        pixels = np.asarray(strip).astype(np.float32)
        for x in range(1024, WIDE - NEAR, NEAR):
            both = [step_at(pixels, x), gradient_at(pixels, x)]
            there = at_seam if x % STEP == 0 else elsewhere
            for values, value in zip(there, both, strict=True):
                values.append(value)
        first, last = pixels[:, 1024 : 1024 + STEP], pixels[:, -STEP:]
        change = np.median(last, axis=(0, 1)) - np.median(first, axis=(0, 1))
        drift.append(round(float(np.abs(change).max()), 2))
    if not strips:
        return {}
    names = ("mean_colour_step", "gradient_energy")
    return {
        "drift_of_the_median_colour": drift,
        **{
            name: {
                "at_seams": round(statistics.mean(there), 3),
                "elsewhere": round(statistics.mean(other), 3),
                "elsewhere_p95": round(float(np.percentile(other, 95)), 3),
            }
            for name, there, other in zip(names, at_seam, elsewhere, strict=True)
        },
    }


def step_at(pixels: np.ndarray, x: int) -> float:
    left, right = (pixels[:, x + a : x + b].mean(1) for a, b in ((-NEAR, 0), (0, NEAR)))
    return float(abs(left - right).mean())


def gradient_at(pixels: np.ndarray, x: int) -> float:
    return float(((pixels[:, x] - pixels[:, x - 1]) ** 2).mean())


if __name__ == "__main__":
    main()
