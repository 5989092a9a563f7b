"""Who may ask at all: the checks that need a request's first line and headers alone.

They come before keys are looked up and before a byte of the body is read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl, urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unclip.server.errors import ApiError, answer, unauthorised
from unclip.server.settings import Settings, is_loopback

HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every answer that does not set its own."""

PROBES = ("/healthz", "/readyz")
"""Asked by whatever watches the server, under whatever name it knows."""

KEY_NAMES = frozenset({"access_token", "api-key", "api_key", "apikey", "authorization", "key"})
KEY_PREFIX = "sk-"

_SAFE = ("GET", "HEAD", "OPTIONS")
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 2**20
# RFC 2046, section 5.1.1
_BOUNDARY = re.compile(r"""[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]""")


class Guard:
    """ASGI middleware: refuses what no client of ours would send, and guards what is answered."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings
        self._hosts = {"localhost", "127.0.0.1", "[::1]", *settings.hosts}
        if settings.public_url is not None:
            self._hosts.add(urlsplit(settings.public_url).hostname or "")
        if not is_loopback(settings.host):
            self._hosts.add(settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(scope, receive)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not body.read:
                    headers["connection"] = "close"
            elif not message.get("more_body", False) and not body.read:
                # A client that still sends sees its connection break, and not why, if it is closed
                # on it: what it sends is dropped for a moment first.
                await send({**message, "more_body": True})
                await body.drop()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            self._check(scope, Headers(scope=scope))
        except ApiError as error:
            scope["state"]["refusal"] = error.code
            await answer(error)(scope, body.receive, guarded)
        else:
            await self.app(scope, body.receive, guarded)

    def _check(self, scope: Scope, headers: Headers) -> None:
        if scope["path"] not in PROBES:
            check_host(headers.getlist("host"), self._hosts)
        check_origin(scope["method"], headers, self._settings.origins)
        check_query(scope["query_string"])
        check_body(headers, self._settings.max_body_bytes)


class _Body:
    """What a client sends, and whether all of it has come."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self.read = "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"
        self._receive = receive

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.read = True
        return message

    async def drop(self) -> None:
        """Read on for a moment, and keep nothing."""
        end, dropped = time.monotonic() + _LINGER_SECONDS, 0
        while not self.read and dropped < _LINGER_BYTES:
            with anyio.move_on_after(end - time.monotonic()) as scope:
                dropped += len((await self.receive()).get("body", b""))
            if scope.cancelled_caught:
                return


def check_host(given: list[str], allowed: Collection[str]) -> None:
    """A page of a stranger whose name leads here (DNS rebinding) still sends that name as Host."""
    host = re.sub(r":\d{1,5}$", "", given[0].lower()) if len(given) == 1 else ""
    if host.rstrip(".") not in allowed:
        raise ApiError(
            403,
            "This server does not answer under that Host. Its operator may add the name to the "
            "setting `hosts`.",
            "host_not_allowed",
        )


def check_origin(method: str, headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """A page of a stranger cannot leave out its Origin, nor can its form.

    What comes from the server's own pages has its Host, which was checked, as Origin.
    """
    origin = headers.get("origin")
    if origin is None:
        crossing = method not in _SAFE and headers.get("sec-fetch-site") in ("cross-site",)
    else:
        own = urlsplit(origin)
        crossing = origin not in allowed and (
            own.scheme not in ("http", "https") or own.netloc != headers.get("host")
        )
    if crossing:
        raise ApiError(
            403,
            "This server does not answer pages of that Origin. Its operator may add it to the "
            "setting `origins`.",
            "origin_not_allowed",
        )


def check_query(query: bytes) -> None:
    """An address is kept in histories and logs: a key in it is one that leaks."""
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name.lower() in KEY_NAMES or value.startswith(KEY_PREFIX):
            raise unauthorised(
                "A key may be in the Authorization header alone, never in the address. "
                "If this one was real, revoke it."
            )


def check_body(headers: Headers, most: int) -> None:
    """What can be told of a body before it comes."""
    lengths = headers.getlist("content-length")
    if lengths and int(lengths[0]) > most:
        raise too_large(most)
    kind, _, parameters = headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "multipart/form-data":
        return
    found = re.search(r"""boundary=(?:"([^"]*)"|([^;\s]*))""", parameters, re.IGNORECASE)
    boundary = "" if found is None else found[1] or found[2] or ""
    if not _BOUNDARY.fullmatch(boundary):
        raise ApiError(
            400,
            "The multipart boundary is missing or malformed; it may have 1 to 70 characters.",
            "invalid_multipart",
        )


def too_large(most: int) -> ApiError:
    """A body of more than `most` bytes."""
    return ApiError(
        413, f"The request is too large; it may have {most:,} bytes.", "request_too_large"
    )
