"""Every class of error that OpenAI's client raises, its retries and its time-outs."""

import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from server_process import SMALL, Server, wait_for

SHAPE = {"message", "type", "param", "code"}


def test_bad_request(client):
    with pytest.raises(openai.BadRequestError) as failed:
        client.images.generate(prompt="a cat", size="100x100")
    error = failed.value
    assert set(error.body) == SHAPE
    assert (error.type, error.code, error.param) == (
        "invalid_request_error",
        "invalid_value",
        "size",
    )
    assert error.request_id.startswith("req_")


def test_a_prompt_that_the_policy_blocks(client, server):
    with server.store() as store:
        before = store.jobs.counts()
        with pytest.raises(openai.BadRequestError) as failed:
            client.images.generate(prompt="a portrait of Taylor Swift", **SMALL)
        assert store.jobs.counts() == before
    error = failed.value
    assert error.code == "content_policy_violation"
    assert error.type == "invalid_request_error"
    assert error.body["message"].startswith(
        "Your request was rejected as a result of our safety system."
    )


def test_authentication(idle):
    wait_for(lambda: "unclip keys create" in idle.log)
    with (
        idle.client("sk-unclip-wrong") as client,
        pytest.raises(openai.AuthenticationError) as failed,
    ):
        client.models.list()
    assert failed.value.code == "invalid_api_key"
    with idle.client(idle.new_key()) as client:
        assert client.models.list().data


def test_permission_denied(server):
    with server.client(default_headers={"Host": "evil.example"}) as client:
        with pytest.raises(openai.PermissionDeniedError) as failed:
            client.models.list()
        assert failed.value.code == "host_not_allowed"


def test_not_found(client):
    with pytest.raises(openai.NotFoundError) as failed:
        client.models.retrieve("dall-e-9")
    assert failed.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as failed:
        client.images.generate(prompt="a cat", model="dall-e-9")
    assert failed.value.code == "model_not_found"
    assert failed.value.param == "model"
    with pytest.raises(openai.NotFoundError) as failed:
        client.chat.completions.create(model="x", messages=[])
    assert set(failed.value.body) == SHAPE


def test_conflict(client, server):
    """A job that somebody cancelled while its client waited."""
    long = {"steps": 1000, "candidates": 1}
    with server.store() as store, ThreadPoolExecutor() as pool:
        before = store.jobs.latest(1)
        asked = pool.submit(client.images.generate, prompt="a cat", extra_body=long)
        job = wait_for(lambda: store.jobs.latest(1) != before and store.jobs.latest(1)[0])
        store.jobs.cancel(job.id)
        with pytest.raises(openai.ConflictError) as failed:
            asked.result()
    assert failed.value.code == "cancelled"


def test_unsupported_media_type(http):
    response = http.post(
        "/v1/images/generations", content=b"prompt=a", headers={"content-type": "text/plain"}
    )
    assert response.status_code == 415
    assert set(response.json()["error"]) == SHAPE


def test_rate_limit(idle: Server):
    with idle.client(idle.new_key(requests_per_minute=1)) as client:
        with pytest.raises(openai.BadRequestError):
            client.images.generate(prompt="a cat", n=11)
        with pytest.raises(openai.RateLimitError) as failed:
            client.images.generate(prompt="a cat", n=11)
    assert failed.value.code == "rate_limit_exceeded"
    headers = failed.value.response.headers
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["x-ratelimit-limit-requests"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"].endswith("s")


def test_the_client_waits_as_it_is_told_and_asks_again(idle: Server):
    with idle.client(idle.new_key(requests_per_minute=20), max_retries=2) as client:
        for _ in range(20):
            client.moderations.create(input="a cat")
        raw = client.moderations.with_raw_response.create(input="a cat")
        assert raw.retries_taken > 0
        assert raw.parse().results


def test_quota(idle: Server):
    key = idle.new_key(pictures_per_day=1)
    with (
        idle.client(key, max_retries=2) as client,
        pytest.raises(openai.RateLimitError) as failed,
    ):
        client.images.generate(prompt="a cat", n=2, **SMALL)
    assert failed.value.code == "insufficient_quota"
    assert failed.value.response.headers["x-should-retry"] == "false"


def test_the_server_gives_up_after_its_own_time(idle: Server):
    with (
        idle.client(idle.new_key()) as client,
        pytest.raises(openai.InternalServerError) as failed,
    ):
        client.images.generate(prompt="a cat", **SMALL)
    assert failed.value.status_code == 504
    assert failed.value.code == "timeout"
    with idle.store() as store:
        assert store.jobs.latest(1)[0].state == "cancelled"


def test_a_full_queue_is_asked_again_and_then_told(emptied: Server):
    idle = emptied
    key = idle.new_key()
    with idle.http(key) as http:
        for _ in range(2):
            body = {"operation": "generate", "prompt": "a cat"}
            assert http.post("/v1/unclip/jobs", json=body).status_code == 202
    begun = time.monotonic()
    with (
        idle.client(key, max_retries=1) as client,
        pytest.raises(openai.InternalServerError) as failed,
    ):
        client.images.generate(prompt="a cat", **SMALL)
    assert failed.value.status_code == 503
    assert failed.value.code == "queue_full"
    assert failed.value.response.headers["retry-after"] == "2"
    assert time.monotonic() - begun > 1.5  # it waited before it asked again


def test_a_client_that_waits_no_longer(server):
    """Its time-out is its own; the job of it does not go on."""
    with server.client(timeout=0.5) as client, server.store() as store:
        with pytest.raises(openai.APITimeoutError):
            client.images.generate(prompt="a cat", extra_body={"steps": 1000})
        job = store.jobs.latest(1)[0]
        wait_for(lambda: store.jobs.find(job.id).state == "cancelled", 10)


def test_no_connection():
    nobody = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0)
    with nobody, pytest.raises(openai.APIConnectionError):
        nobody.models.list()
