"""The committed documents of the server say what it does."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from unclip.errors import InvalidArgument
from unclip.server.app import routed
from unclip.server.openapi import text
from unclip.server.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "server.md").read_text()
SETTINGS = dict(re.findall(r"^\| `UNCLIP_(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))


def test_the_openapi_document_is_what_the_server_says():
    """python -m unclip.server.openapi > docs/openapi.json"""
    assert (ROOT / "docs" / "openapi.json").read_text() == text(routed())


def test_the_server_has_it_too(http):
    assert http.get("/v1/openapi.json").json() == json.loads(text(routed()))


def test_every_setting_is_explained():
    assert [name.lower() for name in SETTINGS] == list(Settings.model_fields)


def test_the_defaults_are_as_explained(monkeypatch):
    for name, told in SETTINGS.items():
        default = Settings.model_fields[name.lower()].get_default(call_default_factory=True)
        if not re.fullmatch(r"`[^`]*`", told):  # told in words, or nothing
            assert default in (None, ()) or name == "DATA"
            continue
        if name == "WORKER_JOBS":
            from unclip.server.worker import JOBS

            assert (told, default) == (f"`{JOBS}`", None)
            continue
        monkeypatch.setenv(f"UNCLIP_{name}", told.strip("`"))
        assert getattr(load_settings(), name.lower()) == default, name
        monkeypatch.delenv(f"UNCLIP_{name}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "x"),
        ("PORT", "70000"),
        ("OPEN", "maybe"),
        ("PUBLIC_URL", "pictures.example.org"),
        ("ALIASES", "dall-e-2"),
        ("ALIASES", "dall-e-2=karlo"),
        ("QUEUE_LIMIT", "0"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(monkeypatch, name, value):
    monkeypatch.setenv(f"UNCLIP_{name}", value)
    with pytest.raises(InvalidArgument, match=f"UNCLIP_{name}|aliases"):
        load_settings()


def test_open_is_for_the_loopback_alone():
    assert load_settings(open=True, host="::1").open
    with pytest.raises(InvalidArgument, match="loopback"):
        load_settings(open=True, host="0.0.0.0")


def test_secrets_are_not_shown():
    settings = load_settings(url_secret="very secret")
    assert "very secret" not in repr(settings)


def test_every_metric_is_explained_and_on_the_dashboard(client, http):
    client.images.generate(prompt="a cat", size="256x256", extra_body={"steps": 1})
    http.post("/v1/images/generations", json={})
    told = set(re.findall(r"`(unclip_\w+?)(?:_total)?[`{]", PAGE))
    families = text_string_to_metric_families(http.get("/metrics").text)
    names = {family.name for family in families if not family.name.endswith("_created")}
    assert names == told
    dashboard = (ROOT / "ops" / "grafana.json").read_text()
    assert told <= set(re.findall(r"unclip_[a-z_]+?(?=_total|_bucket|[^a-z_])", dashboard))


def test_the_units_name_settings_that_exist():
    for file in ("Dockerfile", "compose.yaml", "compose.postgres.yaml", "unclip.service"):
        text = (ROOT / "ops" / file).read_text()
        names = re.findall(r"\bUNCLIP_(\w+)", text)
        assert names, file
        assert {name.lower() for name in names} <= set(Settings.model_fields), file
