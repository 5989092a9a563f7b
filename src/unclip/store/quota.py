"""Pictures a day: counted when a job is taken in, given back as far as none came of it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from unclip.store.database import Database
from unclip.store.records import QuotaExceeded
from unclip.store.schema import jobs, pictures, usage

DAY = 86400


def charge(
    database: Database,
    connection: Connection,
    owner: str,
    count: int,
    limit: int | None,
    now: float,
) -> int:
    """Count pictures, and give the day that they are counted on.

    Raises:
        QuotaExceeded: there are not so many left.
    """
    day = int(now // DAY)
    insert = database.insert(usage).values(owner=owner, day=day, pictures=count)
    total = usage.c.pictures + count
    counting = insert.on_conflict_do_update(
        index_elements=[usage.c.owner, usage.c.day],
        set_={"pictures": total},
        where=None if limit is None else total <= limit,
    ).returning(usage.c.pictures)
    too_many = limit is not None and count > limit
    if too_many or connection.scalar(counting) is None:
        assert limit is not None
        raise QuotaExceeded(limit, (day + 1) * DAY - now)
    return day


def refund(connection: Connection, number: int) -> None:
    """Give back what a job that has ended did not make."""
    made = select(func.count()).where(pictures.c.job == number).scalar_subquery()
    columns = jobs.c.owner, jobs.c.charged_day, jobs.c.wanted - made
    job = select(*columns).where(jobs.c.number == number)
    owner, day, left = connection.execute(job).one()
    if left:
        counted = (usage.c.owner == owner) & (usage.c.day == day)
        fewer = update(usage).where(counted).values(pictures=usage.c.pictures - left)
        connection.execute(fewer)
