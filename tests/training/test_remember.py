"""What is put into the memory, from the tests' store of a few drawings."""

import pytest
import torch
from torch.nn import functional as F

from tiny_store import composer, packages, store  # noqa: F401
from unclip.pipeline.bundle import load_bundle
from unclip.training.remember import alone, choose, no_things, remember


def test_every_name_has_drawings_of_its_own_thing(store):  # noqa: F811
    shelf = choose(store, 1000, 1000)
    assert shelf.drawings
    taught = {i for i, sprite in enumerate(store.sprites) if sprite.split == "train"}
    flat = [i for some in shelf.drawings for i in some]
    assert len(flat) == len(set(flat))
    assert set(flat) <= taught
    for name, thing in shelf.names:
        if thing >= 0:
            concepts = {store[i].concept for i in shelf.drawings[thing]}
            assert len(concepts) == 1, name
    assert len({name for name, _ in shelf.names}) == len(shelf.names)


def test_there_is_only_so_much_room(store):  # noqa: F811
    whole = choose(store, 1000, 1000)
    few = choose(store, 5, len(no_things()) + 2)
    assert sum(map(len, few.drawings)) <= 5
    assert len(few.names) <= len(no_things()) + 2
    assert few.drawings[0] == whole.drawings[0][:5]


def test_what_is_no_thing_has_up_to_three_words():
    said = no_things()
    assert {"red", "3d render", "to the left of"} - set(said) == {"to the left of"}
    assert "left of" in said


def test_a_trained_bundle_remembers_what_its_store_shows(trained, composer):  # noqa: F811
    bundle = load_bundle(trained.bundle, "cpu", torch.float32)
    assert bundle.memory is not None
    shelf = choose(composer.store, bundle.config.memory.drawings, bundle.config.memory.names)
    assert len(bundle.memory) == sum(map(len, shelf.drawings))
    with torch.inference_mode():
        pixels = torch.from_numpy(alone(composer, shelf.drawings[0][0])).permute(2, 0, 1)[None]
        seen = bundle.image(pixels.float() / 127.5 - 1)
    remembered = bundle.memory.drawing(slice(0, 1))
    assert F.cosine_similarity(seen, remembered).item() > 0.99


def test_a_memory_is_filled_anew_where_a_tower_has_changed(trained, composer):  # noqa: F811
    bundle = load_bundle(trained.bundle, "cpu", torch.float32)
    towers = composer, bundle.image, bundle.text, bundle.tokenizer
    before = bundle.memory.drawings.clone()
    remember(bundle.memory, *towers)
    assert torch.equal(bundle.memory.drawings, before)
    bundle.memory.drawings[len(bundle.memory) - 1] = 1  # nobody looks there
    remember(bundle.memory, *towers)
    assert not torch.equal(bundle.memory.drawings, before)
    with torch.no_grad():
        bundle.image.patch.weight.neg_()
    remember(bundle.memory, *towers)
    seen = bundle.memory.drawing(slice(0, 1))
    assert not torch.equal(bundle.memory.drawings[0], before[0])
    assert seen.norm().item() == pytest.approx(1)
