"""What a disguised text is read as."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unclip.safety.normalise import forms, plain, read

WORDS = st.lists(st.text(string.ascii_lowercase, min_size=2, max_size=9), min_size=1, max_size=8)
ANYTHING = st.text(max_size=200)
INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad\ufeff\u202e"


def readings(text: str) -> set[str]:
    """Every spelling of every reading in a text."""
    return {form for here in read(text).readings for one in here for form in one.forms}


@given(ANYTHING)
def test_any_text_can_be_read_and_its_words_lie_where_their_spans_say(text: str) -> None:
    lattice = read(text)
    assert len(lattice.words) == len(lattice.spans) == len(lattice.readings)
    assert list(lattice.spans) == sorted(lattice.spans)
    assert all(0 <= start < end <= len(text) for start, end in lattice.spans)
    for first, here in enumerate(lattice.readings):
        assert all(first + one.width <= len(lattice.words) for one in here)


@given(ANYTHING)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@given(WORDS, st.randoms(use_true_random=False))
def test_what_cannot_be_seen_changes_nothing(words: list[str], chance) -> None:
    hidden = "".join(c + chance.choice(INVISIBLE) * chance.randint(0, 2) for c in " ".join(words))
    assert read(hidden).words == tuple(words)


@given(WORDS)
def test_case_width_and_marks_change_nothing(words: list[str]) -> None:
    text = " ".join(words)
    wide = "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in text)
    bold = "".join(chr(ord(c) - 97 + 0x1D41A) if c != " " else c for c in text)
    marked = "".join(c + "\u0336" if c != " " else c for c in text)
    for disguised in (text.upper(), wide, bold, marked):
        assert read(disguised).words == tuple(words)


@given(st.text(string.ascii_lowercase, min_size=3, max_size=12), st.sampled_from(" .-_/~"))
def test_a_word_with_a_sign_between_its_letters_is_still_that_word(word: str, sign: str) -> None:
    assert word in readings(f"an {sign.join(word)} here")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("n4k3d", "naked"),
        ("k1ll", "kill"),
        ("g|r|", "girl"),
        ("$ex", "sex"),
        ("gir!", "girl"),
        ("пакеd", "naked"),
        ("ѕех", "sex"),
        ("nnnnaaaakeeed", "naked"),
        ("bbbooobs", "boobs"),
        ("n a k e d", "naked"),
        ("n.a-k.e_d", "naked"),
        ("na.ked", "naked"),
        ("p*o*r*n", "porn"),
        ("🅽🅰🅺🅴🅳", "naked"),
        ("العارية", "عاريه"),
        ("l'homme", "homme"),
    ],
)
def test_a_disguise_is_undone(text: str, word: str) -> None:
    assert word in readings(text)


def test_wider_gaps_part_spaced_out_words() -> None:
    found = readings("r e d  c a r")
    assert {"red", "car"} <= found
    assert "redcar" not in found


def test_each_character_of_chinese_is_a_word() -> None:
    lattice = read("红苹果 apple")
    assert lattice.words == ("红", "苹", "果", "apple")
    assert lattice.compact[0] == "红苹果apple"


def test_a_word_with_many_doubtful_signs_has_few_readings() -> None:
    assert all(len(found) <= 300 for found in forms("1!|6" * 50))
