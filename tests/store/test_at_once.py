"""Threads and processes at the same store at once, and processes that are killed."""

import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from threading import Barrier

import pytest
from sqlalchemy import text
from store_helpers import add, draw

from unclip.store import LeaseLost, QueueFull, QuotaExceeded, State, Store

THREADS = 50
ROUNDS = 10


def at_once(*calls):
    """The result of each call, all begun at the same moment; None of one that was refused."""
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait()
        try:
            return call()
        except (LeaseLost, QueueFull, QuotaExceeded):
            return None

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_the_last_pictures_of_the_day_are_given_once(store):
    key = store.keys.create("mine").key
    got = at_once(*[lambda: add(store, key, n=2, daily_pictures=7)] * THREADS)
    assert len([job for job in got if job]) == 3
    assert store.jobs.counts() == {State.QUEUED: 3}


def test_the_last_places_in_the_queue_are_given_once(store):
    got = at_once(*[lambda: add(store, queue_limit=4)] * THREADS)
    assert len([job for job in got if job]) == 4


def test_the_last_requests_of_the_minute_are_given_once(store):
    got = at_once(*[lambda: store.limits.take("me", 10)] * THREADS)
    assert sorted(taken.remaining for taken in got if taken.allowed) == list(range(10))


def test_of_two_workers_one_gets_a_job(store):
    jobs = {add(store).id for _ in range(20)}
    leased = at_once(*[lambda: store.jobs.lease("w", 30, 3)] * 30)
    assert sorted(one.job.id for one in leased if one) == sorted(jobs)


def test_a_worker_keeps_a_job_or_another_gets_it(store, clock):
    add(store, n=ROUNDS)
    held = store.jobs.lease("w0", 30, 1000)
    for round_ in range(ROUNDS):
        clock.now += 30

        def keep(held=held, round_=round_):
            store.jobs.renew(held, 30)
            return draw(store, held, round_)

        kept, taken = at_once(keep, lambda: store.jobs.lease("w1", 30, 1000))
        if taken is None:
            assert kept
        else:
            with pytest.raises(LeaseLost):
                store.jobs.renew(held, 30)
            held = taken
        store.jobs.renew(held, 30)


def test_a_job_is_cancelled_or_done(store):
    for _ in range(ROUNDS):
        job = add(store)
        leased = store.jobs.lease("w", 30, 3)

        def finish(leased=leased):
            draw(store, leased)
            store.jobs.finish(leased)
            return True

        finished, cancelled = at_once(finish, lambda job=job: store.jobs.cancel(job.id))
        assert bool(finished) != cancelled
        assert store.jobs.find(job.id).state == (State.DONE if finished else State.CANCELLED)


def test_many_open_a_new_store_at_once(empty_urls):
    stores = at_once(*[lambda: Store.open(*empty_urls)] * 4)
    for store in stores:
        with closing(store):
            add(store)
            assert store.jobs.counts() == {State.QUEUED: stores.index(store) + 1}


START = """
import sys, time
from unclip.requests import Generation
from unclip.store import FinishedPicture, Store
from unclip.store.requests import pack

store = Store.open(*sys.argv[1:3])
plain, inputs = pack(Generation("a cat", n=2, seed=7))
picture = FinishedPicture(0, 7, "image/png", 64, 32)

def add():
    return store.jobs.add(plain, inputs, {}, pictures=2, daily_pictures=1000).id
"""
SHARE = """
mine = [add() for _ in range(5)]
while leased := store.jobs.lease(sys.argv[3], 30, 3):
    store.jobs.add_picture(leased, picture, b"picture")
    store.jobs.finish(leased)
    print(leased.job.id, flush=True)
"""
HOLD = """
add()
leased = store.jobs.lease("killed", 30, 3)
store.jobs.add_picture(leased, picture, b"picture")
print(leased.job.id, flush=True)
time.sleep(60)
"""
BUSY = """
while True:
    print(add(), flush=True)
    leased = store.jobs.lease("killed", 30, 3)
    store.jobs.add_picture(leased, picture, bytes(2**20))
    store.jobs.renew(leased, 30)
"""


def started(script, *arguments):
    command = [sys.executable, "-c", START + script, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_share_the_work(empty_urls):
    workers = [started(SHARE, *empty_urls, f"w{number}") for number in range(2)]
    told = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert max(Counter(chain(*told)).values()) == 1
    with Store.open(*empty_urls) as store:
        assert store.jobs.counts() == {State.DONE: 10}
        assert {len(job.pictures) for job in store.jobs.latest()} == {1}


def test_a_worker_that_is_killed_loses_nothing_and_costs_nothing(urls, clock):
    with started(HOLD, *urls) as worker:
        job_id = worker.stdout.readline().strip()
        worker.kill()
    clock.now = time.time()
    with Store.open(*urls, clock) as store:
        assert store.jobs.lease("w", 30, 3) is None
        clock.now += 31
        leased = store.jobs.lease("w", 30, 3)
        assert (leased.job.id, leased.missing, leased.job.attempts) == (job_id, (1,), 2)
        draw(store, leased, 1)
        store.jobs.finish(leased)
        with store._database.read() as connection:
            assert connection.scalar(text("SELECT pictures FROM usage")) == 2
        assert [picture.index for picture in store.jobs.find(job_id).pictures] == [0, 1]


def test_a_process_killed_while_it_writes_leaves_a_sound_store(urls, clock):
    with started(BUSY, *urls) as worker:
        told = [worker.stdout.readline().strip() for _ in range(10)]
        worker.send_signal(signal.SIGKILL)
        told += [line.strip() for line in worker.stdout if line.endswith("\n")]
    clock.now = time.time() + 31
    with Store.open(*urls, clock) as store:
        kept = {job.id: job for job in store.jobs.latest(1000)}
        assert set(told) <= kept.keys()
        assert len(kept) <= len(told) + 1
        for _ in kept:
            leased = store.jobs.lease("w", 30, 3)
            for picture in leased.job.pictures:
                assert len(store.blobs.get(picture.blob)) == 2**20
            for index in leased.missing:
                draw(store, leased, index)
            store.jobs.finish(leased)
        assert store.jobs.counts() == {State.DONE: len(kept)}
        if urls[0].startswith("sqlite"):
            with store._database.read() as connection:
                assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
