"""Who asks: keys, and how many requests a minute each may make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request

from unclip.server.errors import limited, unauthorised
from unclip.server.settings import Settings, is_loopback
from unclip.store import Allowance, Key, Store


@dataclass(frozen=True)
class Caller:
    """Somebody who may ask.

    Args:
        key: None where the server is open and no key of it was given.
        address: that the request came from.
    """

    key: Key | None
    address: str

    @property
    def name(self) -> str:
        """What their requests are counted under."""
        return self.address if self.key is None else self.key.id


async def authenticate(request: Request) -> Caller:
    """Whose request it is.

    Raises:
        ApiError: 401.
    """
    settings: Settings = request.app.state.settings
    store: Store = request.app.state.store
    address = request.client.host if request.client else "unknown"
    secret = bearer(request.headers.get("authorization"))
    key = None if secret is None else await to_thread.run_sync(store.keys.verify, secret)
    if key is None and not settings.open:
        if secret is None:
            raise unauthorised(
                "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
            )
        raise unauthorised("Incorrect API key provided.")
    if key is not None:
        request.state.log = {"key": key.id}
    return Caller(key, address)


def bearer(header: str | None) -> str | None:
    """The secret of an Authorization header."""
    scheme, _, secret = (header or "").partition(" ")
    return secret.strip() or None if scheme.lower() == "bearer" else None


async def charge(request: Request, caller: Annotated[Caller, Depends(authenticate)]) -> Caller:
    """Whose request it is, counted as one of the minute's.

    Raises:
        ApiError: 401, or 429.
    """
    settings: Settings = request.app.state.settings
    store: Store = request.app.state.store
    own = None if caller.key is None else caller.key.requests_per_minute
    per_minute = own or settings.requests_per_minute
    if per_minute is None:
        return caller
    allowance = await to_thread.run_sync(store.limits.take, caller.name, per_minute)
    request.state.limits = limit_headers(allowance)
    if not allowance.allowed:
        raise limited(per_minute, allowance.reset_seconds)
    return caller


async def observe(request: Request) -> None:
    """Whoever reads the metrics: this machine, or somebody with a key.

    Raises:
        ApiError: 401.
    """
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    if forwarded or request.client is None or not is_loopback(request.client.host):
        caller = await authenticate(request)
        if caller.key is None:
            raise unauthorised("The metrics need a key where a proxy asks for them.")


def limit_headers(allowance: Allowance) -> dict[str, str]:
    """As OpenAI's answers have them."""
    return {
        "x-ratelimit-limit-requests": str(allowance.limit),
        "x-ratelimit-remaining-requests": str(allowance.remaining),
        "x-ratelimit-reset-requests": duration(allowance.reset_seconds),
    }


def duration(seconds: float) -> str:
    """Like 20ms, 1s, 6m0s or 1h0m0s."""
    if seconds < 1:
        return f"{max(0, round(1000 * seconds))}ms"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


Known = Annotated[Caller, Depends(authenticate)]
Charged = Annotated[Caller, Depends(charge)]
