"""The database: its tables, its address, and what is told where it cannot be opened."""

import errno
import sqlite3
import traceback
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from store_helpers import add, files_of

from unclip.errors import InvalidArgument
from unclip.store import Store, StoreError, schema
from unclip.store.database import Database


def test_the_migrations_make_the_tables_of_the_schema(store):
    with store._database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobs")) == 0
        options = {"compare_type": True, "compare_server_default": True}
        assert (
            compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata)
            == []
        )


def test_a_store_is_there_the_next_time(urls, clock):
    with Store.open(*urls, clock) as store:
        job = add(store)
    with Store.open(*urls, clock) as store:
        assert store.jobs.find(job.id) == job


def test_a_database_of_a_later_version_is_left_alone(empty_urls):
    Store.open(*empty_urls).close()
    with closing(Database(empty_urls[0])) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="another version of unclip"):
        Store.open(*empty_urls)


def test_a_transaction_that_fails_writes_nothing(store):
    def write_twice():
        with store._database.write() as connection:
            for _ in range(2):
                connection.execute(text("INSERT INTO turns (owner, served) VALUES ('a', 1)"))

    with pytest.raises(IntegrityError):
        write_twice()
    with store._database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM turns")) == 0


def test_sqlite_is_set_up_for_many(sqlite_store):
    with sqlite_store._database.read() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        values = [connection.scalar(text(f"PRAGMA {name}")) for name in pragmas]
    assert values == ["wal", 1, 1, 30000]


@pytest.mark.parametrize(
    "url", ["", "unclip.db", "mysql://u:secret@h/n", "sqlite://", "sqlite:///:memory:"]
)
def test_other_databases_are_refused(url, tmp_path):
    with pytest.raises(InvalidArgument, match=r"database_url is .*; it may be sqlite:///") as error:
        Store.open(url, f"file://{tmp_path}")
    assert "secret" not in str(error.value)


def test_what_cannot_be_opened_is_told_without_its_password(tmp_path):
    (tmp_path / "text.sqlite3").write_text("this is no database, however long it may be" * 99)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path}/text.sqlite3", f"file://{tmp_path}/blobs")
    url = f"postgresql://u:secret@/n?host={tmp_path}"
    with pytest.raises(StoreError, match="cannot be opened") as error:
        Store.open(url, f"file://{tmp_path}/blobs")
    assert "secret" not in str(error.value)


def test_no_prompt_is_in_the_message_of_an_error(store):
    prompt = "secret " * 3
    with pytest.raises(IntegrityError, match="operation") as error:
        store.jobs.add({"operation": None, "prompt": prompt}, [], {}, pictures=1)
    assert prompt not in "".join(traceback.format_exception(error.value))


def test_a_file_of_another_program_is_not_touched(tmp_path):
    path = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE jobs (mine TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        Store.open(f"sqlite:///{path}", f"file://{tmp_path}/blobs")
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("jobs",)]


def test_a_full_disk_takes_nothing_and_is_recovered_from(sqlite_store):
    def allow(pages):
        with sqlite_store._database.read() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    kept = add(sqlite_store)
    allow(1)  # as many as there are
    with pytest.raises(OSError, match="is full") as error:
        sqlite_store.jobs.add({"operation": "vary", "x": "y" * 10**6}, [b"z"], {}, pictures=1)
    assert error.value.errno == errno.ENOSPC
    assert files_of(sqlite_store) == []
    assert list(sqlite_store.jobs.latest()) == [kept]
    allow(2**30)
    add(sqlite_store, prompt="x" * 1000)
    assert sqlite_store.jobs.lease("w", 30, 3).job.id == kept.id
