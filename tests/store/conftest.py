"""A store on SQLite and the same on a real Postgres, with a clock that the tests turn."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import delete

from unclip.store import Store, schema
from unclip.store.database import Database

START = 1_800_000_000.0

_NUMBERS = itertools.count()


@dataclass
class Clock:
    """Tells the time that a test has set."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a cluster on a socket of its own; a database's name goes in place of {}.

    The tests share the one called `shared`, as making one takes longer than most of them.
    """
    found = shutil.which("initdb") or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)), None
    )
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian package: postgresql)")
    folder = tempfile.mkdtemp(prefix="unclip-pg-")  # short, as the path of a socket must be
    data = f"{folder}/data"
    user = {}
    if os.geteuid() == 0:  # Postgres does not run as root
        shutil.chown(folder, "nobody")
        user = {"user": "nobody"}

    def run(program: str, *arguments: str) -> None:
        command = [str(Path(found).with_name(program)), "-D", data, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)

    try:
        run("initdb", "-A", "trust", "-U", "unclip", "-E", "UTF8", "--no-sync")
        options = f"-c fsync=off -c listen_addresses='' -c max_connections=200 -k {folder}"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            address = f"postgresql://unclip@/{{}}?host={folder}"
            with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE shared")
            yield address
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Of a database without a row and of a folder of blobs."""
    blobs = f"file://{tmp_path}/blobs"
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/unclip.sqlite3", blobs
        return
    url = request.getfixturevalue("postgres").format("shared")
    yield url, blobs
    with closing(Database(url)) as database, database.write() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(delete(table))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """As `urls`, of a database without tables."""
    blobs = f"file://{tmp_path}/blobs"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/unclip.sqlite3", blobs
    postgres = request.getfixturevalue("postgres")
    name = f"empty{next(_NUMBERS)}"
    with psycopg.connect(postgres.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.format(name), blobs


@pytest.fixture
def store(urls: tuple[str, str], clock: Clock) -> Iterator[Store]:
    with Store.open(*urls, clock) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """For what does not depend on the database."""
    with Store.open(f"sqlite:///{tmp_path}/unclip.sqlite3", f"file://{tmp_path}/blobs", clock) as s:
        yield s
