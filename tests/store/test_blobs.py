"""Blobs are there whole or not at all, in a folder and in a bucket."""

import errno
import time

import boto3
import pytest
from fsspec.implementations.local import LocalFileSystem
from moto.server import ThreadedMotoServer
from store_helpers import add, draw, files_of

from unclip.errors import InvalidArgument
from unclip.store import Blobs, State, Store, StoreError

NOWHERE = "00/" + "0" * 32


@pytest.fixture(scope="module")
def bucket():
    """A bucket of S3's double, and the environment that leads to it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="pictures")
        client.close()
        yield "s3://pictures/unclip"
    server.stop()


@pytest.fixture(params=["file", "s3"])
def blobs(request, tmp_path):
    if request.param == "s3":
        return Blobs(request.getfixturevalue("bucket"))
    return Blobs(f"file://{tmp_path}/a folder/blobs")


def test_bytes_come_back(blobs):
    names = [blobs.put(data) for data in (b"", b"one", b"one", bytes(range(256)) * 4096)]
    assert len(set(names)) == 4
    assert [len(blobs.get(name)) for name in names] == [0, 3, 3, 2**20]
    assert {name for name, _ in blobs.written()} == set(names)
    blobs.remove([names[1], NOWHERE, names[0]])
    assert {name for name, _ in blobs.written()} == set(names[2:])
    for name in (names[1], NOWHERE):
        with pytest.raises(FileNotFoundError):
            blobs.get(name)
    blobs.remove(names)


def test_when_a_blob_was_written_is_known(blobs):
    name = blobs.put(b"now")
    ((found, when),) = blobs.written()
    assert found == name
    assert abs(when - time.time()) < 60
    blobs.remove([name])


@pytest.mark.parametrize("failing", ["pipe_file", "mv"])
def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch, failing):
    blobs = Blobs(f"file://{tmp_path}/blobs")

    def full(files, path, *rest, **more):
        if failing == "pipe_file":
            with open(path, "wb") as file:  # noqa: PTH123 - half of it is there
                file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, failing, full)
        with pytest.raises(OSError, match="No space"):
            blobs.put(b"whole")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert blobs.get(blobs.put(b"whole")) == b"whole"


def test_a_job_s_inputs_are_all_kept_or_none(sqlite_store, monkeypatch):
    put, calls = Blobs.put, []

    def full(blobs, data, name=None):
        calls.append(data)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(blobs, data, name)

    monkeypatch.setattr(Blobs, "put", full)
    inputs = [b"one", b"two", b"three"]
    with pytest.raises(OSError, match="No space"):
        sqlite_store.jobs.add({"operation": "blend"}, inputs, {}, pictures=1)
    assert files_of(sqlite_store) == []
    assert sqlite_store.jobs.counts() == {}


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "00/../../secret", NOWHERE + "\n"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    (tmp_path / "secret").write_text("secret")
    blobs = Blobs(f"file://{tmp_path}/blobs")
    with pytest.raises(AssertionError):
        blobs.get(name)


def test_files_of_others_are_left_alone(tmp_path):
    blobs = Blobs(f"file://{tmp_path}")
    (tmp_path / "notes.txt").write_text("mine")
    assert list(blobs.written()) == []


@pytest.mark.parametrize("url", ["http://localhost/blobs", "blobs", "memory://blobs"])
def test_other_storage_is_refused(url):
    with pytest.raises(InvalidArgument, match=r"blob_url is .*; it may be file:///FOLDER or s3://"):
        Blobs(url)


def test_storage_that_is_not_there_is_told_at_the_start(bucket, tmp_path):
    (tmp_path / "file").touch()
    for url in ("s3://no-such-bucket/blobs", f"file://{tmp_path}/file/blobs"):
        with pytest.raises(StoreError, match="cannot be opened"):
            Blobs(url)


def test_a_whole_store_on_a_bucket(bucket, tmp_path, clock):
    with Store.open(f"sqlite:///{tmp_path}/unclip.sqlite3", bucket, clock) as store:
        job = add(store)
        leased = store.jobs.lease("w", 30, 3)
        picture = draw(store, leased, blob=b"in the bucket")
        store.jobs.finish(leased)
        assert store.jobs.find(job.id).state is State.DONE
        assert store.blobs.get(picture.blob) == b"in the bucket"
        clock.now += 2 * 86400
        assert store.sweep(1, None).jobs == 1
        assert files_of(store) == []
