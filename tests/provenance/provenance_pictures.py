"""Pictures and what is said of them, for the tests of provenance."""

from __future__ import annotations

import io
from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from unclip.provenance.keys import CERTIFICATE, KEY, file_credential
from unclip.provenance.manifest import Making

MADE = Making("generate", "tiny 1.2", title="a red apple")
RECIPE = {"operation": "generate", "prompt": "a red apple", "seed": 7}


def drawing(seed=0, size=(512, 512), background=(240, 240, 230)):
    """A flat illustration."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, background)
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = (int(rng.integers(side * 3 // 4)) for side in size)
        w, h = (int(rng.integers(side // 8, side // 3)) for side in size)
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        draw.ellipse((x, y, x + w, y + h), fill=colour)
    return image


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def reopened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def from_files(folder):
    """What gives the credential in a folder."""
    return partial(file_credential, folder / CERTIFICATE, folder / KEY)


def active(store):
    """The picture's own manifest, and its assertions by label."""
    manifest = store["manifests"][store["active_manifest"]]
    return manifest, {a["label"]: a["data"] for a in manifest["assertions"]}
