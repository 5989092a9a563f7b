"""Pictures from the library, with progress and a preview of every step.

python examples/generate.py ["a red apple"] [--model default] [--out out]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import unclip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt", nargs="?", default="a red apple")
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=Path("out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    engine = unclip.load(options.model)
    request = unclip.Generation(options.prompt, n=2, seed=7, size="256x256")

    def show(step: unclip.Progress) -> None:
        print(f"{step.stage} {step.step} of {step.steps}")
        if step.stage == "decoder" and step.preview is not None:
            for k, image in enumerate(step.preview(), start=step.first):
                image.save(options.out / f"preview-{k}-{step.step:02d}.png")

    result = engine.run(request, on_progress=show)
    for file, picture in zip(engine.save(result, options.out), result, strict=True):
        print(f"{file}: seed {picture.seed}, CLIP score {picture.clip_score:.3f}")


if __name__ == "__main__":
    main()
