"""Jobs are put in, found by their owners, seen by whoever waits, and cancelled."""

import pytest
from store_helpers import add, draw

from unclip.store import ENDED, JobError, JobProgress, QueueFull, QuotaExceeded, Seen, State

DAY = 86400


def test_a_job_is_kept_as_it_was_given(store, clock):
    key = store.keys.create("laptop").key
    prompt = "\u0643\u0644\u0628 \u200b\U0001f98a e\u0301 caf\u00e9 \u202e'; DROP TABLE jobs; --"
    job = add(store, key, n=2, prompt=prompt, request_id="req-1", wants_previews=3)
    assert job.request["prompt"] == prompt
    assert (job.state, job.key, job.operation) == (State.QUEUED, key.id, "generate")
    assert (job.wanted, job.wants_previews, job.output) == (2, 3, {"format": "png"})
    assert (job.created, job.started, job.finished) == (clock.now, None, None)
    assert job.request_id == "req-1"
    assert store.jobs.get(job.id, key) == store.jobs.find(job.id) == job
    assert prompt not in repr(job)


def test_nobody_finds_the_jobs_of_another(store):
    mine, theirs = (store.keys.create(name).key for name in ("mine", "theirs"))
    job, free = add(store, mine), add(store)
    assert store.jobs.get(job.id, theirs) is None
    assert store.jobs.get(job.id, None) is None
    assert store.jobs.get(free.id, mine) is None
    assert store.jobs.get(free.id, None) == free
    assert store.jobs.get("job-of-nobody", None) is None
    assert list(store.jobs.list(theirs)) == []


def test_jobs_are_listed_from_the_newest(store):
    key = store.keys.create("mine").key
    ids = [add(store, key).id for _ in range(5)]
    other = add(store)
    assert [job.id for job in store.jobs.list(key, 2)] == [ids[4], ids[3]]
    assert [job.id for job in store.jobs.list(key, 2, before=ids[3])] == [ids[2], ids[1]]
    assert list(store.jobs.list(key, 2, before=other.id)) == []
    assert [job.id for job in store.jobs.latest(2)] == [other.id, ids[4]]
    store.jobs.cancel(ids[0])
    assert [job.id for job in store.jobs.latest(state=State.CANCELLED)] == [ids[0]]


def test_a_full_queue_takes_no_more(store):
    for _ in range(2):
        add(store, queue_limit=2)
    with pytest.raises(QueueFull) as error:
        store.jobs.add({"operation": "vary"}, [b"an input"], {}, pictures=1, queue_limit=2)
    assert error.value.depth == 2
    assert list(store.blobs.written()) == []
    store.jobs.lease("w", 30, 3)
    add(store, queue_limit=2)


def test_a_place_in_the_queue_is_when_it_will_be_served(store):
    many, few = (store.keys.create(name).key for name in ("many", "few"))
    jobs = [add(store, many) for _ in range(3)] + [add(store, few), add(store)]
    places = [store.jobs.place(job.id) for job in jobs]
    seen = store.jobs.watch([job.id for job in jobs], {})
    assert [seen[job.id].place for job in jobs] == places
    served = [store.jobs.lease("w", 30, 3).job.id for _ in jobs]
    assert sorted(range(5), key=places.__getitem__) == [
        [job.id for job in jobs].index(job_id) for job_id in served
    ]
    assert store.jobs.place(jobs[0].id) is None


def test_pictures_of_the_day_run_out_and_come_again(store, clock):
    key = store.keys.create("mine").key
    add(store, key, n=3, daily_pictures=5)
    with pytest.raises(QuotaExceeded) as error:
        add(store, key, n=3, daily_pictures=5)
    assert error.value.limit == 5
    assert error.value.retry_after == DAY - clock.now % DAY
    assert store.jobs.counts() == {State.QUEUED: 1}
    add(store, key, n=2, daily_pictures=5)
    add(store, store.keys.create("another").key, n=5, daily_pictures=5)
    with pytest.raises(QuotaExceeded):
        add(store, store.keys.create("a third").key, n=6, daily_pictures=5)
    clock.now += error.value.retry_after
    add(store, key, n=5, daily_pictures=5)


def test_what_was_not_made_is_given_back_once(store):
    key = store.keys.create("mine").key
    job = add(store, key, n=5, daily_pictures=5)
    assert store.jobs.cancel(job.id)
    assert not store.jobs.cancel(job.id)
    add(store, key, n=5, daily_pictures=5)
    leased = store.jobs.lease("w", 30, 3)
    draw(store, leased, 0)
    draw(store, leased, 1)
    store.jobs.fail(leased, JobError("job_failed", "no"))
    with pytest.raises(QuotaExceeded):
        add(store, key, n=4, daily_pictures=5)
    add(store, key, n=3, daily_pictures=5)


def test_what_is_given_back_on_another_day_is_that_day_s(store, clock):
    key = store.keys.create("mine").key
    job = add(store, key, n=5, daily_pictures=5)
    clock.now += DAY
    add(store, key, n=1, daily_pictures=5)
    store.jobs.cancel(job.id)
    with pytest.raises(QuotaExceeded):
        add(store, key, n=5, daily_pictures=5)


def test_whoever_waits_sees_a_job_from_place_to_end(store):
    job = add(store, wants_previews=2)

    def look(since=0):
        return store.jobs.watch([job.id], {job.id: since})[job.id]

    assert look() == Seen(State.QUEUED, 0, None, 0, ())
    leased = store.jobs.lease("w", 30, 3)
    assert look() == Seen(State.RUNNING, None, None, 0, ())
    progress = JobProgress("decoder", 3, 20)
    store.jobs.report(leased, progress, {0: b"one"})
    store.jobs.report(leased, progress, {0: b"two"})
    seen = look()
    first, second = seen.previews
    assert (seen.progress, first.blob, second.blob) == (progress, b"one", b"two")
    assert (first.picture, first.stage, first.step, first.steps) == (0, "decoder", 3, 20)
    assert look(first.sequence).previews == (second,)
    draw(store, leased)
    assert look(second.sequence) == Seen(State.RUNNING, None, progress, 1, ())
    store.jobs.finish(leased)
    assert look().state is State.DONE
    assert look().previews == seen.previews
    assert store.jobs.watch([job.id, "gone"], {}).keys() == {job.id}
    assert store.jobs.watch([], {}) == {}


def test_a_job_that_has_ended_stays_as_it_is(store):
    for way in ENDED:
        job = add(store)
        leased = store.jobs.lease("w", 30, 1)
        if way is State.DONE:
            store.jobs.finish(leased)
        elif way is State.FAILED:
            store.jobs.fail(leased, JobError("invalid_value", "seed is odd", "seed"))
            assert store.jobs.find(job.id).error == JobError("invalid_value", "seed is odd", "seed")
        elif way is State.CANCELLED:
            store.jobs.cancel(job.id)
        else:
            continue
        ended = store.jobs.find(job.id)
        assert ended.state is way
        assert ended.finished is not None
        assert not store.jobs.cancel(job.id)
        assert store.jobs.find(job.id) == ended
    assert not store.jobs.cancel("job-of-nobody")


def test_a_picture_is_found_by_its_id(store):
    add(store)
    picture = draw(store, store.jobs.lease("w", 30, 3), blob=b"its bytes")
    assert store.jobs.picture(picture.id) == picture
    assert store.jobs.picture("picture-of-nobody") is None
    assert (picture.seed, picture.width, picture.height, picture.clip_score) == (7, 64, 32, 0.25)
    assert picture.settings == {"prompt": "a cat", "seed": 7}
    assert store.blobs.get(picture.blob) == b"its bytes"


def test_the_queue_is_counted(store, clock):
    assert store.jobs.counts() == {}
    assert store.jobs.oldest_queued_seconds() is None
    add(store)
    clock.now += 5
    add(store)
    assert store.jobs.oldest_queued_seconds() == 5
    store.jobs.lease("w", 30, 3)
    assert store.jobs.oldest_queued_seconds() == 0
    assert store.jobs.counts() == {State.QUEUED: 1, State.RUNNING: 1}
