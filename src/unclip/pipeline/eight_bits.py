"""Matrices of a file in 8 bits a number, with a scale a row: half the bytes of half precision."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from unclip.errors import BundleError
from unclip.models.layers import to_eight_bits

WIDE = 128
"""Columns from which on a matrix may be stored so."""
_SCALE = ".scale"
"""Ends the key of what each row is multiplied by to be read again."""
_MOST_LOST = 0.02
"""Mean error in shares of the mean weight, above which a matrix stays in half precision."""


def reduce(state: dict[str, Tensor], keys: Iterable[str]) -> None:
    """Store some float16 matrices of a state in 8 bits, where that loses little.

    They are float16 because that is what they are read as: each row keeps its greatest weight, and
    so its scale, and a bundle that is loaded and saved again stays as it is.
    """
    for key in keys:
        weight = state[key].float()
        rows, scale = to_eight_bits(weight)
        if (rows * scale - weight).abs().mean() <= _MOST_LOST * weight.abs().mean():
            state[key], state[key + _SCALE] = rows, scale


def restore(state: dict[str, Tensor], file: Path) -> dict[str, Tensor]:
    """The state, with the matrices that `reduce` stored as float16. Raises `BundleError` where a
    scale does not fit."""
    for key in [key for key in state if key.endswith(_SCALE)]:
        name = key.removesuffix(_SCALE)
        if name not in state or state[name].dtype != torch.int8:
            continue  # `fill` refuses it, unless it is a tensor of the network's own
        rows, scale = state[name], state.pop(key)
        if rows.ndim != 2 or scale.shape != (len(rows), 1) or not scale.is_floating_point():
            raise BundleError(
                f"{file} has {key} of shape {tuple(scale.shape)} in {scale.dtype}, "
                f"which does not fit {name} of shape {tuple(rows.shape)}"
            )
        state[name] = (rows * scale).to(torch.float16)
    return state
