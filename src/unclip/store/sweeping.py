"""Housekeeping: what is too old or too much is removed, and what nothing points to any more."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from unclip.store.blobs import Blobs
from unclip.store.database import Database
from unclip.store.quota import DAY
from unclip.store.records import ENDED, Swept
from unclip.store.schema import jobs, limits, pictures, previews, usage, workers

HOUR = 3600.0
PREVIEW_SECONDS = HOUR
"""How long previews are kept after their job has ended."""
WORKER_SECONDS = HOUR
"""After so long without a word a worker is forgotten."""
GRACE_SECONDS = HOUR
"""A blob so young may be of a job that is just being written."""

_AT_ONCE = 500


def sweep(
    database: Database,
    blobs: Blobs,
    now: float,
    keep_days: float | None,
    keep_bytes: int | None,
) -> Swept:
    """As `Store.sweep` says."""
    old = _too_old_or_much(database, now, keep_days, keep_bytes)
    for start in range(0, len(old), _AT_ONCE):
        _remove(database, blobs, old[start : start + _AT_ONCE])
    ended = select(jobs.c.number).where(
        jobs.c.state.in_(ENDED), jobs.c.finished <= now - PREVIEW_SECONDS
    )
    with database.write() as connection:
        connection.execute(delete(previews).where(previews.c.job.in_(ended)))
        connection.execute(delete(limits).where(limits.c.full_at <= now))
        connection.execute(delete(usage).where(usage.c.day < now // DAY - 1))
        silent = delete(workers).where(workers.c.seen <= now - WORKER_SECONDS)
        forgotten = connection.execute(silent).rowcount
    # Listed before the rows are read, as a blob is there before its row is.
    written = [name for name, time in blobs.written() if time <= now - GRACE_SECONDS]
    known = known_blobs(database)
    orphans = [name for name in written if name not in known]
    blobs.remove(orphans)
    return Swept(jobs=len(old), blobs=len(orphans), workers=forgotten)


def _too_old_or_much(
    database: Database, now: float, keep_days: float | None, keep_bytes: int | None
) -> list[int]:
    """Numbers of jobs that have ended: too long ago, or the oldest of those that take too much."""
    made = select(func.coalesce(func.sum(pictures.c.size), 0)).where(
        pictures.c.job == jobs.c.number
    )
    size = (jobs.c.size + made.scalar_subquery()).label("size")
    newest = select(jobs.c.number, jobs.c.finished, size).order_by(
        jobs.c.finished.desc(), jobs.c.number.desc()
    )
    with database.read() as connection:
        rows = connection.execute(newest).all()
    total = sum(int(row.size) for row in rows if row.finished is None)
    numbers = []
    for row in rows:
        if row.finished is None:
            continue
        total += int(row.size)
        too_old = keep_days is not None and row.finished <= now - keep_days * DAY
        if too_old or (keep_bytes is not None and total > keep_bytes):
            numbers.append(row.number)
    return numbers


def _remove(database: Database, blobs: Blobs, numbers: list[int]) -> None:
    """Rows first: should the process end between, the blobs are orphans, which are swept too."""
    with database.write() as connection:
        made = select(pictures.c.blob).where(pictures.c.job.in_(numbers))
        names = list(connection.scalars(made))
        for inputs in connection.scalars(select(jobs.c.inputs).where(jobs.c.number.in_(numbers))):
            names += inputs
        connection.execute(delete(jobs).where(jobs.c.number.in_(numbers)))
    blobs.remove(names)


def known_blobs(database: Database) -> set[str]:
    """The name of every blob that a row has."""
    with database.read() as connection:
        names = set(connection.scalars(select(pictures.c.blob)))
        for inputs in connection.scalars(select(jobs.c.inputs)):
            names.update(inputs)
    return names
