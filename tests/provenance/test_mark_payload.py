"""The code of the watermark: what it survives and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unclip.provenance.payload import _codewords, decode, encode, payload_of

PAYLOADS = st.integers(0, 2**48 - 1)


def test_it_is_the_extended_golay_code():
    words = _codewords()
    distances = (24 - words @ words.T) / 2
    assert np.unique(distances).tolist() == [0, 8, 12, 16, 24]
    same = words @ words[0]
    assert np.array_equal(np.unique(same, return_counts=True)[1], [1, 759, 2576, 759, 1])


@given(PAYLOADS)
@settings(max_examples=50, deadline=None)
def test_what_was_encoded_is_decoded(payload):
    assert decode(encode(payload)) == payload


@given(PAYLOADS, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_any_three_wrong_bits_of_a_word_are_corrected(payload, seed):
    soft = encode(payload)
    for word in range(5):
        wrong = np.random.default_rng((seed, word)).choice(24, 3, replace=False)
        soft[24 * word + wrong] *= -1
    assert decode(soft) == payload


def test_noise_is_refused_but_for_one_in_thousands():
    rng = np.random.default_rng(0)
    soft = rng.standard_normal((4000, 120)).astype(np.float32)
    assert sum(decode(row) is not None for row in soft) <= 6  # of 4,000 / 4,096 expected


@pytest.mark.parametrize("payload", [-1, 2**48])
def test_a_payload_has_48_bits(payload):
    with pytest.raises(AssertionError):
        encode(payload)


def test_a_text_stands_for_the_same_payload_for_ever():
    assert payload_of("unclip") == 0xBCE72A5A1894
