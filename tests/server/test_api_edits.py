"""POST /v1/images/edits: forms, lists, JSON, masks, and the pixels that are kept."""

import numpy as np
import openai
import pytest
from PIL import Image
from server_pictures import data_of, data_url, drawn, file, holed, opened, png

QUICK = {"steps": 1, "candidates": 1}


def pixels(image):
    return np.asarray(image.convert("RGB"))


def edited(client, **given):
    asked = {"prompt": "a cat", "response_format": "b64_json", "extra_body": QUICK, **given}
    return client.images.edit(**asked)


def mask_of(hole, side=64):
    """Transparent, as OpenAI has it, in a rectangle."""
    mask = Image.new("RGBA", (side, side), (0, 0, 0, 255))
    if hole is not None:
        mask.paste((0, 0, 0, 0), hole)
    return data_of(mask)


def test_what_the_mask_keeps_comes_back_byte_for_byte(client):
    answer = edited(client, image=file(png(64)), mask=file(mask_of((16, 16, 48, 48))))
    before, after = pixels(drawn(64)), pixels(opened(answer.data[0].b64_json))
    assert after.shape == before.shape
    kept = np.ones((64, 64), bool)
    kept[16:48, 16:48] = False
    assert (after[kept] == before[kept]).all()
    assert (after[~kept] != before[~kept]).any()


def test_without_a_mask_it_is_the_picture_s_own_transparency(client):
    picture = holed(64)
    answer = edited(client, image=file(data_of(picture)), n=2)
    for one in answer.data:
        after = opened(one.b64_json)
        assert (pixels(after)[:16] == pixels(picture)[:16]).all()
        assert (pixels(after)[16:48, 16:48] != 0).any()


def test_the_size_that_is_asked_for(client):
    answer = edited(client, image=file(data_of(holed(64))), size="256x256")
    assert opened(answer.data[0].b64_json).size == (256, 256)
    assert answer.size == "256x256"
    answer = edited(client, image=file(data_of(holed(64))), size="auto")
    assert opened(answer.data[0].b64_json).size == (64, 64)


def test_a_list_of_pictures_is_sent_as_image_with_brackets(client, server):
    answer = edited(client, image=[file(data_of(holed(64)))])
    assert answer.data[0].b64_json
    with pytest.raises(openai.BadRequestError) as failed:
        edited(client, image=[file(data_of(holed(64)))] * 2)
    assert failed.value.param == "image"
    assert "blends" in failed.value.message


@pytest.mark.parametrize("name", ["image", "images"])
def test_a_json_body_with_data_urls(http, name):
    body = {
        name: [{"image_url": data_url(data_of(drawn(64), "WEBP", lossless=True), "webp")}],
        "mask": {"image_url": data_url(mask_of((16, 16, 48, 48)))},
        "prompt": "a cat",
        "n": 1,
        "output_format": "webp",
        "model": "gpt-image-1",
        **QUICK,
    }
    answer = http.post("/v1/images/edits", json=body).json()
    assert answer["output_format"] == "webp"
    assert opened(answer["data"][0]["b64_json"]).size == (64, 64)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a.png", "https://example.com/a.png", "file:///etc/passwd"]
)
def test_row_19_no_address_is_ever_fetched(http, url):
    body = {"images": [{"image_url": url}], "prompt": "a cat"}
    response = http.post("/v1/images/edits", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] in ("image", "images")
    assert "fetches none" in response.json()["error"]["message"]


def test_newer_parameters(client):
    answer = client.images.edit(
        image=file(data_of(holed(64))),
        prompt="a cat",
        model="gpt-image-1",
        background="opaque",
        input_fidelity="high",
        output_format="jpeg",
        output_compression=60,
        quality="low",
        user="me",
        extra_body={"steps": 1},
    )
    assert opened(answer.data[0].b64_json).format == "JPEG"
