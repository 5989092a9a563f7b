"""Sweet Home 3D's furniture catalogues: rendered icons of household things."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from unclip.corpus.sources.labels import find
from unclip.corpus.sources.raw import Places, RawSprite

_LICENCES = {
    "BlendSwap-CC-0": ("CC0-1.0", "Blend Swap CC-0"),
    "BlendSwap-CC-BY": ("CC-BY-3.0", "Blend Swap CC-BY"),
    "KatorLegaz": ("CC-BY-3.0", "Andrew Kator and Jennifer Legaz"),
    "Scopia": ("CC-BY-3.0", "Emmanuel Puybaret / eTeks and Scopia Visual Interfaces Systems"),
}


def read_furniture(places: Places) -> Iterator[RawSprite]:
    """Debian's `sweethome3d-furniture`, by the names of its catalogues."""
    folder = places.share / "sweethome3d" / "furniture"
    for catalogue, (licence, owner) in _LICENCES.items():
        path = folder / f"{catalogue}.sh3f"
        if not path.is_file():
            continue
        with zipfile.ZipFile(path) as archive:
            text = archive.read("PluginFurnitureCatalog.properties").decode("latin-1")
            table = dict(re.findall(r"^(\w+#\d+)=(.*)$", text, re.MULTILINE))
            files = set(archive.namelist())
            for key in [k for k in table if k.startswith("name#")]:
                number = key.removeprefix("name#")
                icon = table.get(f"icon#{number}", "").strip().lstrip("/")
                name = re.sub(r"[^a-z0-9]+", "-", table[key].lower()).strip("-")
                label = find("sweethome3d", name)
                if label is None or icon not in files:
                    continue
                creator = table.get(f"creator#{number}", owner).strip()
                yield RawSprite(
                    label.concept,
                    label.category,
                    style="3d render",
                    source="sweethome3d",
                    licence=licence,
                    attribution=f"{creator} ({owner}), {licence}, Sweet Home 3D",
                    raster=archive.read(icon),
                )
