"""Makes the thesaurus: from WordNet's nouns, the corpus's word for each that leads to one.

Every entry follows from WordNet 3.0 (Fellbaum 1998) and the names of the store by the rules below;
none is added by hand. A word's likeliest meaning decides. It becomes the nearest meaning above it
that captions have a word for ("heifer", a young cow, becomes "cow"), not beyond meanings so broad
that they say little; or, where it is a little broader itself, the most everyday one below it
("amphibian" becomes "frog"). Words that a prompt may use for anything else are left as they are.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from unclip.corpus import phrases as said
from unclip.corpus import wordnet as wn
from unclip.corpus.choice import EVERYDAY
from unclip.corpus.colours import BACKGROUND_COLOURS, COLOUR_SYNONYMS, OBJECT_COLOURS
from unclip.corpus.names import BROAD_WORDS, COLOUR_WORDS, NOT_SYNONYMS, is_plural, plural, singular
from unclip.corpus.senses import Senses
from unclip.corpus.store import SpriteStore
from unclip.corpus.thesaurus import LONGEST
from unclip.corpus.wording import phrases

UP = {wn.ANIMAL: 6, wn.PLANT: 5, wn.ARTIFACT: 3, wn.FOOD: 3, wn.OBJECT: 1, wn.BODY: 1, wn.PERSON: 1}
"""Steps up that a meaning may take, by lexicographer file; no other file's may be drawn."""
DOWN, DOWN_FILES = 2, (wn.ANIMAL,)
"""Steps down, which take a part for the whole, and where they may be taken: "receptacle" means
"ashtray" seldom."""
BROAD, BROADER = 1000, 120
"""Meanings with more below them end a way up; a way down begins at none with more."""
SURE, SURER = 0.55, 0.9
"""Share of a word's uses that must have the meaning; and where others lead elsewhere."""
_SENSE_PRIOR = 0.35
"""Uses that a sense is taken to have beside those counted, in times the one before it. Where none
is counted their order says nothing."""
_PART_PRIOR: dict[wn.Part, float] = {"verb": 0.4, "adjective": 1.5, "adverb": 1.5}
"""The same for a word as another part of speech, in times its first sense as a noun."""
_NAME = re.compile(r"[A-Za-z][A-Za-z'-]*(?: [A-Za-z][A-Za-z'-]*){0,2}")
_PAST = re.compile(r"\b(?:formerly|archaic|obsolete)\b")
"""In the gloss of what a word means no more."""
_ANYONE = frozenset(
    ("man", "woman", "boy", "girl", "child", "baby", "person", "old man", "old woman")
)
"""Too little to say of a person by a word that is hardly used."""
_COLOURS = frozenset((*COLOUR_WORDS, *OBJECT_COLOURS, *BACKGROUND_COLOURS))
_UNFIT = re.compile(
    r"\b(?:sex\w*|prostitut\w*|promiscu\w*|offensive|derogatory|slur|disparag\w*|contempt\w*|"
    r"insult\w*|vulgar|obscen\w*|slang|pejorative|seduc\w*|ethnic|racis\w*|homosexual\w*|lesbian|"
    r"insane|grotesque|barbiturate\w*|narcotic\w*)\b",
    re.IGNORECASE,
)
"""In the gloss of words that no picture should be drawn from under another name."""


class Target(NamedTuple):
    """A word of the corpus: smaller is better."""

    rank: tuple[bool, bool, int, str]
    word: str


def make_thesaurus(store: SpriteStore, words: wn.WordNet) -> dict[str, str]:
    """Words and phrases in lower case to what captions call them. The corpus's own phrases lead to
    themselves, so that no part of one is ever replaced."""
    return _Maker(store, words).make()


class _Maker:
    def __init__(self, store: SpriteStore, words: wn.WordNet) -> None:
        self.words, self.senses = words, Senses(words)
        self.called: dict[str, Counter[str]] = defaultdict(Counter)
        self.category: dict[str, str] = {}
        for sprite in store.sprites:
            self.category[sprite.concept] = sprite.category
            for phrase in phrases(sprite):
                self.called[phrase][sprite.category] += 1
        self.own = {phrase.lower() for phrase in self.called} | caption_words()
        several = (plural(phrase) or phrase for phrase in self.own)
        self.left_out = {*self.own, *several, *BROAD_WORDS, *NOT_SYNONYMS}
        self.targets = self._targets()

    def make(self) -> dict[str, str]:
        found = {}
        for lemma in self.words.lemmas:
            if self._may_change(lemma) and (target := self._translation(lemma)):
                found[lemma] = target
        for lemma in list(found):
            many = plural(lemma)
            other = many and self.words.is_noun(many) and found.get(many) != found[lemma]
            if other or (many and many in self.own):  # "woods" are not only several of "wood"
                del found[lemma]
        kept = self._kept(found)
        return found | kept

    # the corpus's side

    def _targets(self) -> dict[str, Target]:
        """The best word of the corpus for each meaning it has one for."""
        best: dict[str, Target] = {}
        for word, categories in self.called.items():
            spelled = word.split()
            if len(spelled) > LONGEST or (is_plural(word) and not self.words.is_noun(word)):
                continue
            if word in BROAD_WORDS and word not in EVERYDAY:
                continue
            if len(spelled) > 1 and not COLOUR_WORDS.isdisjoint(spelled):
                continue  # a purple heart is a heart, not a medal
            sense = self.senses.of(word, self.category.get(word) or categories.most_common(1)[0][0])
            if sense is None or sense.is_instance or self.senses.breadth(sense) > BROAD:
                continue
            common = (word not in EVERYDAY, word not in self.category, -categories.total(), word)
            target = Target(common, word)
            best[sense.key] = min(best.get(sense.key, target), target)
        return best

    def _kept(self, found: dict[str, str]) -> dict[str, str]:
        """The corpus's own nouns and those of its phrases that hold a word of `found`, to stay as
        they are. Phrases too long to be looked up take their words out of it."""
        kept = {}
        for phrase in map(str.lower, self.called):
            spelled = phrase.split()
            parts = {
                " ".join(spelled[a:b])
                for a, b in itertools.combinations(range(len(spelled) + 1), 2)
                if b - a <= LONGEST
            }
            if len(spelled) > LONGEST:
                for part in parts & found.keys():
                    del found[part]
            elif len(spelled) == 1 or not found.keys().isdisjoint(
                {*parts, *(x for x in map(singular, parts) if x)}
            ):
                kept[" ".join(spelled)] = " ".join(spelled)
        return kept

    # WordNet's side

    def _may_change(self, lemma: str) -> bool:
        if lemma in self.left_out or not _NAME.fullmatch(lemma) or len(lemma) < 3:
            return False
        if lemma.endswith("'s"):
            return False
        if " " in lemma and not _COLOURS.isdisjoint(lemma.split()):
            return False  # "white flag": white must stay
        one = lemma.removesuffix("s")
        if one != lemma and self.words.is_noun(one):
            return False  # "colors", "shades" are several of something else
        return not self.words.is_form_of_verb(lemma)

    def _translation(self, lemma: str) -> str | None:
        senses = self.words.senses(lemma)
        if any(_UNFIT.search(s.gloss) or self._is_a_people(lemma, s) for s in senses):
            return None
        counts = self.words.uses(lemma, "noun") or ()
        weighed: list[tuple[wn.Synset, Target | None, float]] = []
        for i, sense in enumerate(senses):
            prior = _SENSE_PRIOR**i if any(counts) else 1.0
            weight = prior + (counts[i] if i < len(counts) else 0)
            weighed.append((sense, self._way(lemma, sense), weight))
        if any(sense.lexfile == wn.ANIMAL and way for sense, way, _ in weighed):
            # the meat and the leather of an animal are called by its name
            weighed = [one for one in weighed if one[0].lexfile not in (wn.FOOD, wn.SUBSTANCE)]
        first, way, _ = weighed[0]
        if first.lexfile == wn.ANIMAL and way:
            # a person called by an animal's name is a figure of speech
            weighed = [one for one in weighed if one[0].lexfile != wn.PERSON]
        if any(sense.is_instance and way is None for sense, way, _ in weighed):
            return None  # "in Jersey"
        total = sum(weight for *_, weight in weighed) + self._other_uses(lemma)
        for target in dict.fromkeys(way for _, way, _ in weighed if way is not None):
            mine = [(sense, weight) for sense, way, weight in weighed if way == target]
            files = {sense.lexfile for sense, _ in mine}
            other = any(
                way not in (None, target)
                or (sense.lexfile in wn.CONCRETE and not files & {sense.lexfile, wn.ANIMAL})
                for sense, way, _ in weighed
            )
            known = any(counts) or target.word not in _ANYONE
            if known and sum(weight for _, weight in mine) / total >= (SURER if other else SURE):
                return target.word
        return None

    def _other_uses(self, lemma: str) -> float:
        """How often it is another part of speech."""
        total = 0.0
        for part, prior in _PART_PRIOR.items():
            used = self.words.uses(lemma, part)
            total += sum(used) + prior if used is not None else 0.0
        return total

    def _is_a_people(self, lemma: str, sense: wn.Synset) -> bool:
        """Whether a meaning is a person with a capital letter: "Arab"."""
        return sense.lexfile == wn.PERSON and not _spelled(lemma, sense).islower()

    def _is_a_word(self, lemma: str, sense: wn.Synset) -> bool:
        """Not an abbreviation, nor a species' name in Latin, nor a nickname: "fresh fish"."""
        spelled = _spelled(lemma, sense)
        if spelled.islower():
            return sense.lexfile != wn.PERSON or " " not in lemma or self.senses.heads(lemma, sense)
        if spelled.isupper():
            return len(spelled) > 3
        return " " not in spelled or not self.words.is_noun(f"genus {lemma.split()[0]}")

    def _way(self, lemma: str, sense: wn.Synset) -> Target | None:
        """Where a meaning of a word leads."""
        if sense.lexfile not in UP or _PAST.search(sense.gloss):
            return None
        if not self._is_a_word(lemma, sense):
            return None
        if sense.is_instance and (sense.lexfile == wn.PERSON or " " not in lemma):
            return None  # "Mount Vesuvius" is a mountain, but Lena not always a river
        way = self._up(sense, UP[sense.lexfile]) or self._down(sense)
        return None if way is None or self._misleads(lemma, sense, way) else way

    def _misleads(self, lemma: str, sense: wn.Synset, way: Target) -> bool:
        """Whether a phrase ends in a noun of the corpus of another kind: a "quartz battery" is a
        mill. Animals and plants are called so all the time."""
        last = lemma.split()[-1]
        if last in (lemma, way.word) or sense.lexfile in (wn.ANIMAL, wn.PLANT):
            return False
        return last in self.own and not self.senses.heads(lemma, sense)

    def _up(self, sense: wn.Synset, steps: int) -> Target | None:
        level = [sense]
        for step in range(steps + 1):
            here = [self.targets[one.key] for one in level if one.key in self.targets]
            if step == steps > 1:  # so far only to what all people know
                here = [target for target in here if target.word in EVERYDAY]
            if here:
                return min(here)
            level = [
                above for one in level if not self._is_broad(one) for above in self.words.above(one)
            ]
        return None

    def _down(self, sense: wn.Synset) -> Target | None:
        if sense.lexfile not in DOWN_FILES or self.senses.breadth(sense) > BROADER:
            return None
        for depth in range(1, DOWN + 1):
            kinds = self.words.kinds(sense, depth)
            if here := [t for one in kinds if (t := self._up(one, 1)) is not None]:
                return min(here)
        return None

    def _is_broad(self, sense: wn.Synset) -> bool:
        return not BROAD_WORDS.isdisjoint(sense.lemmas) or self.senses.breadth(sense) > BROAD


@cache
def caption_words() -> frozenset[str]:
    """Phrases, and all their words, by which captions say anything but a thing."""
    tables = [table for name, table in vars(said).items() if name.isupper()]
    tables += [OBJECT_COLOURS, COLOUR_SYNONYMS, BACKGROUND_COLOURS, COLOUR_WORDS]
    every = {re.sub(r"\s+", " ", s.replace("{}", " ")).strip().lower() for s in _strings(tables)}
    return frozenset(every) | {word for phrase in every for word in re.findall(r"[\w'-]+", phrase)}


def _spelled(lemma: str, sense: wn.Synset) -> str:
    """A lemma with its capital letters."""
    return next((x for x in sense.lemmas if x.lower() == lemma), lemma)


def _strings(table: object) -> Iterator[str]:
    if isinstance(table, str):
        yield table
    elif isinstance(table, dict):
        yield from _strings((*table, *table.values()))
    elif isinstance(table, Iterable):
        for one in table:
            yield from _strings(one)
