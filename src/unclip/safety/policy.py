"""The policy for prompts: which categories there are, what is done about each, and why.

    text -> lattice of readings -> terms of the lexicon -> rules -> decision
                      embedding -> classifier, where the rules found nothing -> decision

`policy.toml` holds what an operator changes; `rules.toml` how the lexicon's groups make a rule.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from unclip.errors import InvalidArgument
from unclip.safety.classifier import Classifier
from unclip.safety.lexicon import FOLDER as WORDS
from unclip.safety.lexicon import MENDED, Hit, Lexicon, known_words, read_groups, read_toml
from unclip.safety.names import FOLDER as NAMES
from unclip.safety.names import FREE, SOFTER, Gazetteer, Person
from unclip.safety.normalise import read
from unclip.safety.prompts import Diversity

Action = Literal["allow", "warn", "ask", "block"]
ACTIONS: tuple[Action, ...] = get_args(Action)
"""From the mildest to the strictest."""
KEYS = (
    "hate", "hate/threatening", "harassment", "harassment/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
"""The keys of OpenAI's moderation scores."""
ALWAYS_BLOCKED = ("sexual/minors",)
FILE = Path(__file__).parent / "policy.toml"
RULES = Path(__file__).parent / "rules.toml"

Embed = Callable[[str], Sequence[float]]


@dataclass(frozen=True)
class Decision:
    """What is done about a prompt, and why.

    Args:
        category, rule: what it fell under and what fired; None where nothing did.
        message: a sentence for the user; empty where nothing fired.
        scores: one of each of `KEYS`, 0 to 1.
        revised_prompt: the nearest prompt that would pass, where there is one.
    """

    action: Action
    category: str | None = None
    rule: str | None = None
    message: str = ""
    scores: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(KEYS, 0.0))
    revised_prompt: str | None = None

    def refuses(self, confirmed: bool = False) -> bool:
        """Whether it keeps something back: what is asked about too, unless the user confirmed."""
        return self.action == "block" or (self.action == "ask" and not confirmed)


@dataclass(frozen=True)
class Category:
    """A category of `policy.toml`; `threshold` is the classifier's, None where it has no say."""

    name: str
    action: Action
    message: str
    keys: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True)
class Rule:
    """Fires where a text has a term of each group, no more than `within` words from end to end.

    Args:
        groups: a term of any of the first, any of the second, and so on.
        within: the terms and the words between them, a term counting as one.
        ordered: the groups' terms must come in this order.
        unless: groups of which no term may be anywhere in the text.
        softer: what takes the place of the terms in a softer prompt; None where none would do.
        key: the moderation score that it raises, if not the category's.
    """

    name: str
    category: str
    groups: tuple[tuple[str, ...], ...]
    unless: tuple[str, ...] = ()
    within: int = 1000
    ordered: bool = False
    softer: str | None = None
    key: str | None = None


class Policy:
    """Judges prompts. It holds no request state; several threads may use one."""

    def __init__(
        self,
        categories: Sequence[Category],
        rules: Sequence[Rule],
        lexicon: Lexicon,
        people: Mapping[tuple[str, str], Person],
        trademarks: Mapping[str, str],
        english: frozenset[str],
        diversity: Diversity,
        pictures: Mapping[str, Any],
        classifier: Classifier | None = None,
        embed: Embed | None = None,
    ) -> None:
        self.categories = {category.name: category for category in categories}
        self.rules = tuple(rules)
        self.diversity, self.pictures = diversity, pictures
        self._lexicon, self._people, self._trademarks = lexicon, people, trademarks
        self._english, self._classifier, self._embed = english, classifier, embed
        self._order = {category.name: i for i, category in enumerate(categories)}

    @classmethod
    def load(cls, path: Path | None = None, embed: Embed | None = None) -> Policy:
        """Read a policy.

        Args:
            path: a `policy.toml`, if not the package's own.
            embed: the sentence embedding of a text (the mean of the text tower's states); without
                it the lexicon judges alone.

        Raises:
            InvalidArgument: a file is not as it should be, or switches off what never may be.
        """
        whole = read_toml("policy", path or FILE)
        categories = tuple(_categories(whole.get("categories")))
        rules = tuple(_rules(read_toml("policy", RULES), {c.name for c in categories}))
        names_section, words = _section(whole, "names"), _section(whole, "words")
        years = names_section.get("history_years", 30)
        if not isinstance(years, int) or years < 0:
            raise InvalidArgument("policy", "names.history_years must be a whole number from 0")
        names_folder = _folder(path, names_section.get("folder"), NAMES)
        listed = tuple(Gazetteer.load(names_folder).terms(years))
        trademarks = {term: plain for plain, terms in _trademarks() for term in terms}
        terms = tuple(read_groups(_folder(path, words.get("folder"), WORDS)))
        lexicon = Lexicon(
            itertools.chain(
                terms,
                ((group, name, MENDED + (" " not in name)) for group, name, _ in listed),
                (("trademark", term, MENDED) for term in trademarks),
            ),
            known_words(),
        )
        people = {(group, name): person for group, name, person in listed}
        diversity = Diversity.of(_section(whole, "diversity"))
        classifier = None if embed is None else Classifier.load()
        english = frozenset(term for _, term, mended in terms if mended == MENDED)
        return cls(
            categories,
            rules,
            lexicon,
            people,
            trademarks,
            english,
            diversity,
            _section(whole, "pictures"),
            classifier,
            embed,
        )

    def mentions(self, text: str, group: str) -> bool:
        """Whether a text has a term of a group of the lexicon."""
        return any(hit.group == group for hit in _unmasked(self._lexicon.find(read(text))))

    def judge_text(self, text: str) -> Decision:
        """What to do about a prompt."""
        decision = self._judge(text)
        if decision.revised_prompt is not None:
            again = self._judge(decision.revised_prompt)
            if again.action != "allow":
                return replace(decision, revised_prompt=None)
        return decision

    def _judge(self, text: str) -> Decision:
        lattice = read(text)
        hits = _unmasked(self._lexicon.find(lattice))
        by_group: dict[str, list[Hit]] = defaultdict(list)
        for hit in hits:
            by_group[hit.group].append(hit)
        fired = [
            (rule, found) for rule in self.rules if (found := _fires(rule, by_group)) is not None
        ]
        scores = dict.fromkeys(KEYS, 0.0)
        for rule, _ in fired:
            for key in (rule.key,) if rule.key else self.categories[rule.category].keys:
                scores[key] = 1.0
        if fired:
            rule, found = max(fired, key=lambda one: self._severity(one[0].category))
            category = self.categories[rule.category]
            if category.action != "allow":
                what = self._what(found)
                return Decision(
                    category.action,
                    category.name,
                    f"{rule.name}: {what}",
                    category.message.replace("{what}", what),
                    scores,
                    self._softer(text, lattice.spans, rule, found),
                )
        if self._classifier is not None and self._embed is not None and lattice.words:
            return self._classified(self._classifier.scores(self._embed(text)), scores)
        return Decision("allow", scores=scores)

    def _classified(self, chances: Mapping[str, float], scores: dict[str, float]) -> Decision:
        over = []
        for category in self.categories.values():
            chance = chances.get(category.name)
            if chance is None or category.threshold is None:
                continue
            for key in category.keys:
                scores[key] = max(scores[key], chance)
            if chance >= category.threshold and category.action != "allow":
                over.append(category)
        if not over:
            return Decision("allow", scores=scores)
        worst = max(over, key=lambda category: self._severity(category.name))
        rule = f"classifier: {chances[worst.name]:.2f}"
        return Decision(worst.action, worst.name, rule, worst.message, scores)

    def _severity(self, name: str) -> tuple[int, int]:
        return ACTIONS.index(self.categories[name].action), -self._order[name]

    def _what(self, found: Sequence[Hit]) -> str:
        person = self._people.get((found[0].group, found[0].term))
        return person.name if person else " + ".join(hit.term for hit in found)

    def _softer(
        self, text: str, spans: Sequence[tuple[int, int]], rule: Rule, found: Sequence[Hit]
    ) -> str | None:
        hit = found[0]
        person = self._people.get((hit.group, hit.term))
        if person is not None:
            softer: str | None = SOFTER[person.role]
        elif hit.term in self._trademarks and hit.group == "trademark":
            softer = self._trademarks[hit.term]
        else:
            softer = rule.softer if hit.term in self._english else None
        if softer is None:
            return None
        before, after = text[: spans[hit.first][0]], text[spans[hit.last - 1][1] :]
        if softer.startswith(("a ", "an ")):
            before = re.sub(r"\b(?:an?|the)\s+$", "", before, flags=re.IGNORECASE)
        return " ".join(f"{before} {softer} {after}".split()).replace(" ,", ",")


def _unmasked(hits: Sequence[Hit]) -> list[Hit]:
    """The hits that no harmless phrase holds, at least as sure as they: "breast cancer"."""
    free = [hit for hit in hits if hit.group == FREE]
    return [
        hit
        for hit in hits
        if hit.group != FREE
        and not any(
            f.first <= hit.first and hit.last <= f.last and f.distance <= hit.distance for f in free
        )
    ]


def _fires(rule: Rule, hits: Mapping[str, list[Hit]]) -> tuple[Hit, ...] | None:
    """Terms that make a rule fire, or None."""
    if any(hits.get(group) for group in rule.unless):
        return None
    choices = [[hit for group in groups for hit in hits.get(group, ())] for groups in rule.groups]
    for first in choices[0]:
        near = [
            [hit for hit in others if _gap(first, hit) <= rule.within] for others in choices[1:]
        ]
        for found in itertools.product([first], *near):
            by_place = found if rule.ordered else sorted(found, key=lambda hit: hit.first)
            gaps = [b.first - a.last for a, b in itertools.pairwise(by_place)]
            if all(gap >= 0 for gap in gaps) and sum(gaps) + len(found) <= rule.within:
                return found
    return None


def _gap(a: Hit, b: Hit) -> int:
    """Words between two terms."""
    return max(b.first - a.last, a.first - b.last)


def _folder(policy: Path | None, given: object, ours: Path) -> Path:
    """A folder that a policy names, from where its file lies."""
    if given is None:
        return ours
    if not isinstance(given, str) or not (folder := (policy or FILE).parent / given).is_dir():
        raise InvalidArgument("policy", f"has folder = {given!r}, which is no folder")
    return folder


def _section(whole: Mapping[str, object], name: str) -> Mapping[str, Any]:
    section = whole.get(name, {})
    if not isinstance(section, Mapping):
        raise InvalidArgument("policy", f"has {name} = {section!r}; it must be a table")
    return section


def _categories(listed: object) -> Iterator[Category]:
    if not isinstance(listed, Mapping) or not listed:
        raise InvalidArgument("policy", "has no table [categories]")
    for name in ALWAYS_BLOCKED:
        if name not in listed:
            raise InvalidArgument("policy", f"has no category {name}; it can never be left out")
    for name, given in listed.items():
        if not isinstance(given, Mapping) or not isinstance(given.get("message"), str):
            raise InvalidArgument("policy", f"has no message for the category {name}")
        action, keys = given.get("action"), tuple(given.get("scores", ()))
        if action not in ACTIONS:
            may = ", ".join(ACTIONS)
            raise InvalidArgument("policy", f"has action {action!r} for {name}; it may be {may}")
        if name in ALWAYS_BLOCKED and action != "block":
            raise InvalidArgument("policy", f"has action {action!r} for {name}; it is always block")
        if unknown := set(keys) - set(KEYS):
            raise InvalidArgument("policy", f"has unknown scores for {name}: {unknown}")
        threshold = given.get("threshold")
        if threshold is not None and not (
            isinstance(threshold, int | float) and 0 < threshold <= 1
        ):
            raise InvalidArgument("policy", f"has threshold {threshold!r} for {name}; 0 to 1")
        yield Category(name, action, given["message"], keys, threshold)


def _rules(listed: Mapping[str, object], categories: set[str]) -> Iterator[Rule]:
    """The rules of the categories that a policy has."""
    rules = listed["rule"]
    assert isinstance(rules, list), "rules.toml is a list of [[rule]]"
    for given in rules:
        groups = tuple(tuple(part.split(" | ")) for part in given["all"])
        if given["category"] in categories:
            rest = {k: v for k, v in given.items() if k not in ("all", "unless")}
            yield Rule(groups=groups, unless=tuple(given.get("unless", ())), **rest)


def _trademarks() -> Iterator[tuple[str, list[str]]]:
    """What stands for a trademark in a softer prompt, and the trademarks."""
    for plain, terms in read_toml("policy", Path(__file__).parent / "trademarks.toml").items():
        assert isinstance(terms, str), "trademarks.toml has terms between commas"
        yield plain, [term.strip() for term in terms.split(",") if term.strip()]
