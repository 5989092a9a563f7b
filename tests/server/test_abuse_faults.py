"""What fails under the server: rows 22 to 27 and 30 of the table of abuse and faults."""

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import fragile_worker
import httpx2
import openai
import pytest
from server_process import SMALL, wait_for

from unclip.server.serve import Supervisor

QUICK = {"size": "256x256", "steps": 1, "candidates": 1}
LONG = {"operation": "generate", "prompt": "a cat", "steps": 1000, "candidates": 1}


def test_row_22_a_client_that_leaves_frees_its_place(server):
    with server.store() as store, server.http(timeout=1) as http:
        with pytest.raises(httpx2.ReadTimeout):
            http.post("/v1/images/generations", json={"prompt": "a cat", "steps": 1000})
        job = store.jobs.latest(1)[0]
        wait_for(lambda: store.jobs.find(job.id).state == "cancelled", 10)
        wait_for(lambda: f'"job": "{job.id}", "operation": "generate", "outcome"' in server.log, 10)
        assert '"outcome": "cancelled"' in server.log
        assert store.jobs.find(job.id).pictures == ()


@pytest.mark.slow
def test_row_23_and_24_kill_of_a_worker_and_of_the_server(serving, tmp_path):
    """The worker dies in mid-step, then the server with 20 in its queue; nothing is lost, nothing
    is made or charged twice."""
    settings = {"lease_seconds": 2, "worker_jobs": 1}
    with serving(tmp_path, open=False, **settings) as server:
        server.wait_ready()
        key = server.new_key(pictures_per_day=22)
        with server.http(key) as http, server.store() as store:
            first = http.post("/v1/unclip/jobs", json={**LONG, "steps": 300}).json()["id"]
            wait_for(lambda: store.jobs.find(first).progress)
            os.kill(server.worker_pid(), signal.SIGKILL)
            wait_for(lambda: '"the worker died"' in server.log)
            wait_for(lambda: store.jobs.find(first).state == "done", 60)
            job = store.jobs.find(first)
            assert (job.attempts, len(job.pictures)) == (2, 1)
            body = {"operation": "generate", "prompt": "a cat", **QUICK}
            jobs = [
                http.post("/v1/unclip/jobs", json={**body, "seed": i}).json()["id"]
                for i in range(20)
            ]
            server.process.kill()
            server.stop()
            kept = [store.jobs.find(job) for job in jobs]
            assert sum(job.state == "queued" for job in kept) > 0
    with (
        serving(tmp_path, open=False, **settings) as server,
        server.store() as store,
        server.http(key) as http,
    ):
        wait_for(lambda: all(store.jobs.find(job).state == "done" for job in jobs), 60)
        for number, job in enumerate(jobs):
            [picture] = store.jobs.find(job).pictures
            assert picture.seed == number
        # 21 of 22 pictures are charged: one more is to be had, and no second.
        assert http.post("/v1/unclip/jobs", json=body).status_code == 202
        assert http.post("/v1/unclip/jobs", json=body).status_code == 429


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.slow
def test_row_25_a_disk_that_is_full(serving, small_disk):
    with serving(small_disk, lease_seconds=2) as server, server.http() as http:
        server.wait_ready()
        assert http.post("/v1/images/generations", json={"prompt": "a", **QUICK}).is_success
        ballast = small_disk / "ballast"
        filled = ["dd", "if=/dev/zero", f"of={ballast}", "bs=4096"]
        assert subprocess.run(filled, capture_output=True, check=False).returncode == 1
        body = {"prompt": "a cat", **QUICK}
        for _ in range(3):
            response = http.post("/v1/images/generations", json=body)
            assert response.status_code in (500, 503, 507), response.text
            assert set(response.json()["error"]) == {"message", "type", "param", "code"}
        assert http.get("/healthz").status_code == 200
        assert not list((small_disk / "blobs").rglob("*.partial"))
        ballast.unlink()
        wait_for(lambda: http.post("/v1/images/generations", json=body).is_success, 30)


def test_row_25_a_log_that_is_full(bundle_path, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"DATA": tmp_path, "MODEL": bundle_path, "PORT": port, "OPEN": 1, "WORKER": 0}
    environment = {f"UNCLIP_{name}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "unclip.cli", "serve"]
    with open("/dev/full", "w") as full:  # noqa: PTH123
        process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=full)
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

            def answers():
                with suppress(httpx2.ConnectError):
                    return http.get("/v1/models").is_success

            wait_for(answers, 180)
            for _ in range(10):
                assert http.get("/v1/models").status_code == 200
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.mark.slow
def test_row_26_a_job_that_kills_every_worker_is_parked(serving, tmp_path):
    with serving(tmp_path, worker=False, lease_seconds=1) as server:
        supervisor = Supervisor(server.settings, fragile_worker.main)
        supervisor.start()
        try:
            with server.client() as client, server.store() as store:
                with pytest.raises(openai.InternalServerError) as failed:
                    client.images.generate(prompt=fragile_worker.DEADLY, **SMALL)
                assert failed.value.response.headers["x-should-retry"] == "false"
                job = store.jobs.latest(1)[0]
                assert (job.state, job.attempts, job.pictures) == ("parked", 3, ())
                assert client.images.generate(prompt="a cat", **SMALL).data[0].url
        finally:
            supervisor.stop()
            supervisor.join(30)


def test_row_27_sixty_four_at_once_and_a_full_queue(serving, tmp_path):
    with serving(tmp_path, queue_limit=8) as server:
        server.wait_ready()
        limits = httpx2.Limits(max_connections=80)
        with server.http(limits=limits) as http, ThreadPoolExecutor(65) as pool:

            def ask(number):
                begun = time.monotonic()
                body = {"prompt": "a cat", "seed": number, **QUICK}
                response = http.post("/v1/images/generations", json=body)
                return response, time.monotonic() - begun

            asked = [pool.submit(ask, number) for number in range(64)]
            slowest = 0.0
            while not all(one.done() for one in asked):
                begun = time.monotonic()
                assert http.get("/healthz").status_code == 200
                slowest = max(slowest, time.monotonic() - begun)
                time.sleep(0.05)
            answers = [one.result() for one in asked]
        assert slowest < 2
        refused = [pair for pair in answers if pair[0].status_code == 503]
        made = [pair for pair in answers if pair[0].status_code == 200]
        assert len(refused) + len(made) == 64
        assert len(made) >= 8
        for response, _ in refused:
            assert response.json()["error"]["code"] == "queue_full"
            assert response.headers["retry-after"] == "2"
        seeds = [response.json()["data"][0]["seed"] for response, _ in made]
        assert len(set(seeds)) == len(seeds)


def test_row_30_sigterm_under_load(serving, tmp_path):
    with serving(tmp_path, worker_jobs=2, drain_seconds=30) as server:
        server.wait_ready()
        with server.http() as http, server.store() as store, ThreadPoolExecutor(8) as pool:
            kept = http.post("/v1/unclip/jobs", json={**LONG, "steps": 100}).json()["id"]
            body = {"prompt": "a cat", "steps": 100, "candidates": 1, "size": "256x256"}
            asked = [pool.submit(http.post, "/v1/images/generations", json=body) for _ in range(6)]
            wait_for(lambda: store.jobs.counts().get("running") == 2)
            later = [http.post("/v1/unclip/jobs", json=LONG).json()["id"] for _ in range(3)]
            begun = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - begun < 40
            answers = [one.result() for one in asked]
            assert {answer.status_code for answer in answers} <= {200, 503}
            for answer in answers:
                if answer.status_code == 503:
                    assert answer.json()["error"]["code"] == "server_stopping"
                    assert answer.headers["retry-after"] == "2"
            counts = store.jobs.counts()
            made = sum(answer.status_code == 200 for answer in answers)
            assert counts.get("running", 0) == 0
            assert store.jobs.find(kept).state == "done"
            assert counts["done"] == made + 1
            assert [store.jobs.find(job).state for job in later] == ["queued"] * 3
            assert store.live_workers() == 0


@pytest.mark.slow
def test_row_30_what_cannot_be_finished_in_time_is_released(serving, tmp_path):
    with serving(tmp_path, drain_seconds=1) as server:
        server.wait_ready()
        with server.http() as http, server.store() as store:
            job = http.post("/v1/unclip/jobs", json=LONG).json()["id"]
            wait_for(lambda: store.jobs.find(job).progress)
            begun = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - begun < 15
            found = store.jobs.find(job)
            assert (found.state, found.attempts) == ("queued", 0)
