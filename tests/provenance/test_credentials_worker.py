"""The process that handles credentials may die; nobody else does."""

import os
import signal
import threading

import psutil
import pytest
from provenance_pictures import MADE, from_files

from unclip.provenance.keys import Credential, SigningError
from unclip.provenance.manifest import Signer
from unclip.provenance.worker import CredentialsError, Worker


@pytest.fixture
def own():
    worker = Worker()
    yield worker
    worker.close()


def child(worker):
    return worker._process.pid


def test_it_starts_when_needed_and_ends_when_closed(own, png):
    assert own._process is None
    assert own.read(png, "image/png") == ("", {})
    process = psutil.Process(child(own))
    own.close()
    assert not process.is_running()


def test_a_death_between_two_pictures_is_not_noticed(own, keys, png):
    signer = Signer(from_files(keys), worker=own)
    signer.sign(png, "image/png", MADE)
    first = child(own)
    os.kill(first, signal.SIGKILL)
    assert own.read(signer.sign(png, "image/png", MADE).data, "image/png")[0] == "Valid"
    assert child(own) != first


def test_a_death_in_the_middle_of_signing_is_made_good(own, keys, png):
    credential = from_files(keys)()
    deaths = []

    def dying(data):
        if not deaths:
            deaths.append(child(own))
            os.kill(deaths[0], signal.SIGKILL)
            psutil.wait_procs([psutil.Process(deaths[0])], timeout=5)
        return credential.sign(data)

    signer = Signer(lambda: Credential(credential.chain, dying), worker=own)
    assert own.read(signer.sign(png, "image/png", MADE).data, "image/png")[0] == "Valid"
    assert deaths


def test_a_picture_that_kills_it_each_time_is_kept_back(own, keys, png):
    credential = from_files(keys)()

    def deadly(data):
        os.kill(child(own), signal.SIGKILL)
        return credential.sign(data)

    with pytest.raises(SigningError, match="died twice"):
        Signer(lambda: Credential(credential.chain, deadly), worker=own).sign(
            png, "image/png", MADE
        )
    assert own.read(png, "image/png") == ("", {})


def test_one_that_hangs_is_ended(keys, png):
    worker = Worker(seconds=1.0)
    worker.read(png, "image/png")
    os.kill(child(worker), signal.SIGSTOP)
    assert worker.read(png, "image/png") == ("", {})
    worker.close()


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\xff" * 100])
def test_garbage_is_one_line(worker, data):
    with pytest.raises(CredentialsError, match="content credentials: "):
        worker.read(data, "image/png")


def test_a_cut_off_file_is_one_line(worker, signer, png):
    signed = signer.sign(png, "image/png", MADE).data
    with pytest.raises(CredentialsError):
        worker.read(signed[:600], "image/png")


def test_many_threads_share_one(signer, worker, png):
    states = []

    def work():
        states.append(worker.read(signer.sign(png, "image/png", MADE).data, "image/png")[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["Valid"] * 8


def test_another_process_of_ours_does_not_use_this_ones(own, png):
    own.read(png, "image/png")
    first = own._process
    own._owner = -1  # as a fork would see it
    assert own.read(png, "image/png") == ("", {})
    assert own._process is not first
    assert first.poll() is None
    first.stdin.close()
    first.stdout.close()
    assert first.wait(10) == 0
