"""Keys: a secret that is shown once, and a hash of it that is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence

from sqlalchemy import Row, insert, select, update

from unclip.errors import InvalidArgument
from unclip.store.database import Database
from unclip.store.records import Clock, Key, NewKey
from unclip.store.schema import keys

PREFIX = "sk-unclip-"
MAX_NAME = 100

_SECRET = re.compile(rf"{PREFIX}([0-9a-f]{{12}})[\w-]{{43}}", re.ASCII)
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()


class Keys:
    """Who may ask."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        name: str,
        requests_per_minute: int | None = None,
        pictures_per_day: int | None = None,
    ) -> NewKey:
        """Make a key.

        Raises:
            InvalidArgument: the name is empty or long, or a limit is below 1.
        """
        if not name.strip() or len(name) > MAX_NAME:
            raise InvalidArgument("name", f"is {name!r:.40}; it may be 1 to {MAX_NAME} characters")
        limits = {"requests_per_minute": requests_per_minute, "pictures_per_day": pictures_per_day}
        for argument, limit in limits.items():
            if limit is not None and not 1 <= limit < 2**31:
                raise InvalidArgument(argument, f"is {limit}; it may be 1 or more")
        part = secrets.token_hex(6)
        secret = f"{PREFIX}{part}{secrets.token_urlsafe(32)}"
        now = self._clock()
        key = Key(id=f"key-{part}", name=name, created=now, revoked=None, **limits)
        with self._database.write() as connection:
            connection.execute(insert(keys).values(digest=_digest(secret), **vars(key)))
        return NewKey(key, secret)

    def verify(self, secret: str) -> Key | None:
        """Whose secret it is; None where it is nobody's, or a revoked key's."""
        found = _SECRET.fullmatch(secret)
        row = None
        if found is not None:
            with self._database.read() as connection:
                wanted = select(keys).where(keys.c.id == f"key-{found[1]}")
                row = connection.execute(wanted).first()
        kept = _NOBODY if row is None else row.digest
        same = hmac.compare_digest(kept, _digest(secret))
        return _key(row) if same and row is not None and row.revoked is None else None

    def revoke(self, key_id: str) -> bool:
        """Make a key good for nothing, from now on. False where there is none, or none that is."""
        held = (keys.c.id == key_id) & keys.c.revoked.is_(None)
        with self._database.write() as connection:
            done = connection.execute(update(keys).where(held).values(revoked=self._clock()))
            return done.rowcount > 0

    def list(self) -> Sequence[Key]:
        """Every key, the oldest first, revoked ones too."""
        with self._database.read() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created, keys.c.id))
            return [_key(row) for row in rows]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Row[*tuple[object, ...]]) -> Key:
    values = dict(row._mapping)
    del values["digest"]
    return Key(**values)
