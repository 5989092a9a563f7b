"""Candidates drop out while they are drawn: only the best of each picture is drawn to its end.

Successive halving (arXiv 1502.07943): what a candidate will show is seen early. `benchmarks/
candidates.py` tells how much is lost against drawing all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from unclip.diffusion.process import AnyDenoiser, Estimate

Score = Callable[[Float[Tensor, "r 3 h w"], list[int]], Float[Tensor, " r"]]
"""How well pictures fit, of which the rows are told."""


class Heats(NamedTuple):
    """Who goes on: the better half after a third of the steps, the best after two thirds.

    Attributes:
        candidates: of each picture; rows of a picture follow each other.
    """

    candidates: int
    score: Score

    def places(self, step: int, steps: int) -> int:
        """How many of each picture go on after a step."""
        if 3 * step >= 2 * steps:
            return 1
        return -(-self.candidates // 2) if 3 * step >= steps else self.candidates

    def best(self, pixels: Float[Tensor, "r 3 h w"], rows: list[int], places: int) -> list[int]:
        """The rows that go on, the best of each picture first.

        Args:
            pixels: what the `rows` show now, as many of each picture.
        """
        scores = self.score(pixels, rows)
        each = len(rows) // len({row // self.candidates for row in rows})
        order = scores.reshape(-1, each).argsort(dim=1, descending=True, stable=True)[:, :places]
        return [rows[k * each + int(j)] for k, picture in enumerate(order) for j in picture]


def among(denoise: AnyDenoiser, rows: Sequence[int]) -> AnyDenoiser:
    """A denoiser of the `rows` of a state alone; of the others it says nothing: zeros."""

    def whole(x_t: Tensor, t: Tensor) -> Estimate:
        chosen = list(rows)
        found = denoise(x_t[chosen], t[chosen])
        parts = [
            torch.zeros_like(x_t, dtype=part.dtype).index_copy_(
                0, torch.tensor(chosen, device=x_t.device), part
            )
            for part in (found if isinstance(found, tuple) else (found,))
        ]
        return (parts[0], parts[1]) if isinstance(found, tuple) else parts[0]

    return whole
