"""`unclip serve`, its supervisor, and the commands that look after it."""

import json
import os
import re
import signal
import socket

import pytest
from server_process import SMALL, wait_for

from unclip.provenance.keys import make_credential


@pytest.fixture
def unclip(unclip, monkeypatch, tmp_path):
    """The command line, with a data folder of its own."""
    monkeypatch.setenv("UNCLIP_DATA", str(tmp_path / "data"))
    return unclip


def test_keys(unclip):
    code, out, err = unclip("keys", "create", "anna", "--pictures-per-day", 5)
    secret = out.strip()
    assert code == 0
    assert re.fullmatch(r"sk-unclip-[\w-]{40,}", secret)
    assert "once" in err
    code, out, _ = unclip("keys", "list", "--json")
    [key] = json.loads(out)
    assert (key["name"], key["pictures_per_day"], key["revoked"]) == ("anna", 5, None)
    assert secret not in out
    assert unclip("keys", "revoke", key["id"])[0] == 0
    code, out, _ = unclip("keys", "list")
    assert "revoked" in out
    code, _, err = unclip("keys", "revoke", "nobody")
    assert code == 2
    assert "nobody" in err


def test_admin(server, monkeypatch, unclip, tmp_path):
    with server.client() as client:
        client.images.generate(prompt="a remarkable cat", **SMALL)
    monkeypatch.setenv("UNCLIP_DATA", str(server.data))
    code, out, _ = unclip("admin", "jobs", "--limit", 1)
    assert code == 0
    assert re.match(r"job-\w+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ  done +1/1  generate\n", out)
    assert "remarkable" not in out
    job = out.split()[0]
    assert json.loads(unclip("admin", "jobs", "--state", "done", "--json")[1])
    told = json.loads(unclip("admin", "job", job)[1])
    assert told["request"]["prompt"] == "a remarkable cat"
    assert "had ended" in unclip("admin", "cancel", job)[2]
    assert "removed 0 jobs" in unclip("admin", "sweep")[2]
    for wrong in (("job", "nothing"), ("cancel", "nothing"), ("jobs", "--state", "lost")):
        code, _, err = unclip("admin", *wrong)
        assert code == 2
        assert err.count("\n") == 1


def test_backup_and_restore(server, monkeypatch, unclip, tmp_path, serving):
    with server.client() as client:
        client.images.generate(prompt="a cat to keep", **SMALL)
    monkeypatch.setenv("UNCLIP_DATA", str(server.data))
    file = tmp_path / "backup.tar"
    assert unclip("admin", "backup", file)[0] == 0
    restored = tmp_path / "restored"
    assert unclip("admin", "restore", file, "--data", restored)[0] == 0
    with serving(restored, worker=False) as copy, copy.http() as http, server.http() as before:
        [job] = http.get("/v1/unclip/jobs?limit=1").json()["data"]
        path = f"/v1/unclip/jobs/{job['id']}/pictures/0"
        assert http.get(path).content == before.get(path).content
    code, _, err = unclip("admin", "restore", file, "--data", restored)
    assert code == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0", "--open"], "loopback"),
        (["--host", "203.0.113.1"], "port is"),
        (["--model", "nothing-here"], "nothing-here"),
        (["--port", "70000"], "UNCLIP_PORT"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(unclip, arguments, told):
    code, out, err = unclip("serve", "--port", 0, *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1


def test_a_port_that_is_taken(unclip):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = unclip("serve", "--port", taken.getsockname()[1])
    assert code == 2
    assert "port is" in err


def test_a_worker_that_dies_is_started_again(server):
    before = server.worker_pid()
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: server.worker_pid() != before, 120)
    with server.client() as client:
        assert client.images.generate(prompt="a cat", **SMALL).data[0].url


def test_row_28_without_a_valid_key_to_sign_with_it_does_not_start(unclip, bundle_path, tmp_path):
    signing = tmp_path / "data" / "signing"
    signing.mkdir(parents=True)
    arguments = ("serve", "--port", 0, "--model", bundle_path)
    code, _, err = unclip(*arguments)
    assert code == 2
    assert "signing certificate" in err
    for name, data in make_credential(days=(-2, -1)).items():
        (signing / name).write_bytes(data)
    code, _, err = unclip(*arguments)
    assert code == 2
    assert "expired" in err
