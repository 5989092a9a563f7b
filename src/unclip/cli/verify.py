"""The command that tells where a picture comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from unclip.cli.common import Json

EXIT_CODES = {"made": 0, "unknown": 1, "said": 3, "broken": 4}
"""By verdict. 2 is for a mistake, as everywhere."""


def verify(
    file: Annotated[Path, typer.Argument(help="A picture, whoever made it.")],
    trust: Annotated[
        Path | None,
        typer.Option(help="PEM file of certificates to trust, beside this machine's own."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Tell where a picture comes from: its content credentials, invisible mark and metadata.

    Exit code: 0, a model made or changed it, by its mark or by trusted credentials; 1, nothing
    tells; 2, the file cannot be read; 3, only what anyone can write says so; 4, its credentials do
    not hold.
    """
    from unclip.errors import InvalidArgument
    from unclip.pipeline.inputs import open_picture, read_bytes
    from unclip.provenance.keys import local_root
    from unclip.provenance.verify import verify

    anchors = local_root() or ""
    if trust is not None:
        try:
            anchors += trust.read_text("ascii")
        except (OSError, ValueError):
            raise InvalidArgument(
                "trust",
                f"is {trust}, which cannot be read; it may be certificates in PEM",
            ) from None
    data, _ = read_bytes(file, "file")
    report = verify(data, open_picture(file, "file"), anchors or None)
    print(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else report.words())
    return EXIT_CODES[report.verdict]
