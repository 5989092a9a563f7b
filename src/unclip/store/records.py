"""What the store gives and takes: plain frozen values. Times are seconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from unclip.errors import UnclipError

Clock = Callable[[], float]
"""Tells the time, as `time.time` does."""


class State(StrEnum):
    """Where a job is. It ends as one of the last four and stays that.

    PARKED is a job that was begun as often as is allowed and never ended, as one that kills its
    worker.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PARKED = "parked"


ENDED = (State.DONE, State.FAILED, State.CANCELLED, State.PARKED)


@dataclass(frozen=True)
class JobError:
    """Why a job failed.

    Args:
        code, param: what is wrong, for a program, and which parameter it is about.
        message: for its owner.
    """

    code: str
    message: str
    param: str | None = None


@dataclass(frozen=True)
class JobProgress:
    """The last step that was done."""

    stage: str
    step: int
    steps: int


@dataclass(frozen=True)
class FinishedPicture:
    """A picture as a worker hands it in.

    Args:
        index: its place in the request.
        settings: its recipe, as plain values.
    """

    index: int
    seed: int
    media_type: str
    width: int
    height: int
    clip_score: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class StoredPicture(FinishedPicture):
    """A picture in the store.

    Args:
        blob: the name of its file, for `Blobs.get`.
        size: of the file, in bytes.
    """

    id: str
    blob: str
    size: int


@dataclass(frozen=True)
class Preview:
    """A picture as it was in mid-drawing.

    Args:
        sequence: grows from each preview to the next, over all jobs.
        picture: its index in the request.
        blob: PNG.
    """

    sequence: int
    picture: int
    stage: str
    step: int
    steps: int
    blob: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as it is at one moment.

    Args:
        key: id of the key that it is of; None where the server was open.
        request: as `pack` gave it.
        output: how the pictures are written, `format` and `compression`.
        wanted: how many pictures it is to give.
        wants_previews: of each picture, to be kept while it is drawn.
        attempts: how often a worker has begun it.
        pictures: those that are finished, in order.
    """

    id: str
    key: str | None
    request_id: str | None
    operation: str
    request: Mapping[str, Any] = field(repr=False)
    output: Mapping[str, Any]
    wanted: int
    wants_previews: int
    state: State
    attempts: int
    worker: str | None
    created: float
    started: float | None
    finished: float | None
    progress: JobProgress | None
    error: JobError | None
    pictures: tuple[StoredPicture, ...]


@dataclass(frozen=True)
class Seen:
    """What whoever waits for a job is told.

    Args:
        place: how many are before it in the queue; None once it has begun.
        pictures: how many are finished.
        previews: those that are new.
    """

    state: State
    place: int | None
    progress: JobProgress | None
    pictures: int
    previews: tuple[Preview, ...]


@dataclass(frozen=True)
class Leased:
    """A job that is a worker's for a while.

    Args:
        job: as it was when it was taken. Its pictures are those of earlier attempts.
        token: what this lease, and no other, is known by.
        inputs: names of the blobs of the request's pictures.
    """

    job: Job
    worker: str
    token: str = field(repr=False)
    inputs: tuple[str, ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """The indices of the pictures that are still to be made."""
        made = {picture.index for picture in self.job.pictures}
        return tuple(index for index in range(self.job.wanted) if index not in made)


@dataclass(frozen=True, kw_only=True)
class Key:
    """Somebody who may ask.

    Args:
        name: what the operator calls it.
        requests_per_minute, pictures_per_day: None is what the server allows everyone.
        revoked: since when it is good for nothing; None while it is.
    """

    id: str
    name: str
    requests_per_minute: int | None
    pictures_per_day: int | None
    created: float
    revoked: float | None


@dataclass(frozen=True)
class NewKey:
    """A key that was just made, and its secret, which nobody can tell afterwards."""

    key: Key
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Allowance:
    """What is left of the requests of a minute.

    Args:
        reset_seconds: until all are there again; where none is allowed, until the next one is.
    """

    limit: int
    remaining: int
    reset_seconds: float
    allowed: bool


@dataclass(frozen=True)
class WorkerStats:
    """What a worker says of itself, counted since it started.

    Args:
        worker: its name.
        stage_seconds, stage_steps: by stage.
        batch_sizes: how many steps had each number of rows.
        memory_bytes: what its process and device hold now.
    """

    worker: str
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    stage_steps: Mapping[str, int] = field(default_factory=dict)
    batch_sizes: Mapping[int, int] = field(default_factory=dict)
    memory_bytes: int = 0


@dataclass(frozen=True)
class Swept:
    """How much a sweep removed."""

    jobs: int
    blobs: int
    workers: int


class StoreError(UnclipError):
    """The database or the blobs cannot be opened; the message says why."""


class QueueFull(UnclipError):
    """So many jobs wait that no other is taken."""

    def __init__(self, depth: int) -> None:
        super().__init__(f"{depth} jobs wait")
        self.depth = depth


class QuotaExceeded(UnclipError):
    """A key has had its pictures of the day.

    Args:
        retry_after: seconds until the next day begins, in UTC.
    """

    def __init__(self, limit: int, retry_after: float) -> None:
        super().__init__(f"the quota is {limit} pictures a day")
        self.limit = limit
        self.retry_after = retry_after


class LeaseLost(UnclipError):
    """A job is no longer this worker's: nothing more may be written to it.

    Args:
        cancelled: somebody stopped the job; otherwise another worker has it, or it is gone.
    """

    def __init__(self, cancelled: bool) -> None:
        super().__init__("the job was cancelled" if cancelled else "the lease has run out")
        self.cancelled = cancelled
