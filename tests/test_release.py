"""What a picture goes through before it leaves: judged, marked where it is new, signed."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from unclip.errors import InvalidArgument, Refused
from unclip.pipeline.files import read_picture
from unclip.pipeline.inputs import open_picture
from unclip.provenance.manifest import Signer
from unclip.provenance.payload import payload_of
from unclip.provenance.verify import verify
from unclip.release import new_pixels, said_by, tapered
from unclip.requests import Framing, Generation, Inpainting, Outpainting, Variation

SMALL = {"seed": 7, "steps": 2, "candidates": 1}


def test_what_is_generated_is_marked_and_signed(engine, tmp_path):
    result = engine.generate("a red apple", size="512x512", **SMALL)
    (path,) = engine.save(result, tmp_path)
    report = verify(path.read_bytes(), Image.open(path))
    assert report.verdict == "made"
    assert report.mark.found
    assert report.mark.payload in (None, payload_of(said_by(result[0].settings)))
    assert report.credentials.intact
    assert list(report.credentials.actions) == ["c2pa.created"]
    assert read_picture(path)[0]["prompt"] == "a red apple"
    assert engine.save(result, tmp_path) == [path], "the same picture is there already"


def test_an_edit_keeps_its_parent_and_what_was_not_to_change(engine, tmp_path):
    (path,) = engine.save(engine.generate("a red apple", size="256x256", **SMALL), tmp_path)
    mask = Image.new("L", (256, 256))
    mask.paste(255, (60, 60, 200, 200))
    result = engine.edit(path, "a cat", mask=mask, mask_mode="white", **SMALL)
    before, after = (np.asarray(i) for i in (open_picture(path), result[0].image))
    kept = np.asarray(mask) == 0
    assert (before[kept] == after[kept]).all()
    (edited,) = engine.save(result, tmp_path / "edited")
    report = verify(edited.read_bytes(), Image.open(edited))
    assert report.credentials.intact
    assert list(report.credentials.actions) == ["c2pa.opened", "c2pa.edited"]
    assert len(report.credentials.ingredients) == 1


@pytest.mark.parametrize(
    ("request_", "box"),
    [
        (Outpainting(Image.new("RGB", (64, 64), "red"), left=16), (0, 0, 16, 64)),
        (
            Framing(Image.new("RGBA", (64, 64), "red"), x=-16, y=0, side=64, prompt="a cat"),
            (0, 0, 16, 64),
        ),
        (
            Inpainting(
                Image.new("RGB", (64, 64), "red"), Image.new("L", (64, 64), 255), prompt="a cat"
            ),
            (0, 0, 64, 64),
        ),
    ],
)
def test_only_new_pixels_are_marked(request_, box):
    mode = request_.image.mode
    result = Image.new(mode, (request_.width, request_.height), "white")
    given = request_.image
    if not isinstance(request_, Inpainting):
        result.paste(given, request_.offset)
    expected = Image.new("L", result.size)
    expected.paste(255, box)
    assert new_pixels(result, request_).tobytes() == expected.tobytes()


def test_what_the_policy_blocks_is_not_drawn(engine):
    with pytest.raises(Refused) as refused:
        engine.generate("a nude woman", **SMALL)
    assert refused.value.category == "sexual"
    with pytest.raises(Refused):
        engine.blend(["a red apple", "a nude woman"], size="64x64", **SMALL)
    assert not engine.judge(Generation("a red apple"))


def test_an_operator_may_ask_instead(bundle, tmp_path):
    from unclip.engine import Engine
    from unclip.safety.policy import FILE

    own = tmp_path / "policy.toml"
    text = FILE.read_text()
    start = text.index("[categories.violence]")
    own.write_text(text[:start] + text[start:].replace('action = "block"', 'action = "ask"', 1))
    engine = Engine(bundle, own)
    request = Generation("a man stabs a man with a knife", size="64x64", **SMALL)
    with pytest.raises(Refused) as refused:
        next(engine.stream(request))
    assert refused.value.may_confirm
    assert list(engine.stream(request, confirmed=True))


def test_a_picture_that_forbids_it_is_no_source(engine, tmp_path):
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/'
        '22-rdf-syntax-ns#"><rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
        'plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>'
    )
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(buffer, "JPEG", xmp=xmp.encode())
    picture = open_picture(buffer.getvalue())
    with pytest.raises(InvalidArgument, match="image may not be used so"):
        next(engine.stream(Variation(picture, size="64x64", **SMALL)))
    next(engine.stream(Outpainting(picture, right=16, **SMALL)))


def test_row_28_without_a_key_nothing_leaves(bundle, tmp_path):
    from unclip.engine import Engine
    from unclip.provenance.keys import SigningError, file_credential

    absent = tmp_path / "absent.pem"
    with pytest.raises(SigningError, match="cannot be read"):
        Signer(lambda: file_credential(absent, absent))
    engine = Engine(bundle, signer=Signer(lambda: file_credential(absent, absent), refuse=False))
    result = engine.generate("a red apple", size="64x64", **SMALL)
    with pytest.raises(SigningError, match="cannot be read"):
        engine.save(result, tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_what_the_mark_stands_for_is_the_recipe_wherever_its_parents_are():
    recipe = {"operation": "vary", "seed": 7, "image": {"file": "a.png", "sha256": "0"}}
    moved = {**recipe, "image": {"file": "b/a.png", "sha256": "1"}}
    assert said_by(recipe) == said_by(moved)
    assert said_by(recipe) != said_by({**recipe, "seed": 8})
    assert json.loads(said_by(recipe))["seed"] == 7


def test_a_mark_begins_without_a_seam():
    mask = Image.new("L", (200, 100))
    mask.paste(255, (100, 0, 200, 100))
    row = np.asarray(tapered(mask))[50].astype(int)
    assert (row[:100] == 0).all()
    assert row[100] < 20
    assert (np.diff(row[100:]) >= 0).all()
    assert (row[120:] == 255).all(), "the picture's own border is no edge"
    whole = Image.new("L", (50, 50), 255)
    assert tapered(whole).tobytes() == whole.tobytes()
