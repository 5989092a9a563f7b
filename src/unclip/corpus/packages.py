"""Which packages a store is made from, and the commands that install those that are absent."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from unclip.corpus.sources import READERS, Places
from unclip.errors import CorpusError

_DEBIAN = {
    "wordnet": ("wordnet-base", "wordnet/data.noun"),
    "sweethome3d": ("sweethome3d-furniture", "sweethome3d/furniture/Scopia.sh3f"),
    "openclipart": ("openclipart-svg", "openclipart/svg"),
}
"""Package and something that it puts into `/usr/share`."""


def _npm(source: str) -> tuple[str, ...]:
    """The npm packages that an emoji set is read from: path below `node_modules`, with a file."""
    names = "emojibase-data/en/data.json"
    if source == "fluent-emoji-3d":
        return (names, "@lobehub/fluent-emoji-3d/assets")
    if source == "fluent-emoji":  # joined on the code points of the flat set
        return (*_npm("fluent-emoji-flat"), "@iconify-json/fluent-emoji/icons.json")
    return (names, f"@iconify-json/{source}/icons.json")


def require(places: Places, sources: Sequence[str] = tuple(READERS)) -> None:
    """Check that all of `sources` can be read.

    Raises `CorpusError` that names every absent package in the commands that install them.
    """
    npm = dict.fromkeys(
        path.rsplit("/", path.count("/") - path.startswith("@"))[0]
        for source in sources
        if source not in _DEBIAN
        for path in _npm(source)
        if not (places.npm / "node_modules" / path).exists()
    )
    debian = [
        package
        for name, (package, path) in _DEBIAN.items()
        if name in ("wordnet", *sources) and not (places.share / path).exists()
    ]
    commands = []
    if importlib.util.find_spec("resvg_py") is None:
        commands.append("pip install 'unclip[train]'")
    if npm:
        commands.append(f"npm install --prefix {places.npm} {' '.join(npm)}")
    if debian:
        commands.append(f"apt-get install {' '.join(debian)}")
    if commands:
        raise CorpusError(f"corpus packages are absent; run: {' && '.join(commands)}")
