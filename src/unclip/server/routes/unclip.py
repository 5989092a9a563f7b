"""Our own door: every kind of request as a job."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query
from fastapi import Request as HttpRequest
from starlette.responses import Response

from unclip.server.auth import Charged, Known
from unclip.server.errors import from_job, not_found
from unclip.server.openapi import PICTURES, body_of
from unclip.server.operations import JobBody, JobList, JobPicture, JobView
from unclip.server.operations import JobProgress as Progress
from unclip.server.protocol import ErrorObject
from unclip.server.service import Service, service_of
from unclip.server.streaming import EventStream, job_events
from unclip.server.uploads import read_form
from unclip.store import Job, State, StoredPicture

router = APIRouter(prefix="/v1/unclip/jobs", tags=["jobs"])

MAX_LISTED = 100


@router.post(
    "",
    status_code=202,
    openapi_extra=body_of(JobBody, "multipart/form-data", "application/json"),
)
async def create_job(http: HttpRequest, caller: Charged) -> JobView:
    """Put a request of any kind in the queue."""
    service = service_of(http)
    body = (await read_form(http, JobBody)).root
    job = await service.submit(http, caller, body, body.request, body.previews or 0)
    return await _now(http, service, job)


@router.get("")
async def list_jobs(
    http: HttpRequest,
    caller: Known,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20,
    before: Annotated[str | None, Query(max_length=64)] = None,
) -> JobList:
    """The caller's jobs, the newest first; `before` is the id of the last one that was seen."""
    service = service_of(http)
    jobs = await to_thread.run_sync(service.store.jobs.list, caller.key, limit + 1, before)
    views = [await _now(http, service, job) for job in jobs[:limit]]
    return JobList(data=views, has_more=len(jobs) > limit)


@router.get("/{job_id}")
async def get_job(job_id: str, http: HttpRequest, caller: Known) -> JobView:
    """A job as it is now."""
    service = service_of(http)
    return await _now(http, service, await service.job(job_id, caller))


@router.post("/{job_id}/cancel")
async def cancel_job(job_id: str, http: HttpRequest, caller: Known) -> JobView:
    """Stop a job. One that has ended stays as it is."""
    service = service_of(http)
    await service.job(job_id, caller)
    await service.cancel(job_id)
    return await _now(http, service, await service.job(job_id, caller))


@router.get("/{job_id}/events", status_code=200, response_class=EventStream)
async def get_events(
    job_id: str,
    http: HttpRequest,
    caller: Known,
    last_event_id: Annotated[str | None, Header(max_length=64)] = None,
) -> Any:
    """Its place in the queue, its progress with previews, its pictures and its end."""
    service = service_of(http)
    job = await service.job(job_id, caller)
    return EventStream(
        job_events(service, caller, job, last_event_id, lambda now: _view(http, service, now))
    )


@router.get("/{job_id}/pictures/{index}", response_class=Response, responses=PICTURES)
async def get_picture(job_id: str, index: int, http: HttpRequest, caller: Known) -> Response:
    """A finished picture."""
    service = service_of(http)
    picture = _picture(await service.job(job_id, caller), index)
    return Response(await service.read(picture), media_type=picture.media_type)


@router.get("/{job_id}/pictures/{index}/recipe")
async def get_recipe(job_id: str, index: int, http: HttpRequest, caller: Known) -> dict[str, Any]:
    """Everything that made a picture."""
    return dict(_picture(await service_of(http).job(job_id, caller), index).settings)


def _picture(job: Job, index: int) -> StoredPicture:
    for picture in job.pictures:
        if picture.index == index:
            return picture
    raise not_found("picture")


async def _now(http: HttpRequest, service: Service, job: Job) -> JobView:
    place = None
    if job.state is State.QUEUED:
        place = await to_thread.run_sync(service.store.jobs.place, job.id)
    return _view(http, service, job, place)


def _view(http: HttpRequest, service: Service, job: Job, place: int | None = None) -> JobView:
    error = None if job.error is None else ErrorObject(**from_job(job.error).body["error"])
    return JobView(
        id=job.id,
        operation=job.operation,
        state=job.state.value,
        place=place,
        created=job.created,
        started=job.started,
        finished=job.finished,
        progress=None if job.progress is None else Progress(**asdict(job.progress)),
        error=error,
        pictures=[
            JobPicture(
                id=picture.id,
                index=picture.index,
                seed=picture.seed,
                url=service.url(http, picture),
                recipe=f"{router.prefix}/{job.id}/pictures/{picture.index}/recipe",
                media_type=picture.media_type,
                width=picture.width,
                height=picture.height,
                clip_score=picture.clip_score,
            )
            for picture in job.pictures
        ],
    )
