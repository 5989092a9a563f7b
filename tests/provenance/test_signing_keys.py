"""Certificates and keys; row 28 of the abuse table."""

import logging
import stat
import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from provenance_pictures import MADE, from_files

from unclip.errors import UnclipError
from unclip.provenance.keys import (
    CERTIFICATE,
    KEY,
    ROOT,
    Credential,
    SigningError,
    default_folder,
    file_credential,
    local_credential,
    local_root,
)
from unclip.provenance.manifest import Signer


def test_a_certificate_is_made_on_first_use_and_kept(tmp_path, caplog):
    folder = tmp_path / "deep" / "signing"
    assert local_root(folder) is None
    with caplog.at_level(logging.WARNING, "unclip"):
        first = local_credential(folder)
    (note,) = caplog.messages
    assert "Nobody else trusts it" in note
    assert str(folder) in note
    caplog.clear()
    assert local_credential(folder).serial == first.serial
    assert not caplog.messages
    assert {p.name for p in folder.iterdir()} == {CERTIFICATE, KEY, ROOT}
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o600
    assert [p.name for p in folder.parent.iterdir()] == ["signing"]


def test_many_at_once_make_one_certificate(tmp_path):
    serials = []
    threads = [
        threading.Thread(target=lambda: serials.append(local_credential(tmp_path / "s").serial))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(serials) == 6
    assert len(set(serials)) == 1


def test_its_place_is_that_of_the_users_data(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "unclip" / "signing"
    assert local_credential().algorithm == "es256"
    assert local_root() == (default_folder() / ROOT).read_text()


def test_where_nothing_can_be_written_there_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SigningError, match="no signing key can be made in"):
        local_credential(tmp_path / "file" / "signing")


def test_the_root_vouches_for_what_it_signed(keys, signer, worker, png):
    data = signer.sign(png, "image/png", MADE).data
    root = (keys / ROOT).read_text()
    assert worker.read(data, "image/png", root)[0] == "Trusted"


def test_row_28_a_missing_key_refuses_the_start(keys, tmp_path):
    for certificate, key in (
        (keys / CERTIFICATE, tmp_path / "gone.pem"),
        (tmp_path / "gone.pem", keys / KEY),
    ):
        with pytest.raises(SigningError, match=r"gone\.pem cannot be read"):
            Signer(partial(file_credential, certificate, key))


def test_row_28_an_expired_certificate_refuses_the_start(written):
    expired = written(days=(-20, -1))
    with pytest.raises(SigningError, match="expired on"):
        Signer(from_files(expired))
    with pytest.raises(SigningError, match="begins on"):
        Signer(from_files(written(days=(1, 20))))


def test_row_28_or_fails_closed_by_setting(written, worker, tmp_path, png):
    for credential in (
        from_files(written(days=(-20, -1))),
        partial(file_credential, tmp_path / "gone.pem", tmp_path / "gone.pem"),
    ):
        signer = Signer(credential, refuse=False, worker=worker)
        for _ in range(2):
            with pytest.raises(SigningError):
                signer.sign(png, "image/png", MADE)


def test_row_28_a_certificate_that_expires_while_running_stops_what_leaves(
    written, worker, png, monkeypatch
):
    folder = written()
    signer = Signer(from_files(folder), worker=worker)
    signer.sign(png, "image/png", MADE)
    later = datetime.now(UTC) + timedelta(days=20 * 365)
    monkeypatch.setattr("unclip.provenance.keys._now", lambda: later)
    with pytest.raises(SigningError, match="expired on"):
        signer.sign(png, "image/png", MADE)


def test_a_renewed_certificate_is_taken_up(written, worker, png):
    folder, fresh = written(days=(-20, -1)), written()
    signer = Signer(from_files(folder), refuse=False, worker=worker)
    with pytest.raises(SigningError):
        signer.sign(png, "image/png", MADE)
    for name in (CERTIFICATE, KEY):
        (folder / name).write_bytes((fresh / name).read_bytes())
    assert signer.sign(png, "image/png", MADE).data


def test_files_that_are_no_keys(keys, written, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("hello")
    with pytest.raises(SigningError, match="certificate is damaged"):
        file_credential(junk, keys / KEY)
    with pytest.raises(SigningError, match=r"key .* cannot be read; it may be PKCS #8"):
        file_credential(keys / CERTIFICATE, junk)
    with pytest.raises(SigningError, match="is not that of the certificate"):
        file_credential(keys / CERTIFICATE, written() / KEY)
    assert issubclass(SigningError, UnclipError)


def chain_for(key, issuer_key):
    """A chain like ours for a key of another kind."""
    from unclip.provenance import keys as ours

    now = datetime.now(UTC)
    span = (now - timedelta(hours=1), now + timedelta(days=1))
    names = [
        x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name)])
        for name in ("own", "root")
    ]
    root = ours._certificate(names[1], names[1], issuer_key, issuer_key, span, is_root=True)
    own = ours._certificate(names[0], names[1], key, issuer_key, span, is_root=False)
    return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in (own, root))


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
        (ed25519.Ed25519PrivateKey.generate, "ed25519"),
        (lambda: rsa.generate_private_key(65537, 2048), "ps256"),
    ],
)
def test_keys_of_other_kinds_sign_too(make, algorithm, tmp_path, worker, png):
    key, issuer = make(), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "chain.pem").write_text(chain_for(key, issuer))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    signer = Signer(
        partial(file_credential, tmp_path / "chain.pem", tmp_path / "key.pem"), worker=worker
    )
    assert signer.credential().algorithm == algorithm
    signed = signer.sign(png, "image/png", MADE)
    assert worker.read(signed.data, "image/png")[0] == "Valid"


def test_a_curve_that_c2pa_has_not(tmp_path):
    key = ec.generate_private_key(ec.SECP256K1())
    chain = chain_for(key, ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(SigningError, match="it may be P-256"):
        Signer(lambda: Credential(chain, bytes))


def test_a_key_that_is_kept_elsewhere_signs_by_a_callback(keys, worker, png):
    own = from_files(keys)()
    asked = []

    def elsewhere(data):
        asked.append(len(data))
        return own.sign(data)

    signer = Signer(lambda: Credential(own.chain, elsewhere), worker=worker)
    signed = signer.sign(png, "image/png", MADE)
    assert worker.read(signed.data, "image/png")[0] == "Valid"
    assert asked


def test_a_callback_that_fails_keeps_the_picture_back(keys, worker, png):
    def unreachable(data):
        raise ConnectionError("the key is in a vault that does not answer")

    failing = Signer(lambda: Credential(from_files(keys)().chain, unreachable), worker=worker)
    with pytest.raises(SigningError, match="vault that does not answer"):
        failing.sign(png, "image/png", MADE)
    assert Signer(from_files(keys), worker=worker).sign(png, "image/png", MADE).data


def test_a_signature_by_another_key_never_leaves(keys, written, worker, png):
    other = from_files(written())()
    wrong = Signer(lambda: Credential(from_files(keys)().chain, other.sign), worker=worker)
    with pytest.raises(SigningError, match="is kept back"):
        wrong.sign(png, "image/png", MADE)
