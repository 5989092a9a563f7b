"""Whatever happens to workers, no job is lost, nothing is doubled, and one of them is right."""

import pytest
from PIL import Image
from store_helpers import add, draw, files_of

from unclip.requests import Variation
from unclip.store import JobError, JobProgress, LeaseLost, QuotaExceeded, State
from unclip.store.requests import pack

FAILED = JobError("job_failed", "no")


def test_a_worker_gets_what_was_asked(store, clock):
    request = Variation(Image.new("RGB", (8, 8), "red"), n=2, seed=7)
    plain, inputs = pack(request)
    job = store.jobs.add(plain, inputs, {"format": "webp"}, pictures=2)
    clock.now += 4
    leased = store.jobs.lease("w", 30, 3)
    assert store.jobs.request(leased) == request
    assert (leased.job.id, leased.worker, leased.missing) == (job.id, "w", (0, 1))
    assert (leased.job.state, leased.job.started, leased.job.attempts) == ("running", clock.now, 1)
    assert leased.token not in repr(leased)
    assert store.jobs.lease("other", 30, 3) is None


def test_owners_take_turns(store):
    a, b, c = (store.keys.create(name).key for name in "abc")
    order = [add(store, key) for key in (a, a, a, a, b, b)]
    served = [store.jobs.lease("w", 30, 3).job for _ in range(3)]
    assert [job.id for job in served] == [order[i].id for i in (0, 4, 1)]
    late = add(store, c)
    served = [store.jobs.lease("w", 30, 3).job for _ in range(4)]
    assert [job.id for job in served] == [late.id, *(order[i].id for i in (5, 2, 3))]


def test_a_lease_that_is_renewed_lasts(store, clock):
    add(store)
    leased = store.jobs.lease("w", 30, 3)
    for _ in range(5):
        clock.now += 29
        assert store.jobs.lease("other", 30, 3) is None
        store.jobs.renew(leased, 30)
    store.jobs.finish(leased)


def test_a_lease_that_ran_out_is_taken_again_and_keeps_its_pictures(store, clock):
    job = add(store, n=3)
    first = store.jobs.lease("w", 30, 3)
    kept = draw(store, first, 1)
    store.jobs.report(first, JobProgress("decoder", 5, 20))
    clock.now += 30
    second = store.jobs.lease("w", 30, 3)  # of the same name, as one that was started again
    assert second.job.id == job.id
    assert (second.job.pictures, second.missing) == ((kept,), (0, 2))
    assert (second.job.attempts, second.job.progress) == (2, None)
    assert second.job.started == first.job.started
    draw(store, second, 0)
    draw(store, second, 2)
    store.jobs.finish(second)
    done = store.jobs.find(job.id)
    assert (done.state, [picture.index for picture in done.pictures]) == (State.DONE, [0, 1, 2])


def writes(store, leased):
    """Everything that a worker writes with a lease."""
    return [
        lambda: store.jobs.renew(leased, 30),
        lambda: store.jobs.report(leased, JobProgress("prior", 1, 2), {0: b"preview"}),
        lambda: draw(store, leased, 1),
        lambda: store.jobs.release(leased),
        lambda: store.jobs.fail(leased, FAILED),
        lambda: store.jobs.finish(leased),
    ]


@pytest.mark.parametrize("how", ["another", "cancelled", "done", "released"])
def test_whoever_lost_a_job_writes_nothing_more(store, clock, how):
    job = add(store, n=2)
    leased = store.jobs.lease("w", 30, 3)
    draw(store, leased, 0)
    match how:
        case "another":
            clock.now += 31
            store.jobs.lease("w", 30, 3)
        case "cancelled":
            store.jobs.cancel(job.id)
        case "done":
            store.jobs.finish(leased)
        case "released":
            store.jobs.release(leased)
    before, files = store.jobs.find(job.id), files_of(store)
    for write in writes(store, leased):
        with pytest.raises(LeaseLost) as error:
            write()
        assert error.value.cancelled == (how == "cancelled")
    assert store.jobs.find(job.id) == before
    assert store.jobs.watch([job.id], {})[job.id].previews == ()
    assert files_of(store) == files


def test_a_picture_is_never_doubled(store):
    job = add(store)
    leased = store.jobs.lease("w", 30, 3)
    first = draw(store, leased, blob=b"first")
    assert draw(store, leased, blob=b"second") == first
    assert store.jobs.find(job.id).pictures == (first,)
    assert files_of(store) == [first.blob]
    assert store.blobs.get(first.blob) == b"first"


def test_a_job_that_kills_its_workers_is_parked(store, clock):
    key = store.keys.create("mine").key
    job = add(store, key, n=2, daily_pictures=2)
    for attempt in range(3):
        leased = store.jobs.lease("w", 30, 3)
        assert leased.job.attempts == attempt + 1
        clock.now += 31
    healthy = add(store)
    assert store.jobs.lease("w", 30, 3).job.id == healthy.id
    parked = store.jobs.find(job.id)
    assert (parked.state, parked.error.code) == (State.PARKED, "job_parked")
    assert "3 attempts" in parked.error.message
    assert parked.finished == clock.now
    with pytest.raises(LeaseLost):
        store.jobs.finish(leased)
    add(store, key, n=2, daily_pictures=2)  # it cost nothing


def test_a_worker_that_leaves_in_order_puts_its_job_back_in_its_place(store):
    job, later = add(store), add(store)
    for _ in range(5):  # none of which counts as an attempt
        leased = store.jobs.lease("w", 30, 2)
        assert leased.job.id == job.id
        store.jobs.report(leased, JobProgress("decoder", 5, 20))
        store.jobs.release(leased)
    queued = store.jobs.find(job.id)
    assert (queued.state, queued.attempts, queued.worker, queued.progress) == (
        "queued",
        0,
        None,
        None,
    )
    assert [store.jobs.place(one.id) for one in (job, later)] == [0, 1]


def test_a_job_is_charged_once_however_often_it_is_begun(store, clock):
    key = store.keys.create("mine").key
    add(store, key, n=2, daily_pictures=4)
    for _ in range(2):
        leased = store.jobs.lease("w", 30, 3)
        draw(store, leased, 0)
        clock.now += 31
    leased = store.jobs.lease("w", 30, 3)
    draw(store, leased, 1)
    store.jobs.finish(leased)
    with pytest.raises(QuotaExceeded):
        add(store, key, n=3, daily_pictures=4)
    add(store, key, n=2, daily_pictures=4)


def test_a_picture_that_cannot_be_written_is_not_there(store, tmp_path):
    job = add(store)
    leased = store.jobs.lease("w", 30, 3)
    blobs = tmp_path / "blobs"
    blobs.rmdir()
    blobs.touch()  # nothing can be written into a file
    with pytest.raises(OSError, match="blobs"):
        draw(store, leased)
    assert store.jobs.find(job.id).pictures == ()
    blobs.unlink()
    draw(store, leased)
    store.jobs.finish(leased)


def test_nothing_to_do(store):
    assert store.jobs.lease("w", 30, 3) is None
