"""The OpenAPI document: docs/openapi.json, which a test compares with what the server says.

python -m unclip.server.openapi > docs/openapi.json
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from unclip.server.encoding import MEDIA_TYPES
from unclip.server.protocol import ErrorBody

TITLE = "unclip"
EVENTS = "text/event-stream"
PICTURES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {kind: {} for kind in MEDIA_TYPES.values()}}
}
ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {"model": ErrorBody, "description": "What is wrong."}
}

_REFERENCE = "#/components/schemas/{model}"
_KEY = {"type": "http", "scheme": "bearer", "description": "As `unclip keys create` prints it."}
_WITHOUT_KEY = ("/healthz", "/readyz", "/v1/unclip/files/")
_ERROR = {"schema": {"$ref": _REFERENCE.format(model=ErrorBody.__name__)}}
_METHODS = ("get", "post")


def body_of(shape: type[BaseModel], *media_types: str) -> dict[str, Any]:
    """What a route that reads its body itself adds to its operation.

    Args:
        media_types: that the body may have.
    """
    schema = shape.model_json_schema(ref_template=_REFERENCE)
    content = {kind: {"schema": schema} for kind in media_types}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI) -> None:
    """Make `app.openapi()` whole: bodies in their place, and where a key is needed."""
    made: dict[str, Any] = {}

    def document() -> dict[str, Any]:
        if not made:
            made.update(_document(app))
        return made

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    whole = get_openapi(
        title=TITLE, version="1", summary=app.summary, routes=app.routes, tags=app.openapi_tags
    )
    components = whole["components"]
    components["securitySchemes"] = {"key": _KEY}
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            assert method in _METHODS, method
            if not path.startswith(_WITHOUT_KEY):
                operation["security"] = [{"key": []}]
            operation["responses"]["default"]["content"] = {"application/json": _ERROR}
            for answer in operation["responses"].values():
                if EVENTS in answer.get("content", {}):  # what is in them is no one thing
                    answer["content"][EVENTS] = {}
            body = operation.get("requestBody", {"content": {}})
            content = {}
            for kind, held in body["content"].items():
                schema = dict(held["schema"])
                components["schemas"].update(schema.pop("$defs", {}))
                components["schemas"][schema["title"]] = schema
                reference = _REFERENCE.format(model=schema["title"])
                content[kind] = {"schema": {"$ref": reference}}
            if content:
                operation["requestBody"] = {**body, "content": content}
    components["schemas"] = dict(sorted(components["schemas"].items()))
    return whole


def text(app: FastAPI) -> str:
    """The document as it is committed."""
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Print it."""
    from unclip.server.app import routed

    print(text(routed()), end="")


if __name__ == "__main__":
    main()
