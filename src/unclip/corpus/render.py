"""Drawing a scene, or a part of it, at any size."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from unclip.corpus import backgrounds
from unclip.corpus.colours import recolour
from unclip.corpus.figures import Figures
from unclip.corpus.filters import FILTERS, View
from unclip.corpus.raster import Packed, Pixels, over, unpacked
from unclip.corpus.scene import Box, Placed, Scene


class Renderer:
    """Draws scenes from the drawings of a store."""

    def __init__(self, figures: Figures) -> None:
        self.store, self._figures = figures.store, figures

    def render(self, scene: Scene, size: int, box: Box) -> Pixels:
        """The part `box` (px) of the picture whose shorter side is `size` px, uint8 [h, w, 3]."""
        if scene.filter is None:
            return unpacked(self._canvas(scene, size, box))
        paint = FILTERS[scene.filter]
        width, height = scene.frame(size)
        reach = paint.reach(size)
        x0, y0 = max(0, box[0] - reach), max(0, box[1] - reach)
        wide = (x0, y0, min(width, box[2] + reach), min(height, box[3] + reach))
        pixels = unpacked(self._canvas(scene, size, wide))
        painted = paint.apply(pixels, View(size, (x0, y0), (width, height), scene.seed))
        return np.ascontiguousarray(painted[box[1] - y0 : box[3] - y0, box[0] - x0 : box[2] - x0])

    def masks(self, scene: Scene, size: int) -> list[npt.NDArray[np.bool_]]:
        """What is to be seen of each object, [h, w], in the order of `scene.objects`."""
        width, height = scene.frame(size)
        whole = (0, 0, width, height)
        seen = [np.zeros((height, width), np.bool_) for _ in scene.objects]
        for i in _order(scene):
            window = _window(scene.objects[i], size, whole)
            if window is None:
                continue
            (x0, y0, x1, y1), inner, side = window
            solid = self._part(scene.objects[i], side, inner)[..., 3] > 127
            for mask in seen:
                mask[y0:y1, x0:x1] &= ~solid
            seen[i][y0:y1, x0:x1] |= solid
        return seen

    def _canvas(self, scene: Scene, size: int, box: Box) -> Packed:
        canvas = backgrounds.canvas(scene.background, size, box, scene.shape)
        tint = backgrounds.tint(scene.background)
        drawn: dict[object, Pixels] = {}
        for i in _order(scene):
            placed = scene.objects[i]
            if placed.shadow:
                self._shadow(placed, size, box, canvas)
            window = _window(placed, size, box)
            if window is None:
                continue
            (x0, y0, x1, y1), inner, side = window
            key = (placed.index, placed.flip, placed.colour, side, inner)
            if key not in drawn:  # several of the same thing are drawn once
                part = self._part(placed, side, inner)
                drawn[key] = part if tint is None else _tinted(part, tint)
            over(drawn[key], canvas[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]])
        if (veil := backgrounds.veil(scene.background, size, box, scene.shape)) is not None:
            over(veil, canvas)
        return canvas

    def _part(self, placed: Placed, side: int, window: Box) -> Pixels:
        """The part `window` of an object drawn `side` px wide, premultiplied RGBA."""
        x0, y0, x1, y1 = window
        if placed.flip:
            part = self.store.region(placed.index, side, (side - x1, y0, side - x0, y1))[:, ::-1]
        else:
            part = self.store.region(placed.index, side, window)
        if placed.colour is not None:
            own = self._figures.dye(placed.index)
            assert own is not None, "only what has a colour of its own is given another"
            part = recolour(part, own, placed.colour)
        return part

    def _shadow(self, placed: Placed, size: int, box: Box, canvas: Packed) -> None:
        """Darken the ground under an object: an ellipse, soft at its rim."""
        extent = self._figures.extent(placed.index)
        middle = (extent.left + extent.right) / 2 - 0.5
        x = (placed.x + (-middle if placed.flip else middle) * placed.size) * size
        y = (placed.y + (extent.bottom - 0.5) * placed.size) * size - 0.01 * placed.size * size
        wide = max(3, round(1.08 * extent.width * placed.size * size))
        high = max(2, round(0.26 * extent.width * placed.size * size))
        left, top = round(x - wide / 2), round(y - high / 2)
        x0, x1 = max(box[0], left), min(box[2], left + wide)
        y0, y1 = max(box[1], top), min(box[3], top + high)
        if x0 >= x1 or y0 >= y1:
            return
        shade = _shade(wide, high)[y0 - top : y1 - top, x0 - left : x1 - left]
        over(shade, canvas[y0 - box[1] : y1 - box[1], x0 - box[0] : x1 - box[0]])


@functools.lru_cache(maxsize=512)
def _shade(wide: int, high: int) -> Pixels:
    """An ellipse of shadow, soft at its rim: premultiplied RGBA [high, wide, 4]."""
    across, down = ((np.arange(n, dtype=np.float32) + 0.5) * 2 / n - 1 for n in (wide, high))
    near = np.maximum(1 - across[None] ** 2 - down[:, None] ** 2, 0)
    alpha = 0.42 * np.minimum(1.5 * near, 1)
    shade = np.empty((high, wide, 4), np.uint8)
    shade[..., :3] = alpha[..., None] * np.array((16, 20, 28), np.float32)
    shade[..., 3] = 255 * alpha
    return shade


def _order(scene: Scene) -> list[int]:
    """Numbers of the objects as they are drawn, the farthest first."""
    return sorted(range(len(scene.objects)), key=lambda i: scene.objects[i].layer)


def _window(placed: Placed, size: int, box: Box) -> tuple[Box, Box, int] | None:
    """What of an object is inside `box`: in px of the picture, in px of the object; its side."""
    px0, py0, px1, py1 = placed.box(size)
    x0, y0 = max(px0, box[0]), max(py0, box[1])
    x1, y1 = min(px1, box[2]), min(py1, box[3])
    if placed.rim is not None:
        y1 = min(y1, round(placed.rim * size))
    if x0 >= x1 or y0 >= y1:
        return None
    return (x0, y0, x1, y1), (x0 - px0, y0 - py0, x1 - px0, y1 - py0), px1 - px0


def _tinted(part: Pixels, tint: tuple[float, float, float]) -> Pixels:
    """Premultiplied RGBA with its colours multiplied by factors up to 1."""
    factors = np.array([*(round(256 * f) for f in tint), 256], np.uint16)
    shaded: Pixels = ((part * factors) >> 8).astype(np.uint8)
    return shaded
