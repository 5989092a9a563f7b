"""What the tests of the store do with one."""

from __future__ import annotations

from unclip.requests import Generation
from unclip.store import FinishedPicture, Job, Key, Leased, Store, StoredPicture
from unclip.store.requests import pack


def add(store: Store, key: Key | None = None, n: int = 1, prompt: str = "a cat", **more) -> Job:
    plain, inputs = pack(Generation(prompt, n=n, seed=7))
    return store.jobs.add(plain, inputs, {"format": "png"}, pictures=n, key=key, **more)


def draw(store: Store, leased: Leased, index: int = 0, blob: bytes = b"picture") -> StoredPicture:
    settings = {"prompt": "a cat", "seed": 7 + index}
    picture = FinishedPicture(index, 7 + index, "image/png", 64, 32, 0.25, settings)
    return store.jobs.add_picture(leased, picture, blob)


def files_of(store: Store) -> list[str]:
    """The names of all the blobs there are."""
    return sorted(name for name, _ in store.blobs.written())
