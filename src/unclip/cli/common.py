"""Options and messages that several commands share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from unclip.errors import UnclipError

Model = Annotated[str, typer.Option(help="Bundle: a name from `unclip models`, or a folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Store = Annotated[
    Path | None, typer.Option(help="The corpus, if not where `corpus build` puts it.")
]


def policy_file() -> Path | None:
    """The operator's own `policy.toml`, from the environment; None for the package's."""
    path = os.environ.get("UNCLIP_POLICY")
    return Path(path) if path else None


def say(line: str) -> None:
    """One line to standard error."""
    print(f"unclip: {' '.join(line.split())}", file=sys.stderr, flush=True)


class training_extra:  # noqa: N801
    """Turns a missing package of the `train` extra into the command that installs it."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("unclip"):
            raise UnclipError(
                f"training needs {error.name}, which is not installed: pip install 'unclip[train]'"
            ) from None
