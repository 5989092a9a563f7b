from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_store import write_store
from hypothesis import given, settings
from hypothesis import strategies as st
from truth import lies, places, relations

from unclip.corpus.captions import contradict, describe
from unclip.corpus.composer import Composer, Mixture
from unclip.corpus.phrases import PLACE_PHRASES
from unclip.corpus.places.catalogue import PLACES
from unclip.corpus.scene import Background, Placed, Scene
from unclip.corpus.store import SpriteStore

seeds = st.integers(0, 2**32 - 1)
KINDS = ("single", "count", "pair", "coloured", "scenic", "attributed", "related")
RED = Background("plain", "red", ((214, 48, 44),))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> SpriteStore:
    return write_store(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(scope="module")
def composers(store: SpriteStore, drawn: SpriteStore) -> dict[str, list[Composer]]:
    rest = {"placed": 0.5, "framed": 0.5, "painted": 0.3, "dyed": 0.5}
    return {
        kind: [Composer(s, Mixture(**{k: float(k == kind) for k in KINDS}, **rest))  # type: ignore[arg-type]
               for s in (store, drawn)]
        for kind in KINDS
    }  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_captions_tell_the_truth(
    composers: dict[str, list[Composer]], kind: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    composer = composers[kind][seed % 2]
    scene = composer.sample(rng)
    caption = composer.caption(scene, rng)
    assert not lies(scene, caption), (caption, scene)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_contradictions_are_false_in_one_thing(
    composers: dict[str, list[Composer]], kind: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    composer = composers[kind][seed % 2]
    scene = composer.sample(rng)
    caption = contradict(scene, rng, composer.store.sprites)
    assert caption is not None
    assert lies(scene, caption), (caption, scene)


def placed(store: SpriteStore, concept: str, **rest: object) -> Placed:
    index = next(i for i, s in enumerate(store.sprites) if s.concept == concept)
    return Placed(store[index], index, 0.5, 0.5, 0.5, **rest)  # type: ignore[arg-type]


def test_a_swap_of_two_colours_is_a_contradiction(drawn: SpriteStore) -> None:
    objects = placed(drawn, "cup", colour="red"), placed(drawn, "cat", colour="blue")
    scene = Scene(objects, RED, None, "left of")
    found = {contradict(scene, np.random.default_rng(seed)) for seed in range(60)}
    assert any("blue cup" in c and "red cat" in c for c in found if c)


def test_nothing_to_change_is_no_contradiction(drawn: SpriteStore) -> None:
    scene = Scene((placed(drawn, "cat"),), replace(RED, kind="plain"), None, filter="neon")
    assert contradict(scene, np.random.default_rng(0)) is None


def test_equal_draws_give_equal_phrasings(drawn: SpriteStore) -> None:
    """What a contradiction is compared with may be worded as it is."""
    one = Scene((placed(drawn, "cup", colour="red"),), RED, None)
    two = Scene((placed(drawn, "cup", colour="green"),), RED, None)
    for seed in range(30):
        red, green = (describe(s, np.random.default_rng(seed)) for s in (one, two))
        assert red.replace("red cup", "green cup") == green


def test_a_pair_is_one(drawn: SpriteStore) -> None:
    scene = Scene((placed(drawn, "cat"),) * 2, RED, None)
    found = {describe(scene, np.random.default_rng(seed)) for seed in range(300)}
    assert any(c.startswith("there is a pair of cats") for c in found)
    assert any(c.startswith("there are two cats") for c in found)
    assert not any("there are a" in c or "there is two" in c for c in found)


def test_every_place_is_said_so_that_it_is_understood() -> None:
    assert PLACE_PHRASES.keys() == PLACES.keys()
    for kind, words in PLACE_PHRASES.items():
        for word in words:
            assert places(f"a cat {word.format('misty ')}, 3d render") == kind


@pytest.mark.parametrize("insist", ["style", "place", "light", "weather", "composition"])
def test_what_is_insisted_on_is_said(drawn: SpriteStore, insist: str) -> None:
    scene = Scene(
        (placed(drawn, "cat"),),
        Background("forest", "", light="night", weather="rain"),
        "3d render",
        composition="close-up",
        stance="standing",
    )
    words = {"style": "3d", "place": "forest", "light": "night", "weather": "rain"}
    word = words.get(insist, "close")
    for seed in range(40):
        caption = describe(scene, np.random.default_rng(seed), insist)  # type: ignore[arg-type]
        said = caption.lower().replace("wood", "forest").replace("trees", "forest")
        assert word in said.replace("close up", "close-up"), caption


def test_relations_are_said_both_ways(drawn: SpriteStore) -> None:
    scene = Scene((placed(drawn, "cat"), placed(drawn, "cup")), RED, None, "left of")
    found = [describe(scene, np.random.default_rng(seed), "relation") for seed in range(60)]
    assert all(relations(scene, caption) == {"left of"} for caption in found)
    assert any(caption.index("cup") < caption.index("cat") for caption in found)
