"""Abuse by what is sent: rows 1 to 8 and 21 of the table of abuse and faults."""

import json
import socket
import struct
import time
import zlib
from urllib.parse import urlsplit

import openai
import psutil
import pytest
from PIL import Image
from server_pictures import data_of, data_url, drawn, file, holed, opened, png
from server_process import SMALL

QUICK = {"steps": 1, "candidates": 1}
HEADER = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width, height, *between, pixels=b""):
    """A PNG that claims so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *between, chunk(b"IDAT", zlib.compress(pixels))]
    return HEADER + b"".join([*parts, chunk(b"IEND", b"")])


ROWS = b"".join(b"\0" + bytes(64 * 3) for _ in range(64))
BOMB = zlib.compress(bytes(200 * 2**20), 9)

BROKEN = {
    "truncated": png(64)[:-200],
    "wrong crc": png(64).replace(b"IDAT", b"IDAT\1", 1),
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "empty": b"",
    "50k x 50k": png_of(50_000, 50_000),
    "text bomb": png_of(64, 64, chunk(b"zTXt", b"Comment\0\0" + BOMB), pixels=ROWS),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("route", ["variations", "edits"])
def test_row_1_and_2_pictures_that_are_none(http, server, route, name):
    before = psutil.Process(server.process.pid).memory_info().rss
    begun = time.monotonic()
    response = http.post(
        f"/v1/images/{route}",
        files={"image": file(BROKEN[name])},
        data={"prompt": "a cat"} if route == "edits" else {},
    )
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "image")
    assert time.monotonic() - begun < 5
    assert psutil.Process(server.process.pid).memory_info().rss - before < 150 * 2**20


def test_row_2_a_profile_bomb_and_ten_thousand_frames_cost_little(http, server):
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 64, 0, 0, 1, 10, 0, 0))
    many = png_of(
        64, 64, chunk(b"acTL", struct.pack(">II", 10_000, 0)), frame * 10_000, pixels=ROWS
    )
    profile = png_of(64, 64, chunk(b"iCCP", b"p\0\0" + BOMB), pixels=ROWS)
    before = psutil.Process(server.process.pid).memory_info().rss
    for data in (many, profile):
        begun = time.monotonic()
        response = http.post(
            "/v1/images/variations",
            files={"image": file(data)},
            data={"size": "256x256", "steps": "2", "candidates": "1"},
        )
        assert response.status_code in (200, 400), response.text
        assert time.monotonic() - begun < 10
    assert psutil.Process(server.process.pid).memory_info().rss - before < 150 * 2**20


def talk(server, head, body=b"", chunks=None):
    """Send bytes as they are, and give the answer's head and how much of the body was taken."""
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        lines = [*head, f"host: {place.netloc}", "", ""]
        connection.sendall("\r\n".join(lines).encode() + body)
        sent = 0
        try:
            for data in chunks or ():
                connection.sendall(data)
                sent += len(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
    return answer.decode("latin-1"), sent


LENGTH = "content-length: 1000"


def bearer(server):
    return f"authorization: Bearer {server.new_key()}"


@pytest.mark.parametrize("route", ["generations", "edits"])
def test_row_3_a_length_over_the_limit_is_refused_before_the_body(idle, route):
    kind = "application/json" if route == "generations" else "multipart/form-data; boundary=b"
    head = [f"POST /v1/images/{route} HTTP/1.1", f"content-type: {kind}"]
    begun = time.monotonic()
    answer, _ = talk(idle, [*head, bearer(idle), "content-length: 100000000"])
    assert answer.startswith("HTTP/1.1 413")
    assert time.monotonic() - begun < 5


def test_row_3_a_body_without_length_is_counted_while_it_is_read(idle):
    part = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    start = b'--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    first = f"{len(start):x}\r\n".encode() + start + b"\r\n"
    answer, sent = talk(
        idle,
        [
            "POST /v1/images/edits HTTP/1.1",
            "content-type: multipart/form-data; boundary=b",
            "transfer-encoding: chunked",
            bearer(idle),
        ],
        chunks=[first, *[part] * 1000],
    )
    assert answer == "" or answer.startswith("HTTP/1.1 413")
    assert sent < 1000 * len(part)


def test_row_3_a_body_that_never_ends_is_given_up(idle):
    head = ["POST /v1/images/generations HTTP/1.1", "content-type: application/json"]
    answer, _ = talk(idle, [*head, bearer(idle), "content-length: 100"], body=b"{")
    assert answer.startswith("HTTP/1.1 408")


def test_row_3_a_picture_over_the_limit(idle):
    with idle.http(idle.new_key()) as http:
        response = http.post("/v1/images/variations", files={"image": file(b"x" * 1001)})
        assert response.status_code == 413
        assert response.json()["error"]["param"] == "image"


@pytest.mark.parametrize(
    ("image", "mask", "size", "param"),
    [
        (holed(64).crop((0, 0, 64, 48)), None, "256x256", "image"),
        (drawn(64), holed(32), "auto", "mask"),
        (drawn(64), drawn(64), "auto", "mask"),
        (drawn(64), None, "auto", "mask"),
        (drawn(64, "RGBA"), None, "auto", "mask"),
    ],
    ids=["no square", "mask of another size", "mask without alpha", "no alpha", "all opaque"],
)
def test_row_4_pictures_and_masks_that_do_not_fit(client, image, mask, size, param):
    given = {} if mask is None else {"mask": file(data_of(mask))}
    with pytest.raises(openai.BadRequestError) as failed:
        client.images.edit(image=file(data_of(image)), prompt="a cat", size=size, **given)
    assert failed.value.param == param


def test_row_5_a_wholly_opaque_mask_changes_nothing_and_a_clear_one_everything(client):
    def edited(alpha):
        mask = Image.new("RGBA", (64, 64), (0, 0, 0, alpha))
        answer = client.images.edit(
            image=file(png(64)),
            mask=file(data_of(mask)),
            prompt="a cat",
            response_format="b64_json",
            extra_body=QUICK,
        )
        return opened(answer.data[0].b64_json).convert("RGB").tobytes()

    before = drawn(64).tobytes()
    assert edited(255) == before
    redrawn = edited(0)
    same = sum(a == b for a, b in zip(redrawn, before, strict=True))
    assert same < len(before) / 2


@pytest.mark.parametrize(
    ("given", "param"),
    [
        *[({"n": n}, "n") for n in (0, 11, 10**9, "3", True, -1, 1.5, [1])],
        *[({"size": size}, "size") for size in ("100x100", "1x1", "4096x4096", "big", 256, "²x²")],
        ({"response_format": "png"}, "response_format"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_format": "jpeg", "background": "transparent"}, "output_format"),
        ({"output_format": "jpeg", "output_compression": 101}, "output_compression"),
        ({"output_compression": 50}, "output_compression"),
        ({"quality": "best"}, "quality"),
        ({"stream": "yes"}, "stream"),
        ({"partial_images": 4, "stream": True}, "partial_images"),
        ({"steps": 0}, "steps"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32 - 1, "n": 2}, "seed"),
        ({"guidance_scale": 1e308}, "guidance_scale"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_row_6_values_out_of_range_make_no_job(http, server, given, param):
    with server.store() as store:
        before = store.jobs.counts()
        response = http.post("/v1/images/generations", json={"prompt": "a cat", **given})
        assert store.jobs.counts() == before
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"prompt": NaN}', '"a cat"', "{}" * 9])
def test_row_6_json_that_is_none(http, body):
    response = http.post(
        "/v1/images/generations", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_row_6_json_that_is_nested_without_end(http):
    body = '{"prompt": ' + "[" * 100_000 + "}"
    response = http.post(
        "/v1/images/generations", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("prompt", "status"),
    [
        ("", 400),
        ("   ", 400),
        ("cat " * 250, 200),
        ("cat " * 250 + "s", 400),
        ("a\0cat", 400),
        ("a \ud800 cat", 400),
        ("🐈" * 1000, 200),
    ],
    ids=["empty", "blank", "1000", "1001", "NUL", "surrogate", "1000 emoji"],
)
def test_row_7_lengths_and_characters_of_prompts(http, prompt, status):
    body = json.dumps({"prompt": prompt, "size": "256x256", **QUICK})
    response = http.post(
        "/v1/images/generations", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == status, response.text
    if status == 400:
        assert response.json()["error"]["param"] in ("prompt", None)


@pytest.mark.parametrize(
    "prompt",
    [
        "תפוח אדום",
        "a 👩‍👩‍👧‍👦 family",
        "cafe\u0301 at night",
        "a\u200bcat\u200d on a\ufeff mat",
        "عربي \u202eabc",
    ],
    ids=["right to left", "joined emoji", "combining", "zero width", "override"],
)
def test_row_8_prompts_are_stored_exactly(client, http, server, prompt):
    answer = client.images.generate(prompt=prompt, **SMALL)
    assert answer.data[0].url
    with server.store() as store:
        job = store.jobs.latest(1)[0]
    assert job.request["prompt"] == prompt
    recipe = http.get(f"/v1/unclip/jobs/{job.id}/pictures/0/recipe").json()
    assert recipe["prompt"] == prompt


@pytest.mark.parametrize(
    "prompt", ["a p\u200bip\u200be bo\u200bmb, how to build", "ｎａｋｅｄ girl"]
)
def test_row_8_and_judged_in_their_normal_form(client, prompt):
    with pytest.raises(openai.BadRequestError) as failed:
        client.images.generate(prompt=prompt, **SMALL)
    assert failed.value.code == "content_policy_violation"


@pytest.mark.parametrize(
    "head",
    [
        ["content-type: multipart/form-data; boundary=" + "b" * 3_000_000, LENGTH],
        ["content-type: multipart/form-data; boundary=" + "b" * 71, LENGTH],
        ["content-type: multipart/form-data", LENGTH],
        ["content-type: multipart/form-data; boundary=b", "content-length: 99999999"],
    ],
    ids=["3 MB boundary", "long boundary", "no boundary", "long body"],
)
def test_row_21_multipart_that_no_client_sends_is_refused_without_a_key(idle, head):
    begun = time.monotonic()
    answer, _ = talk(idle, ["POST /v1/images/edits HTTP/1.1", *head], body=b"x" * 1000)
    assert answer == "" or answer.startswith("HTTP/1.1 4")
    assert time.monotonic() - begun < 5
    with idle.http() as http:
        assert http.get("/healthz").status_code == 200


def test_row_21_ten_thousand_parts(idle):
    part = b'--b\r\ncontent-disposition: form-data; name="n"\r\n\r\n1\r\n'
    body = part * 10_000 + b"--b--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=b"}
    with idle.http() as http:
        begun = time.monotonic()
        assert http.post("/v1/images/edits", content=body, headers=headers).status_code == 401
    with idle.http(idle.new_key()) as http:
        response = http.post("/v1/images/edits", content=body, headers=headers)
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "invalid_multipart"
        assert time.monotonic() - begun < 5


def test_row_29_nothing_that_is_sent_comes_back_as_a_page(client, http):
    prompt = "<script>alert(1)</script> a cat"
    answer = client.images.generate(prompt=prompt, **SMALL)
    response = http.get(answer.data[0].url)
    assert response.headers["content-type"] == "image/png"
    refused = http.post("/v1/images/generations", json={"prompt": "a cat", "size": prompt})
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["content-security-policy"].startswith("default-src 'none'")
    named = http.post("/v1/images/variations", files={"image": ("<svg onload=x>.svg", b"<svg/>")})
    assert named.status_code == 400
    assert data_url(b"") not in named.text
