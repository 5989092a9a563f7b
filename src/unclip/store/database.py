"""SQLite or Postgres behind one door: a transaction that reads, or one that writes."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    ExceptionContext,
    Table,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from unclip.errors import InvalidArgument
from unclip.store.records import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"

_BUSY_SECONDS = 30
_QUEUE_LOCK = 0x756E636C6970  # "unclip", the advisory lock of Postgres
_CONNECTIONS, _MORE = 8, 56
_FULL = (("SQLITE_FULL", None), (None, "53100"))


class Database:
    """Connections to one database, for any number of threads.

    Args:
        url: `sqlite:///FILE`, or `postgresql://...`.

    Raises:
        InvalidArgument: it is neither.
    """

    def __init__(self, url: str) -> None:
        self.url = parse(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._writing = threading.Lock()  # waits in order, where SQLite would poll
        arguments: dict[str, Any] = {"timeout": _BUSY_SECONDS} if self.is_sqlite else {}
        self._engine = create_engine(
            self.url,
            connect_args=arguments,
            pool_size=_CONNECTIONS,
            max_overflow=_MORE,
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # no prompt is ever in the message of an error
        )
        event.listen(self._engine, "handle_error", _explain)
        if self.is_sqlite:
            _prepare_sqlite(self._engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that writes nothing."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, queue: bool = False) -> Iterator[Connection]:
        """A transaction that is committed at the end, or undone where something is raised.

        An `OSError` with `ENOSPC` is raised where the database's disk is full.

        Args:
            queue: none other with it runs at the same time, in any process. On SQLite that is so
                of every one that writes.
        """
        if not self.is_sqlite:
            with self._engine.begin() as connection:
                if queue:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_QUEUE_LOCK})"))
                yield connection
            return
        with self._writing, self._engine.connect() as plain:
            connection = plain.execution_options(write=True)
            with connection.begin():
                yield connection

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An insert that can say what happens where the row is there already."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def migrate(self) -> None:
        """Make the tables, or bring them up to date.

        Raises:
            StoreError: the database cannot be reached, or is of a later version.
        """
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        try:
            with self.write(queue=True) as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(f"{self} was made by another version of unclip: {error}") from None
        except DBAPIError as error:
            raise StoreError(f"{self} cannot be opened: {error.orig}") from None

    def copy(self, path: Path) -> None:
        """Write the whole of an SQLite database, as it is at one moment, to a new file."""
        with (
            closing(self._engine.raw_connection()) as pooled,
            closing(sqlite3.connect(path)) as target,
        ):
            source = pooled.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(target)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)


def parse(database_url: str) -> URL:
    """The URL of a database, with the driver that is used.

    Raises:
        InvalidArgument: it cannot be used.
    """
    may_be = "it may be sqlite:///FILE or postgresql://USER@HOST/NAME"
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise InvalidArgument("database_url", f"is no URL; {may_be}") from None
    match url.get_backend_name():
        case "sqlite" if url.database and url.database != ":memory:":
            return url.set(drivername="sqlite+pysqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
    raise InvalidArgument("database_url", f"is {url.render_as_string()}; {may_be}")


def _prepare_sqlite(engine: Engine) -> None:
    assert engine.url.database is not None
    Path(engine.url.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, and only there
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # One that read first and wrote later could find that another wrote in between.
        writes = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _explain(context: ExceptionContext) -> None:
    """Make a full disk the error that it is everywhere else, and keep rows out of messages."""
    original = context.original_exception
    codes = getattr(original, "sqlite_errorname", None), getattr(original, "sqlstate", None)
    if codes in _FULL:
        raise OSError(errno.ENOSPC, "The disk of the database is full") from None
    for error in (original, context.sqlalchemy_exception):
        if error is not None and error.args:  # Postgres tells the row below the first line
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])
