"""Which models there are."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi import Request as HttpRequest

from unclip.server.auth import Known
from unclip.server.protocol import Model, ModelList
from unclip.server.service import service_of

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("")
async def list_models(http: HttpRequest, caller: Known) -> ModelList:
    """The model that is served, and the names that lead to it."""
    return ModelList(data=list(service_of(http).catalogue.models.values()))


@router.get("/{name}")
async def get_model(name: str, http: HttpRequest, caller: Known) -> Model:
    """One of them."""
    return service_of(http).catalogue.find(name)
