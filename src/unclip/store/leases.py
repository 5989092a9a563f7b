"""The queue as a worker sees it: a job is leased, drawn, and handed in.

A lease has a token. Whatever a worker writes to a job is written only while the job has that token,
in the same transaction; so of two workers that think they have a job, one is right.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, update

from unclip.requests import Request
from unclip.store.blobs import Blobs
from unclip.store.database import Database
from unclip.store.quota import refund
from unclip.store.records import (
    Clock,
    FinishedPicture,
    JobError,
    JobProgress,
    Leased,
    LeaseLost,
    State,
    StoredPicture,
)
from unclip.store.requests import unpack
from unclip.store.rows import load, picture_of
from unclip.store.schema import jobs, pictures, previews, turns

_FREE = {"worker": None, "token": None, "expires": None}
_NO_PROGRESS = {"stage": None, "step": None, "steps": None}


class Leases:
    """What a worker does with jobs.

    Each call with a lease raises `LeaseLost` once the job is not this worker's any more, and then
    writes nothing.
    """

    def __init__(self, database: Database, blobs: Blobs, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    def lease(self, worker: str, lease_seconds: float, attempts: int) -> Leased | None:
        """Take the next job: owners take turns, and of one owner the oldest is first.

        A job whose lease has run out waits like the others, with the pictures that it has. One that
        was begun so often is parked instead.

        Args:
            worker: who asks.
            lease_seconds: how long it is theirs without `renew`.
            attempts: how often a job is begun at most.
        """
        now = self._clock()
        expired = and_(jobs.c.state == State.RUNNING, jobs.c.expires <= now)
        free = or_(jobs.c.state == State.QUEUED, expired)
        with self._database.read() as connection:
            if not connection.scalar(select(exists().where(free))):
                return None
        with self._database.write(queue=True) as connection:
            message = f"The job was given up after {attempts} attempts, none of which ended."
            error = JobError("job_parked", message)
            worn = and_(expired, jobs.c.attempts >= attempts)
            for number in connection.scalars(select(jobs.c.number).where(worn)).all():
                end(connection, and_(jobs.c.number == number, worn), State.PARKED, now, error)
            fair = func.coalesce(turns.c.served, 0), jobs.c.number
            waiting = select(jobs.c.number).outerjoin(turns, turns.c.owner == jobs.c.owner)
            taken = None
            while taken is None:  # on Postgres somebody may cancel or renew it just now
                number = connection.scalar(waiting.where(free).order_by(*fair).limit(1))
                if number is None:
                    return None
                values: dict[str, Any] = {
                    "state": State.RUNNING,
                    "attempts": jobs.c.attempts + 1,
                    "worker": worker,
                    "token": secrets.token_hex(16),
                    "expires": now + lease_seconds,
                    "started": func.coalesce(jobs.c.started, now),
                    **_NO_PROGRESS,
                }
                take = update(jobs).where(jobs.c.number == number, free).values(values)
                taken = connection.execute(take.returning(jobs.c.owner, jobs.c.inputs)).first()
            self._serve(connection, taken.owner)
            job = load(connection, select(jobs).where(jobs.c.number == number))[0]
            return Leased(job, worker, values["token"], tuple(taken.inputs))

    def request(self, leased: Leased) -> Request:
        """What a job is to make.

        Raises:
            FileNotFoundError: a picture of it is gone.
        """
        return unpack(leased.job.request, [self._blobs.get(name) for name in leased.inputs])

    def renew(self, leased: Leased, lease_seconds: float) -> None:
        """Keep a job for so long from now.

        Raises:
            LeaseLost: it is not this worker's any more.
        """
        with self._database.write() as connection:
            self._hold(connection, leased, expires=self._clock() + lease_seconds)

    def report(
        self,
        leased: Leased,
        progress: JobProgress,
        previews_of: Mapping[int, bytes] | None = None,
    ) -> None:
        """Tell whoever waits how far a job is.

        Args:
            previews_of: PNG, by the index of its picture.

        Raises:
            LeaseLost: it is not this worker's any more.
        """
        with self._database.write() as connection:
            number = self._hold(connection, leased, **asdict(progress))
            for picture, blob in (previews_of or {}).items():
                row = {"job": number, "picture": picture, "blob": blob, **asdict(progress)}
                connection.execute(insert(previews).values(row))

    def add_picture(self, leased: Leased, picture: FinishedPicture, blob: bytes) -> StoredPicture:
        """Hand in a picture. One that the job has already stays as it is, and is given back.

        Args:
            blob: the picture's file.

        Raises:
            LeaseLost: it is not this worker's any more.
        """
        name = self._blobs.put(blob)
        values = dict(vars(picture))
        row = {"position": values.pop("index"), "blob": name, "size": len(blob), **values}
        row["id"] = f"picture-{secrets.token_hex(16)}"
        try:
            with self._database.write() as connection:
                number = self._hold(connection, leased, worker=leased.worker)  # locks its row
                adding = self._database.insert(pictures).values(job=number, **row)
                columns = [pictures.c.job, pictures.c.position]
                adding = adding.on_conflict_do_nothing(index_elements=columns)
                added = connection.execute(adding.returning(pictures)).first()
                if added is not None:
                    return picture_of(added)
                there = select(pictures).where(
                    pictures.c.job == number, pictures.c.position == picture.index
                )
                kept = picture_of(connection.execute(there).one())
        except BaseException:
            self._blobs.remove([name])
            raise
        self._blobs.remove([name])
        return kept

    def finish(self, leased: Leased) -> None:
        """End a job well. Pictures that it did not make are given back to its owner's day.

        Raises:
            LeaseLost: it is not this worker's any more.
        """
        self._end(leased, State.DONE)

    def fail(self, leased: Leased, error: JobError) -> None:
        """End a job that cannot be done.

        Raises:
            LeaseLost: it is not this worker's any more.
        """
        self._end(leased, State.FAILED, error)

    def release(self, leased: Leased) -> None:
        """Put a job back in its place in the queue, as if this attempt had not been.

        Raises:
            LeaseLost: it is not this worker's any more.
        """
        values = {"state": State.QUEUED, "attempts": jobs.c.attempts - 1, **_FREE, **_NO_PROGRESS}
        with self._database.write() as connection:
            self._hold(connection, leased, **values)

    def _hold(self, connection: Connection, leased: Leased, **values: Any) -> int:
        """Write to a job if it is still the worker's; gives its number."""
        writing = update(jobs).where(_ours(leased)).values(values).returning(jobs.c.number)
        number: int | None = connection.scalar(writing)
        if number is None:
            raise _lost(connection, leased)
        return number

    def _end(self, leased: Leased, state: State, error: JobError | None = None) -> None:
        with self._database.write(queue=True) as connection:
            if not end(connection, _ours(leased), state, self._clock(), error):
                raise _lost(connection, leased)

    def _serve(self, connection: Connection, owner: str) -> None:
        """Put an owner at the end of those whose turn it is."""
        last = select(func.coalesce(func.max(turns.c.served), 0) + 1).scalar_subquery()
        adding = self._database.insert(turns).values(owner=owner, served=last)
        columns = [turns.c.owner]
        connection.execute(
            adding.on_conflict_do_update(index_elements=columns, set_={"served": last})
        )


def end(
    connection: Connection,
    which: ColumnElement[bool],
    state: State,
    now: float,
    error: JobError | None = None,
) -> bool:
    """End a job, and give back what it did not make. False where there is no such job."""
    told = None if error is None else asdict(error)
    values = {"state": state, "finished": now, "expires": None, "error": told}
    number = connection.scalar(update(jobs).where(which).values(values).returning(jobs.c.number))
    if number is None:
        return False
    refund(connection, number)
    return True


def _ours(leased: Leased) -> ColumnElement[bool]:
    return and_(
        jobs.c.id == leased.job.id,
        jobs.c.state == State.RUNNING,
        jobs.c.worker == leased.worker,
        jobs.c.token == leased.token,
    )


def _lost(connection: Connection, leased: Leased) -> LeaseLost:
    state = connection.scalar(select(jobs.c.state).where(jobs.c.id == leased.job.id))
    return LeaseLost(cancelled=state == State.CANCELLED)
