"""Prompts taken apart. Names are found by a list here, so that all is known."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unclip.corpus.colours import OBJECT_COLOURS
from unclip.corpus.names import plural, with_article
from unclip.corpus.phrases import (
    COMPOSITION_OF,
    LIGHT_PHRASES,
    NUMBERS,
    OVER_PHRASES,
    PAINTED_OF,
    PICTURE_OF,
    PLACE_PHRASES,
    PLAIN_OF,
    RELATION_PHRASES,
    STYLE_OF,
    WEATHER_PHRASES,
)
from unclip.pipeline.reading import Name, Reading, Thing, read

NAMES = (
    "cat", "dog", "apple", "house", "car", "butterfly", "hot dog", "bow and arrow", "tree", "horse",
    "man", "sofa", "book", "scissors", "boat", "fox", "panda", "red panda",
)  # fmt: skip
NUMBER = {said: i for i, name in enumerate(NAMES) for said in (name, plural(name))}
SAID = sorted({*NAMES, *(plural(name) or name for name in NAMES)}, key=len, reverse=True)
PATTERN = re.compile(rf"\b(?:{'|'.join(SAID)})\b")


def named(text):
    return [Name(*match.span(), NUMBER[match[0]]) for match in PATTERN.finditer(text)]


def parts(prompt):
    reading = read(prompt, named)
    assert reading is not None
    return reading


@pytest.mark.parametrize(
    ("prompt", "things"),
    [
        ("a cat and a dog", [("cat", 1), ("dog", 1)]),
        ("Two cats", [("cat", 2)]),
        ("a pair of butterflies", [("butterfly", 2)]),
        ("three men and 2 red apples", [("man", 3), ("apple", 2)]),
        ("a cat, a dog and a fox", [("cat", 1), ("dog", 1), ("fox", 1)]),
        ("a black and white cat and a dog", [("black and white cat", 1), ("dog", 1)]),
        ("a bow and arrow & an apple", [("bow and arrow", 1), ("apple", 1)]),
        ("a hot dog next to a very old house", [("hot dog", 1), ("very old house", 1)]),
        ("a pair of scissors and a book", [("scissors", 1), ("book", 1)]),
        ("a man riding a horse and a dog", [("man", 1), ("horse", 1), ("dog", 1)]),
        ("a man with a dog", [("man", 1), ("dog", 1)]),
        ("a man with red hair and a dog", [("man with red hair", 1), ("dog", 1)]),
        ("a cat with a smile and a dog", [("cat with a smile", 1), ("dog", 1)]),
        ("draw me six apples.", [("apple", 6)]),
        ("there are a cat and a dog", [("cat", 1), ("dog", 1)]),
        ("a cat sitting on a sofa", [("cat", 1), ("sofa", 1)]),
    ],
)
def test_things_and_how_many(prompt, things):
    assert [(thing.name, thing.many) for thing in parts(prompt).things] == things


@pytest.mark.parametrize(
    ("prompt", "relation"),
    [
        ("a man riding a horse", "riding"), ("a cat carrying two apples", "holding"),
        ("a dog inside a car", "inside"), ("a dog in a big box of apples", "inside"),
        ("a cat wearing a car", "under"), ("a man flying a boat", "riding"),
        ("a dog eating an apple", "holding"), ("a dog chasing a cat", None),
        ("a dog with a cat", None), ("a dog in a red hat and a cat", None),
    ],
)  # fmt: skip
def test_what_one_does_with_the_other(prompt, relation):
    assert parts(prompt).relation == relation


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat",
        "a red panda, watercolour",
        "a cat, watercolour",
        "cat",
        "a black and white cat",
        "a bow and arrow",
        "an oil painting of a cat",
        "seven cats",
        "four cats and three dogs",
        "something and nothing",
        "in a forest",
        "",
        "!!",
    ],
)
def test_what_is_left_to_the_prior(prompt):
    assert read(prompt, named) is None


def test_every_part_of_a_long_prompt():
    reading = parts("an oil painting of two cats and a red car in a forest, at dusk, dramatic")
    assert reading == Reading(
        (Thing("cat", 2), Thing("car", 1, "red")),
        front="an oil painting of",
        place="in a forest at dusk",
        tags=", dramatic",
    )
    assert reading.alone(reading.things[1]) == "an oil painting of a car, dramatic"
    assert reading.in_place() == "an oil painting of a cat in a forest at dusk, dramatic"


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a silhouette of a cat", ""),
        ("a black silhouette of a cat at sunset", "at sunset"),
        ("a cat, silhouette", ""),
    ],
)
def test_a_silhouette_is_drawn_with_its_shades_first(prompt, place):
    reading = parts(prompt)
    assert reading.is_silhouette
    assert reading.place == place
    assert reading.alone(reading.things[0]) == "a cat"
    assert not parts("two cats").is_silhouette


@pytest.mark.parametrize(
    ("backdrop", "colour"),
    [
        ("on a light blue background", "light blue"),
        ("against the White backdrop", "white"),
        ("on a plain grey background", "grey"),
        ("on a blue gradient background", None),
        ("before a blurry background", None),
    ],
)
def test_a_backdrop_is_drawn_apart(backdrop, colour):
    reading = parts(f"a cat {backdrop}, 3d render")
    assert reading == Reading((Thing("cat"),), backdrop=backdrop, tags=", 3d render")
    assert reading.alone(reading.things[0]) == "a cat, 3d render"
    assert reading.in_place() == f"a cat {backdrop}, 3d render"
    assert reading.backdrop_colour == colour


@pytest.mark.parametrize(
    ("name", "thing"),
    [
        ("red cat", Thing("cat", 1, "red")),
        ("gray cat", Thing("cat", 1, "grey")),
        ("violet hot dog", Thing("hot dog", 1, "purple")),
        ("red panda", Thing("red panda")),
        ("blue panda", Thing("panda", 1, "blue")),
        ("black and white cat", Thing("black and white cat")),
        ("light blue cat", Thing("light blue cat")),
        ("big red cat", Thing("big cat", 1, "red")),
        ("cat in a red car", Thing("cat in a red car")),
        ("cat with red scissors", Thing("cat with red scissors")),
        ("red green cat", Thing("red green cat")),
    ],
)
def test_colours_that_things_are_dyed_in(name, thing):
    assert parts(f"a {name} and a dog").things[0] == thing


def test_a_remark_after_a_comma_is_no_thing():
    reading = parts("a cat and a dog, depicted as an apple, with a tree, a house")
    assert [thing.name for thing in reading.things] == ["cat", "dog", "house"]
    assert reading.tags == ", depicted as an apple, with a tree"


def test_one_thing_in_a_colour_is_dyed_too():
    assert parts("a red cat, watercolour") == Reading(
        (Thing("cat", 1, "red"),), tags=", watercolour"
    )


@pytest.mark.parametrize(
    ("prompt", "relation"),
    [
        ("a cat to the left of a dog", "left of"),
        ("a cat is above two dogs", "above"),
        ("a cat on top of a sofa", "on"),
        ("a cat underneath a tree", "under"),
        ("a cat on the left and a dog on the right", "left of"),
        ("a cat and a dog on the top", "below"),
        ("a cat and a dog", None),
        ("a cat and a dog beside a house", None),
    ],
)
def test_relations(prompt, relation):
    assert parts(prompt).relation == relation


@pytest.mark.parametrize(
    "front",
    [
        phrase
        for table in (STYLE_OF, PAINTED_OF, COMPOSITION_OF, {"": PICTURE_OF}, {"": PLAIN_OF})
        for listed in table.values()
        for phrase in listed
    ],
)
def test_every_manner_of_the_captions(front):
    assert parts(f"{front} a cat and a dog").front == front


@pytest.mark.parametrize(
    "where",
    [
        phrase.format("")
        for table in (PLACE_PHRASES, OVER_PHRASES, LIGHT_PHRASES, WEATHER_PHRASES)
        for listed in table.values()
        for phrase in listed
    ],
)
def test_every_place_of_the_captions(where):
    where = f"{where}night" if where.endswith(" ") else where  # "on a rainy night"
    reading = parts(f"a cat {where}")
    assert reading.things == (Thing("cat"),)
    assert reading.place == where


@pytest.mark.parametrize(
    ("place", "afloat"),
    [("in space", True), ("under the sea", True), ("on the beach", False), ("at night", False)],
)
def test_where_there_is_no_ground(place, afloat):
    assert parts(f"a cat {place}").afloat is afloat


names = st.sampled_from([name for name in NAMES if plural(name) and "panda" not in name])
things = st.builds(Thing, names, st.integers(1, 3), st.sampled_from([None, *OBJECT_COLOURS]))
JOINTS = {phrase: key for key in ("left of", "right of", "above", "below", "on", "under", "beside")
          for phrase in RELATION_PHRASES[key]}  # fmt: skip


@given(things, things, st.sampled_from([*JOINTS, "and"]), st.data())
def test_what_captions_say_is_read_back(one, other, joint, data):
    said = []
    for thing in (one, other):
        colour = f"{thing.colour} " if thing.colour else ""
        if thing.many == 1:
            said.append(with_article(colour + thing.name))
        else:
            number = data.draw(st.sampled_from(NUMBERS[thing.many]))
            said.append(f"{number} {colour}{plural(thing.name)}")
    reading = parts(f"{said[0]} {joint} {said[1]}")
    assert reading.things == (one, other)
    assert reading.relation == JOINTS.get(joint)


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text):
    reading = read(text, named)
    assert reading is None or 1 <= reading.count <= 6
