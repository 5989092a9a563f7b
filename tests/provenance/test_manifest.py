"""What signed pictures say, and what of others forbids their use."""

import io
import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from provenance_pictures import MADE, active, encoded, from_files

import unclip
from unclip.provenance.manifest import (
    COMPOSITE,
    GENERATED,
    Ingredient,
    Making,
    SignedPicture,
    Signer,
    forbids_use,
)


def test_a_generated_picture_says_so(signer, worker, png):
    signed = signer.sign(png, "image/png", MADE)
    state, store = worker.read(signed.data, "image/png")
    assert state == "Valid"
    manifest, said = active(store)
    assert manifest["title"] == "a red apple"
    assert manifest["claim_generator_info"][0]["name"] == "unclip"
    (created,) = said["c2pa.actions.v2"]["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"] == GENERATED
    assert created["parameters"]["unclip.model"] == "tiny 1.2"
    assert said["cawg.training-mining"]["entries"] == {
        "cawg.data_mining": {"use": "allowed"},
        "cawg.ai_training": {"use": "notAllowed"},
        "cawg.ai_generative_training": {"use": "notAllowed"},
        "cawg.ai_inference": {"use": "allowed"},
    }
    assert signed.manifest["actions"] == ["c2pa.created"]
    assert "Our Studio" in signed.manifest["signer"]


@pytest.mark.parametrize("operation", ["inpaint", "outpaint", "frame"])
def test_an_edit_keeps_its_parent_and_the_parents_manifest(signer, worker, png, operation):
    parent = signer.sign(png, "image/png", MADE).data
    made = Making(operation, "tiny 1.2", [Ingredient(parent, "image/png", "cat.png")])
    state, store = worker.read(signer.sign(png, "image/png", made).data, "image/png")
    assert state == "Valid"
    assert len(store["manifests"]) == 2
    manifest, said = active(store)
    opened, edited = said["c2pa.actions.v2"]["actions"]
    assert opened["action"] == "c2pa.opened"
    assert len(opened["parameters"]["ingredients"]) == 1
    assert (edited["action"], edited["digitalSourceType"]) == ("c2pa.edited", COMPOSITE)
    (ingredient,) = manifest["ingredients"]
    assert (ingredient["relationship"], ingredient["title"]) == ("parentOf", "cat.png")
    assert ingredient["active_manifest"] in store["manifests"]


@pytest.mark.parametrize(("operation", "count"), [("vary", 1), ("blend", 3), ("change", 2)])
def test_what_is_made_from_pictures_names_them_as_inputs(signer, worker, png, operation, count):
    jpeg = encoded(Image.new("RGB", (32, 32), "blue"), "JPEG")
    sources = [Ingredient(jpeg, "image/jpeg", f"{k}.jpg") for k in range(count)]
    signed = signer.sign(png, "image/png", Making(operation, "tiny 1.2", sources))
    state, store = worker.read(signed.data, "image/png")
    assert state == "Valid"
    manifest, said = active(store)
    (created,) = said["c2pa.actions.v2"]["actions"]
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", GENERATED)
    assert len(created["parameters"]["ingredients"]) == count
    assert {i["relationship"] for i in manifest["ingredients"]} == {"inputTo"}
    assert [i["title"] for i in manifest["ingredients"]] == [f"{k}.jpg" for k in range(count)]


def test_an_edit_of_nothing_is_our_own_mistake(signer, png):
    with pytest.raises(AssertionError):
        signer.sign(png, "image/png", Making("inpaint", "tiny 1.2"))


def test_the_prompt_is_told_only_if_asked(signer, worker, png):
    plain = encoded(Image.new("RGB", (8, 8)))
    secret = signer.sign(plain, "image/png", MADE)
    assert b"unclip.prompt" not in secret.data
    told = Making("generate", "tiny 1.2", prompt="a red apple, please")
    _, store = worker.read(signer.sign(png, "image/png", told).data, "image/png")
    (created,) = active(store)[1]["c2pa.actions.v2"]["actions"]
    assert created["parameters"]["unclip.prompt"] == "a red apple, please"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_every_format_is_signed_and_pixels_stay(signer, worker, kind):
    data = encoded(Image.new("RGB", (40, 30), "green"), kind)
    signed = signer.sign(data, f"image/{kind.lower()}", MADE)
    assert worker.read(signed.data, signed.media_type)[0] == "Valid"
    before, after = (Image.open(io.BytesIO(d)).tobytes() for d in (data, signed.data))
    assert before == after


def test_a_signed_picture_cannot_be_changed_and_only_one_place_makes_it(signer, png):
    signed = signer.sign(png, "image/png", MADE)
    with pytest.raises(FrozenInstanceError):
        signed.data = b""
    assert isinstance(signed, SignedPicture)
    folder = Path(unclip.__file__).parent
    makers = [
        p.name for p in folder.rglob("*.py") if re.search(r"\bSignedPicture\(", p.read_text())
    ]
    assert makers == ["manifest.py"]


@pytest.fixture(scope="module")
def theirs(written, worker):
    """Another's signer, who forbids training."""
    return Signer(from_files(written(organisation="Someone Else")), worker=worker)


def test_an_upload_that_forbids_its_use_is_told_with_the_reason(signer, theirs, worker, png):
    data = theirs.sign(png, "image/png", MADE).data
    reason = signer.forbids_use(data)
    assert reason == "its content credentials, by Someone Else, do not allow ai generative training"
    assert forbids_use(data, worker=worker) == reason


def test_what_we_signed_ourselves_may_be_used_again(signer, png):
    ours = signer.sign(png, "image/png", MADE).data
    assert signer.forbids_use(ours) is None
    again = Making("inpaint", "tiny 1.2", [Ingredient(ours, "image/png")])
    assert signer.forbids_use(signer.sign(png, "image/png", again).data) is None


def test_a_prohibition_passes_through_an_edit(signer, theirs, png):
    parent = Ingredient(theirs.sign(png, "image/png", MADE).data, "image/png")
    edited = signer.sign(png, "image/png", Making("inpaint", "tiny 1.2", [parent])).data
    assert "Someone Else" in signer.forbids_use(edited)


def test_the_older_assertion_counts_too(worker, keys, signer, png):
    credential = signer.credential()
    entries = {"c2pa.ai_training": {"use": "constrained", "constraint_info": "ask me"}}
    actions = [{"action": "c2pa.created", "digitalSourceType": GENERATED}]
    manifest = {
        "claim_generator_info": [{"name": "another program"}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {"label": "c2pa.training-mining", "data": {"entries": entries}},
        ],
    }
    data = worker.sign(
        manifest, png, "image/png", [], credential.chain, credential.algorithm, credential.sign
    )
    assert "do not allow ai training" in forbids_use(data, worker=worker)


def test_who_allows_training_is_not_refused(written, worker, png):
    generous = Signer(from_files(written()), training=True, worker=worker)
    assert forbids_use(generous.sign(png, "image/png", MADE).data, worker=worker) is None


def test_prohibition_in_xmp(worker):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><plus:DataMining>'
        "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING</plus:DataMining></x:xmpmeta>"
    )
    image, info = Image.new("RGB", (8, 8)), PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    for data in (
        encoded(image, pnginfo=info),
        encoded(image, "JPEG", xmp=packet.encode()),
        encoded(image, "WEBP", xmp=packet.encode()),
    ):
        assert "DMI-PROHIBITED-AIMLTRAINING" in forbids_use(data, worker=worker)


def test_nothing_said_is_nothing_forbidden(worker, png):
    assert forbids_use(png, worker=worker) is None
    assert forbids_use(encoded(Image.new("RGB", (8, 8)), "BMP"), worker=worker) is None
    assert forbids_use(b"no picture", worker=worker) is None


def test_credentials_that_cannot_be_read_count_as_a_prohibition(theirs, worker, png):
    data = theirs.sign(png, "image/png", MADE).data[:-20]
    assert "cannot be read" in forbids_use(data, worker=worker)
