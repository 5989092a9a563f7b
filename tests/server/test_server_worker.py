"""The worker on a store of its own, in this process, with a real engine."""

import io
import threading
from contextlib import contextmanager

import pytest
from PIL import Image
from server_pictures import drawn
from server_process import wait_for

from unclip.errors import InvalidArgument, Refused
from unclip.provenance.keys import SigningError
from unclip.requests import Blend, Generation, Variation
from unclip.server.drawing import Drawing, is_previewed
from unclip.server.settings import Settings
from unclip.server.worker import Worker, as_job_error
from unclip.store import LeaseLost, State, Store
from unclip.store.requests import pack
from unclip.types import Progress

QUICK = {"size": "256x256", "steps": 2, "candidates": 1}
PNG = {"format": "png", "compression": None}


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path}/db.sqlite3", f"file://{tmp_path}/blobs") as opened:
        yield opened


@contextmanager
def working(store, engine, **settings):
    """A worker in a thread, which drains at the end."""
    stopping = threading.Event()
    worker = Worker(store, engine, Settings(**settings), "here")
    thread = threading.Thread(target=worker.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def add(store, request, output=PNG, previews=0):
    plain, inputs = pack(request)
    count = len(request.seeds)
    return store.jobs.add(plain, inputs, output, pictures=count, wants_previews=previews).id


def ended(store, job):
    return wait_for(lambda: (found := store.jobs.find(job)).finished and found)


def test_a_job_is_what_the_engine_alone_makes(store, engine):
    request = Generation("a cat", n=2, seed=5, **QUICK)
    with working(store, engine):
        job = ended(store, add(store, request))
    assert job.state is State.DONE
    for picture, expected in zip(job.pictures, engine.run(request), strict=True):
        data = store.blobs.get(picture.blob)
        with Image.open(io.BytesIO(data)) as image:
            assert image.tobytes() == expected.image.tobytes()
            assert '"seed": ' in image.text["unclip"]
        assert picture.seed == expected.seed
        assert picture.clip_score == expected.clip_score
        assert picture.settings["prompt"] == "a cat"


def test_several_at_once_and_the_worker_says_what_it_does(store, engine):
    requests = [Generation("a cat", seed=i, **QUICK) for i in range(4)]
    requests.append(Variation(drawn(64), seed=9, **QUICK))
    with working(store, engine, worker_jobs=3, lease_seconds=1):
        jobs = [ended(store, add(store, request)) for request in requests]
        wait_for(lambda: store.worker_stats()[0].stage_steps.get("finish") == 5)
        [stats] = store.worker_stats()
        assert store.live_workers() == 1
    assert {job.state for job in jobs} == {State.DONE}
    assert stats.stage_steps["decoder"] >= 10
    assert stats.stage_seconds["decoder"] > 0
    assert stats.memory_bytes > 2**20
    assert store.live_workers() == 0


def test_an_attempt_goes_on_where_the_last_one_ended(store, engine):
    """The pictures that there are stay; the others are the same as if nothing had happened."""
    request = Generation("a cat", n=3, seed=7, **QUICK)
    job = add(store, request)
    leased = store.jobs.lease("first", 60, 3)
    drawing = Drawing(store, engine, leased, lambda stage, seconds: None)
    with pytest.raises(InterruptedError):  # it dies once one picture is there
        drawing.run(lambda: bool(store.jobs.find(job).pictures) and interrupted())
    [kept] = store.jobs.find(job).pictures
    store.jobs.release(leased)
    with working(store, engine):
        done = ended(store, job)
    assert done.pictures[0] == kept
    assert [picture.seed for picture in done.pictures] == [7, 8, 9]
    for picture, expected in zip(done.pictures, engine.run(request), strict=True):
        with Image.open(io.BytesIO(store.blobs.get(picture.blob))) as image:
            pairs = zip(image.tobytes(), expected.image.tobytes(), strict=True)
            assert max(abs(a - b) for a, b in pairs) <= 1


def interrupted():
    raise InterruptedError


def test_the_frames_of_a_blend_too(store, engine):
    request = Blend(("a cat", "a dog"), frames=3, seed=7, size="256x256", steps=1)
    job = add(store, request)
    leased = store.jobs.lease("first", 60, 3)
    drawing = Drawing(store, engine, leased, lambda stage, seconds: None)
    with pytest.raises(InterruptedError):
        drawing.run(lambda: bool(store.jobs.find(job).pictures) and interrupted())
    store.jobs.release(leased)
    with working(store, engine):
        done = ended(store, job)
    assert [picture.index for picture in done.pictures] == [0, 1, 2]


def test_a_job_that_was_cancelled_stops_within_a_step(store, engine):
    with working(store, engine):
        job = add(store, Generation("a cat", seed=1, size="256x256", steps=1000, candidates=1))
        wait_for(lambda: store.jobs.find(job).progress)
        store.jobs.cancel(job)
        after = ended(store, add(store, Generation("a dog", **QUICK)))
    assert store.jobs.find(job).state is State.CANCELLED
    assert after.state is State.DONE


def test_a_worker_that_lost_its_lease_writes_nothing_more(store, engine):
    request = Generation("a cat", seed=1, **QUICK)
    job = add(store, request)
    lost = store.jobs.lease("first", 0, 3)
    with working(store, engine):
        ended(store, job)
    with pytest.raises(LeaseLost):
        Drawing(store, engine, lost, lambda stage, seconds: None).run(lambda: False)
    assert len(store.jobs.find(job).pictures) == 1


def test_a_failure_is_its_own_job_s_alone(store, engine, tmp_path):
    with working(store, engine):
        impossible = add(store, Variation(drawn(64), strength=0.1, size="256x256", steps=1))
        gone = add(store, Variation(drawn(64), **QUICK))
        for blob in (tmp_path / "blobs").rglob("*"):
            if blob.is_file():
                blob.unlink()
        good = add(store, Generation("a cat", **QUICK))
        assert ended(store, good).state is State.DONE
        assert ended(store, impossible).state is State.FAILED
        assert ended(store, gone).state is State.FAILED


@pytest.mark.parametrize(("kind", "magic"), [("jpeg", b"\xff\xd8"), ("webp", b"RIFF")])
def test_formats_and_previews(store, engine, kind, magic):
    request = Generation("a cat", n=2, size="256x256", steps=4, candidates=1)
    job = add(store, request, {"format": kind, "compression": 30}, previews=2)
    with working(store, engine):
        done = ended(store, job)
    assert store.blobs.get(done.pictures[0].blob).startswith(magic)
    assert done.pictures[0].media_type == f"image/{kind}"


@pytest.mark.parametrize(
    ("steps", "wanted", "shown"),
    [(4, 3, [1, 2, 3]), (8, 3, [2, 4, 6]), (8, 1, [4]), (8, 0, []), (1, 3, [1]), (2, 3, [1, 2])],
)
def test_previews_are_spread_over_the_steps(steps, wanted, shown):
    events = [Progress("decoder", i, steps, tuple) for i in range(1, steps + 1)]
    assert [event.step for event in events if is_previewed(event, wanted)] == shown
    assert not is_previewed(Progress("upsampler_256", 1, 1, tuple), 3)
    assert not is_previewed(Progress("decoder", 1, 1), 3)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidArgument("size", "is 1"), "invalid_value"),
        (OSError(28, "No space left on device"), "storage_full"),
        (FileNotFoundError(2, "gone"), "inputs_lost"),
        (Refused("no"), "content_policy_violation"),
        (SigningError("expired"), "signing_failed"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("CUDA error"), None),
        (OSError(5, "Input/output error"), None),
    ],
)
def test_what_a_failure_is_to_the_owner(error, code):
    told = as_job_error(error)
    assert (told and told.code) == code
