"""What every stage is: a generator of `Progress` that returns its tensors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

import torch
from torch import nn

from unclip.types import Progress

T = TypeVar("T")
Running = Generator[Progress, None, T]
Generators = Sequence[torch.Generator]


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
