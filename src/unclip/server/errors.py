"""Whatever goes wrong, in the one shape that OpenAI's clients read.

{"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
"""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from unclip.errors import InvalidArgument, UnclipError
from unclip.store import JobError, QueueFull, QuotaExceeded

INVALID, SERVER = "invalid_request_error", "server_error"
REJECTED = "Your request was rejected as a result of our safety system."

NO_RETRY = {"x-should-retry": "false"}
"""Tells OpenAI's client that asking again would change nothing."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class ApiError(UnclipError):
    """An answer that is an error.

    Args:
        status: of HTTP.
        code, param: what is wrong, for a program, and which parameter it is about.
        kind: the `type` of OpenAI's error object.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.kind = kind or (INVALID if status < 500 else SERVER)
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The error object, all four keys always."""
        fields = {"message": self.message, "type": self.kind, "param": self.param}
        return {"error": {**fields, "code": self.code}}


def unauthorised(message: str, code: str | None = "invalid_api_key") -> ApiError:
    """A key that is missing or wrong."""
    return ApiError(401, message, code, headers={"WWW-Authenticate": "Bearer"})


def no_such_model(name: str) -> ApiError:
    """A model that is neither ours nor an alias."""
    message = f"The model '{name}' does not exist or you do not have access to it."
    return ApiError(404, message, "model_not_found", "model")


def not_found(what: str) -> ApiError:
    """Something that is not there, or not the caller's: the two look the same."""
    return ApiError(404, f"No such {what}.", "not_found")


def rejected(message: str) -> ApiError:
    """A prompt or a picture that the policy blocks."""
    message = message if message.startswith(REJECTED) else f"{REJECTED} {message}".strip()
    return ApiError(400, message, "content_policy_violation")


def limited(per_minute: int, seconds: float) -> ApiError:
    """Too many requests in a minute."""
    wait = whole_seconds(seconds)
    return ApiError(
        429,
        f"Rate limit reached: {per_minute} requests a minute. Please try again in {wait}s.",
        "rate_limit_exceeded",
        kind="requests",
        headers={"Retry-After": str(wait)},
    )


def stopping() -> ApiError:
    """A server that drains, and a job that has not begun."""
    message = "The server is stopping. Please ask again in a moment."
    return ApiError(503, message, "server_stopping", headers={"Retry-After": "2"})


def whole_seconds(seconds: float) -> int:
    """As `Retry-After` has them."""
    return max(1, math.ceil(seconds))


def from_store(error: QueueFull | QuotaExceeded) -> ApiError:
    """A job that the store did not take."""
    if isinstance(error, QueueFull):
        return ApiError(
            503,
            f"The queue is full: {error.depth} jobs wait. Please try again later.",
            "queue_full",
            headers={"Retry-After": "2"},
        )
    return ApiError(
        429,
        f"You exceeded your quota of {error.limit} pictures a day.",
        "insufficient_quota",
        kind="insufficient_quota",
        headers={"Retry-After": str(whole_seconds(error.retry_after)), **NO_RETRY},
    )


def from_job(error: JobError) -> ApiError:
    """Why a job failed, as the answer to the request that it was for."""
    if error.code == "content_policy_violation":
        return rejected(error.message)
    if error.code == "invalid_value":
        return ApiError(400, error.message, error.code, error.param)
    if error.code == "storage_full":
        return ApiError(507, error.message, error.code)
    return ApiError(500, error.message, error.code, headers=NO_RETRY)


def from_argument(error: InvalidArgument) -> ApiError:
    """A value that a request, or a picture, cannot have."""
    return ApiError(400, f"Invalid '{error.argument}': {error}.", "invalid_value", error.argument)


def from_validation(error: ValidationError) -> ApiError:
    """The first thing that is wrong with a body."""
    first = error.errors(include_url=False, include_context=True)[0]
    kind, place = first["type"], [str(part) for part in first["loc"]]
    param = ".".join(place) or None
    if kind == "missing":
        return ApiError(
            400, f"Missing required parameter: '{param}'.", "missing_required_parameter", param
        )
    if kind == "extra_forbidden":
        return ApiError(400, f"Unknown parameter: '{param}'.", "unknown_parameter", param)
    if kind == "json_invalid":
        return ApiError(400, f"We could not parse the JSON body of your request: {first['msg']}.")
    context = first.get("ctx", {}).get("error")
    if isinstance(context, InvalidArgument):
        return from_argument(context)
    code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    problem = first["msg"].removeprefix("Value error, ")
    subject = f"Invalid '{param}'" if param else "Invalid request"
    return ApiError(400, f"{subject}: {problem[:1].lower()}{problem[1:]}.", code, param)


def as_api_error(error: Exception) -> ApiError | None:
    """What an exception is to a client; None where it is our fault."""
    match error:
        case ApiError():
            return error
        case InvalidArgument():
            return from_argument(error)
        case QueueFull() | QuotaExceeded():
            return from_store(error)
        case ValidationError():
            return from_validation(error)
        case OSError() if error.errno in DISK_FULL:
            return ApiError(507, "The server's disk is full.", "storage_full")
        case OperationalError():
            return ApiError(
                503,
                "The server's database cannot be reached. Please try again later.",
                "store_unavailable",
                headers={"Retry-After": "2"},
            )
    return None


def answer(error: ApiError) -> JSONResponse:
    """An error as it is sent."""
    return JSONResponse(error.body, error.status, error.headers)


def install(app: FastAPI) -> None:
    """Make every answer of `app` that is an error one of ours."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        found = as_api_error(error)
        assert found is not None
        request.state.refusal = found.code
        return answer(found)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = str(error.detail)
        if error.status_code in (404, 405):
            message = f"Invalid URL ({request.method} {request.url.path})"
        return answer(ApiError(error.status_code, message, headers=error.headers))

    async def parameters(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        param = str(first["loc"][-1])
        return answer(ApiError(400, f"Invalid '{param}': {first['msg']}.", "invalid_value", param))

    for kind in (ApiError, InvalidArgument, QueueFull, QuotaExceeded, ValidationError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, parameters)
