from __future__ import annotations

import numpy as np
import pytest

from unclip.corpus.backgrounds import canvas, draw, veil, views
from unclip.corpus.colours import OBJECT_COLOURS
from unclip.corpus.places.catalogue import PLACES
from unclip.corpus.raster import over, unpacked
from unclip.corpus.scene import Background, Box, Shape

WIDE: Shape = (1.5, 1.0)


def shown(background: Background, size: int, box: Box, shape: Shape = (1.0, 1.0)) -> np.ndarray:
    """The background with what is in the air before it."""
    picture = canvas(background, size, box, shape)
    if (air := veil(background, size, box, shape)) is not None:
        over(air, picture)
    return unpacked(picture).astype(float)


def moods(kind: str) -> list[Background]:
    place = PLACES[kind]
    pairs = list(zip(place.lights, place.weathers * 3, strict=False))
    return [Background(kind, "", seed=i, light=a, weather=b) for i, (a, b) in enumerate(pairs)]


@pytest.mark.parametrize("kind", PLACES)
def test_sizes_agree(kind: str) -> None:
    for background in moods(kind)[:3]:
        small = shown(background, 64, (0, 0, 64, 64))
        large = shown(background, 256, (0, 0, 256, 256)).reshape(64, 4, 64, 4, 3).mean((1, 3))
        assert np.abs(large - small).mean() < 6


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("size", [64, 160])
def test_crops_agree(kind: str, size: int) -> None:
    for background in moods(kind)[::3]:
        whole = shown(background, size, (0, 0, size * 3 // 2, size), WIDE)
        crop = shown(background, size, (20, 11, 70, 59), WIDE)
        gap = np.abs(crop - whole[11:59, 20:70])
        assert gap.max() <= 1, "but for the rounding of the last bit"


@pytest.mark.parametrize("kind", PLACES)
def test_seeds_give_other_views_and_lights_other_colours(kind: str) -> None:
    first, second = (draw(Background(kind, "", seed=s), 64, (0, 0, 64, 64)) for s in (0, 1))
    assert (first != second).any()
    lights = PLACES[kind].lights
    seen = [draw(Background(kind, "", light=a), 32, (0, 0, 32, 32)).mean((0, 1)) for a in lights]
    for i, one in enumerate(seen):
        assert all(np.abs(one - other).max() > 6 for other in seen[:i])
    if len(lights) == 6:
        assert seen[-1].mean() < 0.5 * seen[0].mean(), "the night is dark"


@pytest.mark.parametrize("kind", [k for k in PLACES if PLACES[k].holds == "ground"])
def test_there_is_ground_where_feet_are(kind: str) -> None:
    """The row of the farthest feet differs from the sky by more than a row of ground does."""
    far = round(PLACES[kind].ground[0] * 128)
    picture = draw(Background(kind, "", seed=3), 128, (0, 0, 128, 128)).astype(float)
    feet, deeper, sky = picture[far + 2], picture[-4], picture[6]
    below, above = (np.linalg.norm(feet - row, axis=1)[:16].mean() for row in (deeper, sky))
    assert below < above


@pytest.mark.parametrize("weather", ["fog", "rain", "snow"])
def test_weather_is_in_the_air_before_everything(weather: str) -> None:
    background = Background("meadow", "", weather=weather)  # type: ignore[arg-type]
    air = veil(background, 64, (0, 0, 64, 64))
    assert air is not None
    assert (air[..., :3] <= air[..., 3:]).all(), "premultiplied"
    assert air[..., 3].any()
    assert air[..., 3].mean() < 128, "one sees through it"
    assert veil(Background("meadow", ""), 64, (0, 0, 64, 64)) is None


def test_what_a_place_is_painted_in_are_colours_with_names() -> None:
    for place in PLACES.values():
        assert {*place.colours} <= {*OBJECT_COLOURS}
        assert 0 < place.ground[0] < place.ground[1] < 1
        assert views(place.lights[0], place.weathers[0]) >= 2
