"""schemathesis against a server, by its own OpenAPI document: nothing it thinks of is a 5xx."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from server_pictures import png

from unclip.store import FinishedPicture

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
JOB = {"operation": "generate", "prompt": "a cat"}


@pytest.fixture
def key(emptied):
    """One that has had its only picture of the day, so that what is asked rightly ends there."""
    key = emptied.new_key(requests_per_minute=10**6, pictures_per_day=1)
    with emptied.http(key) as http, emptied.store() as store:
        assert http.post("/v1/unclip/jobs", json=JOB).status_code == 202
        leased = store.jobs.lease("nobody", 60, 3)
        store.jobs.add_picture(leased, FinishedPicture(0, 1, "image/png", 64, 64), png(64))
        store.jobs.finish(leased)
    return key


@pytest.mark.slow
def test_nothing_that_schemathesis_thinks_of_is_a_fault(idle, key, tmp_path):
    schemathesis = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            *(schemathesis, "run", f"{idle.url}/v1/openapi.json", "--url", idle.url),
            *("--header", f"Authorization: Bearer {key}", "--exclude-path", "/readyz"),
            *("--checks", ",".join(CHECKS), "--phases", "examples,fuzzing"),
            *("--max-examples", "15", "--generation-deterministic", "--continue-on-failure"),
            *("--suppress-health-check", "all", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    assert "Traceback" not in idle.log
