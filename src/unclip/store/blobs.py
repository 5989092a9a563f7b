"""Files that are too large for rows: pictures, in a folder on disk or in a bucket."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from unclip.errors import InvalidArgument
from unclip.store.records import StoreError

NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")

_PARTIAL = ".partial"


class Blobs:
    """Bytes by names that are made here and say nothing. What is written is never changed.

    Args:
        url: `file:///FOLDER` or `s3://BUCKET/FOLDER`, as fsspec takes them. Keys and endpoint of a
            bucket come from the environment, as AWS's own tools read them.

    Raises:
        InvalidArgument: it is none that can be used.
        StoreError: it cannot be reached.
    """

    def __init__(self, url: str) -> None:
        may_be = "it may be file:///FOLDER or s3://BUCKET/FOLDER"
        if not url.startswith(("file://", "s3://")):
            raise InvalidArgument("blob_url", f"is {url}; {may_be}")
        try:
            self._files, root = fsspec.url_to_fs(url, use_listings_cache=False)
            self._root = str(root).rstrip("/")
            self._is_local = isinstance(self._files, LocalFileSystem)
            if self._is_local:
                self._files.makedirs(self._root, exist_ok=True)
            else:
                self._files.ls(self._root.partition("/")[0])
        except Exception as error:  # every kind of storage has errors of its own
            raise StoreError(f"{url} cannot be opened: {error}") from error

    def put(self, data: bytes, name: str | None = None) -> str:
        """Keep bytes, all of them or none.

        Args:
            name: of one that is restored.

        Returns:
            the name.

        Raises:
            OSError: they cannot be kept, as where the disk is full. Nothing is left of them.
        """
        if name is None:
            token = secrets.token_hex(16)
            name = f"{token[:2]}/{token}"
        path = self._path(name)
        if not self._is_local:  # a bucket shows an object once it has all of it
            self._files.pipe_file(path, data)
            return name
        partial = path + _PARTIAL
        try:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(partial, data)
            self._files.mv(partial, path)
        except BaseException:
            with suppress(OSError):
                self._files.rm_file(partial)
            raise
        return name

    def get(self, name: str) -> bytes:
        """What was kept under a name.

        Raises:
            FileNotFoundError: nothing is, or not any more.
        """
        data: bytes = self._files.cat_file(self._path(name))
        return data

    def remove(self, names: Iterable[str]) -> None:
        """Remove blobs; those that are gone already do not matter."""
        for name in names:
            with suppress(FileNotFoundError):
                self._files.rm_file(self._path(name))

    def written(self) -> Iterator[tuple[str, float]]:
        """The name of every blob, and when it was written; those that were never finished too."""
        for path, info in self._files.find(self._root, detail=True).items():
            name = path[len(self._root) + 1 :]
            if NAME.fullmatch(name.removesuffix(_PARTIAL)):
                time = info["mtime"] if self._is_local else info["LastModified"].timestamp()
                yield name, time

    def _path(self, name: str) -> str:
        assert NAME.fullmatch(name.removesuffix(_PARTIAL)), "no name of a blob"
        return f"{self._root}/{name}"
