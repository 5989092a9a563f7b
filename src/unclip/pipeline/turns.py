"""Turns on one device: which request may come in, which computes next, and with whom.

A request runs in the thread of its caller. Where a stage evaluates its network, the request waits
for its turn; a turn takes all the calls that wait for the same network, as far as its rows go, and
the thread of the first one computes them as one batch. The device is held for a turn and never
between turns. Alone, a request calls its networks as if nothing of this were here.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from unclip.errors import Cancelled
from unclip.pipeline.batching import joined, rows

MANY = 32
"""A GPU takes this many times the rows that fill a processor."""
PATIENCE = 0.05
"""Seconds between the times that a request which waits to come in asks whether it is cancelled."""


class Visit:
    """A request's stay: from its arrival to its last picture.

    Args:
        owner: whose it is; owners are equal, however many requests each of them has.
        size: bytes that it takes.
        number: counts arrivals.
    """

    def __init__(self, owner: str | None, size: int, number: int) -> None:
        self.owner, self.size, self.number = owner, size, number


class Rota:
    """Round robin between owners, and between the visits of each: first who was served longest ago,
    then who came first. So an owner waits for one turn of each other owner at most."""

    def __init__(self) -> None:
        self._served: dict[Visit | str | None, int] = {}
        self._turns = itertools.count(1)

    def order(self, visit: Visit) -> tuple[int, int, int]:
        """Sorts visits: the least is next."""
        served = self._served
        return served.get(visit.owner, 0), served.get(visit, 0), visit.number

    def serve(self, visits: Iterable[Visit]) -> None:
        """They have their turn, together."""
        turn = next(self._turns)
        for visit in visits:
            self._served[visit] = self._served[visit.owner] = turn

    def keep(self, visits: Iterable[Visit]) -> None:
        """Forget all but these, and the owners of others."""
        kept = {name for visit in visits for name in (visit, visit.owner)}
        self._served = {name: turn for name, turn in self._served.items() if name in kept}


class _Call:
    """One evaluation that a request waits for. Calls of one `kind` fit in one batch."""

    def __init__(self, visit: Visit, network: Callable[..., Tensor], most: int, given: Any) -> None:
        self.visit, self.network, self.most, self.given = visit, network, most, given
        x_t: Tensor = given[0][0]
        self.rows = len(x_t)
        self.kind = (network, x_t.shape[1:])
        self.output: Tensor | None = None
        self.error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return self.output is not None or self.error is not None


class Turns:
    """The turns on a device. Thread-safe.

    A processor of several cores gives as many turns at once as there are requests, up to its
    threads, which they share out: evaluations side by side lose less than the threads of one do.

    Args:
        memory: bytes that the requests inside may take together. One that takes more by itself
            comes in when nobody else is there.
        threads: those of the processor; torch's own choice if None. Anything else has one.
    """

    def __init__(self, device: torch.device, memory: int, threads: int | None = None) -> None:
        on_cpu = device.type == "cpu"
        self.device, self.memory = device, memory
        self._threads = (threads or torch.get_num_threads()) if on_cpu else 1
        self._many = 1 if on_cpu else MANY
        self._changed = threading.Condition()
        self._here = threading.local()
        self._arrivals = itertools.count()
        self._outside: list[Visit] = []
        self._inside: list[Visit] = []
        self._doors, self._rota = Rota(), Rota()
        self._calls: list[_Call] = []
        self._busy = 0
        self.batch_sizes: Counter[int] = Counter()
        """How many turns had each number of rows."""

    @contextmanager
    def visit(
        self, size: int, owner: str | None = None, cancelled: Callable[[], bool] | None = None
    ) -> Iterator[Visit]:
        """A request's stay, which begins when there is memory for it.

        They come in in order of arrival, owners in turn; a large one is not overtaken.

        Raises:
            Cancelled: `cancelled` said so before there was room.
        """
        visit = Visit(owner, size, next(self._arrivals))
        try:
            with self._changed:
                self._outside.append(visit)
                while not self._may_enter(visit):
                    if cancelled is not None and cancelled():
                        raise Cancelled("the work was cancelled")
                    self._changed.wait(None if cancelled is None else PATIENCE)
                self._outside.remove(visit)
                self._inside.append(visit)
                self._doors.serve([visit])
                self._changed.notify_all()
            yield visit
        finally:
            with self._changed:
                for place in (self._outside, self._inside):
                    if visit in place:
                        place.remove(visit)
                self._doors.keep(self._outside + self._inside)
                self._rota.keep(self._inside)
                self._share_threads()
                self._changed.notify_all()

    @contextmanager
    def speaking(self, visit: Visit) -> Iterator[None]:
        """Networks that this thread evaluates meanwhile are evaluated for a visit."""
        self._here.visit = visit
        self._share_threads()
        try:
            yield
        finally:
            self._here.visit = None

    def evaluate(
        self, network: Callable[..., Tensor], most: int, *given: Any, **named: Any
    ) -> Tensor:
        """`network(*given, **named)`, in a turn, with those who wait for the same.

        Args:
            most: rows of a turn on a processor: more would not be faster, and others would wait.
            given, named: anything made of tensors with one row each for every row of the first.

        Raises:
            Exception: whatever the network raised; all whose rows were in the batch get it.
        """
        visit = getattr(self._here, "visit", None)
        if visit is None or len(self._inside) == 1:
            return network(*given, **named)
        step, count = most * self._many, len(given[0])
        parts = [slice(start, start + step) for start in range(0, count, step)]
        done = [
            self._computed(_Call(visit, network, step, rows((given, named), part)))
            for part in parts
        ]
        return done[0] if len(done) == 1 else torch.cat(done)

    def _may_enter(self, visit: Visit) -> bool:
        if visit is not min(self._outside, key=self._doors.order):
            return False
        taken = sum(other.size for other in self._inside)
        return not self._inside or taken + visit.size <= self.memory

    def _lanes(self) -> int:
        """Turns at once."""
        return max(1, min(self._threads, len(self._inside)))

    def _share_threads(self) -> None:
        """The setting is partly the process's and partly the thread's, so each thread repeats it
        before every step."""
        if self._threads > 1:
            torch.set_num_threads(self._threads // self._lanes())

    def _computed(self, call: _Call) -> Tensor:
        batch: list[_Call] = []
        with self._changed:
            self._calls.append(call)
            try:
                self._changed.wait_for(lambda: call.is_done or self._leads(call))
                if not call.is_done:
                    batch = self._batch()
                    self._busy += 1
                    self._rota.serve(other.visit for other in batch)
            finally:  # also when a signal ends the wait
                taken = batch or [call]
                self._calls = [other for other in self._calls if other not in taken]
                self._changed.notify_all()
        if batch:
            self._compute(batch)
        if call.error is not None:
            raise call.error
        assert call.output is not None
        return call.output

    def _leads(self, call: _Call) -> bool:
        """Whether it begins a turn now: not if it is in somebody else's already."""
        return self._busy < self._lanes() and self._next()[:1] == [call]

    def _next(self) -> list[_Call]:
        return sorted(self._calls, key=lambda call: self._rota.order(call.visit))

    def _batch(self) -> list[_Call]:
        """The next call, and those after it that still fit in its turn."""
        first, *others = self._next()
        batch, count = [first], first.rows
        for call in others:
            if call.kind == first.kind and count + call.rows <= first.most:
                batch.append(call)
                count += call.rows
        return batch

    def _compute(self, batch: list[_Call]) -> None:
        """Give each call its rows of the output, or all of them the error."""
        outputs: tuple[Tensor, ...] = ()
        error: BaseException | None = None
        self.batch_sizes[sum(call.rows for call in batch)] += 1
        try:
            given, named = _together(batch)
            outputs = torch.split(batch[0].network(*given, **named), [call.rows for call in batch])
            if self.device.type != "cpu":  # a turn ends when it is computed, not when it is queued
                torch.accelerator.synchronize(self.device)
        except BaseException as caught:
            error = caught
        with self._changed:
            for call, output in itertools.zip_longest(batch, outputs):
                call.output, call.error = output, error
            self._busy -= 1
            self._changed.notify_all()


def _together(batch: list[_Call]) -> Any:
    return batch[0].given if len(batch) == 1 else joined([call.given for call in batch])
