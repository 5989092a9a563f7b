"""What every route does with the store: take a job in, wait for it, hand its pictures out."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import Request as HttpRequest

from unclip.requests import Request, texts_of
from unclip.safety import Policy
from unclip.server.auth import Caller
from unclip.server.catalogue import Catalogue
from unclip.server.errors import NO_RETRY, ApiError, from_job, not_found, rejected
from unclip.server.logs import LOGGER
from unclip.server.protocol import Making, Sampling
from unclip.server.settings import Settings
from unclip.server.urls import Signer
from unclip.server.waiting import Waiting
from unclip.store import Job, Seen, State, Store, StoredPicture
from unclip.store.requests import pack

_DECODES = 2  # pictures that are decoded at once; the largest takes 256 MB

_log = logging.getLogger(LOGGER)


@dataclass(frozen=True)
class Service:
    """Everything that routes share."""

    settings: Settings
    store: Store
    policy: Policy
    catalogue: Catalogue
    signer: Signer
    waiting: Waiting
    _cancelling: set[asyncio.Task[bool]] = field(default_factory=set)
    _decodes: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_DECODES))

    async def submit(
        self,
        http: HttpRequest,
        caller: Caller,
        body: Sampling,
        make: Callable[[], Request],
        previews: int = 0,
    ) -> Job:
        """Judge a body and put what it asks for in the queue.

        Args:
            make: gives the request; it may decode pictures, so a thread calls it.
            previews: of each picture, to be kept while it is drawn.

        Raises:
            ApiError, InvalidArgument, QueueFull, QuotaExceeded: it is not taken.
        """
        output = body.output
        request = await to_thread.run_sync(make, limiter=self._decodes)
        texts = texts_of(request)
        passed = {text: await self.judge(text) for text in texts}
        plain, inputs = await to_thread.run_sync(pack, with_texts(request, passed))
        if isinstance(body, Making):
            user = body.safety_identifier or body.user
            if user:
                self._note(http, user=hashlib.sha256(user.encode()).hexdigest()[:16])
        if self.settings.log_prompts:
            self._note(http, prompts=texts)
        key = caller.key
        daily = None if key is None else key.pictures_per_day
        job = await to_thread.run_sync(
            partial(
                self.store.jobs.add,
                plain,
                inputs,
                output,
                pictures=len(request.seeds),
                key=key,
                request_id=http.state.request_id,
                queue_limit=self.settings.queue_limit,
                daily_pictures=daily or self.settings.pictures_per_day,
                wants_previews=previews,
            )
        )
        self._note(http, job=job.id)
        return job

    async def judge(self, text: str) -> str:
        """What may be drawn for a text: itself, or what the policy would rather have it be.

        Over HTTP nobody can be asked, so where the policy asks, its own words are taken.

        Raises:
            ApiError: 400, the policy blocks it.
        """
        decision = await to_thread.run_sync(self.policy.judge_text, text)
        if decision.action == "ask" and decision.revised_prompt is not None:
            return decision.revised_prompt
        if decision.refuses():
            raise rejected(decision.message)
        return text

    async def follow(self, caller: Caller, job: Job) -> AsyncGenerator[Seen | Job]:
        """What is seen of a job, then the job as it ended; cancels it if nobody listens any more.

        Raises:
            ApiError: it failed, or takes too long.
        """
        try:
            async with asyncio.timeout(self.settings.wait_seconds):
                async for seen in self.waiting.follow(job.id):
                    yield seen
            ended = await self.job(job.id, caller)
        except TimeoutError:
            await self.cancel(job.id)
            seconds = self.settings.wait_seconds
            raise ApiError(504, f"The pictures took over {seconds:g} s.", "timeout") from None
        except BaseException:  # also the end of the task that wrote to a client that has left
            await self.cancel(job.id)
            raise
        yield done(ended)

    async def finished(self, http: HttpRequest, caller: Caller, job: Job) -> Job:
        """Wait for a job to end well; a client that leaves meanwhile cancels it.

        Raises:
            ApiError: as `follow` does.
        """
        working = asyncio.create_task(self._last(caller, job))
        leaving = asyncio.create_task(_gone(http))
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise ApiError(499, "The client has left.", "client_left")
        finally:
            working.cancel()
            leaving.cancel()
            await asyncio.gather(working, leaving, return_exceptions=True)

    async def _last(self, caller: Caller, job: Job) -> Job:
        async for seen in self.follow(caller, job):
            if isinstance(seen, Job):
                return seen
        raise AssertionError("unreachable")

    async def cancel(self, job_id: str) -> None:
        """Cancel a job, even while this task is being cancelled itself, and more than once."""
        task = asyncio.create_task(to_thread.run_sync(self.store.jobs.cancel, job_id))
        self._cancelling.add(task)
        task.add_done_callback(self._cancelling.discard)
        await asyncio.shield(task)

    async def close(self) -> None:
        """End what goes on beside the requests."""
        await asyncio.gather(*self._cancelling, return_exceptions=True)
        await self.waiting.close()

    async def job(self, job_id: str, caller: Caller) -> Job:
        """A job of the caller's.

        Raises:
            ApiError: 404, also where it is another's.
        """
        job = await to_thread.run_sync(self.store.jobs.get, job_id, caller.key)
        if job is None:
            raise not_found("job")
        return job

    async def read(self, picture: StoredPicture) -> bytes:
        """A finished picture's file."""
        return await to_thread.run_sync(self.store.blobs.get, picture.blob)

    def url(self, http: HttpRequest, picture: StoredPicture) -> str:
        """Where anybody may fetch a picture for an hour."""
        base = self.settings.public_url or str(http.base_url).rstrip("/")
        return base + self.signer.path(picture.id)

    def _note(self, http: HttpRequest, **fields: Any) -> None:
        """Add to the line that the log has of a request."""
        http.state.log = {**getattr(http.state, "log", {}), **fields}


def service_of(http: HttpRequest) -> Service:
    """The service of the app that a request came to."""
    service: Service = http.app.state.service
    return service


def done(job: Job) -> Job:
    """A job that ended well.

    Raises:
        ApiError: it did not.
    """
    match job.state:
        case State.DONE:
            return job
        case State.CANCELLED:
            raise ApiError(409, "The job was cancelled.", "cancelled", headers=NO_RETRY)
    if job.error is not None:
        raise from_job(job.error)
    raise ApiError(500, "The job could not be finished.", "job_failed", headers=NO_RETRY)


def with_texts(request: Request, passed: Mapping[str, str]) -> Request:
    """A request with sentences replaced."""
    if all(old == new for old, new in passed.items()):
        return request
    given = vars(request)
    changes: dict[str, Any] = {
        name: passed[given[name]] for name in ("prompt", "source") if given.get(name) in passed
    }
    if "items" in given:
        items = given["items"]
        changes["items"] = tuple(passed[i] if isinstance(i, str) else i for i in items)
    return replace(request, **changes)


async def _gone(http: HttpRequest) -> None:
    """Wait until the client has left."""
    while (await http.receive())["type"] != "http.disconnect":
        pass
