"""Every place there is, with what a scene must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from unclip.corpus.places import built, nature
from unclip.corpus.places.painter import Painter
from unclip.corpus.places.sky import Mood
from unclip.corpus.scene import Light, Weather


@dataclass(frozen=True)
class Place:
    """A place.

    Args:
        paint: fills a painter with it, by mood and seed.
        ground: y of the farthest and the nearest feet, in heights of the picture.
        colours: what it is mostly painted in; a thing of that colour would be lost in it.
        lights, weathers: those it is seen in.
        holds: what holds things up: "ground", "water", or "nothing".
        sky: whether things may fly in it.
    """

    paint: Callable[[Painter, Mood, int], None]
    ground: tuple[float, float]
    colours: tuple[str, ...]
    lights: tuple[Light, ...] = ("day", "dawn", "golden hour", "sunset", "dusk", "night")
    weathers: tuple[Weather, ...] = ("clear", "cloudy", "fog", "rain", "snow", "rainbow")
    holds: str = "ground"
    sky: bool = True


_DRY: tuple[Weather, ...] = ("clear", "cloudy", "fog")
PLACES: dict[str, Place] = {
    "meadow": Place(nature.meadow, (0.78, 0.95), ("green",)),
    "beach": Place(
        nature.beach, (0.76, 0.95), ("yellow", "orange", "blue"),
        weathers=("clear", "cloudy", "fog", "rain", "rainbow"),
    ),
    "sea": Place(
        nature.sea, (0.66, 0.9), ("blue", "turquoise"), holds="water",
        weathers=("clear", "cloudy", "fog", "rain", "rainbow"),
    ),
    "desert": Place(nature.desert, (0.78, 0.95), ("yellow", "orange", "brown"), weathers=_DRY),
    "snow": Place(
        nature.snowfield, (0.77, 0.95), ("white", "grey"),
        weathers=("clear", "cloudy", "fog", "snow"),
    ),
    "mountains": Place(nature.mountains, (0.77, 0.95), ("green", "grey")),
    "forest": Place(nature.forest, (0.78, 0.95), ("green",)),
    "city": Place(built.city, (0.80, 0.96), ("grey", "brown")),
    "road": Place(built.road, (0.78, 0.95), ("green", "grey")),
    "park": Place(built.park, (0.76, 0.95), ("green",)),
    "garden": Place(built.garden, (0.77, 0.95), ("green",)),
    "room": Place(
        built.room, (0.8, 0.95), ("brown", "orange", "yellow"), ("day", "night"), ("clear",),
        sky=False,
    ),
    "space": Place(
        nature.space, (0.66, 0.8), ("black", "purple"), ("night",), ("clear",), "nothing"
    ),
    "underwater": Place(
        nature.underwater, (0.66, 0.8), ("blue", "turquoise", "white", "grey"),
        ("day",), ("clear",), "nothing",
    ),
}  # fmt: skip
