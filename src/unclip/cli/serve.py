"""The command that serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unclip.cli.common import say
from unclip.errors import UnclipError

if TYPE_CHECKING:
    from unclip.server.settings import Settings

Host = Annotated[
    str | None, typer.Option(help="Address to listen at; 127.0.0.1 if not set, this machine alone.")
]
Port = Annotated[int | None, typer.Option(help="Port to listen at; 8000 if not set, 0 any free.")]
Open = Annotated[
    bool | None, typer.Option("--open/--keys", help="Let this machine ask without a key.")
]
Model = Annotated[
    str | None, typer.Option(help="Bundle: a name from `unclip models`, or a folder.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda or cuda:1; the best there is if not.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder of the database, the pictures and secrets.")
]


def serve(
    host: Host = None,
    port: Port = None,
    open_: Open = None,
    model: Model = None,
    device: Device = None,
    data: Data = None,
) -> None:
    """Serve OpenAI's Images API. Everything else is set as docs/server.md tells."""
    settings = settings_of(host=host, port=port, open=open_, model=model, device=device, data=data)
    from unclip.server.serve import serve as run

    run(settings, say)


def settings_of(**given: Any) -> Settings:
    """The settings of the environment, with those of a command line, where given, in their place.

    Raises:
        UnclipError: the server's packages are not installed.
        InvalidArgument: a setting cannot be used.
    """
    try:
        from unclip.server.settings import load_settings
    except ModuleNotFoundError as error:
        if str(error.name).startswith("unclip"):
            raise
        raise UnclipError(
            f"the server needs {error.name}, which is not installed: pip install 'unclip[server]'"
        ) from None
    return load_settings(**{name: value for name, value in given.items() if value is not None})
