"""Rows of the queue as the records that they are."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Row, Select, Subquery, func, select

from unclip.store.records import Job, JobError, JobProgress, State, StoredPicture
from unclip.store.schema import jobs, pictures, turns


def load(connection: Connection, wanted: Select[*tuple[Any, ...]]) -> list[Job]:
    """The jobs that a select of whole rows finds, in its order, with their pictures."""
    rows = connection.execute(wanted).all()
    found: dict[int, list[StoredPicture]] = defaultdict(list)
    if rows:
        numbers = [row.number for row in rows]
        theirs = select(pictures).where(pictures.c.job.in_(numbers)).order_by(pictures.c.position)
        for row in connection.execute(theirs):
            found[row.job].append(picture_of(row))
    return [_job(row, tuple(found[row.number])) for row in rows]


def picture_of(row: Row[*tuple[Any, ...]]) -> StoredPicture:
    """A row of `pictures`."""
    values = dict(row._mapping)
    del values["job"]
    return StoredPicture(index=values.pop("position"), **values)


def progress_of(row: Row[*tuple[Any, ...]]) -> JobProgress | None:
    """The progress in a row of `jobs`."""
    return None if row.stage is None else JobProgress(row.stage, row.step, row.steps)


def _job(row: Row[*tuple[Any, ...]], its_pictures: tuple[StoredPicture, ...]) -> Job:
    return Job(
        id=row.id,
        key=row.owner or None,
        request_id=row.request_id,
        operation=row.operation,
        request=row.request,
        output=row.output,
        wanted=row.wanted,
        wants_previews=row.wants_previews,
        state=State(row.state),
        attempts=row.attempts,
        worker=row.worker,
        created=row.created,
        started=row.started,
        finished=row.finished,
        progress=progress_of(row),
        error=None if row.error is None else JobError(**row.error),
        pictures=its_pictures,
    )


def _places() -> Subquery:
    waiting = (
        select(
            jobs.c.number,
            func.coalesce(turns.c.served, 0).label("served"),
            func.row_number().over(partition_by=jobs.c.owner, order_by=jobs.c.number).label("turn"),
        )
        .outerjoin(turns, turns.c.owner == jobs.c.owner)
        .where(jobs.c.state == State.QUEUED)
        .subquery()
    )
    order = [waiting.c.turn, waiting.c.served, waiting.c.number]
    place = func.row_number().over(order_by=order) - 1
    return select(waiting.c.number, place.label("place")).subquery()


PLACES = _places()
"""For the number of each job that waits, how many are before it (`place`).

Owners take turns, the one first who was served longest ago; of one owner the oldest is first.
"""
