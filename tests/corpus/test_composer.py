from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_store import write_store
from hypothesis import given, settings
from hypothesis import strategies as st

from unclip.corpus.batches import batch, batches
from unclip.corpus.colours import nearest_colour
from unclip.corpus.composer import Composer, Mixture, held_out_combination, held_out_pair
from unclip.corpus.filters import FILTERS
from unclip.corpus.names import uncoloured
from unclip.corpus.places.catalogue import PLACES
from unclip.corpus.scene import Background, Placed, Scene
from unclip.corpus.store import SpriteStore
from unclip.errors import InvalidArgument

seeds = st.integers(0, 2**32 - 1)
KINDS = ("single", "count", "pair", "coloured", "scenic", "attributed", "related")
PLAIN = Background("plain", "white", ((255, 255, 255),))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> SpriteStore:
    return write_store(tmp_path_factory.mktemp("drawn"))


def only(store: SpriteStore, kind: str, **rest: float) -> Composer:
    return Composer(store, Mixture(**{k: float(k == kind) for k in KINDS}, **rest))  # type: ignore[arg-type]


def centres(composer: Composer, scene: Scene) -> list[tuple[float, float]]:
    """Middle of what is seen of each object, in picture sides."""
    return [tuple(np.argwhere(m).mean(0)[::-1] / 128) for m in composer.masks(scene, 128)]


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_relations_and_counts_hold_in_the_picture(drawn: SpriteStore, seed: int) -> None:
    composer = Composer(
        drawn, Mixture(0, 1, 1, 0, 0, attributed=1, related=0, placed=0.5, painted=0)
    )
    scene = composer.sample(np.random.default_rng(seed))
    if scene.relation:
        a, b = scene.objects
        assert a.sprite.concept != b.sprite.concept
        (ax, ay), (bx, by) = centres(composer, scene)
        assert {
            "left of": ax + 0.15 < bx,
            "right of": ax > bx + 0.15,
            "above": ay + 0.15 < by,
            "below": ay > by + 0.15,
        }[scene.relation]
    masks = composer.masks(scene, 96)
    assert all(mask.sum() > 20 for mask in masks), "every object is to be seen"
    alone = [composer.masks(replace(scene, objects=(o,)), 96)[0] for o in scene.objects]
    for whole, seen in zip(alone, masks, strict=True):
        assert seen.sum() >= 0.9 * whole.sum(), "none hides another"


@settings(max_examples=40, deadline=None)
@given(seed=seeds, place=st.booleans())
def test_close_relations_hold_in_the_picture(drawn: SpriteStore, seed: int, place: bool) -> None:
    composer = only(drawn, "related", placed=float(place), painted=0.0)
    scene = composer.sample(np.random.default_rng(seed))
    first, second = (np.argwhere(mask) / 128 for mask in composer.masks(scene, 128))
    assert len(first)
    assert len(second)
    (top, left), (low, right) = first.min(0), first.max(0)
    (top2, left2), (low2, right2) = second.min(0), second.max(0)
    middle = (left + right) / 2
    within = left2 - 0.02 <= middle <= right2 + 0.02
    wet = scene.stance == "floating"
    if scene.relation == "on":
        assert within
        assert top < top2
        assert low <= low2
    elif scene.relation == "inside":
        rim = scene.objects[0].rim
        assert within
        assert rim is not None
        assert low <= rim + 0.02, "what is below the rim is hidden"
        assert wet or top2 <= low <= low2
    elif scene.relation == "under":
        assert middle == pytest.approx((left2 + right2) / 2, abs=0.25)
        assert (top + low) / 2 > (top2 + low2) / 2
    elif scene.relation == "riding":
        assert within
        assert (top + low) / 2 < (top2 + low2) / 2
    elif scene.relation == "holding":
        assert left2 < right + 0.02
        assert right2 > left - 0.02
        assert low2 <= low + 0.02
    else:
        assert scene.relation == "beside"
        assert right < left2 or right2 < left
        assert min(abs(left2 - right), abs(left - right2)) < 0.15


def test_every_close_relation_is_drawn(drawn: SpriteStore) -> None:
    composer, rng = only(drawn, "related"), np.random.default_rng(0)
    found = {composer.sample(rng).relation for _ in range(200)}
    assert found == {"on", "under", "beside", "inside", "holding", "riding"}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=6, deadline=None)
@given(
    seed=seeds,
    size=st.sampled_from((64, 150, 300)),
    where=st.tuples(*[st.floats(0, 1)] * 2),
    shape=st.sampled_from(((1.0, 1.0), (1.5, 1.0), (1.0, 1.25))),
)
def test_a_crop_is_the_crop_of_the_picture(
    drawn: SpriteStore, kind: str, seed: int, size: int, where: tuple[float, float],
    shape: tuple[float, float],
) -> None:  # fmt: skip
    composer = only(drawn, kind, painted=0.4, framed=0.5)
    scene = composer.sample(np.random.default_rng(seed), shape)
    side = 48
    width, height = scene.frame(size)
    x, y = int(where[0] * (width - side)), int(where[1] * (height - side))
    whole = composer.render(scene, size)
    assert whole.shape == (height, width, 3)
    crop = composer.render_crop(scene, size, (x, y, x + side, y + side))
    assert crop.shape == (side, side, 3)
    gap = np.abs(crop.astype(int) - whole[y : y + side, x : x + side])
    if scene.filter is None:
        assert gap.max() <= 66, "redrawn edges agree to one of the four steps of antialiasing"
    assert gap.mean() < 1


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_agree(drawn: SpriteStore, kind: str) -> None:
    composer = only(drawn, kind, painted=0.0, placed=0.5, framed=0.3)
    for seed in range(3):
        scene = composer.sample(np.random.default_rng(seed))
        small = composer.render(scene, 64).astype(float)
        large = composer.render(scene, 320).reshape(64, 5, 64, 5, 3).mean((1, 3))
        assert np.abs(small - large).mean() < 9, scene


@pytest.mark.parametrize("split", ["train", "heldout", "combinations"])
def test_held_out_is_never_trained_on(store: SpriteStore, split: str) -> None:
    assert {s.split for s in store.sprites} == {"train", "heldout"}
    mixture = Mixture(count=1.0, coloured=1.0, attributed=1.0, related=1.0, painted=0.5, dyed=0.5)
    composer = Composer(store, mixture, split)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    for _ in range(300):
        scene = composer.sample(rng)
        kinds = {p.sprite.split for p in scene.objects}
        assert kinds == ({"heldout"} if split == "heldout" else {"train"})
        if split == "heldout":
            continue
        unseen = split == "combinations"
        names = [placed.sprite.concept for placed in scene.objects]
        if scene.relation:
            assert held_out_pair(*names) == held_out_pair(*names[::-1]) == unseen
        elif scene.count > 1:
            assert held_out_combination(names[0], scene.count) == unseen
        for placed in scene.objects:
            if placed.colour:
                concept = uncoloured(placed.sprite.concept)
                assert held_out_combination(concept, placed.colour) == unseen
            if scene.filter:
                assert held_out_combination(placed.sprite.concept, scene.filter) == unseen


def test_a_third_of_the_combinations_is_held_out() -> None:
    pairs = [held_out_pair(f"thing {i}", f"thing {j}") for i in range(40) for j in range(i)]
    counts = [held_out_combination(f"thing {i}", n) for i in range(150) for n in range(2, 7)]
    for share in (np.mean(pairs), np.mean(counts)):
        assert 0.28 < share < 0.39


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
    wide = batch(composer, seed=3, index=5, batch_size=3, size=32, shape=(1.5, 1.0))
    assert wide.pixels.shape == (3, 32, 48, 3)


def test_native_keeps_enlarged_pictures_out(store: SpriteStore) -> None:
    assert any(s.native for s in store.sprites)
    sharp = Composer(store, Mixture(native=256))
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert all(p.sprite.native == 0 for p in sharp.sample(rng).objects)


def test_a_coloured_thing_shows_its_colour_before_another(drawn: SpriteStore) -> None:
    composer = only(drawn, "coloured", painted=0.0, placed=0.3)
    rng, found = np.random.default_rng(0), set()
    for _ in range(60):
        scene = composer.sample(rng)
        (placed,) = scene.objects
        assert placed.colour is not None
        mask = composer.masks(scene, 96)[0]
        pixels = composer.render(replace(scene, background=PLAIN), 96)
        assert nearest_colour(pixels[mask]) == placed.colour
        assert placed.colour not in scene.background.name
        if scene.background.is_place:
            assert placed.colour not in PLACES[scene.background.kind].colours
        found.add(placed.colour)
    assert len(found) > 8


def test_white_things_are_never_on_white(drawn: SpriteStore) -> None:
    composer, rng = only(drawn, "coloured", white=1.0, placed=0.0), np.random.default_rng(0)
    scenes = [composer.sample(rng) for _ in range(80)]
    assert {s.background.name for s in scenes if s.objects[0].colour == "blue"} == {"white"}
    white = [s.background.name for s in scenes if s.objects[0].colour == "white"]
    assert white
    assert "white" not in white


def test_compositions_are_what_they_are_called(drawn: SpriteStore) -> None:
    rng, found = np.random.default_rng(1), set()
    for kind in ("single", "scenic"):
        composer = only(drawn, kind, painted=0.0, framed=1.0)
        for _ in range(60):
            scene = composer.sample(rng)
            mask = np.argwhere(composer.masks(scene, 128)[0])
            (top, left), (low, right) = mask.min(0) / 128, mask.max(0) / 128
            x, y, side = (left + right) / 2, (top + low) / 2, max(right - left, low - top)
            assert {
                "close-up": side > 0.7,
                "wide shot": side < 0.32,
                "centred": abs(x - 0.5) < 0.06,
                "left": x < 0.4,
                "right": x > 0.6,
                "top": y < 0.42,
                "bottom": y > 0.58,
                None: True,
            }[scene.composition], scene
            found.add(scene.composition)
    assert len(found) == 7


def test_things_in_a_place_stand_float_or_fly(drawn: SpriteStore) -> None:
    composer, rng = only(drawn, "scenic", framed=0.0, painted=0.0), np.random.default_rng(2)
    stances = set()
    for _ in range(150):
        scene = composer.sample(rng)
        (placed,) = scene.objects
        concept, place = placed.sprite.concept, PLACES[scene.background.kind]
        stances.add(scene.stance)
        assert placed.shadow == (scene.stance == "standing")
        assert (placed.rim is not None) == (scene.stance == "floating")
        if concept == "sun" and place.sky:
            assert scene.stance == "flying"
        if concept in ("cat", "stool") and place.holds == "ground":
            assert scene.stance == "standing"
            low = np.argwhere(composer.masks(scene, 128)[0]).max(0)[0] / 128
            assert place.ground[0] - 0.02 <= low <= place.ground[1] + 0.02
    assert stances == {"standing", "floating", "flying"}


def test_light_falls_on_things(drawn: SpriteStore) -> None:
    index = next(i for i, s in enumerate(drawn.sprites) if s.concept == "cup")
    cup = Placed(drawn[index], index, 0.5, 0.7, 0.4)
    composer = Composer(drawn)
    seen = {}
    for light in ("day", "night"):
        scene = Scene((cup,), Background("meadow", "", light=light), None)  # type: ignore[arg-type]
        seen[light] = composer.render(scene)[composer.masks(scene)[0]].mean(0)
    assert (seen["night"] < seen["day"]).all()
    assert seen["night"][2] > seen["night"][0], "the night is blue"


def test_filters_repaint_scenes(drawn: SpriteStore) -> None:
    composer, rng = only(drawn, "single", painted=1.0), np.random.default_rng(3)
    scenes = [composer.sample(rng) for _ in range(60)]
    painted = [scene for scene in scenes if scene.filter]
    assert {scene.filter for scene in painted} == {*FILTERS}
    assert all(scene.style == scene.filter for scene in painted)
    plain = replace(painted[0], filter=None)
    assert (composer.render(plain) != composer.render(painted[0])).any()


def test_unusable_arguments_are_named(store: SpriteStore) -> None:
    with pytest.raises(InvalidArgument, match="split"):
        Composer(store, split="test")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="mixture"):
        Composer(store, Mixture(0, 0, 0, 0, 0, attributed=0, related=0))


def test_flip_mirrors(composer: Composer, store: SpriteStore) -> None:
    index = next(i for i, s in enumerate(store.sprites) if "pointing left" in s.concept)
    placed = Placed(store[index], index, 0.5, 0.5, 0.75)
    for size in (64, 160):
        left, right = (
            composer.render(Scene((p,), PLAIN, None), size)
            for p in (placed, replace(placed, flip=True))
        )
        np.testing.assert_array_equal(left[:, ::-1], right)


def test_what_points_somewhere_is_not_mirrored(drawn: SpriteStore) -> None:
    composer, rng = only(drawn, "single"), np.random.default_rng(0)
    objects = [composer.sample(rng).objects[0] for _ in range(200)]
    assert any(placed.flip for placed in objects)
    assert not any(placed.flip for placed in objects if "left" in placed.sprite.concept)
