"""The commands that look after a server's jobs and what it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import Json, say
from unclip.cli.serve import settings_of
from unclip.errors import InvalidArgument

if TYPE_CHECKING:
    from unclip.store import Job, Store

Data = Annotated[Path | None, typer.Option(help="The server's data folder.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="From `unclip admin jobs`.")]

admin = typer.Typer(help="A server's jobs, and what it keeps.")


@admin.command()
def jobs(
    state: Annotated[
        str | None,
        typer.Option(help="Only queued, running, done, failed, cancelled or parked ones."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the latest jobs of everybody, without their prompts."""
    with opened(data) as store:
        from unclip.store import State

        if state is not None and state not in list(State):
            raise InvalidArgument("state", f"is {state}; it may be {', '.join(State)}")
        wanted = None if state is None else State(state)
        listed = store.jobs.latest(limit, state=wanted)
    if as_json:
        print(json.dumps([_plain(job) for job in listed], ensure_ascii=False))
        return
    for job in listed:
        made = f"{len(job.pictures)}/{job.wanted}"
        error = "" if job.error is None else f"  {job.error.code}"
        print(f"{job.id}  {when(job.created)}  {job.state:9}  {made:>5}  {job.operation}{error}")


@admin.command()
def job(job_id: JobId, data: Data = None) -> None:
    """Print all that is known of a job as JSON, its prompt too."""
    with opened(data) as store:
        found = _found(store, job_id)
    print(json.dumps({**_plain(found), "request": found.request}, ensure_ascii=False, indent=1))


@admin.command()
def cancel(job_id: JobId, data: Data = None) -> None:
    """Stop a job, whoever's it is."""
    with opened(data) as store:
        _found(store, job_id)
        stopped = store.jobs.cancel(job_id)
    say(f"job {job_id} {'is cancelled' if stopped else 'had ended'}")


@admin.command()
def sweep(data: Data = None) -> None:
    """Remove what is older or more than the server keeps, now instead of in its own time."""
    with opened(data) as store:
        settings = settings_of(data=data)
        swept = store.sweep(settings.keep_days, settings.keep_bytes)
    say(f"removed {swept.jobs} jobs, {swept.blobs} files, {swept.workers} workers")


@admin.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new .tar file.")], data: Data = None
) -> None:
    """Write the database and every picture into one file, while the server runs."""
    with opened(data) as store:
        store.backup(file)
    say(f"wrote {file}")


@admin.command()
def restore(
    file: Annotated[Path, typer.Argument(help="From `unclip admin backup`.")], data: Data = None
) -> None:
    """Bring a backup back into an empty data folder."""
    settings = settings_of(data=data)
    from unclip.store.backup import restore as bring_back

    settings.data.mkdir(parents=True, exist_ok=True)
    bring_back(file, settings.database, settings.blobs)
    say(f"restored {file}")


def opened(data: Path | None) -> Store:
    """The store that a server with the same settings has; to be closed."""
    settings = settings_of(data=data)
    from unclip.store import Store

    return Store.open(settings.database, settings.blobs)


def when(moment: float) -> str:
    """A time as people read it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _found(store: Store, job_id: str) -> Job:
    found = store.jobs.find(job_id)
    if found is None:
        raise InvalidArgument("ID", f"is {job_id}, which is no job here; see unclip admin jobs")
    return found


def _plain(job: Job) -> dict[str, Any]:
    from dataclasses import asdict

    plain = asdict(job)
    del plain["request"]
    for picture in plain["pictures"]:
        del picture["settings"]
    return plain
