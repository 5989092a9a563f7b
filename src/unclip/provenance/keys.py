"""Certificates and keys to sign with: made here on first use, read from files, or kept elsewhere.

A private key stays in this process, or where a callback reaches it: what writes manifests is given
signatures, never a key.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from platformdirs import user_data_path

from unclip.errors import UnclipError

NOTE = (
    "made a certificate of this machine's own in {folder} to sign pictures with. Nobody else "
    "trusts it: other programs will show these pictures as signed by an unknown party, and anyone "
    "can make such a certificate in any name. For signatures that others trust, use a certificate "
    "from an authority on the C2PA trust list."
)

CERTIFICATE, KEY, ROOT = "certificate.pem", "key.pem", "root.pem"
_NAME = "unclip on this machine"
_YEARS = 10
_CURVES = {"secp256r1": ("es256", hashes.SHA256()), "secp384r1": ("es384", hashes.SHA384())}
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class SigningError(UnclipError):
    """A picture cannot be signed, so it must not leave; the message says why."""


@dataclass(frozen=True)
class Credential:
    """Who signs.

    Args:
        chain: certificates in PEM, the signer's own first.
        sign: from what is to be signed to the signature in the form that C2PA stores: for an
            elliptic curve r and s side by side.
    """

    chain: str
    sign: Callable[[bytes], bytes]

    @cached_property
    def certificates(self) -> Sequence[x509.Certificate]:
        """Of the chain, the signer's own first."""
        try:
            return x509.load_pem_x509_certificates(self.chain.encode())
        except ValueError:
            raise SigningError("the signing certificate is damaged; it may be PEM") from None

    @property
    def algorithm(self) -> str:
        """As C2PA names it."""
        key = self.certificates[0].public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
            return _CURVES[key.curve.name][0]
        if isinstance(key, ed25519.Ed25519PublicKey):
            return "ed25519"
        if isinstance(key, rsa.RSAPublicKey):
            return "ps256"
        raise SigningError(
            "the signing key is of a kind that C2PA has not; it may be P-256, P-384, Ed25519 or RSA"
        )

    @property
    def serial(self) -> str:
        """The number of the signer's certificate, as manifests tell it."""
        return str(self.certificates[0].serial_number)

    def check(self) -> None:
        """Raises `SigningError` where the certificate is not valid today."""
        own = self.certificates[0]
        _ = self.algorithm
        for problem, wrong in (
            (f"expired on {own.not_valid_after_utc:%Y-%m-%d}", _now() > own.not_valid_after_utc),
            (f"begins on {own.not_valid_before_utc:%Y-%m-%d}", _now() < own.not_valid_before_utc),
        ):
            if wrong:
                raise SigningError(f"the signing certificate {problem}; give a valid one")


def default_folder() -> Path:
    """Where the certificate of this machine is kept."""
    return user_data_path("unclip", appauthor=False) / "signing"


def file_credential(certificate: Path, key: Path) -> Credential:
    """A credential from PEM files: the chain, and its PKCS #8 private key without a password.

    Raises:
        SigningError: a file is missing or damaged, or the two do not belong together.
    """
    chain = _read(certificate, "certificate").decode("ascii", "replace")
    try:
        private = serialization.load_pem_private_key(_read(key, "key"), None)
    except (TypeError, ValueError):
        raise SigningError(
            f"the signing key {key} cannot be read; it may be PKCS #8 in PEM without a password"
        ) from None
    credential = Credential(chain, lambda data: _signature(private, data))
    if credential.certificates[0].public_key() != private.public_key():
        raise SigningError(f"the signing key {key} is not that of the certificate {certificate}")
    return credential


def local_credential(folder: Path | None = None) -> Credential:
    """The credential of this machine, made if there is none yet, which is said loudly.

    Raises:
        SigningError: it cannot be made there, or what is there is damaged.
    """
    folder = folder or default_folder()
    if not folder.exists():
        try:
            _make(folder)
        except OSError as error:
            raise SigningError(f"no signing key can be made in {folder}: {error}") from None
    return file_credential(folder / CERTIFICATE, folder / KEY)


def local_root(folder: Path | None = None) -> str | None:
    """The certificate in PEM that vouches for this machine's signatures, if it has one."""
    path = (folder or default_folder()) / ROOT
    return path.read_text() if path.is_file() else None


def make_credential(
    organisation: str = "unclip",
    days: tuple[float, float] = (-1 / 24, 365.25 * _YEARS),
) -> dict[str, bytes]:
    """A root and a certificate under it as PEM files by name; the root's own key is forgotten.

    Args:
        organisation: told by every signature.
        days: from and until when both are valid, from now.
    """
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    names = [
        x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        for name in (f"{_NAME}, root", _NAME)
    ]
    span = [_now() + timedelta(days=day) for day in days]
    root = _certificate(names[0], names[0], root_key, root_key, span, is_root=True)
    own = _certificate(names[1], names[0], key, root_key, span, is_root=False)
    pem = serialization.Encoding.PEM
    return {
        CERTIFICATE: own.public_bytes(pem) + root.public_bytes(pem),
        ROOT: root.public_bytes(pem),
        KEY: key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".signing-", dir=folder.parent))  # for its owner alone
    try:
        for name, data in make_credential().items():
            (made / name).touch(0o600)
            (made / name).write_bytes(data)
        os.rename(made, folder)  # noqa: PTH104
        logging.getLogger("unclip").warning(NOTE.format(folder=folder))
    except OSError:
        if not folder.exists():  # or else another process was first
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    span: Sequence[datetime],
    is_root: bool,
) -> x509.Certificate:
    """What C2PA asks of certificates (specification 2.2, section 14.5)."""
    usage = x509.KeyUsage(
        digital_signature=not is_root,
        key_cert_sign=is_root,
        crl_sign=is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.BasicConstraints(is_root, 0 if is_root else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not is_root:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _signature(key: object, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        der = key.sign(data, ec.ECDSA(_CURVES[key.curve.name][1]))
        size = (key.curve.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in utils.decode_dss_signature(der))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, _PSS, hashes.SHA256())
    assert isinstance(key, ed25519.Ed25519PrivateKey)  # `Credential.algorithm` knows no other
    return key.sign(data)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SigningError(f"the signing {what} {path} cannot be read: {error.strerror}") from None


def _now() -> datetime:
    return datetime.now(UTC)
