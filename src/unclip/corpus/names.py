"""English for things: articles, plurals, and the concept behind a label.

A concept is the singular noun phrase that captions use: "red apple", "cat face", "man running".
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

TONES = ("", "light", "medium-light", "medium", "medium-dark", "dark")
"""Skin tones by number; 0 is the default drawing."""

_WORDS = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
COLOUR_WORDS = frozenset(_WORDS["colours"])
BROAD_WORDS = frozenset(_WORDS["broad"])
_IRREGULAR: dict[str, str] = _WORDS["irregular"]
_REGULAR = {many: one for one, many in _IRREGULAR.items()}
_MASS = frozenset(_WORDS["mass"])
_RENAMED: dict[str, str] = _WORDS["renamed"]
_FIXED = frozenset(_WORDS["fixed"])
_PROPER = (
    "santa claus", "mrs. claus", "mx claus", "mount fuji", "ping pong", "ice hockey", "planet ",
    "cleopatra", "frankenstein's", "tower bridge", "india gate", "saint basil's",
)  # fmt: skip
_THE = (
    "statue of liberty", "tokyo tower", "milky way", "kaaba", "great wall", "colosseum",
    "taj mahal", "arc de triomphe", "eiffel tower", "leaning tower", "sydney opera", "space needle",
    "tower of babel", "front of",
)  # fmt: skip
KINDS = frozenset(_WORDS["kinds"])
NOT_SYNONYMS = frozenset(_WORDS["not_synonyms"])
EMPTY_WORDS = frozenset(_WORDS["empty"])
VAST_WORDS = frozenset(_WORDS["vast"])
PLAIN_WORDS = frozenset(_WORDS["plain"])
MEASURE_WORDS = frozenset(_WORDS["measures"])
_SINGULAR_S = frozenset(
    ("lens", "gas", "canvas", "christmas", "atlas", "rhinoceros", "triceratops")
)
_ES = re.compile(r"(?:ss|x|tz|zz|ch|sh|(?<![ao])us|[blntv]is)es$")
_VOWEL_BEFORE_S = frozenset(_WORDS["vowel_before_s"])
"""Nouns whose plural would be taken for that of another, or for none."""
_PLURAL_WORDS = frozenset(
    ("people", "men", "women", "children", "mice", "feet", "teeth", "geese", "skis")
)
_SEVERAL = re.compile(r"(?:two|three|four) ")
_ACTS = {
    "tipping hand": "holding out a hand",
    "gesturing no": "with crossed arms",
    "gesturing ok": "with arms over the head",
    "in lotus position": "meditating",
    "in steamy room": "in a sauna",
}
"""What an emoji means, and what it shows."""
_SPLIT = re.compile(
    r" (?:with|without|of|in|on|for|at|from|to|holding|wearing|showing|facing|over|under|behind|"
    r"tilted|getting|playing|riding|pointing|feeding|gesturing|landing|taking|walking|running|"
    r"sitting|swimming|jumping|howling|hatching|carrying|chasing|reading|opening|spouting|doing|"
    r"lifting|setting|loaded|through|into|out|by)\b"
)
_ACTING = re.compile(
    r"(man|woman|person|people|men|women|boy|girl|face|head|hand|finger)"
    r"(?= (?:mountain |ice |water |roller )?\w+ing\b)"
)
_VOWEL_SOUND = re.compile(
    r"^(?:[aeio]|u(?!n[iy]|s[aeb]|ti|k[eu]|r[aeio]n|fo)|hour|heir|honest|x-ray|suv\b|led\b|8|11)"
)
_CONSONANT_SOUND = re.compile(r"^(?:one|once|eu|ewe)")


@functools.lru_cache(maxsize=16384)
def head(phrase: str) -> tuple[str, str, str]:
    """Split a noun phrase into what precedes its head noun, the head, and what follows."""
    actor = _ACTING.match(phrase)
    if actor:
        return "", actor[1], phrase[actor.end() :]
    cut = _SPLIT.search(phrase)
    front, rest = (phrase[: cut.start()], phrase[cut.start() :]) if cut else (phrase, "")
    before, space, noun = front.rpartition(" ")
    return before + space, noun, rest


def is_plural(phrase: str) -> bool:
    """Whether a phrase already names several things: "cherries", "glasses", "two hearts"."""
    noun = head(phrase)[1].lower()
    if noun in _PLURAL_WORDS or _SEVERAL.match(phrase):
        return True
    return noun.endswith("s") and not (noun.endswith(("ss", "us", "is")) or noun in _SINGULAR_S)


def is_mass(phrase: str) -> bool:
    """Whether a phrase takes no article and no number: "bread"."""
    return head(phrase)[1].lower() in _MASS


@functools.lru_cache(maxsize=16384)
def with_article(phrase: str) -> str:
    """`phrase` with a, an, the or nothing, as English has it."""
    low = phrase.lower()
    if low.startswith(_THE):
        return f"the {phrase}"
    if is_plural(phrase) or is_mass(phrase) or low.startswith(_PROPER):
        return phrase
    an = _VOWEL_SOUND.match(low) and not _CONSONANT_SOUND.match(low)
    return f"{'an' if an else 'a'} {phrase}"


@functools.lru_cache(maxsize=16384)
def plural(phrase: str) -> str | None:
    """Several of `phrase`, or None where it cannot be counted so."""
    before, noun, rest = head(phrase)
    if (
        is_plural(phrase)
        or is_mass(phrase)
        or " and " in phrase
        or phrase.lower().startswith((*_PROPER, *_THE))
    ):
        return None
    low = noun.lower()
    if low in _IRREGULAR:
        many = _IRREGULAR[low]
    elif low.endswith("man") and low != "human":
        many = noun[:-2] + "en"
    elif re.search(r"(?:s|x|z|ch|sh)$", low):
        many = noun + "es"
    elif re.search(r"[^aeiou]y$", low):
        many = noun[:-1] + "ies"
    else:
        many = noun + "s"
    before = re.sub(r"^(wo)?man ", r"\1men ", before)  # "women astronauts"
    return before + many + rest


@functools.lru_cache(maxsize=16384)
def singular(phrase: str) -> str | None:
    """The phrase that `plural` makes `phrase` of, or None where it names no more than one."""
    before, noun, rest = head(phrase)
    low = noun.lower()
    if low in _REGULAR:
        one = _REGULAR[low]
    elif re.search(r"(?:wom|[^aiou]m)en$", low) and low != "dolmen":
        one = noun[:-2] + "an"
    elif low.removesuffix("s") in _VOWEL_BEFORE_S and low.endswith("s"):
        one = noun[:-1]
    elif not is_plural(noun):
        return None
    elif low.endswith("ies"):
        one = noun[:-3] + "y"
    elif _ES.search(low) or low[:-2] in _SINGULAR_S:
        one = noun[:-2]
    else:
        one = noun[:-1]
    before = re.sub(r"^(wo)?men ", r"\1man ", before)
    return before + one + rest


def has_colour(phrase: str) -> bool:
    """Whether a phrase says a colour, so that a drawing in black and white cannot show it."""
    return not {*COLOUR_WORDS, "blond", "silver", "bronze", "gold"}.isdisjoint(phrase.split(" "))


def mirrorable(phrase: str) -> bool:
    """Whether the mirror image of a thing still shows it: not of text, nor of left and right."""
    return _FIXED.isdisjoint(re.findall(r"[\w'-]+", phrase.lower()))


def uncoloured(phrase: str) -> str:
    """`phrase` without the colour it begins with: "light blue heart" gives "heart"."""
    words = phrase.split(" ")
    while len(words) > 1 and words[0] in ("light", "dark", *COLOUR_WORDS):
        words = words[1:]
    return " ".join(words)


def concept(label: str) -> str:
    """The noun phrase that a caption uses for an emoji label or catalogue name."""
    low = re.sub(r"\s+", " ", label.replace("“", "").replace("”", "").lower().strip())
    if low in _RENAMED:
        return _RENAMED[low]
    hair = re.match(r"(man|woman|person): (bald|(?:red|curly|white|blond) hair)$", low)
    if hair:
        who, what = hair.groups()
        return f"bald {who}" if what == "bald" else f"{who} with {what}"
    for act, natural in _ACTS.items():
        low = low.replace(act, natural)
    if low.startswith("family"):
        return "family"
    if re.match(r"(kiss|couple with heart)", low):
        return "kissing couple" if low.startswith("kiss") else "couple with a heart"
    if re.match(r"(men|women|man|woman|person|people) [a-z]+ing [a-z]", low) and "with" in low:
        return low
    # "man with veil" and "face with tongue" read as English once the second noun has its article
    return re.sub(
        r"\b(with|wearing|holding|getting|in|feeding|rowing|bouncing) ((?:white cane|veil|turban|"
        r"crown|headscarf|skullcap|thermometer|medical mask|monocle|halo|tongue|massage|haircut|"
        r"ribbon|straw|plate|hearing aid|head-bandage|face|spoon|steamy room|arrow|umbrella|"
        r"garden|baby|boat|"
        r"raised flag|lowered flag|popping cork|hole|(?:manual|motorized) wheelchair|ball)\b)",
        lambda m: f"{m[1]} {with_article(m[2])}",
        low.replace("’", "'"),
    )
