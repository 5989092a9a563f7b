"""What a watermark says: 48 bits and a 12-bit check, in five words of the extended Golay code.

A word of the (24, 12, 8) code is decoded by comparing all 4,096 with what was received, which loses
nothing that hard decisions would.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt

PAYLOAD_BITS = 48
CODED_BITS = 120

_CHECK_BITS = 12
_WORD = 12
_GOLAY = 0xC75
"""The generator polynomial x^11 + x^10 + x^6 + x^5 + x^4 + x^2 + 1 (Golay 1949)."""


def payload_of(text: str) -> int:
    """48 bits that stand for a text: the beginning of its SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[: PAYLOAD_BITS // 8], "big")


def encode(payload: int) -> npt.NDArray[np.float32]:
    """The coded bits of a payload, [120], as -1 and 1."""
    assert 0 <= payload < 1 << PAYLOAD_BITS
    whole = payload << _CHECK_BITS | _check(payload)
    words = [whole >> shift & 0xFFF for shift in range(0, PAYLOAD_BITS + _CHECK_BITS, _WORD)]
    return _codewords()[words].ravel()


def decode(soft: npt.NDArray[np.float32]) -> int | None:
    """The payload whose coded bits are likeliest, or None where its check fails.

    Args:
        soft: [120], the likelier a bit is 1 the greater, in any unit.
    """
    words = (soft.reshape(-1, 2 * _WORD) @ _codewords().T).argmax(axis=1)
    whole = sum(int(word) << _WORD * i for i, word in enumerate(words))
    payload, check = whole >> _CHECK_BITS, whole & (1 << _CHECK_BITS) - 1
    return payload if check == _check(payload) else None


def _check(payload: int) -> int:
    digest = hashlib.sha256(b"unclip watermark" + payload.to_bytes(PAYLOAD_BITS // 8, "big"))
    return int.from_bytes(digest.digest()[:2], "big") >> 16 - _CHECK_BITS


@cache
def _codewords() -> npt.NDArray[np.float32]:
    """All words of the code, [4096, 24]."""
    words = np.zeros(1 << _WORD, np.int64)
    for message in range(1 << _WORD):
        rest = message << 11
        for bit in range(22, 10, -1):
            if rest >> bit & 1:
                rest ^= _GOLAY << bit - 11
        word = message << 11 | rest
        words[message] = word << 1 | word.bit_count() & 1
    bits = words[:, None] >> np.arange(2 * _WORD) & 1
    return (2 * bits - 1).astype(np.float32)
