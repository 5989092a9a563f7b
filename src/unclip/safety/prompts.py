"""Who a prompt shows where it does not say: skin tone and gender from a stated distribution."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unclip.errors import InvalidArgument

TONES = ("light", "medium-light", "medium", "medium-dark", "dark")
GENDERS = ("woman", "man")
# A role that the corpus draws as a woman and as a man: "a doctor" becomes "a woman doctor".
_ROLES = (
    "artist", "astronaut", "athlete", "baker", "boxer", "builder", "carpenter", "chef", "climber",
    "construction worker", "cook", "cyclist", "dancer", "dentist", "detective", "doctor", "driver",
    "engineer", "factory worker", "farmer", "firefighter", "fisher", "gardener", "golfer", "guard",
    "hairdresser", "health worker", "hiker", "judge", "juggler", "lawyer", "lifeguard", "mechanic",
    "musician", "nurse", "office worker", "painter", "photographer", "pilot", "plumber",
    "police officer", "programmer", "reader", "runner", "sailor", "scientist", "singer", "skier",
    "soldier", "student", "surfer", "swimmer", "teacher", "technologist", "waiter", "writer",
)  # fmt: skip
_PEOPLE = ("person", "human", "human being", "somebody", "someone")
_LONGEST_FIRST = "|".join(sorted(_PEOPLE + _ROLES, key=len, reverse=True))
_SOMEBODY = re.compile(rf"\b(?:(?P<article>an?|one)\s+)?(?P<who>{_LONGEST_FIRST})\b", re.I)
_SAID = re.compile(
    r"\b(?:wom[ae]n|m[ae]n|females?|males?|ladies|lady|gentlem[ae]n|girls?|boys?|guys?|he|she|his"
    r"|hers?|him|himself|herself|mother|father|mum|mom|dad|sister|brother|daughter|son|wife"
    r"|husband|queen|king|princess|prince|actress|waitress|nonbinary|non-binary|skin|skinned"
    r"|black|white|asian|african|european|latino|latina|hispanic|arab|indian|chinese|japanese"
    r"|caucasian|indigenous)\b",
    re.IGNORECASE,
)
_NOT_A_PERSON = re.compile(
    r"\b(?:robot|cat|dog|bear|animal|snow|toy|icon|hat|uniform|statue)\b", re.I
)


@dataclass(frozen=True)
class Diversity:
    """The distribution, as `policy.toml` states it.

    Args:
        tones, genders: the share of each; they need not add up to 1.
        enabled: without it prompts stay as they are.
    """

    tones: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(TONES, 1.0))
    genders: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(GENDERS, 1.0))
    enabled: bool = True

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Diversity:
        """Read the table `[diversity]`. Raises `InvalidArgument` where a share cannot be used."""
        enabled = section.get("enabled", True)
        if not isinstance(enabled, bool):
            raise InvalidArgument("policy", f"has diversity.enabled = {enabled!r}; true or false")
        tones = _shares("skin_tones", section.get("skin_tones"), TONES)
        return cls(tones, _shares("genders", section.get("genders"), GENDERS), enabled)

    def __call__(self, prompt: str, seed: int) -> str:
        """The prompt for the cascade: the same for the same seed, and the user's where it is told.

        The words are those of the corpus's captions: "a woman doctor with medium-dark skin".
        """
        found = _SOMEBODY.search(prompt)
        if not self.enabled or not found or _SAID.search(prompt) or _NOT_A_PERSON.search(prompt):
            return prompt
        draw = random.Random(seed)
        gender, tone = _drawn(draw, self.genders), _drawn(draw, self.tones)
        who = found["who"].lower()
        noun = gender if who in _PEOPLE else f"{gender} {who}"
        article = found["article"] or ("" if who in _ROLES + _PEOPLE[:3] else "a")
        if article.lower() == "an":
            article = article[0]
        said = f"{article} {noun} with {tone} skin".strip()
        return prompt[: found.start()] + said + prompt[found.end() :]


def _drawn(draw: random.Random, shares: Mapping[str, float]) -> str:
    return draw.choices(list(shares), list(shares.values()))[0]


def _shares(name: str, given: object, known: tuple[str, ...]) -> Mapping[str, float]:
    if given is None:
        return dict.fromkeys(known, 1.0)
    right = isinstance(given, Mapping) and all(
        key in known and isinstance(share, int | float) and 0 <= share < float("inf")
        for key, share in given.items()
    )
    if not right or not isinstance(given, Mapping) or not sum(given.values()) > 0:
        may = ", ".join(known)
        raise InvalidArgument("policy", f"has diversity.{name} that are not shares of {may}")
    return dict(given)
