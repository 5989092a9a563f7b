"""Content credentials (C2PA): what a picture says of its making, signed last.

Whatever leaves is a `SignedPicture`, and only `Signer` makes one. Metadata written after signing
breaks the signature, so a picture is marked, encoded with its recipe, and then signed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from unclip.provenance.keys import Credential, SigningError, local_credential
from unclip.provenance.metadata import read_metadata
from unclip.provenance.worker import CredentialsError, Worker, shared_worker

MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff")
"""What can carry content credentials."""

_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = f"{_SOURCES}trainedAlgorithmicMedia"
COMPOSITE = f"{_SOURCES}compositeWithTrainedAlgorithmicMedia"

FILLED = ("inpaint", "outpaint", "frame")
"""Operations that keep a part of a picture; the others make a new one."""

_TRAINING = ("ai_training", "ai_generative_training")
_USES = ("data_mining", *_TRAINING, "ai_inference")
_MINING = ("cawg.training-mining", "c2pa.training-mining")


@dataclass(frozen=True)
class Ingredient:
    """A picture that another was made from: the bytes of its file, with its own credentials."""

    data: bytes
    media_type: str
    title: str = "picture"


@dataclass(frozen=True)
class Making:
    """How a picture came to be.

    Args:
        operation: as requests name it.
        model: name and version of the bundle.
        ingredients: for an operation of `FILLED` the picture that was edited comes first.
        prompt: told to everyone who gets the picture; None, as it should be unless its author
            asked, leaves it out.
        title: of the picture.
    """

    operation: str
    model: str
    ingredients: Sequence[Ingredient] = ()
    prompt: str | None = None
    title: str = "picture"


@dataclass(frozen=True)
class SignedPicture:
    """A picture's file as it may leave.

    Args:
        data: the file.
        media_type: of the file.
        manifest: what was signed: `title`, `actions`, `signer`, and `ingredients` by title.
    """

    data: bytes
    media_type: str
    manifest: Mapping[str, Any]


class Signer:
    """Signs what leaves, or raises: without a valid key nothing does.

    Args:
        credential: gives what to sign with, see `keys`; asked again for each picture until it
            gives one that is valid, so that a renewed certificate is taken up.
        refuse: raise now if there is none, rather than at the first picture.
        training: whether others may train on the pictures, said in each.
        worker: the process that writes manifests; the shared one if None.

    Raises:
        SigningError: `refuse`, and the key is missing or damaged, or its certificate expired.
    """

    def __init__(
        self,
        credential: Callable[[], Credential] = local_credential,
        *,
        refuse: bool = True,
        training: bool = False,
        worker: Worker | None = None,
    ) -> None:
        self._load = credential
        self._kept: Credential | None = None
        self._training = training
        self._worker = worker or shared_worker()
        if refuse:
            self.credential()

    def credential(self) -> Credential:
        """What is signed with today. Raises `SigningError` as the class says."""
        if self._kept is not None:
            try:
                self._kept.check()
                return self._kept
            except SigningError:
                self._kept = None
        found = self._load()
        found.check()
        self._kept = found
        return found

    def sign(self, data: bytes, media_type: str, making: Making) -> SignedPicture:
        """The picture with its credentials; nothing may be written to it afterwards.

        Args:
            data: an encoded picture with all its metadata.

        Raises:
            SigningError: there is no valid key, or signing failed.
        """
        credential = self.credential()
        manifest = _manifest(making, self._training)
        relation = "parentOf" if making.operation in FILLED else "inputTo"
        ingredients = [
            (
                {
                    "title": ingredient.title,
                    "label": _label(k),
                    "relationship": relation if k == 0 else "inputTo",
                },
                ingredient.media_type,
                ingredient.data,
            )
            for k, ingredient in enumerate(making.ingredients)
        ]
        try:
            signed = self._worker.sign(
                manifest,
                data,
                media_type,
                ingredients,
                credential.chain,
                credential.algorithm,
                credential.sign,
            )
        except CredentialsError as error:
            raise SigningError(
                f"the picture cannot be signed, so it is kept back: {error}"
            ) from None
        said = {
            "title": making.title,
            "actions": [action["action"] for action in _actions(making)],
            "signer": credential.certificates[0].subject.rfc4514_string(),
            "ingredients": [ingredient.title for ingredient in making.ingredients],
        }
        return SignedPicture(signed, media_type, said)

    def forbids_use(self, data: bytes) -> str | None:
        """As the function does, but what we signed ourselves may be used here again."""
        return forbids_use(data, {self.credential().serial}, self._worker)


def forbids_use(
    data: bytes, ours: Collection[str] = (), worker: Worker | None = None
) -> str | None:
    """Why a picture may not be a style or a source of variations; None if nothing in it says so.

    Read are `cawg.training-mining` and the older `c2pa.training-mining`, in the picture's own
    manifest and in those of all it was made from, whoever signed them and even if the signature is
    broken; and the PLUS field `DataMining` in XMP.

    Args:
        ours: serial numbers of certificates whose manifests do not count.
    """
    metadata = read_metadata(data)
    if metadata.prohibited:
        return f"its metadata says {metadata.prohibited} (PLUS DataMining)"
    if metadata.media_type not in MEDIA_TYPES:
        return None
    try:
        _, store = (worker or shared_worker()).read(data, metadata.media_type)
    except CredentialsError:
        return "its content credentials cannot be read, so what they allow is unknown"
    for manifest in store.get("manifests", {}).values():
        signer = manifest.get("signature_info", {})
        if signer.get("cert_serial_number") in ours:
            continue
        for use in _forbidden(manifest):
            by = signer.get("issuer") or "an unknown party"
            return f"its content credentials, by {by}, do not allow {use.replace('_', ' ')}"
    return None


def _forbidden(manifest: Mapping[str, Any]) -> list[str]:
    """Uses that a manifest allows not at all, or under conditions that nobody here can meet."""
    return [
        name.split(".")[-1]
        for assertion in manifest.get("assertions", [])
        if str(assertion.get("label")).startswith(_MINING)
        for name, entry in dict(assertion["data"].get("entries", {})).items()
        if not isinstance(entry, dict) or entry.get("use") != "allowed"
    ]


def _manifest(making: Making, training: bool) -> dict[str, Any]:
    entries = {
        f"cawg.{use}": {"use": "allowed" if training or use not in _TRAINING else "notAllowed"}
        for use in _USES
    }
    assertions: list[dict[str, Any]] = [
        {"label": "c2pa.actions.v2", "data": {"actions": _actions(making)}},
        {"label": "cawg.training-mining", "data": {"entries": entries}},
    ]
    agent = {"name": "unclip", "version": version("unclip")}
    return {"claim_generator_info": [agent], "title": making.title, "assertions": assertions}


def _actions(making: Making) -> list[dict[str, Any]]:
    told = {"unclip.model": making.model, "unclip.operation": making.operation}
    if making.prompt is not None:
        told["unclip.prompt"] = making.prompt
    labels = [_label(k) for k in range(len(making.ingredients))]
    if making.operation not in FILLED:
        named = {"ingredientIds": labels} if labels else {}
        return [
            {
                "action": "c2pa.created",
                "digitalSourceType": GENERATED,
                "parameters": {**named, **told},
            }
        ]
    assert labels  # what is edited was there before
    return [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": labels[:1]}},
        {"action": "c2pa.edited", "digitalSourceType": COMPOSITE, "parameters": told},
    ]


def _label(k: int) -> str:
    return f"source_{k}"
