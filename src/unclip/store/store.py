"""The store: one object that has all of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Row, delete, func, select

from unclip.store.backup import backup
from unclip.store.blobs import Blobs
from unclip.store.database import Database
from unclip.store.jobs import Jobs
from unclip.store.keys import Keys
from unclip.store.limits import Limits
from unclip.store.records import Clock, Swept, WorkerStats
from unclip.store.schema import workers
from unclip.store.sweeping import sweep

LIVE_SECONDS = 15.0
"""A worker that has not said anything for so long does not count as there."""


class Store:
    """Jobs, keys, limits and blobs of one database and one folder. Any thread may use it.

    Args:
        database: with its tables.
        clock: tells the time, as `time.time` does.
    """

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.blobs = blobs
        self.jobs = Jobs(database, blobs, clock)
        self.keys = Keys(database, clock)
        self.limits = Limits(database, clock)

    @classmethod
    def open(cls, database_url: str, blob_url: str, clock: Clock = time.time) -> Self:
        """Open a store; make it, or bring it up to date, where that is needed.

        Args:
            database_url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.
            blob_url: `file:///FOLDER` or `s3://BUCKET/FOLDER`.

        Raises:
            InvalidArgument: one of the two is something else.
            StoreError: it cannot be reached, or is of a later version.
        """
        database = Database(database_url)
        try:
            database.migrate()
            return cls(database, Blobs(blob_url), clock)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Close every connection. The store is good for nothing after that."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def beat(self, stats: WorkerStats) -> None:
        """Say that a worker is there, and what it has done. Every 5 seconds is often enough."""
        values = {"seen": self._clock(), "stats": asdict(stats)}
        saying = self._database.insert(workers).values(worker=stats.worker, **values)
        columns = [workers.c.worker]
        with self._database.write() as connection:
            connection.execute(saying.on_conflict_do_update(index_elements=columns, set_=values))

    def forget(self, worker: str) -> None:
        """Say that a worker is gone."""
        with self._database.write() as connection:
            connection.execute(delete(workers).where(workers.c.worker == worker))

    def live_workers(self) -> int:
        """How many workers are there now."""
        lately = workers.c.seen > self._clock() - LIVE_SECONDS
        with self._database.read() as connection:
            return connection.scalar(select(func.count()).where(lately)) or 0

    def worker_stats(self) -> list[WorkerStats]:
        """What each worker last said of itself, also of those that went silent lately."""
        with self._database.read() as connection:
            rows = connection.execute(select(workers.c.stats).order_by(workers.c.worker))
            return [_stats(row) for row in rows]

    def sweep(self, keep_days: float | None, keep_bytes: int | None) -> Swept:
        """Remove jobs that ended so long ago, and the oldest that ended while all take too much.

        Also blobs that nothing points to, previews of jobs that ended an hour ago, and workers that
        went silent an hour ago. Jobs that have not ended are left alone.

        Args:
            keep_days, keep_bytes: None keeps any age, or any size.
        """
        return sweep(self._database, self.blobs, self._clock(), keep_days, keep_bytes)

    def backup(self, path: Path) -> None:
        """Write all of it to a new tar file, while it is in use; `backup.restore` reads that.

        Raises:
            InvalidArgument: the database is not SQLite, or the file is there already.
        """
        backup(self._database, self.blobs, path)


def _stats(row: Row[*tuple[Any, ...]]) -> WorkerStats:
    values = dict(row.stats)
    sizes = {int(rows): steps for rows, steps in values.pop("batch_sizes").items()}
    return WorkerStats(batch_sizes=sizes, **values)
