"""Painterly styles: what a prompt says of them, and the corpus's filters over a finished picture.

The corpus makes these styles by filters, at any size. A picture of 64 pixels holds no brush
strokes, so the filter goes over the large one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from PIL import Image

from unclip.corpus.filters import FILTERS, View
from unclip.corpus.phrases import PAINTED_AFTER, PAINTED_OF


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


def _patterns(
    before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]
) -> dict[str, re.Pattern[str]]:
    """Of each style: "a watercolour of ..." at the front, "..., watercolour" and "... in
    watercolour" behind."""
    made = {}
    for style in FILTERS:
        fronts = {re.sub(r"^an? | of$", "", phrase) for phrase in before[style]} | {*after[style]}
        tags = fronts - {"painting", "neon sign"} | {*after[style]}
        made[style] = re.compile(
            rf"^(?:(?:an?|the) )?(?:[\w-]+ ){{0,2}}?(?:{_any(fronts)})(?:(?: style)? of |, )"
            rf"|(?:,| in| as| in the style of)(?: an?)? (?:{_any(tags)})(?: style)?(?=,|\.?$)",
            re.IGNORECASE,
        )
    return made


def _any(phrases: set[str]) -> str:
    return "|".join(map(re.escape, sorted(phrases, key=lambda phrase: (-len(phrase), phrase))))


_PATTERNS = _patterns(PAINTED_OF, PAINTED_AFTER)
