"""Rows of several requests in one batch: whatever a network is given, joined and cut by rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

T = TypeVar("T")


def rows(given: T, part: slice) -> T:
    """Some rows of every tensor in what a network is given, without a copy."""
    some: T = _mapped(lambda tensors: tensors[0][part], [given])
    return some


def joined(given: Sequence[T]) -> T:
    """The rows of all, in one.

    Texts differ in length: where the tensors of one place do, the shorter ones are padded with
    zeros at the end, which in their masks says that nothing is there.
    """
    all_rows: T = _mapped(_padded, given)
    return all_rows


def _padded(tensors: list[Tensor]) -> Tensor:
    shape = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    return torch.cat([_grown(tensor, shape) for tensor in tensors])


def _grown(tensor: Tensor, shape: list[int]) -> Tensor:
    gaps = [most - size for most, size in zip(shape, tensor.shape[1:], strict=True)]
    if not any(gaps):
        return tensor
    return F.pad(tensor, [end for gap in reversed(gaps) for end in (0, gap)])


def _mapped(combine: Callable[[list[Tensor]], Tensor], trees: Sequence[Any]) -> Any:
    """The tensors that stand in the same place of every tree, combined; a tree is any nesting of
    dataclasses, dictionaries, tuples and lists."""
    first = trees[0]
    if isinstance(first, Tensor):
        return combine(list(trees))
    if isinstance(first, dict):
        return {key: _mapped(combine, [tree[key] for tree in trees]) for key in first}
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in dataclasses.fields(first)]
        parts = {name: _mapped(combine, [getattr(tree, name) for tree in trees]) for name in names}
        return dataclasses.replace(first, **parts)
    if isinstance(first, tuple | list):
        values = [_mapped(combine, places) for places in zip(*trees, strict=True)]
        return type(first)(*values) if hasattr(first, "_fields") else type(first)(values)
    assert all(tree is None for tree in trees), "a network is given tensors, or nothing"
    return None
