"""POST /v1/images/generations and /variations, as OpenAI's client asks and reads."""

import base64
import io
import time

import httpx2
import pytest
from PIL import Image
from server_pictures import data_of, drawn, file, holed, opened, png
from server_process import SMALL

from unclip.provenance.watermark import read
from unclip.provenance.worker import shared_worker

VARIED = {**SMALL, "extra_body": {"steps": 2, "candidates": 1}}
OLD = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
"""OpenAI's client has the method still, and says that OpenAI has not."""


def test_the_answer_has_the_shape_that_the_client_reads(client):
    before = int(time.time())
    answer = client.images.generate(prompt="a red apple", model="dall-e-2", n=2, **SMALL)
    assert before <= answer.created <= time.time()
    assert len(answer.data) == 2
    assert answer.size == "256x256"
    assert answer.output_format == "png"
    assert answer.background == "auto"
    assert answer.usage.input_tokens == answer.usage.total_tokens > 0
    assert answer.usage.input_tokens_details.text_tokens == answer.usage.input_tokens
    one, two = answer.data
    assert one.url.startswith("http://127.0.0.1:")
    assert one.b64_json is None
    assert one.url != two.url
    assert two.seed == one.seed + 1


def test_a_url_gives_the_picture_without_a_key(client):
    answer = client.images.generate(prompt="a cat", response_format="url", **SMALL)
    response = httpx2.get(answer.data[0].url, trust_env=False)
    assert response.headers["content-type"] == "image/png"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.size == (256, 256)
        assert '"prompt": "a cat"' in image.text["unclip"]


def test_b64_json_is_the_same_picture_for_the_same_seed(client):
    asked = {"size": "256x256", "extra_body": {"steps": 1, "candidates": 1, "seed": 7}}
    one = client.images.generate(prompt="a cat", response_format="b64_json", **asked)
    two = client.images.generate(prompt="a cat", response_format="b64_json", **asked)
    assert one.data[0].url is None
    assert one.data[0].seed == 7
    first, second = (opened(answer.data[0].b64_json) for answer in (one, two))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("model", "is_url"), [("dall-e-2", True), ("dall-e-3", True), ("gpt-image-1", False)]
)
def test_what_a_model_answers_with_where_nothing_is_said(client, model, is_url):
    picture = client.images.generate(prompt="a cat", model=model, **SMALL).data[0]
    assert (picture.url is not None) is is_url
    assert (picture.b64_json is not None) is not is_url


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ("256x256", (256, 256)),
        ("512x512", (512, 512)),
        ("1024x1024", (1024, 1024)),
        ("1536x1024", (1536, 1024)),
        ("1024x1536", (1024, 1536)),
        ("1792x1024", (1792, 1024)),
        ("1024x1792", (1024, 1792)),
        ("auto", (1024, 1024)),
    ],
)
def test_every_size(client, size, pixels):
    quick = {"steps": 1, "candidates": 1}
    answer = client.images.generate(
        prompt="a cat", size=size, response_format="b64_json", extra_body=quick
    )
    assert opened(answer.data[0].b64_json).size == pixels
    assert answer.size == f"{pixels[0]}x{pixels[1]}"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_format(client, kind):
    answer = client.images.generate(
        prompt="a cat", output_format=kind, model="gpt-image-1", **SMALL
    )
    assert opened(answer.data[0].b64_json).format == kind.upper()
    assert answer.output_format == kind


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_compression_makes_smaller_files(client, kind):
    def length(compression):
        asked = {**SMALL, "extra_body": {**SMALL["extra_body"], "seed": 1}}
        answer = client.images.generate(
            prompt="a cat",
            output_format=kind,
            output_compression=compression,
            model="gpt-image-1",
            **asked,
        )
        return len(answer.data[0].b64_json)

    assert length(5) < length(50) < length(95)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_transparent_background(client, kind):
    answer = client.images.generate(
        prompt="a cat", background="transparent", output_format=kind, model="gpt-image-1", **SMALL
    )
    assert answer.background == "transparent"
    assert opened(answer.data[0].b64_json).mode == "RGBA"


def test_every_other_parameter_is_taken(client):
    for quality in ("standard", "hd", "low", "medium", "high", "auto"):
        answer = client.images.generate(
            prompt="a cat",
            n=1,
            quality=quality,
            style="natural",
            background="opaque",
            moderation="low",
            user="somebody",
            size="256x256",
            extra_body={"steps": 1, "sampler": "ddim", "guidance_scale": 1.0},
        )
        assert answer.quality == quality


def test_quality_draws_more_candidates(client, http):
    def candidates(quality):
        answer = client.images.generate(
            prompt="a cat", quality=quality, size="256x256", extra_body={"steps": 1}
        )
        with Image.open(io.BytesIO(http.get(answer.data[0].url).content)) as image:
            return image.text["unclip"]

    assert '"candidates": 1,' in candidates("low")
    assert '"candidates": 16,' in candidates("high")


@OLD
def test_a_variation(client):
    answer = client.images.create_variation(
        image=file(png(64)), n=2, model="dall-e-2", response_format="b64_json", user="me", **VARIED
    )
    assert [opened(picture.b64_json).size for picture in answer.data] == [(256, 256)] * 2


@OLD
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_variation_of_every_kind_of_file(client, kind):
    answer = client.images.create_variation(image=data_of(drawn(64), kind), **VARIED)
    assert answer.data[0].url


@OLD
def test_a_variation_of_a_picture_with_transparency(client):
    assert client.images.create_variation(image=file(data_of(holed(64))), **VARIED).data[0].url


def test_headers(client):
    raw = client.images.with_raw_response.generate(prompt="a cat", **SMALL)
    assert raw.headers["x-request-id"].startswith("req_")
    assert int(raw.headers["openai-processing-ms"]) > 0
    assert raw.headers["x-ratelimit-limit-requests"] == "600"
    assert int(raw.headers["x-ratelimit-remaining-requests"]) < 600
    assert raw.headers["x-ratelimit-reset-requests"].endswith("s")
    assert raw.headers["cache-control"] == "no-store"
    assert raw.parse().data[0].url


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_what_leaves_is_marked_and_signed(client, kind):
    answer = client.images.generate(
        prompt="a cat", output_format=kind, model="gpt-image-1", **SMALL
    )
    data = answer.data[0].b64_json
    state, _ = shared_worker().read(base64.b64decode(data), f"image/{kind}")
    assert state == "Valid"
    assert read(opened(data)).found


def test_who_is_shown_is_told(client):
    made = client.images.generate(prompt="a doctor", n=2, **SMALL)
    revised = [picture.revised_prompt for picture in made.data]
    assert all(prompt.endswith(" skin") for prompt in revised)
    assert client.images.generate(prompt="a cat", **SMALL).data[0].revised_prompt is None
