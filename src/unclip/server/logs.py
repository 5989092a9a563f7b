"""Logs as lines of JSON, and what every request carries: an id, a clock, its limits.

No prompt, key, query or address of a picture is ever in them, but prompts where the operator asks.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from contextvars import ContextVar
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unclip.server.errors import ApiError, answer, as_api_error
from unclip.server.metrics import Metrics

LOGGER = "unclip.server"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_log = logging.getLogger(LOGGER)


class JsonFormatter(logging.Formatter):
    """A record as one line: `time`, `level`, `logger`, `message`, and the fields of its `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        present = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(present, ensure_ascii=False, default=str)


def configure(level: str) -> None:
    """Send the logs of this process to standard error; of libraries only what is amiss."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("unclip").setLevel(level.upper())


class Context:
    """ASGI middleware, the outermost: ids and times, a line a request, and a 500 for our faults."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = f"req_{secrets.token_hex(12)}"
        token = request_id.set(state["request_id"])
        begun, status = time.perf_counter(), 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = state["request_id"]
                headers["openai-processing-ms"] = str(round(1000 * (time.perf_counter() - begun)))
                headers.update(state.get("limits", {}))
            await send(message)

        try:
            await self.app(scope, receive, told)
        except Exception as error:
            _log.exception("a request failed")
            found = as_api_error(error)
            if found is None:
                found = ApiError(
                    500,
                    "The server had an error while processing your request. "
                    f"Its log tells of request {state['request_id']}.",
                )
            if status == 0:
                await answer(found)(scope, receive, told)
        finally:
            seconds = time.perf_counter() - begun
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, scope["method"], status, seconds, state.get("refusal"))
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status or "gone",
                "ms": round(1000 * seconds, 1),
                "client": (scope.get("client") or (None,))[0],
                "refusal": state.get("refusal"),
                **state.get("log", {}),
            }
            _log.info("request", extra={"fields": fields})
            request_id.reset(token)
