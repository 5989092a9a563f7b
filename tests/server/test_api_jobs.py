"""Our own door: every kind of request as a job, its events, its pictures and its recipe."""

import json

import pytest
from server_pictures import data_of, data_url, file, holed, opened, png
from server_process import wait_for

QUICK = {"steps": 2, "candidates": 1}
LONG = {"operation": "generate", "prompt": "a cat", "steps": 1000, "candidates": 1}

KINDS = {
    "generate": {"prompt": "a cat", "size": "256x256"},
    "vary": {"image": data_url(png(64)), "strength": 0.5, "size": "256x256"},
    "blend": {"items": [data_url(png(64)), "a cat"], "weights": [1, 2.5], "size": "256x256"},
    "change": {"image": data_url(png(64)), "prompt": "a dog", "source": "a cat", "size": "256x256"},
    "inpaint": {"image": data_url(data_of(holed(64))), "prompt": "a cat"},
    "outpaint": {"image": data_url(png(64)), "right": 64, "prompt": "a cat"},
    "frame": {"image": data_url(data_of(holed(128))), "x": 0, "y": 0, "side": 128},
}


def ended(http, job_id):
    """A job at its end."""

    def look():
        job = http.get(f"/v1/unclip/jobs/{job_id}").json()
        return job if job["finished"] else None

    return wait_for(look)


def events(response):
    """Kind, number and data of each event."""
    for block in "".join(response.iter_text()).split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line[:1] != ":" and line)
        if lines:
            yield lines.get("event"), lines.get("id"), json.loads(lines["data"])


@pytest.mark.parametrize("operation", KINDS)
def test_every_kind(http, operation):
    body = {"operation": operation, "seed": 3, **KINDS[operation], **QUICK}
    response = http.post("/v1/unclip/jobs", json=body)
    assert response.status_code == 202, response.text
    job = response.json()
    assert job["object"] == "unclip.job"
    assert job["state"] in ("queued", "running")
    job = ended(http, job["id"])
    assert (job["state"], job["error"]) == ("done", None)
    [picture] = job["pictures"]
    assert picture["seed"] == 3
    assert job["created"] <= job["started"] <= job["finished"]
    own = http.get(f"/v1/unclip/jobs/{job['id']}/pictures/0")
    assert own.headers["content-type"] == picture["media_type"] == "image/png"
    assert http.get(picture["url"]).content == own.content
    recipe = http.get(picture["recipe"]).json()
    assert recipe["seed"] == 3
    assert recipe["model"] == "tiny"


def test_a_form_does_as_well_as_json(http):
    fields = {"operation": "vary", "steps": "2", "candidates": "1", "size": "256x256"}
    response = http.post("/v1/unclip/jobs", data=fields, files={"image": file(png(64))})
    assert response.status_code == 202, response.text
    assert ended(http, response.json()["id"])["state"] == "done"


def test_blend_frames_and_several_pictures(http):
    body = {"operation": "blend", "items": ["a cat", "a dog"], "frames": 3, "size": "256x256"}
    job = http.post("/v1/unclip/jobs", json={**body, "steps": 1}).json()
    assert [picture["index"] for picture in ended(http, job["id"])["pictures"]] == [0, 1, 2]


def test_events_tell_all_from_the_queue_to_the_end(http):
    body = {**LONG, "steps": 4, "n": 2, "previews": 2, "size": "256x256"}
    job = http.post("/v1/unclip/jobs", json=body).json()
    with http.stream("GET", f"/v1/unclip/jobs/{job['id']}/events") as response:
        told = list(events(response))
    kinds = [kind for kind, _, _ in told]
    assert kinds.count("preview") == 4
    assert kinds.count("picture") == 2
    assert kinds[-1] == "end"
    assert "progress" in kinds
    previews = [data for kind, _, data in told if kind == "preview"]
    assert {preview["picture"] for preview in previews} == {0, 1}
    assert opened(previews[0]["b64_json"]).format == "PNG"
    assert told[-1][2]["state"] == "done"
    stages = {data["stage"] for kind, _, data in told if kind == "progress"}
    assert stages <= {"text", "prior", "decoder", "frames", "upsampler_256", "upsampler_1024"}


def test_events_go_on_from_where_a_client_was(http):
    body = {**LONG, "steps": 4, "previews": 2, "size": "256x256"}
    job = http.post("/v1/unclip/jobs", json=body).json()
    path = f"/v1/unclip/jobs/{job['id']}/events"
    with http.stream("GET", path) as response:
        first = list(events(response))
    number = next(number for kind, number, _ in first if kind == "preview")
    with http.stream("GET", path, headers={"last-event-id": number}) as response:
        kinds = [kind for kind, _, _ in events(response)]
    assert kinds.count("picture") == 1
    assert kinds.count("preview") <= 1


def test_leaving_the_events_cancels_nothing(http):
    job = http.post("/v1/unclip/jobs", json={**LONG, "steps": 100, "size": "256x256"}).json()
    with http.stream("GET", f"/v1/unclip/jobs/{job['id']}/events") as response:
        next(response.iter_text())
    assert ended(http, job["id"])["state"] == "done"


def test_cancelling(http):
    job = http.post("/v1/unclip/jobs", json=LONG).json()
    wait_for(lambda: http.get(f"/v1/unclip/jobs/{job['id']}").json()["progress"])
    cancelled = http.post(f"/v1/unclip/jobs/{job['id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    again = http.post(f"/v1/unclip/jobs/{job['id']}/cancel")
    assert again.status_code == 200
    assert again.json()["state"] == "cancelled"


def test_the_place_in_the_queue(emptied):
    with emptied.http(emptied.new_key()) as http:
        first, second = (http.post("/v1/unclip/jobs", json=LONG).json() for _ in range(2))
        assert (first["place"], second["place"]) == (0, 1)
        http.post(f"/v1/unclip/jobs/{first['id']}/cancel")
        assert http.get(f"/v1/unclip/jobs/{second['id']}").json()["place"] == 0


def test_the_list_is_newest_first_in_pages(http):
    made = []
    for _ in range(3):
        job = http.post("/v1/unclip/jobs", json=LONG).json()
        http.post(f"/v1/unclip/jobs/{job['id']}/cancel")
        made.insert(0, job["id"])
    page = http.get("/v1/unclip/jobs?limit=2").json()
    assert [job["id"] for job in page["data"]] == made[:2]
    assert page["has_more"]
    page = http.get(f"/v1/unclip/jobs?limit=1&before={made[1]}").json()
    assert [job["id"] for job in page["data"]] == made[2:]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"operation": "draw"}, None),
        ({"operation": "generate"}, "generate.prompt"),
        ({"operation": "vary", "image": "a cat"}, "image"),
        ({"operation": "generate", "prompt": "a cat", "previews": 17}, "generate.previews"),
        ({"operation": "generate", "prompt": "a cat", "colour": 1}, "generate.colour"),
        ({"operation": "outpaint", "image": data_url(png(64))}, "left"),
        ({"operation": "blend", "items": ["a cat", "a dog"], "weights": [1]}, "weights"),
    ],
)
def test_bodies_that_are_none(http, body, param):
    response = http.post("/v1/unclip/jobs", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_what_only_the_model_can_tell_fails_the_job(http):
    body = {"operation": "vary", "image": data_url(png(64)), "strength": 0.1, "steps": 1}
    job = ended(http, http.post("/v1/unclip/jobs", json=body).json()["id"])
    assert job["state"] == "failed"
    assert (job["error"]["code"], job["error"]["param"]) == ("invalid_value", "steps")
