"""The process that draws: it loads the model once, leases jobs and hands in pictures.

    python -m unclip.server.worker

Several may run, on one machine or on many, wherever the database and the blobs are reached.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from unclip.errors import Cancelled, InvalidArgument, Refused
from unclip.provenance.keys import SigningError
from unclip.provenance.manifest import Signer
from unclip.server import logs
from unclip.server.drawing import Drawing
from unclip.server.errors import DISK_FULL
from unclip.server.settings import Settings, load_settings
from unclip.store import JobError, Leased, LeaseLost, Store, WorkerStats

if TYPE_CHECKING:
    from unclip.engine import Engine

T = TypeVar("T")

JOBS = 8
"""At once, where the setting leaves it open; the engine lets in as many as memory allows."""
IDLE_SECONDS = 0.05
"""Between two looks at an empty queue."""
TROUBLE_SECONDS = 1.0
"""The same where the store could not be asked."""
BEAT_SECONDS = 1.0
STEP_SECONDS = 10.0
"""So long after the end of a drain a step may still take; then its job's lease is left to end."""

_log = logging.getLogger(f"{logs.LOGGER}.worker")


@dataclass(eq=False)
class _Running:
    """A job in a thread. `stop` is set where it is to be given up within a step."""

    leased: Leased
    stop: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Draws the jobs of a store.

    Args:
        name: no other worker has it.
    """

    def __init__(self, store: Store, engine: Engine, settings: Settings, name: str) -> None:
        self._store = store
        self._engine = engine
        self._settings = settings
        self._name = name
        self._jobs = settings.worker_jobs or JOBS
        self._running: dict[Future[None], _Running] = {}
        self._seconds: dict[str, float] = {}
        self._steps: dict[str, int] = {}
        self._counting = threading.Lock()

    def run(self, stopping: threading.Event) -> None:
        """Draw until `stopping` is set, then finish what can be finished in `drain_seconds`."""
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(ended,), name="beat")
        beating.start()
        try:
            while not stopping.is_set():
                stopping.wait(self._turn())
            self._drain()
        finally:
            ended.set()
            beating.join()
            self._tried("leave", lambda: self._store.forget(self._name))

    def _turn(self) -> float:
        """Begin the next job, if there is one and room for it; the seconds until the next look."""
        self._running = {f: job for f, job in self._running.items() if not f.done()}
        if len(self._running) >= self._jobs:
            wait(self._running, IDLE_SECONDS, return_when="FIRST_COMPLETED")
            return 0.0
        settings = self._settings
        try:
            leased = self._store.jobs.lease(self._name, settings.lease_seconds, settings.attempts)
        except Exception:  # a database that is away, or full, comes back
            _log.exception("the store gives no job")
            return TROUBLE_SECONDS
        if leased is None:
            return IDLE_SECONDS
        running = _Running(leased)
        self._running[in_thread("job", partial(self._draw, running))] = running
        return 0.0

    def _drain(self) -> None:
        _log.info("draining", extra={"fields": {"jobs": len(self._running)}})
        wait(self._running, self._settings.drain_seconds)
        for running in self._running.values():
            running.stop.set()
        wait(self._running, STEP_SECONDS)

    def _draw(self, running: _Running) -> None:
        """A job from its lease to its end, whatever that is."""
        leased = running.leased
        token = logs.request_id.set(leased.job.request_id)
        begun = time.perf_counter()
        try:
            outcome = self._outcome(running)
        except Exception:  # its lease ends, and it is begun again
            _log.exception("a job was left", extra={"fields": {"job": leased.job.id}})
            outcome = "left"
        fields = {
            "job": leased.job.id,
            "key": leased.job.key,
            "operation": leased.job.operation,
            "outcome": outcome,
            "seconds": round(time.perf_counter() - begun, 2),
        }
        _log.info("job", extra={"fields": fields})
        logs.request_id.reset(token)

    def _outcome(self, running: _Running) -> str:
        leased, jobs = running.leased, self._store.jobs
        try:
            Drawing(self._store, self._engine, leased, self._count).run(running.stop.is_set)
            jobs.finish(leased)
            return "done"
        except LeaseLost as lost:
            return "cancelled" if lost.cancelled else "lost"
        except Cancelled:
            return self._given_up(leased)
        except Exception as error:
            known = as_job_error(error)
            if known is None:
                _log.exception("a job failed", extra={"fields": {"job": leased.job.id}})
                known = JobError("job_failed", f"The server could not make job {leased.job.id}.")
        return self._tried_to(lambda: jobs.fail(leased, known), "failed")

    def _given_up(self, leased: Leased) -> str:
        """Back in the queue if it is still ours, as it is at the end of a drain."""
        return self._tried_to(lambda: self._store.jobs.release(leased), "released")

    def _tried_to(self, write: Callable[[], Any], outcome: str) -> str:
        try:
            write()
        except LeaseLost as lost:
            return "cancelled" if lost.cancelled else "lost"
        return outcome

    def _count(self, stage: str, seconds: float) -> None:
        with self._counting:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds
            self._steps[stage] = self._steps.get(stage, 0) + 1

    def _beat(self, ended: threading.Event) -> None:
        """Keep the leases, and say that this worker lives."""
        every = min(BEAT_SECONDS, self._settings.lease_seconds / 4)
        while True:
            self._tried("beat", lambda: self._store.beat(self._stats()))
            for running in list(self._running.values()):
                self._tried("renew", partial(self._renew, running))
            if ended.wait(every):
                return

    def _renew(self, running: _Running) -> None:
        try:
            self._store.jobs.renew(running.leased, self._settings.lease_seconds)
        except LeaseLost:
            running.stop.set()

    def _tried(self, what: str, write: Callable[[], Any]) -> None:
        try:
            write()
        except Exception:  # tried again at the next beat
            _log.exception("the store took no word", extra={"fields": {"word": what}})

    def _stats(self) -> WorkerStats:
        with self._counting:
            seconds, steps = dict(self._seconds), dict(self._steps)
        sizes = self._engine.batch_sizes
        return WorkerStats(self._name, seconds, steps, sizes, memory_bytes=resident_bytes())


def in_thread(name: str, work: Callable[[], T]) -> Future[T]:
    """Begin work in a thread of its own, which ends with it.

    Each thread that computes keeps helpers, and OpenMP counts those of all threads that live: where
    they are more than the cores they fall asleep between any two operations, which takes twice the
    time. So nothing computes in the main thread, and no thread outlives its job.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def as_job_error(error: Exception) -> JobError | None:
    """What a failure is to the owner of the job; None where it is our fault."""
    match error:
        case Refused():
            return JobError("content_policy_violation", error.message)
        case SigningError():
            return JobError("signing_failed", f"The picture is kept back: {error}.")
        case InvalidArgument():
            name = error.argument
            return JobError("invalid_value", f"Invalid '{name}': {error}.", name)
        case OSError() if error.errno in DISK_FULL:
            return JobError("storage_full", "The server's disk is full.")
        case FileNotFoundError():
            return JobError("inputs_lost", "The pictures of the request are no longer there.")
        case MemoryError():
            return JobError("out_of_memory", "The server has too little memory for this request.")
        case RuntimeError() if "out of memory" in str(error):
            return JobError("out_of_memory", "The device has too little memory for this request.")
    return None


def resident_bytes() -> int:
    """What this process holds in memory; 0 where that cannot be told."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def main(settings: Settings) -> None:
    """Work until SIGTERM, SIGINT, or the end of the process that started this one."""
    logs.configure(settings.log_level)
    stopping = stop_event()
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    with Store.open(settings.database, settings.blobs) as store:
        from unclip.engine import load

        # Without a valid key nothing leaves; a job fails then, and a renewed one is taken up.
        signer = Signer(settings.credential, refuse=False)
        judges = settings.judges_pictures
        given = (settings.model, settings.device, settings.policy, signer, judges)
        engine = in_thread("load", lambda: load(*given)).result()
        fields = {"worker": name, "device": str(engine.device), "judges_pictures": judges}
        _log.info("the worker is ready", extra={"fields": fields})
        Worker(store, engine, settings, name).run(stopping)
    logging.shutdown()
    # A step that outlasted the drain is in a thread that nothing else would end.
    os._exit(0)


def stop_event() -> threading.Event:
    """Set by the first SIGTERM or SIGINT; the second one ends the process at once."""
    stopping = threading.Event()

    def stop(number: int, frame: Any) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def orphaned() -> None:
            parent.join()
            stopping.set()

        threading.Thread(target=orphaned, name="orphaned", daemon=True).start()
    return stopping


if __name__ == "__main__":
    main(load_settings())
