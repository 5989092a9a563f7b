"""Painterly styles: what a prompt says of them, and the corpus's filters over a finished picture.

The corpus makes these styles by filters, at any size. A picture of 64 pixels holds no brush
strokes, so the filter goes over the large one.
"""

from __future__ import annotations

import re

import numpy as np
from PIL import Image

from unclip.corpus.filters import FILTERS, View
from unclip.corpus.phrases import PAINTED_AFTER, PAINTED_OF
from unclip.pipeline.reading import any_of


def unpainted(prompt: str) -> tuple[str, str | None]:
    """A prompt without its painterly style, and which of `FILTERS` that is."""
    for style in reversed(FILTERS):  # oil comes last: any painting may be one
        left, found = _PATTERNS[style].subn("", prompt)
        if found and (left := left.strip(" ,")):
            return left, style
    return prompt, None


def painted(image: Image.Image, style: str, seed: int) -> Image.Image:
    """An "RGB" picture in one of these styles, its strokes from the seed."""
    size = min(image.size)
    view = View(size, (0, 0), image.size, seed % _STROKES)
    return Image.fromarray(np.ascontiguousarray(FILTERS[style].apply(np.array(image), view)))


_STROKES = 1 << 16
"""Seeds that the filters tell apart."""


def _patterns() -> dict[str, re.Pattern[str]]:
    """Of each style: "a watercolour of ..." at the front, "..., watercolour" and "... in
    watercolour" behind."""
    made = {}
    for style in FILTERS:
        fronts = {re.sub(r"^an? | of$", "", phrase) for phrase in PAINTED_OF[style]}
        fronts |= {*PAINTED_AFTER[style]}
        tags = fronts - {"painting", "neon sign"}
        made[style] = re.compile(
            rf"^(?:(?:an?|the) )?(?:[\w-]+ ){{0,2}}?(?:{any_of(fronts)})(?:(?: style)? of |, )"
            rf"|(?:,| in| as| in the style of)(?: an?)? (?:{any_of(tags)})(?: style)?(?=,|\.?$)",
            re.IGNORECASE,
        )
    return made


_PATTERNS = _patterns()
