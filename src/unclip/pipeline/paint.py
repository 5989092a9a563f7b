"""Styles that are put over a finished picture: what a prompt says of them, and what makes them.

The corpus makes painterly styles by filters, at any size. A picture of 64 pixels holds no brush
strokes, so the filter goes over the large one. A flat drawing is one by the drawings that it is
made after, but comes with shades: of few colours it is flat.
"""

from __future__ import annotations

import re

import numpy as np
from PIL import Image, ImageFilter

from unclip.corpus.filters import FILTERS, View
from unclip.corpus.phrases import PAINTED_AFTER, PAINTED_OF, STYLE_AFTER, STYLE_OF
from unclip.pipeline.reading import any_of

FLAT = "flat vector"
_COLOURS = 8
"""Of a flat drawing."""
_EVEN = 0.002, 5
"""Of the picture's side, how far its colours are evened out before, and of pixels after."""


def unpainted(prompt: str) -> tuple[str, str | None]:
    """What is to be drawn, and in what to paint it: one of `FILTERS`, without which the prompt is
    then, or `FLAT`."""
    for style in reversed(FILTERS):  # oil comes last: any painting may be one
        left, found = _PATTERNS[style].subn("", prompt)
        if found and (left := left.strip(" ,")):
            return left, style
    return prompt, FLAT if _IS_FLAT.search(prompt) else None


def painted(image: Image.Image, style: str, seed: int) -> Image.Image:
    """An "RGB" picture in one of these styles, its strokes from the seed."""
    size = min(image.size)
    if style == FLAT:
        radius, window = _EVEN
        even = image.filter(ImageFilter.GaussianBlur(radius * size))
        few = even.quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=3, dither=Image.Dither.NONE)
        return few.convert("RGB").filter(ImageFilter.MedianFilter(window))
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
_IS_FLAT = re.compile(
    rf"^(?:{any_of(STYLE_OF[FLAT])}) |, (?:{any_of(STYLE_AFTER[FLAT])})(?=,|\.?$)", re.IGNORECASE
)
