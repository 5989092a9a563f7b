"""Addresses of pictures that need no key: signed, and good for an hour."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

from unclip.server.errors import ApiError
from unclip.server.settings import Settings

FILES = "/v1/unclip/files"
SECRET_FILE = "url-secret"
_BYTES = 32


class Signer:
    """Signs addresses and checks them.

    Args:
        secret: whoever has it can read every picture.
        seconds: how long an address is good.
    """

    def __init__(self, secret: bytes, seconds: int) -> None:
        self._secret = secret
        self._seconds = seconds

    def path(self, name: str) -> str:
        """The signed path of a file, from now on."""
        expires = int(time.time()) + self._seconds
        query = urlencode({"expires": expires, "signature": self._signature(name, expires)})
        return f"{FILES}/{name}?{query}"

    def check(self, name: str, expires: int, signature: str) -> None:
        """See that this server signed it, and not too long ago.

        Raises:
            ApiError: 403.
        """
        wanted = self._signature(name, expires).encode()
        if not hmac.compare_digest(wanted, signature.encode("utf-8", "replace")):
            raise ApiError(403, "The signature does not match.", "invalid_signature")
        if time.time() >= expires:
            raise ApiError(403, "The address has expired. Ask for the picture again.", "expired")

    def _signature(self, name: str, expires: int) -> str:
        return hmac.new(self._secret, f"{name}\n{expires}".encode(), hashlib.sha256).hexdigest()


def load_secret(settings: Settings) -> bytes:
    """The secret of the settings, or the one in the data folder, which is made at the first start.

    So addresses outlive a restart. Servers that share a database share one by the setting.
    """
    if settings.url_secret is not None:
        return settings.url_secret.get_secret_value().encode()
    path = settings.data / SECRET_FILE
    settings.data.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{SECRET_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        fresh.touch(0o600)
        fresh.write_text(secrets.token_hex(_BYTES))
        with suppress(FileExistsError):  # another process was first
            os.link(fresh, path)
        return path.read_text().encode()
    finally:
        Path(fresh).unlink(missing_ok=True)
