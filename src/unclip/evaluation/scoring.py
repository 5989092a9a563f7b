"""GenEval's rules, applied to what a judge sees in a picture; pure functions.

The rules are those of `evaluate_images.py` (Ghosh et al. 2023, arXiv 2310.11513): enough of a thing
counts as there, and where a number was asked, one more than that does not; positions are compared
by centres less a tenth of both sizes; all that was asked must hold. GenEval 2 scores each atom too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from unclip.corpus.scene import Relation
from unclip.evaluation.prompts import Prompt

Box = tuple[float, float, float, float]
POSITION_THRESHOLD = 0.1


@dataclass(frozen=True)
class Detection:
    """A thing that the judge sees; `box` is x0, y0, x1, y1 in picture sides."""

    name: str
    confidence: float
    box: Box
    colour: str | None = None


@dataclass(frozen=True)
class Sight:
    """All that the judge sees in a picture, the surest first; `style` is None in an empty one."""

    detections: tuple[Detection, ...]
    style: str | None = None

    def of(self, name: str) -> tuple[Detection, ...]:
        """The detections of one class."""
        return tuple(found for found in self.detections if found.name == name)


@dataclass(frozen=True)
class Verdict:
    """Whether each atom of a prompt holds, by what it asks for."""

    atoms: tuple[tuple[str, bool], ...]

    @property
    def correct(self) -> bool:
        """Whether the picture is what the prompt asks for."""
        return all(holds for _, holds in self.atoms)

    @property
    def failed(self) -> tuple[str, ...]:
        """The atoms that do not hold."""
        return tuple(atom for atom, holds in self.atoms if not holds)


def score(prompt: Prompt, sight: Sight) -> Verdict:
    """Each atom of a prompt held against what the judge sees."""
    atoms: list[tuple[str, bool]] = []
    groups: list[tuple[Detection, ...]] = []
    for wanted in prompt.include:
        there = sight.of(wanted.name)
        found = there[: wanted.count]
        groups.append(found)
        atoms.append((wanted.name, bool(there)))
        if wanted.count > 1:
            atoms.append((f"{wanted.count} x {wanted.name}", len(there) == wanted.count))
        if wanted.colour is not None:
            coloured = bool(found) and all(one.colour == wanted.colour for one in found)
            atoms.append((f"{wanted.colour} {wanted.name}", coloured))
    if prompt.relation is not None:
        first, second = groups
        holds = bool(first and second) and all(
            prompt.relation in relative_position(a.box, b.box) for a in first for b in second
        )
        atoms.append((prompt.relation, holds))
    if prompt.style is not None:
        atoms.append((prompt.style, sight.style == prompt.style))
    return Verdict(tuple(atoms))


def relative_position(a: Box, b: Box) -> frozenset[Relation]:
    """Where box `a` is, seen from box `b`: none, one, or on a diagonal two of the relations."""
    offset = [(a[i] + a[i + 2] - b[i] - b[i + 2]) / 2 for i in (0, 1)]
    sizes = [abs(a[i + 2] - a[i]) + abs(b[i + 2] - b[i]) for i in (0, 1)]
    left = [
        math.copysign(max(abs(o) - POSITION_THRESHOLD * s, 0.0), o)
        for o, s in zip(offset, sizes, strict=True)
    ]
    if max(map(abs, left)) < 1e-3:
        return frozenset()
    dx, dy = (part / math.hypot(*offset) for part in left)
    said: dict[Relation, bool] = {
        "left of": dx < -0.5,
        "right of": dx > 0.5,
        "above": dy < -0.5,
        "below": dy > 0.5,
    }
    return frozenset(relation for relation, holds in said.items() if holds)


@dataclass(frozen=True)
class Rate:
    """How many of `n` were right, with Wilson's interval."""

    right: int
    n: int

    @staticmethod
    def of(verdicts: Sequence[bool]) -> Rate:
        """The rate of a series."""
        return Rate(sum(verdicts), len(verdicts))

    @property
    def value(self) -> float:
        """The share; NaN of none."""
        return self.right / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of Wilson (1927)."""
        return wilson(self.right, self.n)

    def __str__(self) -> str:
        if not self.n:
            return "-"
        low, high = self.interval
        return f"{self.value:.3f} [{low:.2f}, {high:.2f}]"


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share; (0, 1) of none."""
    if n == 0:
        return 0.0, 1.0
    share, zz = right / n, z * z / n
    middle = (share + zz / 2) / (1 + zz)
    half = z * math.sqrt(share * (1 - share) / n + zz / (4 * n)) / (1 + zz)
    return max(0.0, middle - half), min(1.0, middle + half)
