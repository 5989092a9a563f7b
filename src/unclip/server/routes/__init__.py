"""Thin routes: each reads a body, asks the service and writes an answer."""

from unclip.server.routes import files, health, images, models, moderations, unclip, verify

ROUTERS = (
    images.router,
    moderations.router,
    models.router,
    unclip.router,
    verify.router,
    files.router,
    health.router,
)

__all__ = ["ROUTERS"]
