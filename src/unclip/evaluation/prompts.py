"""The prompts: GenEval's six tasks in the world of the corpus, styles, and prompts of many atoms.

A prompt carries what GenEval's metadata does (Ghosh et al. 2023, arXiv 2310.11513): the things that
must be there, how many, in which colour and where. Those of a benchmark are a function of the
vocabulary, their number and a seed.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from unclip.corpus.choice import pick
from unclip.corpus.colours import OBJECT_COLOURS
from unclip.corpus.names import uncoloured, with_article
from unclip.corpus.phrases import NUMBERS, PAINTED_OF, RELATION_PHRASES, STYLE_OF
from unclip.corpus.scene import Relation
from unclip.corpus.split import held_out_combination, held_out_pair
from unclip.errors import InvalidArgument
from unclip.evaluation.vocabulary import LEAST, PAINTED, STYLES, Vocabulary

Task = Literal[
    "single_object",
    "two_objects",
    "counting",
    "colors",
    "position",
    "color_attr",
    "style",
    "atoms",
    "paraphrases",
]
TASKS: tuple[Task, ...] = get_args(Task)[:-1]
"""Those that `make_prompts` makes; `paraphrases` come from a list."""
GENEVAL: tuple[Task, ...] = TASKS[:6]
"""The tasks whose mean is the score."""

COLOURS = tuple(OBJECT_COLOURS)
RELATIONS: tuple[Relation, ...] = get_args(Relation)
COUNTS = (2, 3, 4)


@dataclass(frozen=True)
class Wanted:
    """One entry of GenEval's `include`."""

    name: str
    count: int = 1
    colour: str | None = None


@dataclass(frozen=True)
class Prompt:
    """A text, and what a picture of it must show.

    Args:
        relation: where the first thing is, seen from the second.
        seen: false where the training holds out a combination that the text asks for.
    """

    task: Task
    text: str
    include: tuple[Wanted, ...]
    relation: Relation | None = None
    style: str | None = None
    seen: bool = True

    @property
    def atoms(self) -> int:
        """How many things it asks for, one by one (GenEval 2)."""
        parts = sum(1 + (w.count > 1) + (w.colour is not None) for w in self.include)
        return parts + (self.relation is not None) + (self.style is not None)

    @property
    def objects(self) -> int:
        """How many objects a picture of it has."""
        return sum(wanted.count for wanted in self.include)


@dataclass(frozen=True)
class _Asked:
    """What a prompt asks for, before it is put into words."""

    include: tuple[Wanted, ...]
    relation: Relation | None = None
    style: str | None = None


def describe(asked: _Asked, vocabulary: Vocabulary) -> str:
    """The text of a prompt, in the words of the corpus's captions."""
    parts = []
    for wanted in asked.include:
        thing = vocabulary.things[wanted.name]
        colour = f"{wanted.colour} " if wanted.colour else ""
        if wanted.count == 1:
            parts.append(with_article(f"{colour}{thing.name}"))
        else:
            parts.append(f"{NUMBERS[wanted.count][0]} {colour}{thing.plural}")
    joint = RELATION_PHRASES[asked.relation][0] if asked.relation else "and"
    what = f" {joint} ".join(parts)
    return f"{_STYLE_OF[asked.style][0]} {what}" if asked.style else what


_STYLE_OF = {**STYLE_OF, **PAINTED_OF}


def can_be_drawn(asked: _Asked | Prompt, vocabulary: Vocabulary) -> bool:
    """Whether the corpus has drawings of all that is asked for."""
    return all(
        vocabulary.drawings(wanted.name, asked.style, wanted.colour) for wanted in asked.include
    )


def seen(asked: _Asked, vocabulary: Vocabulary) -> bool | None:
    """Whether training may show every combination asked for: True, or False where it never shows
    one of them.

    A class has several concepts. It has been seen in a combination if the first of them may be
    shown in it, and not if none may; of what is left None is said, for it would tell nothing.
    """
    held_out: list[list[bool]] = []
    concepts = [vocabulary.things[wanted.name].concepts for wanted in asked.include]
    for wanted, names in zip(asked.include, concepts, strict=True):
        if wanted.count > 1:
            held_out.append([held_out_combination(name, wanted.count) for name in names])
        if wanted.colour is not None:
            held_out.append([_colour_held_out(name, wanted.colour) for name in names])
        if asked.style in PAINTED:
            held_out.append([held_out_combination(name, asked.style) for name in names])
    for one, other in itertools.combinations(concepts, 2):
        held_out.append([held_out_pair(a, b) for a, b in itertools.product(one, other)])
    if not any(first for first, *_ in held_out):
        return True
    never = any(all(parts) for parts in held_out)
    return False if never else None


def _colour_held_out(concept: str, colour: str) -> bool:
    return colour not in concept.split() and held_out_combination(uncoloured(concept), colour)


def make_prompts(
    vocabulary: Vocabulary, per_task: int, seed: int = 0, tasks: Sequence[Task] = TASKS
) -> tuple[Prompt, ...]:
    """`per_task` different prompts of each task, half of them of unseen combinations where there
    are any; fewer where the vocabulary has no more.

    Raises:
        InvalidArgument: the number is not positive, or a task is unknown.
    """
    if per_task < 1:
        raise InvalidArgument("per-task", f"is {per_task}; it must be at least 1")
    for task in tasks:
        if task not in TASKS:
            raise InvalidArgument("tasks", f"has {task!r}; it may have {', '.join(TASKS)}")
    made: list[Prompt] = []
    for task in tasks:
        rng = np.random.default_rng((seed, TASKS.index(task)))
        drawn: dict[bool, dict[str, Prompt]] = {True: {}, False: {}}
        for prompt in _draws(task, vocabulary, rng, tries=50 * per_task):
            drawn[prompt.seen].setdefault(prompt.text, prompt)
            if min(map(len, drawn.values())) >= per_task:
                break
        unseen = list(drawn[False].values())[: per_task // 2]
        made += [*list(drawn[True].values())[: per_task - len(unseen)], *unseen]
    return tuple(made)


def _draws(
    task: Task, vocabulary: Vocabulary, rng: np.random.Generator, tries: int
) -> Iterator[Prompt]:
    sample = _Sampler(vocabulary, rng)
    makers: dict[Task, Callable[[], _Asked | None]] = {
        "single_object": sample.single,
        "two_objects": sample.two,
        "counting": sample.counting,
        "colors": sample.colour,
        "position": sample.position,
        "color_attr": sample.attribution,
        "style": sample.style,
        "atoms": sample.atoms,
    }
    for _ in range(tries):
        asked = makers[task]()
        if asked is None:
            continue
        known = seen(asked, vocabulary)
        if known is not None and can_be_drawn(asked, vocabulary):
            text = describe(asked, vocabulary)
            yield Prompt(task, text, asked.include, asked.relation, asked.style, known)


class _Sampler:
    """What prompts of each task ask for; None where this draw came to nothing."""

    def __init__(self, vocabulary: Vocabulary, rng: np.random.Generator) -> None:
        self.vocabulary, self.rng = vocabulary, rng
        self.names = vocabulary.names
        self.countable = tuple(n for n in self.names if vocabulary.things[n].plural)
        # a filter changes colours, so none is asked for beside it
        self.hued: dict[str | None, tuple[str, ...]] = dict.fromkeys(PAINTED, ())
        self.styled: dict[str, tuple[str, ...]] = {}
        for style in (None, *STYLES):
            drawings = {name: vocabulary.drawings(name, style) for name in self.names}
            if style not in PAINTED:
                taking = {n: list(filter(vocabulary.takes_colour, d)) for n, d in drawings.items()}
                self.hued[style] = tuple(n for n, d in taking.items() if len(d) >= LEAST)
            names = tuple(n for n, d in drawings.items() if len(d) >= LEAST)
            if style is not None and names:
                self.styled[style] = names

    def single(self) -> _Asked | None:
        return self._things(self.names, 1)

    def two(self) -> _Asked | None:
        return self._things(self.names, 2)

    def counting(self) -> _Asked | None:
        if not self.countable:
            return None
        return _Asked((Wanted(pick(self.rng, self.countable), pick(self.rng, COUNTS)),))

    def colour(self) -> _Asked | None:
        return self._things(self.hued[None], 1, coloured=True)

    def position(self) -> _Asked | None:
        asked = self._things(self.names, 2)
        return asked and dataclasses.replace(asked, relation=pick(self.rng, RELATIONS))

    def attribution(self) -> _Asked | None:
        return self._things(self.hued[None], 2, coloured=True)

    def style(self) -> _Asked | None:
        if not self.styled:
            return None
        style = pick(self.rng, tuple(self.styled))
        asked = self._things(self.styled[style], 1)
        return asked and dataclasses.replace(asked, style=style)

    def atoms(self) -> _Asked | None:
        """Three to six atoms: a thing or two, and some of style, relation, colours and a count."""
        rng, wanted_atoms = self.rng, int(self.rng.integers(3, 7))
        things = 1 if wanted_atoms == 3 and rng.random() < 0.5 else 2
        kinds = ["style", "count", "colour 0"]
        if things == 2:
            kinds += ["colour 1", "relation"]
        chosen = {str(kind) for kind in rng.permutation(kinds)[: wanted_atoms - things]}
        style = pick(rng, tuple(self.styled)) if "style" in chosen and self.styled else None
        colours, include = self._colours(2), list[Wanted]()
        for k in range(things):
            coloured, counted = f"colour {k}" in chosen, k == 0 and "count" in chosen
            pool = self.hued[style] if coloured else self.styled.get(style or "", self.names)
            taken = {wanted.name for wanted in include}
            names = [n for n in pool if n not in taken and (not counted or n in self.countable)]
            if not names:
                return None
            count = int(rng.integers(2, 4)) if counted else 1
            include.append(Wanted(pick(rng, names), count, colours[k] if coloured else None))
        relation = pick(rng, RELATIONS) if "relation" in chosen else None
        return _Asked(tuple(include), relation, style)

    def _colours(self, n: int) -> list[str]:
        return [str(colour) for colour in self.rng.permutation(COLOURS)[:n]]

    def _things(self, names: Sequence[str], n: int, coloured: bool = False) -> _Asked | None:
        if len(names) < n:
            return None
        drawn = [names[i] for i in self.rng.choice(len(names), n, replace=False)]
        colours = self._colours(n) if coloured else [None] * n
        return _Asked(tuple(Wanted(d, 1, c) for d, c in zip(drawn, colours, strict=True)))
