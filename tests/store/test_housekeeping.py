"""What is old, too much or nobody's is removed; a backup is a store again."""

import os
import tarfile
import time

import pytest
from sqlalchemy import func, select
from store_helpers import add, draw, files_of

from unclip.errors import InvalidArgument
from unclip.store import JobProgress, State, Store, Swept, WorkerStats, schema
from unclip.store.backup import restore

DAY, HOUR = 86400, 3600


def done(store, size=1000, **more):
    """A job that has ended, with one picture."""
    job = add(store, **more)
    leased = store.jobs.lease("w", 30, 3)
    store.jobs.report(leased, JobProgress("decoder", 1, 2), {0: b"preview"})
    draw(store, leased, blob=b"x" * size)
    store.jobs.finish(leased)
    return store.jobs.find(job.id)


def rows_of(store, table):
    with store._database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def test_old_jobs_go_with_all_that_is_theirs(store, clock):
    old = done(store)
    clock.now += DAY
    young, waiting = done(store), add(store)
    clock.now += 6 * DAY
    assert store.sweep(7, None) == Swept(jobs=1, blobs=0, workers=0)
    assert store.jobs.find(old.id) is None
    assert store.jobs.picture(old.pictures[0].id) is None
    assert {store.jobs.find(job.id).id for job in (waiting, young)} == {waiting.id, young.id}
    assert files_of(store) == [young.pictures[0].blob]
    assert rows_of(store, schema.pictures) == 1
    assert store.sweep(None, None) == Swept(0, 0, 0)


def test_the_oldest_go_when_all_are_too_much(store, clock):
    jobs = []
    for _ in range(4):
        clock.now += 1
        jobs.append(done(store))
    running = store.jobs.add({"operation": "vary"}, [b"y" * 500], {}, pictures=1)
    assert store.sweep(None, 4500).jobs == 0
    assert store.sweep(None, 4499).jobs == 1
    assert store.sweep(None, 1500).jobs == 2
    assert [job.id for job in store.jobs.latest()] == [running.id, jobs[3].id]
    assert store.sweep(None, 1).jobs == 1  # what has not ended is never removed
    assert [job.id for job in store.jobs.latest()] == [running.id]
    assert len(files_of(store)) == 1


def test_previews_go_an_hour_after_the_end(store, clock):
    done(store)
    clock.now += HOUR - 1
    store.sweep(None, None)
    assert rows_of(store, schema.previews) == 1
    clock.now += 1
    store.sweep(None, None)
    assert rows_of(store, schema.previews) == 0
    assert rows_of(store, schema.jobs) == 1


def test_blobs_that_nothing_points_to_go_after_a_while(store, clock, tmp_path):
    clock.now = time.time()
    kept = done(store).pictures[0].blob
    leased_job = store.jobs.add({"operation": "vary"}, [b"an input"], {}, pictures=1)
    orphan, young = store.blobs.put(b"orphan"), store.blobs.put(b"young")
    partial = tmp_path / "blobs" / f"{orphan}.partial"
    partial.write_bytes(b"half")
    before = set(files_of(store)) - {orphan, f"{orphan}.partial"}
    assert {kept, young} < before
    for path in (tmp_path / "blobs").rglob("*"):
        if path.is_file() and path.name != young[3:]:
            os.utime(path, (clock.now - HOUR, clock.now - HOUR))
    assert store.sweep(None, None) == Swept(jobs=0, blobs=2, workers=0)
    assert set(files_of(store)) == before
    assert store.jobs.find(leased_job.id).state is State.QUEUED


def test_workers_are_known_while_they_speak(store, clock):
    assert (store.live_workers(), store.worker_stats()) == (0, [])
    stats = WorkerStats("w1", {"decoder": 2.5}, {"decoder": 20}, {1: 4, 8: 16}, 2**33)
    store.beat(WorkerStats("w1"))
    store.beat(stats)
    clock.now += 10
    store.beat(WorkerStats("w2"))
    assert store.live_workers() == 2
    assert store.worker_stats() == [stats, WorkerStats("w2")]
    clock.now += 5
    assert store.live_workers() == 1
    clock.now += HOUR - 15
    assert store.sweep(None, None).workers == 1
    assert store.worker_stats() == [WorkerStats("w2")]
    store.forget("w2")
    assert store.worker_stats() == []


def test_counts_that_are_over_are_forgotten(store, clock):
    store.limits.take("me", 60)
    add(store, daily_pictures=5)
    store.sweep(None, None)
    assert [rows_of(store, table) for table in (schema.limits, schema.usage)] == [1, 1]
    clock.now += 2 * DAY
    store.sweep(None, None)
    assert [rows_of(store, table) for table in (schema.limits, schema.usage)] == [0, 0]


def test_a_backup_is_the_store_again(sqlite_store, tmp_path, clock):
    ended, queued = done(sqlite_store, prompt="caf\u00e9 \U0001f98a"), add(sqlite_store)
    made = sqlite_store.keys.create("laptop")
    sqlite_store.blobs.put(b"an orphan")
    tar = tmp_path / "backups" / "all.tar"
    tar.parent.mkdir()
    sqlite_store.backup(tar)
    assert [path.name for path in tar.parent.iterdir()] == ["all.tar"]
    done(sqlite_store)  # after it
    urls = f"sqlite:///{tmp_path}/new/unclip.sqlite3", f"file://{tmp_path}/new/blobs"
    restore(tar, *urls)
    with Store.open(*urls, clock) as store:
        assert [job.id for job in store.jobs.latest()] == [queued.id, ended.id]
        assert store.jobs.find(ended.id) == ended
        assert store.blobs.get(ended.pictures[0].blob) == b"x" * 1000
        assert files_of(store) == [ended.pictures[0].blob]
        assert store.keys.verify(made.secret) == made.key
        store.jobs.finish(store.jobs.lease("w", 30, 3))
    with pytest.raises(InvalidArgument, match="there already"):
        restore(tar, *urls)
    with pytest.raises(InvalidArgument, match="there already"):
        sqlite_store.backup(tar)
    with pytest.raises(InvalidArgument, match="in a folder that is there"):
        sqlite_store.backup(tmp_path / "gone" / "all.tar")


def test_a_backup_that_fails_leaves_nothing(sqlite_store, tmp_path, monkeypatch):
    done(sqlite_store)
    folder = tmp_path / "backups"
    folder.mkdir()
    full = OSError(28, "No space left on device")

    def fail(*arguments):
        raise full

    monkeypatch.setattr(tarfile.TarFile, "addfile", fail)
    with pytest.raises(OSError, match="No space"):
        sqlite_store.backup(folder / "all.tar")
    assert list(folder.iterdir()) == []


def test_what_is_no_backup_makes_no_store(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "text.tar").write_text("text")
    with tarfile.open(tmp_path / "foreign.tar", "w") as tar:
        tar.add(tmp_path / "secret", "../secret")
    with tarfile.open(tmp_path / "empty.tar", "w"):
        pass
    (tmp_path / "link").symlink_to("/etc/passwd")
    with tarfile.open(tmp_path / "link.tar", "w") as tar:
        tar.add(tmp_path / "link", "unclip.sqlite3")
    url = f"sqlite:///{tmp_path}/new/unclip.sqlite3"
    for name in ("text.tar", "foreign.tar", "empty.tar", "link.tar", "gone.tar", "."):
        with pytest.raises(InvalidArgument, match="no backup"):
            restore(tmp_path / name, url, f"file://{tmp_path}/new/blobs")
    assert [path.name for path in (tmp_path / "new").rglob("*")] == ["blobs"]


def test_postgres_has_a_backup_of_its_own(postgres, tmp_path):
    url, blobs = postgres.format("shared"), f"file://{tmp_path}/blobs"
    with Store.open(url, blobs) as store, pytest.raises(InvalidArgument, match="pg_dump"):
        store.backup(tmp_path / "all.tar")
    with pytest.raises(InvalidArgument, match="here it may be sqlite"):
        restore(tmp_path / "all.tar", url, blobs)
