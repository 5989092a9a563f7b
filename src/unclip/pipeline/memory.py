"""How much memory there is for requests, and how much one takes."""

from __future__ import annotations

import os

import torch

from unclip.requests import Request

SHARE = 0.5
"""Of what is free once the model is loaded."""
FIXED = 96 * 2**20
NUMBERS_PER_PIXEL = 70
"""Of the picture that is being enlarged, held by the last upsampler at once."""
BYTES_KEPT = 16
"""Per pixel of a picture that is finished or waits."""


def size_of(request: Request, dtype: torch.dtype) -> int:
    """Bytes that a request takes at most while it is made, beside the model.

    Pictures are enlarged one at a time, so the largest part does not grow with their number.
    """
    working = NUMBERS_PER_PIXEL * dtype.itemsize
    return FIXED + request.width * request.height * (working + BYTES_KEPT * len(request.seeds))


def device_memory(device: torch.device) -> int:
    """Bytes that requests may take together: a share of what is free now."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(SHARE * free)
