"""The mark itself: a tile of waves that repeats over the picture.

Each wave is a carrier: it goes a whole number of times across and down a tile. The phases of some
are fixed, and find where the tile begins however the picture was cropped, and how large it is
however it was resized; the phases of the others say the payload, each coded bit six times.

Lengths are in units of which the shorter side of the marked picture has 256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from unclip.provenance.payload import CODED_BITS, encode

SIDE = 256
"""Units along the shorter side of a picture."""
TILE = 64
"""Units along a side of the tile."""
LOW, HIGH = 6, 20
"""Waves to a tile: from 10.7 to 3.2 units long, which are 43 to 13 of 1,024 pixels."""

_REPEATS = 6

Floats = npt.NDArray[np.float32]
Complexes = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Carriers:
    """Waves of the pattern, [n] each: how often across (0 to `HIGH`) and down, and its phase."""

    across: npt.NDArray[np.int64]
    down: npt.NDArray[np.int64]
    phase: Complexes

    def __getitem__(self, part: slice) -> Carriers:
        return Carriers(self.across[part], self.down[part], self.phase[part])

    def __len__(self) -> int:
        return len(self.phase)

    @cached_property
    def radius(self) -> Floats:
        """Waves to a tile along their own direction."""
        return np.hypot(self.across, self.down).astype(np.float32)


def _carriers() -> Carriers:
    """All, in an order and with phases that a hash draws."""
    drawn = []
    for across in range(HIGH + 1):
        for down in range(-HIGH, HIGH + 1):
            one_of_two = across > 0 or down > 0  # the other is its mirror image through the origin
            if one_of_two and LOW <= np.hypot(across, down) <= HIGH:
                digest = hashlib.sha256(f"unclip watermark {across} {down}".encode()).digest()
                turn = int.from_bytes(digest[8:12], "big") / 2**32
                drawn.append((digest[:8], across, down, turn))
    drawn.sort()
    turns = np.array([turn for _, _, _, turn in drawn])
    return Carriers(
        np.array([across for _, across, _, _ in drawn]),
        np.array([down for _, _, down, _ in drawn]),
        np.exp(2j * np.pi * turns).astype(np.complex64),
    )


ALL = _carriers()
DATA = ALL[: CODED_BITS * _REPEATS // 2]
"""They carry two coded bits each: one in phase, one a quarter off."""
SYNC = ALL[len(DATA) :]


def spectrum(payload: int) -> Complexes:
    """The tile that says a payload, [2 HIGH + 1, HIGH + 1], by waves down and across."""
    bits = np.tile(encode(payload), _REPEATS).reshape(-1, 2)
    said = DATA.phase * (bits[:, 0] + 1j * bits[:, 1]) / np.sqrt(2)
    return from_carriers(np.concatenate([said, SYNC.phase]))


def from_carriers(values: npt.NDArray[np.complexfloating]) -> Complexes:
    """The spectrum whose carriers, in the order of `ALL`, have these values."""
    tile = np.zeros((2 * HIGH + 1, HIGH + 1), np.complex64)
    tile[ALL.down + HIGH, ALL.across] = values
    return tile


def soft_bits(values: Complexes) -> Floats:
    """How likely each coded bit is 1, [120], from `DATA`'s carriers as received, weighted."""
    turned = values * DATA.phase.conj()
    bits: Floats = np.stack([turned.real, turned.imag], 1).reshape(_REPEATS, -1).sum(0)
    return bits


def waves(places: Floats, tile: npt.ArrayLike = TILE) -> Complexes:
    """exp(2 pi i k x / tile) at [n] places for k from 0 to `HIGH`: [..., n, HIGH + 1]."""
    turns = places / np.asarray(tile, np.float32)[..., None]
    angles = 2 * np.pi * turns[..., None] * np.arange(HIGH + 1, dtype=np.float32)
    drawn: Complexes = np.exp(1j * angles).astype(np.complex64)
    return drawn


def draw(tile: Complexes, x: Floats, y: Floats) -> Floats:
    """The repeated tile at places in units, [h, w], of about unit variance."""
    down = waves(y)
    rows = np.concatenate([down[:, :0:-1].conj(), down], 1) @ tile
    columns = waves(x).T
    drawn: Floats = rows.real @ columns.real - rows.imag @ columns.imag
    drawn *= np.float32(np.sqrt(2 / len(ALL)))
    return drawn
