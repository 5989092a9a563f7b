"""Distances between sets of embeddings, against closed forms and slow ways to the same numbers."""

from __future__ import annotations

import itertools

import pytest
import torch

from unclip.evaluation.distances import diversity, frechet_distance, squared_mmd


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


def test_frechet_of_gaussians_has_a_closed_form(rng):
    """For diagonal covariances: |m - n|^2 + sum (s - t)^2."""
    unit = torch.randn(20_000, 3, generator=rng, dtype=torch.float64)
    # exactly zero mean and unit covariance, so that nothing is left to chance
    unit = (unit - unit.mean(0)) @ torch.linalg.inv(
        torch.linalg.cholesky(torch.cov(unit.T, correction=0))
    ).T
    s, t = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([2.0, 1.0, 0.0])
    shift = torch.tensor([0.3, -1.0, 0.0])
    expected = shift.square().sum() + (s - t).square().sum()
    assert frechet_distance(unit * s, unit * t + shift) == pytest.approx(float(expected), abs=1e-6)


def test_frechet_of_a_set_and_itself_is_zero_at_any_rank(rng):
    few = torch.randn(5, 16, generator=rng)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-5)


def unit_rows(rng, n, d=8):
    return torch.nn.functional.normalize(torch.randn(n, d, generator=rng), dim=1)


def test_mmd_equals_its_definition(rng):
    a, b = unit_rows(rng, 6), unit_rows(rng, 6)
    groups = [0, 0, 1, 1, 2, 3]

    def mean(x, y):
        pairs = [(i, j) for i, j in itertools.product(range(6), repeat=2) if groups[i] != groups[j]]
        return sum((float(x[i].double() @ y[j].double()) + 1) ** 3 for i, j in pairs) / len(pairs)

    slow = mean(a, a) + mean(b, b) - 2 * mean(a, b)
    assert squared_mmd(a, b, torch.tensor(groups)) == pytest.approx(slow, rel=1e-9)


def test_mmd_is_unbiased_where_rows_share_prompts(rng):
    """Between samples of one distribution it is zero on average, and positive between two."""
    groups = torch.arange(12) // 3

    def sample(subjects):
        noisy = subjects.repeat_interleave(3, 0) + 0.5 * unit_rows(rng, 12)
        return torch.nn.functional.normalize(noisy, dim=1)

    values = []
    for _ in range(400):
        subjects = unit_rows(rng, 4)
        values.append(squared_mmd(sample(subjects), sample(subjects), groups))
    values = torch.tensor(values)
    assert values.mean().abs() < 3 * values.std() / 20
    assert values.min() < 0
    moved = torch.nn.functional.normalize(unit_rows(rng, 50) + 1, dim=1)
    assert squared_mmd(unit_rows(rng, 50), moved) > 1


def test_diversity():
    same = torch.ones(2, 3, 4)
    assert diversity(same) == pytest.approx(0, abs=1e-6)
    crossed = torch.eye(4)[None, :3]
    assert diversity(crossed) == pytest.approx(1)
    assert diversity(torch.cat([crossed, same[:1]])) == pytest.approx(0.5)
