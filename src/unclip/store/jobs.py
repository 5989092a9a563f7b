"""The queue as the server sees it: jobs are put in, looked at and cancelled."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, or_, select

from unclip.store.leases import Leases, end
from unclip.store.quota import charge
from unclip.store.records import ENDED, Job, Key, Preview, QueueFull, Seen, State, StoredPicture
from unclip.store.rows import PLACES, load, picture_of, progress_of
from unclip.store.schema import jobs, pictures, previews


class Jobs(Leases):
    """Every job there is. What a worker does with them is in `Leases`."""

    def add(
        self,
        request: Mapping[str, Any],
        inputs: Sequence[bytes],
        output: Mapping[str, Any],
        *,
        pictures: int,
        key: Key | None = None,
        request_id: str | None = None,
        queue_limit: int | None = None,
        daily_pictures: int | None = None,
        wants_previews: int = 0,
    ) -> Job:
        """Put a request in the queue, and count its pictures as some of the day's.

        Args:
            request, inputs: as `pack` gave them.
            output: how the pictures are to be written.
            pictures: how many it makes.
            key: whose it is.
            queue_limit: how many may wait.
            daily_pictures: how many the key may have made in a day; None is any number.
            wants_previews: how many of each picture are to be kept while it is drawn.

        Raises:
            QueueFull, QuotaExceeded: it is not taken, and nothing is left of it.
        """
        names: list[str] = []
        owner, now = _owner(key), self._clock()
        row: dict[str, Any] = {
            "id": f"job-{secrets.token_hex(12)}",
            "owner": owner,
            "request_id": request_id,
            "operation": request["operation"],
            "request": request,
            "output": output,
            "inputs": names,
            "wanted": pictures,
            "wants_previews": wants_previews,
            "state": State.QUEUED,
            "attempts": 0,
            "created": now,
            "size": sum(map(len, inputs)),
        }
        try:
            for data in inputs:
                names.append(self._blobs.put(data))  # noqa: PERF401 - what is put is noted at once
            with self._database.write(queue=True) as connection:
                waiting = select(func.count()).where(jobs.c.state == State.QUEUED)
                depth = connection.scalar(waiting) or 0
                if queue_limit is not None and depth >= queue_limit:
                    raise QueueFull(depth)
                row["charged_day"] = charge(
                    self._database, connection, owner, pictures, daily_pictures, now
                )
                connection.execute(insert(jobs).values(row))
                return load(connection, select(jobs).where(jobs.c.id == row["id"]))[0]
        except BaseException:
            self._blobs.remove(names)
            raise

    def get(self, job_id: str, key: Key | None) -> Job | None:
        """A job of a key's; None where it is another's or there is none."""
        return self._one(and_(jobs.c.id == job_id, jobs.c.owner == _owner(key)))

    def find(self, job_id: str) -> Job | None:
        """A job, whosever it is."""
        return self._one(jobs.c.id == job_id)

    def list(self, key: Key | None, limit: int = 20, before: str | None = None) -> Sequence[Job]:
        """The newest jobs of a key.

        Args:
            before: the id of one of them; older ones than that. Of none: nothing.
        """
        return self._newest(jobs.c.owner == _owner(key), limit, before)

    def latest(
        self, limit: int = 20, before: str | None = None, state: State | None = None
    ) -> Sequence[Job]:
        """The newest jobs of all, or those in one state."""
        states = State if state is None else [state]
        return self._newest(jobs.c.state.in_(list(states)), limit, before)

    def cancel(self, job_id: str) -> bool:
        """Stop a job, at once and for good. False where it has ended already or there is none.

        A worker that has it is told at its next call. What it has made stays.
        """
        open_now = and_(jobs.c.id == job_id, jobs.c.state.not_in(ENDED))
        with self._database.write(queue=True) as connection:
            return end(connection, open_now, State.CANCELLED, self._clock())

    def place(self, job_id: str) -> int | None:
        """How many are before a job in the queue; None where it does not wait."""
        here = select(PLACES.c.place).join(jobs, jobs.c.number == PLACES.c.number)
        with self._database.read() as connection:
            return connection.scalar(here.where(jobs.c.id == job_id))

    def watch(self, ids: Sequence[str], since: Mapping[str, int]) -> dict[str, Seen]:
        """What there is to see of some jobs; of those that are gone, nothing.

        Args:
            since: for each, the sequence of the last preview that is not wanted any more.
        """
        made = select(func.count()).where(pictures.c.job == jobs.c.number).scalar_subquery()
        columns = jobs.c.number, jobs.c.id, jobs.c.state, jobs.c.stage, jobs.c.step, jobs.c.steps
        rows = (
            select(*columns, PLACES.c.place, made.label("made"))
            .outerjoin(PLACES, PLACES.c.number == jobs.c.number)
            .where(jobs.c.id.in_(ids))
        )
        with self._database.read() as connection:
            found = connection.execute(rows).all()
            news: dict[int, list[Preview]] = defaultdict(list)
            wanted = [
                and_(previews.c.job == row.number, previews.c.sequence > since.get(row.id, 0))
                for row in found
                if row.state != State.QUEUED
            ]
            if wanted:
                fresh = select(previews).where(or_(*wanted)).order_by(previews.c.sequence)
                for row in connection.execute(fresh):
                    values = dict(row._mapping)
                    news[values.pop("job")].append(Preview(**values))
        return {
            row.id: Seen(
                State(row.state), row.place, progress_of(row), row.made, tuple(news[row.number])
            )
            for row in found
        }

    def picture(self, picture_id: str) -> StoredPicture | None:
        """A finished picture, whosever it is."""
        with self._database.read() as connection:
            row = connection.execute(select(pictures).where(pictures.c.id == picture_id)).first()
        return None if row is None else picture_of(row)

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state; those that none is in are left out."""
        wanted = select(jobs.c.state, func.count()).group_by(jobs.c.state)
        with self._database.read() as connection:
            return {State(state): count for state, count in connection.execute(wanted)}

    def oldest_queued_seconds(self) -> float | None:
        """How long the job that waits longest has waited; None where none waits."""
        oldest = select(func.min(jobs.c.created)).where(jobs.c.state == State.QUEUED)
        with self._database.read() as connection:
            created = connection.scalar(oldest)
        return None if created is None else max(0.0, self._clock() - created)

    def _one(self, which: ColumnElement[bool]) -> Job | None:
        with self._database.read() as connection:
            return next(iter(load(connection, select(jobs).where(which))), None)

    def _newest(self, which: ColumnElement[bool], limit: int, before: str | None) -> Sequence[Job]:
        wanted = select(jobs).where(which).order_by(jobs.c.number.desc()).limit(limit)
        if before is not None:
            last = select(jobs.c.number).where(which, jobs.c.id == before).scalar_subquery()
            wanted = wanted.where(jobs.c.number < last)
        with self._database.read() as connection:
            return load(connection, wanted)


def _owner(key: Key | None) -> str:
    return "" if key is None else key.id
