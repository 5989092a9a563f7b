"""The tables. `migrations` makes them; a test sees that the two agree."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

jobs = Table(
    "jobs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", String(64), nullable=False),
    Column("owner", String(64), nullable=False),  # id of a key, or "" where there is none
    Column("request_id", Text),
    Column("operation", String(32), nullable=False),
    Column("request", JSON, nullable=False),
    Column("output", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),  # names of blobs
    Column("wanted", Integer, nullable=False),
    Column("wants_previews", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("worker", Text),
    Column("token", String(64)),
    Column("expires", Double),
    Column("created", Double, nullable=False),
    Column("started", Double),
    Column("finished", Double),
    Column("stage", String(64)),
    Column("step", Integer),
    Column("steps", Integer),
    Column("error", JSON(none_as_null=True)),
    Column("charged_day", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),  # bytes of its inputs
    UniqueConstraint("id"),
    Index(None, "state", "owner", "number"),
    Index(None, "owner", "number"),
    sqlite_autoincrement=True,
)

pictures = Table(
    "pictures",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("job", ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("clip_score", Double),
    Column("settings", JSON, nullable=False),
    Column("blob", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    UniqueConstraint("job", "position"),
)

previews = Table(
    "previews",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("job", ForeignKey("jobs.number", ondelete="CASCADE"), nullable=False),
    Column("picture", Integer, nullable=False),
    Column("stage", String(64), nullable=False),
    Column("step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    Index(None, "job", "sequence"),
    sqlite_autoincrement=True,  # a sequence never comes twice, though previews are removed
)

turns = Table(
    "turns",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("served", Integer, nullable=False),  # 1, 2, 3, ... over all owners
)

usage = Table(
    "usage",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),  # since 1970, UTC
    Column("pictures", Integer, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("requests_per_minute", Integer),
    Column("pictures_per_day", Integer),
    Column("created", Double, nullable=False),
    Column("revoked", Double),
)

limits = Table(
    "limits",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("full_at", Double, nullable=False),  # when all requests of a minute are there again
)

workers = Table(
    "workers",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("seen", Double, nullable=False),
    Column("stats", JSON, nullable=False),
)
