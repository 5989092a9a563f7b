"""The tokenizer: batches, cutting, padding and the file."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unclip.errors import BundleError
from unclip.models.tokenizer import PAD, Tokenizer

TEXTS = ["a red apple", "two blue cats on a sofa", "a rocket, 3d render"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, 200)


def test_pads_to_the_longest_text_of_the_batch(tokenizer):
    tokens = tokenizer(["cats", "two blue cats on a sofa"])
    assert tokens.ids.shape == tokens.mask.shape == (2, 8)
    assert tokens.mask.sum(1).tolist() == [3, 8]
    assert (tokens.ids[~tokens.mask] == PAD).all()
    assert tokens.truncated == (False, False)


def test_cuts_at_the_context_keeps_the_end_token_and_says_so(tokenizer):
    tokens = tokenizer(["cats", "two blue cats on a sofa"], context=5)
    assert tokens.ids.shape == (2, 5)
    assert tokens.truncated == (False, True)
    whole = tokenizer.encode("two blue cats on a sofa")
    assert tokens.ids[1].tolist() == [*whole[:4], whole[-1]]


def test_empty_text_is_its_start_and_end(tokenizer):
    vocab = tokenizer.vocab()
    assert tokenizer([""]).ids.tolist() == [[vocab["[CLS]"], vocab["[SEP]"]]]


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4), st.integers(2, 12))
def test_any_text_fits_the_context_and_the_vocabulary(texts, context):
    tokenizer = Tokenizer.train(TEXTS, 60)
    tokens = tokenizer(texts, context)
    assert tokens.ids.dtype == torch.int64
    assert tokens.ids.shape[1] <= context
    assert int(tokens.ids.max()) < tokenizer.vocab_size
    assert (tokens.mask.sum(1) >= 2).all()
    assert (tokens.mask[:, 1:] <= tokens.mask[:, :-1]).all(), "real tokens come first"


def test_a_text_does_not_depend_on_its_neighbours(tokenizer):
    alone = tokenizer(["a red apple"])
    batch = tokenizer(["a red apple", "two blue cats on a sofa"])
    assert batch.ids[0][batch.mask[0]].tolist() == alone.ids[0].tolist()


def test_a_file_round_trip_keeps_ids(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert again.vocab() == tokenizer.vocab()
    assert again(TEXTS).ids.tolist() == tokenizer(TEXTS).ids.tolist()


def test_a_missing_or_broken_file_is_one_line(tmp_path):
    with pytest.raises(BundleError, match=r"tokenizer\.json is missing"):
        Tokenizer.load(tmp_path / "tokenizer.json")
    for content in (b"{}", b"\x80\x04binary", b"[1, 2"):
        (tmp_path / "tokenizer.json").write_bytes(content)
        with pytest.raises(BundleError, match=r"is not a tokenizer\.json") as caught:
            Tokenizer.load(tmp_path / "tokenizer.json")
        assert "\n" not in str(caught.value)
