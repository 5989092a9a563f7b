"""The same server on Postgres and S3, by their addresses alone."""

import importlib.util
import io
import sys
from pathlib import Path

import boto3
import openai
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image
from server_pictures import data_of, file, holed
from server_process import SMALL, wait_for

_spec = importlib.util.spec_from_file_location(
    "store_fixtures", Path(__file__).parents[1] / "store" / "conftest.py"
)
_fixtures = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = _fixtures
_spec.loader.exec_module(_fixtures)
postgres = _fixtures.postgres


@pytest.fixture
def bucket(monkeypatch):
    """The address of a folder in a bucket of moto's server."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="pictures")
    client.close()
    try:
        yield "s3://pictures/unclip"
    finally:
        server.stop()


@pytest.mark.slow
def test_everything_is_in_postgres_and_s3(serving, postgres, bucket, tmp_path):
    urls = {"database_url": postgres.format("shared"), "blob_url": bucket}
    with serving(tmp_path, open=False, **urls) as server:
        server.wait_ready()
        key = server.new_key(pictures_per_day=4)
        with server.client(key) as client, server.http(key) as http:
            answer = client.images.generate(prompt="a cat", n=2, **SMALL)
            with Image.open(io.BytesIO(http.get(answer.data[0].url).content)) as image:
                assert image.size == (256, 256)
            edited = client.images.edit(
                image=file(data_of(holed(64))), prompt="a cat", extra_body={"steps": 1}
            )
            assert http.get(edited.data[0].url).is_success
            given = {"prompt": "a cat", "stream": True, "partial_images": 2, "size": "256x256"}
            with client.images.generate(**given, extra_body={"steps": 4}) as stream:
                kinds = [event.type.partition(".")[2] for event in stream]
            assert kinds == ["partial_image", "partial_image", "completed"]
            with pytest.raises(openai.RateLimitError):
                client.images.generate(prompt="a cat", **SMALL)
            wait_for(lambda: "unclip_pictures_total" in http.get("/metrics").text)
        assert not (tmp_path / "unclip.sqlite3").exists()
        assert not (tmp_path / "blobs").exists()
