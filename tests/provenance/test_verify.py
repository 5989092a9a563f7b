"""The report, in words and as values, and the command that prints it."""

import io
import json

import pytest
from PIL import Image
from provenance_pictures import MADE, RECIPE, drawing, encoded

from unclip.pipeline.files import encode_png
from unclip.provenance.keys import ROOT, local_credential
from unclip.provenance.manifest import Ingredient, Making, Signer
from unclip.provenance.verify import verify
from unclip.provenance.watermark import embed

PAYLOAD = 0xABCDEF012345


@pytest.fixture(scope="module")
def pictures(signer):
    """Files by what was done to them."""
    plain = drawing(1, (256, 256))
    marked = encode_png(embed(plain, PAYLOAD), RECIPE)
    signed = signer.sign(encoded(plain), "image/png", MADE).data
    parent = Ingredient(signed, "image/png", "cat.png")
    edit = Making("inpaint", "tiny 1.2", [parent], title="cat with hat")
    at, other = signed.index(b"caBX") - 4, encoded(drawing(2, (256, 256)))
    chunk = signed[at : at + 12 + int.from_bytes(signed[at : at + 4], "big")]
    return {
        "plain": encoded(plain),
        "marked": marked,
        "signed": signed,
        "both": signer.sign(marked, "image/png", MADE).data,
        "edited": signer.sign(encoded(plain), "image/png", edit).data,
        "altered": other[:33] + chunk + other[33:],  # credentials moved to another picture
        "resaved": encoded(Image.open(io.BytesIO(marked)).convert("RGB"), "JPEG", quality=80),
        "told": encode_png(plain, RECIPE),
        "bmp": encoded(plain, "BMP"),
    }


@pytest.fixture(scope="module")
def report(pictures, worker, keys):
    def make(name, trusted=False):
        data = pictures[name]
        image = Image.open(io.BytesIO(data))
        return verify(data, image, (keys / ROOT).read_text() if trusted else None, worker)

    return make


@pytest.mark.parametrize(
    ("name", "trusted", "verdict", "state"),
    [
        ("plain", False, "unknown", "absent"),
        ("bmp", False, "unknown", "absent"),
        ("told", False, "said", "absent"),
        ("signed", False, "said", "valid"),
        ("signed", True, "made", "trusted"),
        ("edited", True, "made", "trusted"),
        ("marked", False, "made", "absent"),
        ("resaved", True, "made", "absent"),
        ("both", False, "made", "valid"),
    ],
)
def test_verdicts(report, name, trusted, verdict, state):
    found = report(name, trusted)
    assert (found.verdict, found.credentials.state) == (verdict, state)
    told = found.as_dict()
    assert json.loads(json.dumps(told)) == told
    assert (told["verdict"], told["credentials"]["state"]) == (verdict, state)


def test_the_mark_outlives_the_credentials(report):
    found = report("resaved")
    assert found.mark.payload == PAYLOAD
    assert found.as_dict()["watermark"]["payload"] == "abcdef012345"
    assert "found, and says abcdef012345" in found.words()
    assert "stripped" in found.words()


def test_credentials_of_another_picture_are_broken(report):
    found = report("altered", True)
    assert found.verdict == "broken"
    assert found.credentials.state == "broken"
    assert "assertion.dataHash.mismatch" in found.credentials.problems
    assert "does not hold" in found.words()


def test_one_changed_byte_is_seen(pictures, worker):
    data = bytearray(pictures["signed"])
    data[-30] ^= 1
    found = verify(bytes(data), drawing(1, (256, 256)), None, worker)
    assert found.credentials.state == "broken"


def test_a_file_that_cannot_be_parsed(pictures, worker):
    found = verify(pictures["signed"][:-20], drawing(1, (256, 256)), None, worker)
    assert found.credentials.state == "unreadable"
    assert found.verdict == "broken"


def test_what_an_edit_was_made_from(report):
    found = report("edited", True)
    assert found.credentials.ingredients == ["cat.png"]
    assert found.credentials.actions == ["c2pa.opened", "c2pa.edited"]
    assert found.credentials.sources == ["compositeWithTrainedAlgorithmicMedia"]
    assert "Made from: cat.png." in found.words()


def test_words_say_who_signed_and_whether_to_believe_it(report):
    assert "whom this check trusts" in report("signed", True).words()
    words = report("signed").words()
    assert "Our Studio" in words
    assert "anyone can sign so" in words
    assert "proves nothing" in report("plain").words()
    assert "a recipe of unclip" in report("told").words()


def test_metadata_of_other_programs_is_shown(worker):
    exif = Image.Exif()
    exif[0x0131] = "Some Painter 3"
    packet = b"<x>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</x>"
    data = encoded(drawing(1, (256, 256)), "JPEG", exif=exif, xmp=packet)
    found = verify(data, Image.open(io.BytesIO(data)), None, worker)
    assert found.metadata.fields["Software"] == "Some Painter 3"
    assert found.verdict == "said"
    assert "Some Painter 3" in found.words()


@pytest.fixture
def unclip(unclip, monkeypatch, tmp_path):
    """The command line, with a data folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return unclip


@pytest.mark.parametrize(
    ("name", "code"),
    [("marked", 0), ("plain", 1), ("signed", 3), ("altered", 4)],
)
def test_exit_codes_for_a_script(unclip, pictures, tmp_path, name, code):
    path = tmp_path / "picture.png"
    path.write_bytes(pictures[name])
    found, out, err = unclip("verify", path, "--json")
    assert (found, err) == (code, "")
    assert json.loads(out)["sha256"]
    found, out, err = unclip("verify", path)
    assert (found, err) == (code, "")
    assert "Content credentials: " in out


def test_this_machines_own_signature_is_trusted(unclip, worker, tmp_path, pictures):
    own = Signer(local_credential, worker=worker)
    path = tmp_path / "own.png"
    path.write_bytes(own.sign(pictures["plain"], "image/png", MADE).data)
    assert unclip("verify", path)[0] == 0


def test_another_root_is_trusted_on_request(unclip, keys, tmp_path, pictures):
    path = tmp_path / "theirs.png"
    path.write_bytes(pictures["signed"])
    assert unclip("verify", path, "--trust", keys / ROOT)[0] == 0


def test_mistakes_are_one_line(unclip, tmp_path, pictures):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "real.png").write_bytes(pictures["plain"])
    for arguments in (
        [tmp_path / "gone.png"],
        [tmp_path / "text.png"],
        [tmp_path / "real.png", "--trust", tmp_path / "gone.pem"],
    ):
        code, out, err = unclip("verify", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("unclip: ")
        assert err.count("\n") == 1
