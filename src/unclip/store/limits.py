"""How many requests a minute: a bucket that fills steadily, kept as the moment when it is full."""

from __future__ import annotations

import math

from sqlalchemy import case, select

from unclip.store.database import Database
from unclip.store.records import Allowance, Clock
from unclip.store.schema import limits

MINUTE = 60.0


class Limits:
    """Counts requests of all processes together."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, name: str, per_minute: int) -> Allowance:
        """Count one request, if there is one left.

        Args:
            name: whose it is.
            per_minute: how many there are at once, and how many come back in a minute.
        """
        now, each = self._clock(), MINUTE / per_minute
        insert = self._database.insert(limits).values(name=name, full_at=now + each)
        later = case((limits.c.full_at > now, limits.c.full_at), else_=now) + each
        room = later <= now + MINUTE + each / 1000  # sums of floats are not exact
        taking = insert.on_conflict_do_update(
            index_elements=[limits.c.name], set_={"full_at": later}, where=room
        ).returning(limits.c.full_at)
        with self._database.write() as connection:
            full_at = connection.scalar(taking)
            if full_at is not None:
                used = full_at - now
                remaining = max(0, math.floor((MINUTE - used) / each + 1e-3))
                return Allowance(per_minute, remaining, used, True)
            full_at = connection.scalar(select(limits.c.full_at).where(limits.c.name == name))
        assert full_at is not None
        return Allowance(per_minute, 0, max(0.0, full_at + each - MINUTE - now), False)
