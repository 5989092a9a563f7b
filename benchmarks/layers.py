"""What it takes to draw a prompt in layers, in times of one that is drawn at once.

    python benchmarks/layers.py [--threads 2] [--repeats 5] [--size 1024x1024]

Pictures are made in turns, so that a busy moment falls on each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from common import PROMPT, arguments, in_turns, report

if TYPE_CHECKING:
    from unclip.requests import Request

PROMPTS = {
    "at once": "a dog",
    "before a background": PROMPT,
    "in a colour": "a turquoise star",
    "three of a thing": "three apples",
    "two things": "a cat and a dog",
    "three things": "a cat, a dog and a pear",
    "in a place": "a fox in the snow",
    "two things in a place": "a fox and an owl in the snow",
    "painted": "a watercolour of a fox",
}


def main() -> None:
    parser = arguments(__doc__, repeats=5)
    parser.add_argument("--size", default="1024x1024")
    options = parser.parse_args()

    import torch

    import unclip
    from unclip.requests import Generation

    if options.threads:
        torch.set_num_threads(options.threads)
    engine = unclip.load(options.model)

    def of(prompt: str) -> Callable[[int], Request]:
        return lambda seed: Generation(prompt, seed=seed, size=options.size)

    operations = {name: of(prompt) for name, prompt in PROMPTS.items()}
    report(in_turns(engine, operations, options.repeats), options, size=options.size)


if __name__ == "__main__":
    main()
