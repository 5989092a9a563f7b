"""A store in one file: a tar of the SQLite database and of every blob that it names."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from unclip.errors import InvalidArgument
from unclip.store.blobs import NAME, Blobs
from unclip.store.database import Database
from unclip.store.sweeping import known_blobs

DATABASE = "unclip.sqlite3"
FOLDER = "blobs/"


def backup(database: Database, blobs: Blobs, path: Path) -> None:
    """As `Store.backup` says."""
    if not database.is_sqlite:
        raise InvalidArgument("database_url", f"is {database}; pg_dump is what backs it up")
    if not path.parent.is_dir():
        raise InvalidArgument("file", f"is {path}; it may be in a folder that is there")
    if path.exists():
        raise InvalidArgument("file", f"is {path}, which is there already; it may be a new one")
    with _whole(path) as partial, tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder) / DATABASE
        database.copy(copy)
        with closing(Database(f"sqlite:///{copy}")) as copied:
            names = sorted(known_blobs(copied))
        with tarfile.open(partial, "w") as tar:
            tar.add(copy, DATABASE)
            for name in names:
                try:
                    data = blobs.get(name)
                except FileNotFoundError:  # its job was swept a moment ago
                    continue
                member = tarfile.TarInfo(FOLDER + name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def restore(path: Path, database_url: str, blob_url: str) -> None:
    """Make a store from a backup.

    Args:
        path: what `Store.backup` wrote.
        database_url: an SQLite file that is not there yet.
        blob_url: where the blobs go.

    Raises:
        InvalidArgument: it is no backup, or the database is there already.
    """
    with closing(Database(database_url)) as database:
        target = database.url.database
        if not database.is_sqlite or target is None:
            raise InvalidArgument("database_url", f"is {database}; here it may be sqlite:///FILE")
    file = Path(target)
    if file.exists():
        raise InvalidArgument(
            "database_url", f"is {database}, which is there already; it may be a new one"
        )
    blobs = Blobs(blob_url)
    no_backup = InvalidArgument("file", f"is {path}, which is no backup of a store")
    try:
        with _whole(file) as partial, tarfile.open(path, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if member.name == DATABASE and content is not None:
                    with partial.open("wb") as copy:
                        while block := content.read(2**20):
                            copy.write(block)
                elif NAME.fullmatch(member.name.removeprefix(FOLDER)) and content is not None:
                    blobs.put(content.read(), member.name.removeprefix(FOLDER))
                else:
                    raise no_backup
            if not partial.exists():
                raise no_backup
    except (tarfile.TarError, FileNotFoundError, IsADirectoryError):
        raise no_backup from None


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A name to write to; the file is at `path` only once it is whole."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
