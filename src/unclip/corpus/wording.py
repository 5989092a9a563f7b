"""The wording of a caption: what it says and leaves out, from tags to sentences."""

from __future__ import annotations

from typing import Literal

import numpy as np

from unclip.corpus.choice import pick
from unclip.corpus.colours import COLOUR_SYNONYMS, colour_name, luminance
from unclip.corpus.filters import DARK
from unclip.corpus.names import TONES, head, is_plural, plural, uncoloured, with_article
from unclip.corpus.phrases import (
    CLEAR_PHRASES,
    COMPOSITION_AFTER,
    COMPOSITION_OF,
    LIGHT_ADJECTIVES,
    LIGHT_PHRASES,
    MIRRORED,
    MOODS,
    NUMBERS,
    OVER_PHRASES,
    PAINTED_AFTER,
    PAINTED_OF,
    PICTURE_OF,
    PLACE_PHRASES,
    PLAIN_AFTER,
    PLAIN_OF,
    RELATION_PHRASES,
    STYLE_AFTER,
    STYLE_OF,
    TIME_OF,
    WEATHER_ADJECTIVES,
    WEATHER_PHRASES,
)
from unclip.corpus.places.catalogue import PLACES
from unclip.corpus.relations import DRIVES, FLIES, FLOATS, SKY, SWIMS
from unclip.corpus.scene import Light, Placed, Scene, Weather
from unclip.corpus.store import Sprite

Part = Literal["style", "relation", "background", "place", "light", "weather", "composition"]
"""What a caption may leave out."""


def phrases(sprite: Sprite) -> tuple[str, ...]:
    """Every noun phrase that is true of a sprite, the concept first."""
    word, _, last = sprite.concept.rpartition(" ")
    if last == "face" and sprite.category == "animals":
        return (sprite.concept, word, *sprite.synonyms)
    who, _, what = sprite.concept.partition(" ")
    if who in ("man", "woman", "person") and what and not what.startswith("and "):
        return (sprite.concept, who, *sprite.synonyms)
    return (sprite.concept, *sprite.synonyms)


_OF, _AFTER = {**STYLE_OF, **PAINTED_OF}, {**STYLE_AFTER, **PAINTED_AFTER}


class Wording:
    """The choice among the phrasings of one scene."""

    def __init__(self, scene: Scene, rng: np.random.Generator, insist: Part | None) -> None:
        self.scene, self.rng, self.insist = scene, rng, insist

    def caption(self) -> str:
        scene, rng = self.scene, self.rng
        in_place = scene.background.is_place
        what = self.subject()
        tags: list[str] = []
        where = self.where_in_place(tags) if in_place else self.before()
        bare = rng.random() < 0.12 and self.insist is None
        if bare and not where and len(scene.objects) == 1:  # the bare word, as people type it
            return what.removeprefix("a ").removeprefix("an ")
        front = self.composition(tags)
        style = self.style(tags, leads=front is None)
        front = front or style
        if front is None:
            plain = rng.random()
            if plain < 0.36:
                front = pick(rng, PICTURE_OF if in_place or scene.filter else PLAIN_OF)
            elif plain < 0.46:
                one = what.startswith("a ") or not (
                    scene.count > 1 or is_plural(scene.objects[0].sprite.concept)
                )
                front = "there is" if one else "there are"
        if front:
            what = f"{front} {what}"
        early = bool(tags) and rng.random() < 0.3  # "a fox, watercolour, in a forest"
        if where and early:
            return ", ".join([what, tags[0], where, *tags[1:]])
        if where:
            what = f"{what}{', ' if rng.random() < 0.15 else ' '}{where}"
        return ", ".join([what, *tags])

    def says(self, part: Part, share: float) -> bool:
        """Whether a part that may be left out is said."""
        drawn = self.rng.random() < share
        return drawn or self.insist == part

    # what it shows

    def subject(self) -> str:
        if self.scene.relation is not None:
            return self.related()
        if len(self.scene.objects) > 1:
            return self.counted()
        return with_article(self.thing(self.scene.objects[0]))

    def thing(self, placed: Placed) -> str:
        """A noun phrase without article for one object, with its colour or skin tone."""
        sprite, rng = placed.sprite, self.rng
        names = phrases(sprite)
        if self.scene.relation is not None:  # two men are not told apart as "a man"
            others = [p.sprite for p in self.scene.objects if p.sprite is not sprite]
            taken = {name for other in others for name in phrases(other)}
            names = (names[0], *(name for name in names[1:] if name not in taken))
        second = names[1:2] == (sprite.concept.rpartition(" ")[0],)  # "cat" for "cat face"
        other, which, extra = rng.random(), rng.random(), rng.random()
        name = names[0]
        if len(names) > 1 and other < (0.45 if second else 0.25):
            name = names[1] if second else names[1 + int(which * (len(names) - 1))]
        if placed.colour is not None:
            words = COLOUR_SYNONYMS.get(placed.colour, (placed.colour,))
            return f"{words[int(extra * len(words))]} {uncoloured(name)}"
        if sprite.main_colour is not None and extra < 0.3 and uncoloured(name) == name:
            own = colour_name(sprite.main_colour)  # its own colour is now and then worth a word
            return f"{own} {name}" if own else name
        if sprite.tone and extra < 0.5:
            joint = "and" if " with " in name else "with"
            return f"{name} {joint} {TONES[sprite.tone]} skin"
        return name

    def counted(self) -> str:
        placed = self.scene.objects[0]
        name = self.thing(placed)
        many = plural(name) or plural(placed.sprite.concept)
        assert many is not None, "only what can be counted is drawn several times"
        number = pick(self.rng, NUMBERS[len(self.scene.objects)])
        if self.rng.random() < 0.12 and not head(many)[2] and not number.startswith(("a ", "half")):
            return f"a group of {number} {many}"
        return f"{number} {many}"

    def related(self) -> str:
        scene, rng = self.scene, self.rng
        a, b = (with_article(self.thing(placed)) for placed in scene.objects)
        relation = scene.relation
        assert relation is not None
        choice, turn = rng.random(), rng.random()
        said = choice < 0.7 or self.insist == "relation" or relation not in MIRRORED
        if said and relation in MIRRORED and turn < 0.25:
            return f"{b} {pick(rng, RELATION_PHRASES[MIRRORED[relation]])} {a}"
        if said and relation == "inside" and turn < 0.2:
            return f"{b} with {a} inside" if turn < 0.12 else f"{b} containing {a}"
        if said:
            return f"{a} {pick(rng, RELATION_PHRASES[relation])} {b}"
        if choice < 0.88 or relation in ("above", "below"):
            return f"{a} and {b}"
        return f"{a} {pick(rng, ('next to', 'beside'))} {b}"

    # where it is

    def before(self) -> str:
        """A plain background in words, or nothing: the paler it is, the oftener it goes unsaid."""
        scene, background, rng = self.scene, self.scene.background, self.rng
        light = sum(map(luminance, background.colours)) / len(background.colours)
        share = 0.25 if background.name == "white" else 0.8 - 0.45 * light
        if not self.says("background", share) or scene.filter in DARK:
            return ""
        noun = "background"
        if background.kind == "gradient" and rng.random() < 0.5:
            noun = "gradient background"
        order = rng.random()
        joint = "on" if order < 0.7 else "with" if order < 0.85 else "against"
        return f"{joint} {with_article(background.name)} {noun}"

    def where_in_place(self, tags: list[str]) -> str:
        """The place, its light and its weather."""
        background, rng = self.scene.background, self.rng
        parts: list[str] = []
        verb = self.verb() if rng.random() < 0.35 else ""
        adjective = self.adjective()
        if self.says("place", 0.86):
            over = OVER_PHRASES.get(background.kind, ())
            flying = self.scene.stance == "flying" and self.in_the_air() and over
            words = pick(rng, over if flying else PLACE_PHRASES[background.kind])
            used = adjective if adjective.strip() not in words else ""
            verb = "" if verb and verb in words else verb
            parts.append(f"{verb} {words.format(used)}".strip())
        changes = changeable(self.scene)
        light, weather = background.light, background.weather
        sky = [
            self.lit(light, weather) if self.says("light", 0.2 if light == "day" else 0.72) else "",
            self.weather(light, weather) if self.says("weather", 0.72) else "",
        ]
        if not changes:
            indoors = (
                background.kind == "room" and light == "night" and self.scene.filter not in DARK
            )
            sky = ["at night" if indoors and self.says("light", 0.6) else ""]
        parts += [words for words in sky if words]
        key: Light | Weather = light if weather == "clear" else weather
        mood, word = rng.random() < 0.12, pick(rng, MOODS[key])
        if changes and mood:
            tags.append(word)
        return " ".join(parts)

    def in_the_air(self) -> bool:
        return self.scene.objects[0].sprite.concept not in SKY

    def adjective(self) -> str:
        """One that light or weather gives the place, or nothing."""
        background, rng = self.scene.background, self.rng
        words = WEATHER_ADJECTIVES.get(background.weather, ())
        if background.weather == "clear" and background.kind != "sea":
            words = LIGHT_ADJECTIVES.get(background.light, ())
        said, which = rng.random() < 0.3, rng.random()
        if not said or not words or not changeable(self.scene):
            return ""
        return words[int(which * len(words))]

    def lit(self, light: Light, weather: Weather) -> str:
        clear = CLEAR_PHRASES.get(light, ()) if weather == "clear" else ()
        return pick(self.rng, (*LIGHT_PHRASES[light], *clear))

    def weather(self, light: Light, weather: Weather) -> str:
        which = self.rng.random()
        words = WEATHER_PHRASES.get(weather, ("",))
        return words[int(which * len(words))].format(TIME_OF[light])

    def verb(self) -> str:
        """What the first thing does, where one can see it do it."""
        scene = self.scene
        sprite = scene.objects[0].sprite
        concept, kind = sprite.concept, scene.background.kind
        if scene.relation is not None or concept in SKY:
            return ""
        if scene.stance == "flying":
            if kind == "underwater":
                return "swimming" if concept in SWIMS else "floating"
            return "flying" if concept in FLIES else "floating"
        if scene.stance == "floating":
            if concept in SWIMS:
                return "swimming"
            return "floating" if concept in FLOATS or sprite.category != "animals" else "swimming"
        if concept in DRIVES:
            return "driving" if kind in ("road", "city") else "parked"
        acting = any(word.endswith("ing") for word in concept.split(" "))
        standing = sprite.category in ("animals", "people") and not acting
        return "standing" if standing else ""

    # how it is made

    def composition(self, tags: list[str]) -> str | None:
        """How it is framed: words for the front of the caption, or a tag, or nothing."""
        name = self.scene.composition
        said, leads = self.says("composition", 0.75), self.rng.random() < 0.55
        which = self.rng.random()
        if name is None or not said:
            return None
        words = COMPOSITION_OF.get(name, ()) if leads else ()
        if words:
            return words[int(which * len(words))]
        words = COMPOSITION_AFTER[name]
        tags.append(words[int(which * len(words))])
        return None

    def style(self, tags: list[str], leads: bool) -> str | None:
        """How it is made: words for the front of the caption if it `leads`, a tag, or nothing."""
        style, rng = self.scene.style, self.rng
        mention, which = rng.random(), rng.random()
        if self.insist == "style":
            mention *= 0.52
        if style is None or mention >= 0.52:
            if mention > 0.95:
                tags.append(PLAIN_AFTER[int(which * len(PLAIN_AFTER))])
            return None
        of, after = _OF.get(style, (f"{with_article(style)} of",)), _AFTER.get(style, (style,))
        if mention < 0.27 and leads:
            return of[int(which * len(of))]
        tags.append(after[int(which * len(after))])
        return None


def changeable(scene: Scene) -> bool:
    """Whether a scene has light and weather that captions speak of."""
    if not scene.background.is_place or scene.filter in DARK:
        return False
    place = PLACES[scene.background.kind]
    return place.sky and place.holds != "nothing"
