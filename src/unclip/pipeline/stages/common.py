"""What every stage is: a generator of `Progress` that returns its tensors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from unclip.types import Progress

T = TypeVar("T")
Running = Generator[Progress, None, T]
Generators = Sequence[torch.Generator]


class Evaluate(Protocol):
    """How a stage has its network evaluated: `network(*given, **named)`.

    Args:
        most: rows that fill a processor; see `Turns.evaluate`.
        given, named: tensors with one row each for every row of the first.
    """

    def __call__(self, network: nn.Module, most: int, *given: Any, **named: Any) -> Tensor: ...


def alone(network: nn.Module, most: int, *given: Any, **named: Any) -> Tensor:
    """At once, by itself."""
    out: Tensor = network(*given, **named)
    return out


def drain(stage: Generator[Any, None, T]) -> T:
    """Run a stage to its end and give what it returns."""
    while True:
        try:
            next(stage)
        except StopIteration as end:
            value: T = end.value
            return value


def mapped(stage: Running[T], change: Callable[[Progress], Progress]) -> Running[T]:
    """A stage with each of its events changed."""
    while True:
        try:
            event = next(stage)
        except StopIteration as end:
            value: T = end.value
            return value
        yield change(event)


def kind_of(network: nn.Module) -> tuple[torch.dtype, torch.device]:
    parameter = next(network.parameters())
    return parameter.dtype, parameter.device


def candidate(seed: int, j: int) -> torch.Generator:
    """The randomness of candidate j of the picture with this seed; the first has the seed itself.

    Mixed into 32 bits, which are all that torch's generator on the CPU looks at.
    """
    mixed = int(np.random.SeedSequence((seed, j)).generate_state(1)[0]) if j else seed
    return torch.Generator().manual_seed(mixed)


def in_turn(stages: Iterable[Running[T]]) -> Running[list[T]]:
    """Several runs of one stage, counted as one."""
    runs, results = list(stages), []
    for i, run in enumerate(runs):
        results.append((yield from mapped(run, partial(_counted, i, len(runs)))))
    return results


def _counted(i: int, runs: int, event: Progress) -> Progress:
    return dataclasses.replace(event, step=i * event.steps + event.step, steps=runs * event.steps)
