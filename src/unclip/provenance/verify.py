"""One report on where a picture comes from: its credentials, its mark, its metadata, its looks.

Nothing of it proves that a picture was not made by a model: all can be removed or changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from unclip.provenance.detector import load_detector
from unclip.provenance.manifest import MEDIA_TYPES
from unclip.provenance.metadata import Metadata, read_metadata
from unclip.provenance.watermark import THRESHOLD, Mark, read
from unclip.provenance.worker import CredentialsError, Worker, shared_worker

State = Literal["trusted", "valid", "broken", "unreadable", "absent"]

_STATES: dict[State, str] = {
    "trusted": "intact, and signed by {signer}, whom this check trusts",
    "valid": "intact, but signed by {signer}, whom this check does not know; anyone can sign so",
    "broken": "broken: the picture or what is said of it was changed after {signer} signed",
    "unreadable": "there, or the file is damaged, and cannot be read",
    "absent": "none; they may never have been there, or were stripped",
}
_ACTIONS = {
    "c2pa.created": "created",
    "c2pa.opened": "opened",
    "c2pa.edited": "edited",
}
_MACHINE = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")


@dataclass(frozen=True)
class Credentials:
    """What a picture's content credentials say.

    Args:
        state: whether they hold.
        signer: the name in the certificate.
        tool: what wrote the manifest.
        actions: in order, as C2PA names them.
        sources: digital source types of the actions, by their last word.
        ingredients: titles of what it was made from.
        problems: codes of what does not hold.
    """

    state: State
    signer: str | None = None
    tool: str | None = None
    actions: Sequence[str] = ()
    sources: Sequence[str] = ()
    ingredients: Sequence[str] = ()
    problems: Sequence[str] = ()

    @property
    def intact(self) -> bool:
        """Whether nothing was changed since they were signed, by whomever."""
        return self.state in ("trusted", "valid")


@dataclass(frozen=True)
class Report:
    """All that a file tells of its origin.

    Args:
        score: the detector's: over 0, it looks like a picture of the model that ships. A hint, on
            which no verdict rests.
    """

    sha256: str
    size: tuple[int, int]
    credentials: Credentials
    mark: Mark
    metadata: Metadata
    score: float

    @property
    def verdict(self) -> Literal["made", "broken", "said", "unknown"]:
        """In a word.

        "made": the mark, or trusted credentials, say that a model made or changed it. "broken": its
        credentials do not hold, and there is no mark. "said": only what anyone can write says so.
        "unknown": nothing does.
        """
        machine = any(source in _MACHINE for source in self.credentials.sources)
        if self.mark.found or (self.credentials.state == "trusted" and machine):
            return "made"
        if self.credentials.state in ("broken", "unreadable"):
            return "broken"
        told = self.metadata.fields.get("digitalSourceType") in _MACHINE
        recipe = self.metadata.recipe is not None
        return "said" if machine or told or recipe else "unknown"

    def words(self) -> str:
        """For a person, on several lines."""
        credentials, mark = self.credentials, self.mark
        conclusion = {
            "made": "A model made or changed this picture.",
            "broken": "What this picture says of its origin does not hold.",
            "said": "This picture says that a model made it; anyone could have written that.",
            "unknown": "Nothing here tells where this picture comes from. That proves nothing: "
            "credentials can be stripped and marks destroyed.",
        }[self.verdict]
        lines = [conclusion, ""]
        state = _STATES[credentials.state].format(signer=credentials.signer or "an unnamed party")
        lines.append(f"Content credentials: {state}.")
        if credentials.actions:
            actions = ", ".join(_ACTIONS.get(name, name) for name in credentials.actions)
            sources = f" ({', '.join(credentials.sources)})" if credentials.sources else ""
            lines.append(f"  They say: {actions}{sources}, with {credentials.tool}.")
        if credentials.ingredients:
            lines.append(f"  Made from: {', '.join(credentials.ingredients)}.")
        if credentials.problems:
            lines.append(f"  What does not hold: {', '.join(credentials.problems)}.")
        if mark.payload is not None:
            found = f"found, and says {mark.payload:012x}"
        elif mark.found:
            found = "found, but too little is left to read what it says"
        else:
            found = "none found"
        lines.append(
            f"Invisible mark: {found} (strength {mark.statistic:.1f}; {THRESHOLD:g} counts)."
        )
        lines.append(f"Metadata: {self._metadata_words()}.")
        looks = "like" if self.score > 0 else "unlike"
        lines.append(
            f"Looks: {looks} what our models draw (score {self.score:.1f}; over 0 is like). A "
            "hint, which can be wrong either way."
        )
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For a program: plain values."""
        credentials, mark = self.credentials, self.mark
        return {
            "verdict": self.verdict,
            "sha256": self.sha256,
            "width": self.size[0],
            "height": self.size[1],
            "credentials": {
                "state": credentials.state,
                "signer": credentials.signer,
                "tool": credentials.tool,
                "actions": list(credentials.actions),
                "sources": list(credentials.sources),
                "ingredients": list(credentials.ingredients),
                "problems": list(credentials.problems),
            },
            "watermark": {
                "found": mark.found,
                "payload": None if mark.payload is None else f"{mark.payload:012x}",
                "statistic": round(mark.statistic, 2),
                "threshold": THRESHOLD,
                "scale": round(mark.scale, 3),
                "mirrored": mark.mirrored,
            },
            "classifier": {"looks_ours": self.score > 0, "score": round(self.score, 2)},
            "metadata": {
                "recipe": self.metadata.recipe,
                "fields": dict(self.metadata.fields),
                "prohibited": self.metadata.prohibited,
            },
        }

    def _metadata_words(self) -> str:
        told = [f"{name}: {value}" for name, value in self.metadata.fields.items()]
        if self.metadata.recipe is not None:
            told.insert(0, "a recipe of unclip (see `unclip show`)")
        if self.metadata.prohibited:
            told.append(f"{self.metadata.prohibited} (PLUS DataMining)")
        return "; ".join(told) or "none that tells of its origin"


def verify(
    data: bytes, image: Image.Image, anchors: str | None = None, worker: Worker | None = None
) -> Report:
    """The report on a picture.

    Args:
        data: its file.
        image: the same, decoded and upright.
        anchors: certificates in PEM whose signatures count as trusted.
        worker: the process that reads credentials; the shared one if None.
    """
    metadata = read_metadata(data)
    return Report(
        hashlib.sha256(data).hexdigest(),
        image.size,
        _credentials(data, metadata.media_type, anchors, worker or shared_worker()),
        read(image),
        metadata,
        load_detector().score(image),
    )


def _credentials(data: bytes, media_type: str, anchors: str | None, worker: Worker) -> Credentials:
    if media_type not in MEDIA_TYPES:
        return Credentials("absent")
    try:
        state, store = worker.read(data, media_type, anchors)
    except CredentialsError:
        return Credentials("unreadable")
    active: Mapping[str, Any] = store.get("manifests", {}).get(store.get("active_manifest"), {})
    if not active:
        return Credentials("absent")
    names: dict[str, State] = {"Trusted": "trusted", "Valid": "valid"}
    tools = active.get("claim_generator_info") or [{}]
    signed = active.get("signature_info") or {}
    actions = [
        action
        for assertion in active.get("assertions", [])
        if str(assertion.get("label")).startswith("c2pa.actions")
        for action in assertion["data"].get("actions", [])
    ]
    problems = [
        str(status.get("code"))
        for status in store.get("validation_status", [])
        if status.get("code") != "signingCredential.untrusted"
    ]
    named = (signed.get("common_name"), signed.get("issuer"))
    return Credentials(
        names.get(state, "broken"),
        ", ".join(name for name in named if name) or None,
        " ".join(str(tools[0][key]) for key in ("name", "version") if key in tools[0]),
        [str(action.get("action")) for action in actions],
        [
            str(action["digitalSourceType"]).rsplit("/", 1)[-1]
            for action in actions
            if "digitalSourceType" in action
        ],
        [str(ingredient.get("title")) for ingredient in active.get("ingredients", [])],
        problems,
    )
