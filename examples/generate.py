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
    for event in engine.stream(request):
        if isinstance(event, unclip.Progress):
            print(f"{event.stage} {event.step} of {event.steps}")
            if event.stage == "decoder" and event.preview is not None:
                for k, image in enumerate(event.preview(), start=event.first):
                    image.save(options.out / f"preview-{k}-{event.step:02d}.png")
        else:
            file = options.out / f"picture-{event.index}.png"
            event.image.save(file)
            print(f"{file}: seed {event.seed}, CLIP score {event.clip_score:.3f}")


if __name__ == "__main__":
    main()
