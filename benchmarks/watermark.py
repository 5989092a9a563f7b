"""The invisible mark: what it costs in decibels and milliseconds, and what it survives.

    python benchmarks/watermark.py [--pictures 100] [--unmarked 300] [--folder FOLDER]

Pictures are the model's own, of 1,024 pixels, beside plain ones of a single colour, which are the
hardest for JPEG; with --folder those in it, scaled to that size. Detected is a statistic at or over
`THRESHOLD`, read is the right payload. The threshold is judged by --unmarked pictures, cut and
compressed as uploads are: the highest statistic among them, and the level that one in a thousand
would reach by the Gumbel distribution that the highest of many chances follows.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from common import arguments, report

SIDE = 1024
PLAIN = ("white", "black", "grey", "red", "yellow", "navy", "#3060ff", "#f0e0c0")
SUBJECTS = ("apple", "cat", "car", "house", "rocket", "flower", "boat", "robot", "fish", "mushroom")
SETTINGS = (
    "",
    " on a white background",
    " in the snow",
    " at night",
    ", 3d render",
    ", watercolour",
)
SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}

Edit = Callable[[Image.Image, np.random.Generator], Image.Image]


def main() -> None:
    parser = arguments(__doc__, repeats=20)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--unmarked", type=int, default=300)
    parser.add_argument("--folder", type=Path, help="mark the pictures in it, not the model's")
    options = parser.parse_args()

    from unclip.provenance.watermark import PSNR, THRESHOLD, embed, read

    rng = np.random.default_rng(0)
    pictures = theirs(options.folder) if options.folder else ours(options.model, options.pictures)
    pictures = pictures[: options.pictures]
    plain = [Image.new("RGB", (SIDE, SIDE), colour) for colour in PLAIN]
    everything = pictures + plain
    payloads = [int(rng.integers(2**48)) for _ in everything]
    marked = [embed(image, payload) for image, payload in zip(everything, payloads, strict=True)]
    costs = [psnr(a, b) for a, b in zip(everything, marked, strict=True)]

    rows = []
    for name, edit in edits().items():
        found = [read(edit(image, rng)) for image in marked]
        right = [mark.payload == payload for mark, payload in zip(found, payloads, strict=True)]
        seen = [mark.found for mark in found]
        cut = len(pictures)
        rows.append(
            {
                "edit": name,
                "detected": statistics.mean(seen[:cut]),
                "read": statistics.mean(right[:cut]),
                "plain detected": statistics.mean(seen[cut:]),
                "plain read": statistics.mean(right[cut:]),
                "least statistic": min(mark.statistic for mark in found),
            }
        )
    image = everything[0]
    report(
        rows,
        options,
        pictures=len(pictures),
        psnr={"wanted": PSNR, "least": round(min(costs), 2)},
        milliseconds={
            "mark": timed(lambda: embed(image, 1), options.repeats),
            "read a marked one": timed(lambda: read(marked[0]), options.repeats),
            "search an unmarked one": timed(lambda: read(image), options.repeats),
        },
        threshold=THRESHOLD,
        unmarked=chance(pictures, options.unmarked, rng),
    )


def edits() -> dict[str, Edit]:
    """What people do to pictures, by name: the usual, and what is harder."""
    from unclip.training.provenance.edits import EDITS, brighter, cropped, jpeg, scaled, turned

    return {
        **{name: edit for name, edit in EDITS.items() if name != "marked"},
        "brightness 1.2": lambda image, rng: brighter(image, 1.2),
        "hue by 180 degrees": lambda image, rng: turned(image, 0.5),
        "mirrored": lambda image, rng: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "crop to 50 %, JPEG 50": lambda image, rng: jpeg(cropped(image, 0.5, rng), 50),
        "half, JPEG 50": lambda image, rng: jpeg(scaled(image, 0.5), 50),
        "quarter, JPEG 70": lambda image, rng: jpeg(scaled(image, 0.25), 70),
        "turned by 1 degree": lambda image, rng: image.rotate(1, Image.Resampling.BICUBIC),
    }


def chance(pictures: list[Image.Image], count: int, rng: np.random.Generator) -> dict[str, float]:
    """Statistics of pictures without a mark."""
    from unclip.provenance.watermark import read
    from unclip.training.provenance.edits import cropped, jpeg

    found = []
    for k in range(count):
        image = pictures[k % len(pictures)]
        part = cropped(image, float(rng.uniform(0.3, 1)), rng)
        found.append(read(jpeg(part, int(rng.integers(50, 100)))).statistic)
    scale = statistics.pstdev(found) * math.sqrt(6) / math.pi
    start = statistics.mean(found) - 0.5772 * scale
    return {
        "median": round(statistics.median(found), 2),
        "most": round(max(found), 2),
        "one in a thousand": round(start - scale * math.log(-math.log(0.999)), 2),
    }


def ours(model: str, count: int) -> list[Image.Image]:
    """Pictures that the model makes."""
    import unclip

    engine = unclip.load(model)
    prompts = [f"a {subject}{setting}" for setting in SETTINGS for subject in SUBJECTS]
    return [
        engine.generate(prompts[k % len(prompts)], seed=k, size=f"{SIDE}x{SIDE}")[0].image
        for k in range(count)
    ]


def theirs(folder: Path) -> list[Image.Image]:
    from unclip.training.provenance.edits import scaled

    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    opened = (Image.open(path).convert("RGB") for path in paths)
    return [scaled(image, SIDE / min(image.size)) for image in opened]


def timed(work: Callable[[], object], repeats: int) -> dict[str, float]:
    """Median milliseconds by the clock, and of processor time."""
    work()
    wall, used = [], []
    for _ in range(repeats):
        before, spent = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - before)
        used.append(time.process_time() - spent)
    return {
        name: round(1000 * statistics.median(samples), 1)
        for name, samples in (("clock", wall), ("processor", used))
    }


def psnr(a: Image.Image, b: Image.Image) -> float:
    difference = np.asarray(a, np.float32) - np.asarray(b, np.float32)
    return float(10 * np.log10(255**2 / np.mean(difference**2)))


if __name__ == "__main__":
    main()
