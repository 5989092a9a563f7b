"""Turns on a device: who comes in, who computes, with whom, and that it changes nothing."""

import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
import torch
from torch import nn

from unclip.engine import Engine
from unclip.errors import Cancelled
from unclip.pipeline.turns import Rota, Turns, Visit

CPU = torch.device("cpu")


class Recording(nn.Module):
    """Doubles what it is given; keeps how many rows it got, and can be held up or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.entered, self.go = threading.Event(), threading.Event()
        self.go.set()

    def forward(self, x, t):
        self.batches.append(len(x))
        self.entered.set()
        assert self.go.wait(10)
        if (x < 0).any():
            raise ArithmeticError("negative")
        return 2 * x + t[:, None]


def call_in_threads(turns, network, inputs, owners=None):
    """Evaluate each input in a thread of its own; the first one computes while the others come."""
    got = {}
    network.go.clear()

    def work(k, x):
        with turns.visit(1, owners and owners[k]) as visit, turns.speaking(visit):
            inside.wait(10)
            if k:
                assert network.entered.wait(10)
            try:
                got[k] = turns.evaluate(network, 4, x, torch.full((len(x),), float(k)))
            except ArithmeticError as error:
                got[k] = error

    inside = threading.Barrier(len(inputs))
    threads = [threading.Thread(target=work, args=(k, x)) for k, x in enumerate(inputs)]
    for thread in threads:
        thread.start()
    while len(turns._calls) < len(inputs) - 1:
        time.sleep(0.001)
    network.go.set()
    for thread in threads:
        thread.join(10)
    return got


def test_calls_that_wait_are_computed_together_and_get_their_own_rows():
    network, turns = Recording(), Turns(CPU, memory=100, threads=1)
    inputs = [torch.full((1, 3), float(k)) for k in range(4)]
    got = call_in_threads(turns, network, inputs)
    assert network.batches == [1, 3]
    for k, x in enumerate(inputs):
        assert torch.equal(got[k], 2 * x + k)


def test_a_turn_takes_no_more_rows_than_fill_the_device():
    network, turns = Recording(), Turns(CPU, memory=100, threads=1)
    got = call_in_threads(turns, network, [torch.ones(n, 2) for n in (1, 3, 3)])
    assert network.batches == [1, 3, 3]
    assert [len(got[k]) for k in range(3)] == [1, 3, 3]
    with turns.visit(1) as one, turns.visit(1), turns.speaking(one):
        out = turns.evaluate(network, 4, torch.ones(9, 2), torch.zeros(9))
    assert network.batches[3:] == [4, 4, 1]
    assert len(out) == 9


def test_an_error_reaches_those_of_its_batch_and_nobody_else():
    network, turns = Recording(), Turns(CPU, memory=100, threads=1)
    got = call_in_threads(turns, network, [torch.ones(1, 2), -torch.ones(1, 2), torch.ones(1, 2)])
    assert isinstance(got[0], torch.Tensor)
    assert isinstance(got[1], ArithmeticError)
    assert got[2] is got[1]
    with turns.visit(1) as visit, turns.speaking(visit):
        assert torch.equal(
            turns.evaluate(network, 4, torch.ones(1, 2), torch.zeros(1)) * 0.5, torch.ones(1, 2)
        ), "and the turns go on"


def test_texts_of_different_lengths_share_a_batch():
    turns = Turns(CPU, memory=100, threads=1)
    seen = []

    def network(x, text):
        seen.append(text["states"].shape)
        assert not text["mask"][text["states"].sum(-1) == 0].any(), "padding says that it is none"
        return x * text["mask"].sum(1, keepdim=True)

    network_held = Recording()
    network_held.go.clear()
    got = {}

    def work(length):
        text = {"states": torch.ones(1, length, 2), "mask": torch.ones(1, length, dtype=torch.bool)}
        with turns.visit(1) as visit, turns.speaking(visit):
            got[length] = turns.evaluate(network, 8, torch.ones(1, 1), text=text)

    def hold():
        with turns.visit(1) as visit, turns.speaking(visit), turns.visit(1):
            turns.evaluate(network_held, 8, torch.ones(1, 1), torch.ones(1))

    threads = [threading.Thread(target=hold)]
    threads[0].start()
    assert network_held.entered.wait(10)
    threads += [threading.Thread(target=work, args=(n,)) for n in (2, 5, 3)]
    for thread in threads[1:]:
        thread.start()
    while len(turns._calls) < 3:
        time.sleep(0.001)
    network_held.go.set()
    for thread in threads:
        thread.join(10)
    assert seen == [(3, 5, 2)]
    assert {n: int(x) for n, x in got.items()} == {2: 2, 5: 5, 3: 3}


def test_owners_are_served_in_turn():
    rota = Rota()
    visits = [Visit(owner, 1, k) for k, owner in enumerate("aaabc")]
    served = []
    while visits:
        visit = min(visits, key=rota.order)
        rota.serve([visit])
        visits.remove(visit)
        served.append(visit.owner)
    assert "".join(served) == "abcaa"


def test_a_request_comes_in_when_there_is_memory_for_it():
    turns = Turns(CPU, memory=10, threads=1)
    came = []

    def enter(name, size):
        with turns.visit(size):
            came.append(name)

    with ExitStack() as first:
        first.enter_context(turns.visit(8))
        large = threading.Thread(target=enter, args=("large", 50))
        large.start()
        while not turns._outside:
            time.sleep(0.001)
        small = threading.Thread(target=enter, args=("small", 1))
        small.start()
        time.sleep(0.05)
        assert came == [], "the large one is not overtaken"
    large.join(10)
    small.join(10)
    assert came == ["large", "small"]


def test_a_request_that_waits_can_be_cancelled():
    turns = Turns(CPU, memory=10, threads=1)
    with turns.visit(8):
        with pytest.raises(Cancelled), turns.visit(8, cancelled=lambda: True):
            raise AssertionError("it came in")
        with turns.visit(2):
            pass


def test_a_picture_is_the_same_in_company(bundle):
    prompts = ["a cat", "a red apple on a table by the sea", "a hat", "two dogs"]
    values = {"size": "256x256", "steps": 3, "candidates": 2, "n": 2}
    engine = Engine(bundle)
    alone = {p: engine.generate(p, seed=5, **values) for p in prompts}
    company, start = {}, threading.Barrier(len(prompts))

    def work(prompt):
        start.wait(10)
        company[prompt] = engine.generate(prompt, seed=5, **values)

    threads = [threading.Thread(target=work, args=(p,)) for p in prompts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for prompt in prompts:
        for one, other in zip(alone[prompt], company[prompt], strict=True):
            gap = np.asarray(one.image, np.int16) - np.asarray(other.image, np.int16)
            assert abs(gap).max() <= 1
