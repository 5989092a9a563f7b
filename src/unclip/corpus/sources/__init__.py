"""Readers of the packages that the corpus is made from: package files to `RawSprite`s.

Nothing is installed or fetched here, and `packages.require` says what is absent. Flags, keycaps,
letters, logos, signs and what a screen's buttons show are left out.
"""

from __future__ import annotations

from functools import partial

from unclip.corpus.sources.clipart import read_openclipart
from unclip.corpus.sources.emoji import EMOJI_SETS, read_emoji, read_fluent_3d
from unclip.corpus.sources.furniture import read_furniture
from unclip.corpus.sources.icons import ICON_SETS, read_icons
from unclip.corpus.sources.raw import Places, RawSprite, Reader

READERS: dict[str, Reader] = {
    "fluent-emoji-3d": read_fluent_3d,
    **{name: partial(read_emoji, name=name) for name in EMOJI_SETS},
    "sweethome3d": read_furniture,
    "openclipart": read_openclipart,
    **{name: partial(read_icons, name=name) for name in ICON_SETS},
}
"""Every source by name, the cleanest first: of two near-duplicates the earlier is kept."""

__all__ = ["READERS", "Places", "RawSprite"]
