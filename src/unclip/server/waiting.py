"""One task that looks, every 40 ms, at all the jobs that somebody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from anyio import to_thread

from unclip.server.errors import stopping
from unclip.store import Jobs, Seen, State

SECONDS = 0.04

ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.PARKED})


@dataclass(eq=False)
class _Waiter:
    job_id: str
    since: int
    news: asyncio.Queue[Seen | Exception | None] = field(default_factory=asyncio.Queue)
    last: Seen | None = None

    def offer(self, seen: Seen | None) -> None:
        """Pass on what is new of a job, without the previews that were passed on before."""
        if seen is None:
            self.news.put_nowait(None)
            return
        if seen == self.last:
            return
        self.last = seen
        self.since = max([self.since, *(preview.sequence for preview in seen.previews)])
        self.news.put_nowait(seen)


class Waiting:
    """Follows jobs for as many as wait, at one query a look.

    Args:
        jobs: of the store.
        seconds: between two looks.
    """

    def __init__(self, jobs: Jobs, seconds: float = SECONDS) -> None:
        self._jobs = jobs
        self._seconds = seconds
        self._waiters: set[_Waiter] = set()
        self._task: asyncio.Task[None] | None = None
        self._draining = False

    def drain(self) -> None:
        """From now on nobody waits for a job that has not begun: nothing begins any more."""
        self._draining = True

    async def close(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def follow(self, job_id: str, since: int = 0) -> AsyncGenerator[Seen]:
        """What is seen of a job whenever it has changed, up to its end or until it is gone.

        Args:
            since: the sequence of the last preview that the caller has.

        Raises:
            ApiError: the server stops before the job has begun.
        """
        waiter = _Waiter(job_id, since)
        self._waiters.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            while True:
                seen = await waiter.news.get()
                if isinstance(seen, Exception):
                    raise seen
                if seen is None:
                    return
                yield seen
                if seen.state in ENDED:
                    return
        finally:
            self._waiters.discard(waiter)

    async def _look(self) -> None:
        while self._waiters:
            waiters = list(self._waiters)
            since: dict[str, int] = {}
            for waiter in waiters:
                since[waiter.job_id] = min(since.get(waiter.job_id, waiter.since), waiter.since)
            try:
                seen = await to_thread.run_sync(self._jobs.watch, list(since), since)
            except Exception as error:  # whatever the database says, those who wait are told
                for waiter in waiters:
                    waiter.news.put_nowait(error)
                return
            for waiter in waiters:
                found = seen.get(waiter.job_id)
                if self._draining and found is not None and found.state is State.QUEUED:
                    waiter.news.put_nowait(stopping())
                else:
                    waiter.offer(found)
            await asyncio.sleep(self._seconds)
