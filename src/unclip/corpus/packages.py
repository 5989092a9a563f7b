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

_VERSIONS = {
    "emojibase-data": "17.0.0",
    "@lobehub/fluent-emoji-3d": "1.1.0",
    "@iconify-json/emojione": "1.2.3",
    "@iconify-json/flat-color-icons": "1.2.3",
    "@iconify-json/flat-ui": "1.2.3",
    "@iconify-json/fluent-color": "1.2.21",
    "@iconify-json/fluent-emoji": "1.2.7",
    "@iconify-json/fluent-emoji-flat": "1.2.6",
    "@iconify-json/fluent-emoji-high-contrast": "1.2.6",
    "@iconify-json/fxemoji": "1.2.2",
    "@iconify-json/game-icons": "1.2.4",
    "@iconify-json/icon-park": "1.2.4",
    "@iconify-json/marketeq": "1.2.2",
    "@iconify-json/meteocons": "1.2.4",
    "@iconify-json/noto": "1.2.9",
    "@iconify-json/noto-v1": "1.2.5",
    "@iconify-json/streamline-color": "1.2.2",
    "@iconify-json/streamline-cyber-color": "1.2.2",
    "@iconify-json/streamline-emojis": "1.2.4",
    "@iconify-json/streamline-flex-color": "1.2.2",
    "@iconify-json/streamline-freehand-color": "1.2.2",
    "@iconify-json/streamline-kameleon-color": "1.2.2",
    "@iconify-json/streamline-plump-color": "1.2.2",
    "@iconify-json/streamline-sharp-color": "1.2.2",
    "@iconify-json/streamline-stickies-color": "1.2.2",
    "@iconify-json/streamline-ultimate-color": "1.2.2",
    "@iconify-json/twemoji": "1.2.5",
}
"""npm packages, in the versions that were looked at."""


def _npm(source: str) -> tuple[str, ...]:
    """The npm packages that a source is read from: path below `node_modules`, with a file."""
    names = "emojibase-data/en/data.json"
    own = f"@iconify-json/{source}/icons.json"
    if source == "fluent-emoji-3d":
        return (names, "@lobehub/fluent-emoji-3d/assets")
    if source == "fluent-emoji":  # joined on the code points of the flat set
        return (*_npm("fluent-emoji-flat"), own)
    return (names, own) if "emoji" in source or source.startswith("noto") else (own,)


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
        wanted = " ".join(f"{package}@{_VERSIONS[package]}" for package in npm)
        commands.append(f"npm install --prefix {places.npm} {wanted}")
    if debian:
        commands.append(f"apt-get install {' '.join(debian)}")
    if commands:
        raise CorpusError(f"corpus packages are absent; run: {' && '.join(commands)}")
