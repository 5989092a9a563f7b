"""stream=True: true partial images, the finished picture, [DONE], and errors inside the stream."""

import json

import numpy as np
import openai
import pytest
from server_pictures import data_of, file, holed, opened
from server_process import wait_for

SLOWER = {"steps": 8, "candidates": 1}


def streamed(client, **given):
    asked = {"prompt": "a cat", "size": "256x256", "stream": True, "extra_body": SLOWER, **given}
    with client.images.generate(**asked) as stream:
        return list(stream)


@pytest.mark.parametrize("partials", [0, 1, 2, 3])
def test_as_many_partial_images_as_asked(client, partials):
    events = streamed(client, partial_images=partials)
    assert [event.type for event in events] == [
        *["image_generation.partial_image"] * partials,
        "image_generation.completed",
    ]
    assert [event.partial_image_index for event in events[:-1]] == list(range(partials))


def test_partial_images_are_the_picture_while_it_is_drawn(client):
    *partial, last = streamed(client, partial_images=3, extra_body={**SLOWER, "seed": 5})
    finished = opened(last.b64_json).convert("RGB").resize((64, 64))
    distances = []
    for event in partial:
        image = opened(event.b64_json)
        assert event.size == f"{image.width}x{image.height}"
        small = np.asarray(image.convert("RGB").resize((64, 64)), float)
        assert small.std() > 1  # not blank
        distances.append(np.abs(small - np.asarray(finished, float)).mean())
    assert distances[-1] < distances[0]


def test_the_fields_of_the_events(client):
    partial, last = streamed(
        client, partial_images=1, output_format="webp", background="opaque", quality="low"
    )
    for event in (partial, last):
        assert opened(event.b64_json).format == "WEBP"
        assert event.output_format == "webp"
        assert event.background == "opaque"
        assert event.quality == "low"
        assert event.created_at > 1_700_000_000
    assert last.size == "256x256"
    assert last.usage.total_tokens == last.usage.input_tokens > 0


def test_an_edit_streams_too(client):
    given = {"image": file(data_of(holed(64))), "prompt": "a cat", "partial_images": 2}
    with client.images.edit(**given, stream=True, extra_body=SLOWER) as stream:
        events = list(stream)
    assert [event.type for event in events] == [
        *["image_edit.partial_image"] * 2,
        "image_edit.completed",
    ]
    assert opened(events[-1].b64_json).size == (64, 64)


def test_several_pictures_each_have_theirs(client):
    events = streamed(client, n=2, partial_images=1)
    kinds = [event.type.partition(".")[2] for event in events]
    assert sorted(kinds) == ["completed"] * 2 + ["partial_image"] * 2
    assert len({event.b64_json for event in events}) == 4


def test_the_lines_on_the_wire(http):
    body = {"prompt": "a cat", "size": "256x256", "stream": True, **SLOWER}
    with http.stream("POST", "/v1/images/generations", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert lines[0] == "event: image_generation.completed"
    assert json.loads(lines[1].removeprefix("data: "))["type"] == "image_generation.completed"
    assert lines[-1] == "data: [DONE]"


def test_a_refusal_comes_before_the_stream(client):
    with pytest.raises(openai.BadRequestError):
        streamed(client, partial_images=4)
    with pytest.raises(openai.BadRequestError):
        streamed(client, size="100x100")


def test_an_error_inside_the_stream_is_raised(client, server):
    long = {"steps": 1000, "candidates": 1}
    asked = {"prompt": "a cat", "size": "256x256", "stream": True, "partial_images": 3}
    with client.images.generate(**asked, extra_body=long) as stream, server.store() as store:
        assert next(stream).partial_image_index == 0
        store.jobs.cancel(store.jobs.latest(1)[0].id)
        with pytest.raises(openai.APIError, match="cancelled"):
            list(stream)


def test_leaving_a_stream_cancels_its_job(client, server):
    long = {"steps": 1000, "candidates": 1}
    asked = {"prompt": "a cat", "size": "256x256", "stream": True, "partial_images": 3}
    with server.store() as store:
        with client.images.generate(**asked, extra_body=long) as stream:
            next(stream)
            job = store.jobs.latest(1)[0].id
        wait_for(lambda: store.jobs.find(job).state == "cancelled", 10)
