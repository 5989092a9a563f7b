"""What goes into the cascade: one frozen class for each thing that can be asked.

A request that exists is valid: this is where a user's values are checked. Nothing here needs torch.
"""

from unclip.requests.base import (
    BACKGROUNDS,
    MAX_PICTURES,
    MAX_PROMPT,
    MAX_SIDE,
    SAMPLER_NAMES,
    Generation,
    Request,
    check_choice,
    kinds_of_request,
    shown,
    texts_of,
)
from unclip.requests.filling import Filling, Framing, Inpainting, Outpainting, outpainting
from unclip.requests.manipulation import Blend, Change, Manipulation, Variation

__all__ = [
    "BACKGROUNDS",
    "MAX_PICTURES",
    "MAX_PROMPT",
    "MAX_SIDE",
    "SAMPLER_NAMES",
    "Blend",
    "Change",
    "Filling",
    "Framing",
    "Generation",
    "Inpainting",
    "Manipulation",
    "Outpainting",
    "Request",
    "Variation",
    "check_choice",
    "kinds_of_request",
    "outpainting",
    "shown",
    "texts_of",
]
