from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unclip.corpus.backgrounds import SCENERIES, draw
from unclip.corpus.batches import batch, batches
from unclip.corpus.captions import (
    NUMBERS,
    RELATION_PHRASES,
    SCENERY_PHRASES,
    STYLE_AFTER,
    STYLE_OF,
    phrases,
)
from unclip.corpus.colours import OBJECT_COLOURS, recolour
from unclip.corpus.composer import Composer, Mixture, held_out_combination
from unclip.corpus.names import plural
from unclip.corpus.scene import Background, Placed, Scene
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument

seeds = st.integers(0, 2**32 - 1)
KINDS = ("single", "count", "pair", "coloured", "scenic")


def only(store: SpriteStore, kind: str, **rest: float) -> Composer:
    return Composer(store, Mixture(**{k: float(k == kind) for k in KINDS}, **rest))


def names(placed: Placed) -> set[str]:
    """The words a caption may use for an object, its own colour word taken off."""
    bare = {re.sub(r"^red ", "", p) for p in phrases(placed.sprite)}
    return bare | {m for p in bare if (m := plural(p))}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_captions_tell_the_truth(store: SpriteStore, kind: str, seed: int) -> None:
    composer = only(store, kind)
    rng = np.random.default_rng(seed)
    scene = composer.sample(rng)
    caption = composer.caption(scene, rng)
    for placed in scene.objects:
        assert any(name in caption for name in names(placed)), caption
        if placed.colour:
            assert re.search(rf"\b{placed.colour}\b", caption), caption
    if scene.count > 1:
        assert any(re.search(rf"\b{n}\b", caption) for n in NUMBERS[scene.count]), caption
    if scene.relation:
        said = {
            r for r, words in RELATION_PHRASES.items() if any(f" {w} " in caption for w in words)
        }
        assert said <= {scene.relation}, caption
    if "background" in caption:
        assert scene.background.name in caption
        assert scene.background.kind in ("plain", "gradient")
    for kind_, words in SCENERY_PHRASES.items():
        if any(f" {w}" in caption for w in words):
            assert scene.background.kind == kind_, caption
    for style in STYLE_OF:
        if any(w in caption for w in STYLE_OF[style]) or any(
            f", {w}" in caption for w in STYLE_AFTER[style]
        ):
            assert scene.style == style, caption


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_relations_and_counts_hold_in_the_picture(composer: Composer, seed: int) -> None:
    scene = composer.sample(np.random.default_rng(seed))
    if scene.relation:
        a, b = scene.objects
        assert a.sprite.concept != b.sprite.concept
        assert {
            "left of": a.x + 0.2 < b.x,
            "right of": a.x > b.x + 0.2,
            "above": a.y + 0.2 < b.y,
            "below": a.y > b.y + 0.2,
        }[scene.relation]
    boxes = [p.box(1024) for p in scene.objects]
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        assert min(x0, y0) >= 0
        assert max(x1, y1) <= 1024
        for a0, b0, a1, b1 in boxes[:i]:
            assert x1 <= a0 or a1 <= x0 or y1 <= b0 or b1 <= y0, "objects overlap"


@settings(max_examples=15, deadline=None)
@given(seed=seeds, size=st.sampled_from((64, 200, 512)), where=st.tuples(*[st.floats(0, 1)] * 2))
def test_a_crop_is_the_crop_of_the_picture(
    composer: Composer, seed: int, size: int, where: tuple[float, float]
) -> None:
    scene = composer.sample(np.random.default_rng(seed))
    side = 48
    x, y = (int(w * (size - side)) for w in where)
    whole = composer.render(scene, size)
    crop = composer.render_crop(scene, size, (x, y, x + side, y + side))
    assert crop.shape == (side, side, 3)
    gap = np.abs(crop.astype(int) - whole[y : y + side, x : x + side])
    assert gap.max() <= 66, "redrawn edges agree to one of the four steps of antialiasing"
    assert gap.mean() < 1


def test_sizes_agree(composer: Composer) -> None:
    for seed in range(20):
        scene = composer.sample(np.random.default_rng(seed))
        small = composer.render(scene, 64).astype(float)
        large = composer.render(scene, 512).reshape(64, 8, 64, 8, 3).mean((1, 3))
        assert np.abs(small - large).mean() < 9


@pytest.mark.parametrize("split", ["train", "heldout", "combinations"])
def test_held_out_is_never_trained_on(store: SpriteStore, split: str) -> None:
    assert {s.split for s in store.sprites} == {"train", "heldout"}
    composer = Composer(store, Mixture(count=1.0, coloured=1.0), split)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for _ in range(300):
        scene = composer.sample(rng)
        kinds = {p.sprite.split for p in scene.objects}
        assert kinds == ({"heldout"} if split == "heldout" else {"train"})
        if split == "heldout" or scene.relation:
            continue
        placed = scene.objects[0]
        attribute = placed.colour or (scene.count if scene.count > 1 else None)
        if attribute:
            concept = placed.sprite.concept
            base = concept.removeprefix("red ") if placed.colour else concept
            assert held_out_combination(base, attribute) == (split == "combinations")


def test_batches_are_a_pure_function(composer: Composer) -> None:
    first = batch(composer, seed=3, index=5, batch_size=6)
    stream = batches(composer, 6, seed=3, start=4)
    next(stream)
    again = next(stream)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.captions == again.captions
    assert first.scenes == again.scenes
    assert first.pixels.shape == (6, 64, 64, 3)
    other = batch(composer, seed=3, index=6, batch_size=6)
    assert (other.pixels != first.pixels).any()


def test_native_keeps_enlarged_pictures_out(store: SpriteStore) -> None:
    assert any(s.native for s in store.sprites)
    sharp = Composer(store, Mixture(native=256))
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert all(p.sprite.native == 0 for p in sharp.sample(rng).objects)


@pytest.mark.parametrize("colour", OBJECT_COLOURS)
def test_recolouring_gives_the_named_colour(store: SpriteStore, colour: str) -> None:
    index = next(i for i, s in enumerate(store.sprites) if s.concept == "red apple")
    main = store[index].main_colour
    assert main is not None
    pixels = recolour(store.master(index, 64), main, colour)
    r, g, b, a = pixels[32, 32].astype(int)
    assert a == 255
    expected = {
        "red": r > 150 > 100 > max(g, b), "green": g > max(r, b) + 30, "blue": b > max(r, g) + 30,
        "yellow": min(r, g) > 140 > b + 40, "black": max(r, g, b) < 80, "white": min(r, g, b) > 200,
        "grey": max(r, g, b) - min(r, g, b) < 12, "orange": r > g > b, "brown": 170 > r > g > b,
        "pink": r > 200 and b > g > 80, "purple": b > g and r > g, "teal": min(g, b) > r + 60,
    }  # fmt: skip
    assert expected[colour], (r, g, b)


@pytest.mark.parametrize("kind", SCENERIES)
def test_sceneries_differ_by_seed_and_agree_over_sizes(kind: str) -> None:
    first, second = (draw(Background(kind, "", seed=s), 64, (0, 0, 64, 64)) for s in (0, 1))
    assert (first != second).any()
    large = draw(Background(kind, "", seed=0), 256, (0, 0, 256, 256)).reshape(64, 4, 64, 4, 3)
    assert np.abs(large.mean((1, 3)) - first).mean() < 6


def test_unusable_arguments_are_named(store: SpriteStore) -> None:
    with pytest.raises(InvalidArgument, match="split"):
        Composer(store, split="test")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="mixture"):
        Composer(store, Mixture(0, 0, 0, 0, 0))


def test_flip_mirrors(composer: Composer, store: SpriteStore) -> None:
    index = next(i for i, s in enumerate(store.sprites) if "pointing left" in s.concept)
    placed = Placed(store[index], index, 0.5, 0.5, 0.75)
    plain = Background("plain", "white", ((255, 255, 255),))
    for size in (64, 160):
        left, right = (
            composer.render(Scene((p,), plain, None), size)
            for p in (placed, replace(placed, flip=True))
        )
        np.testing.assert_array_equal(left[:, ::-1], right)
