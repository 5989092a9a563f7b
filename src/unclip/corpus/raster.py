"""Drawing one sprite: SVG text or picture bytes to premultiplied RGBA squares."""

from __future__ import annotations

import colorsys
import io

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Packed = npt.NDArray[np.uint32]
"""Pixels of four bytes each, red lowest: numpy works on them several times faster."""
View = tuple[float, float, float, float]


def render_svg(svg: str, view: View, width: int, height: int) -> Image.Image:
    """Draw the part `view` (user units) of an SVG without size attributes, as RGBA.

    Raises `ValueError` where the drawing is not valid.
    """
    import resvg_py  # only where a store is built, or drawn larger than its masters

    size = f'viewBox="{view[0]:.8g} {view[1]:.8g} {view[2]:.8g} {view[3]:.8g}"'
    root = f'<svg {size} width="{width}" height="{height}" preserveAspectRatio="none"'
    try:
        png = resvg_py.svg_to_bytes(svg_string=svg.replace("<svg", root, 1), skip_system_fonts=True)
    except BaseException as error:  # resvg panics on some filters; a panic is no Exception
        if type(error).__name__ == "PanicException":
            raise ValueError(str(error)) from None
        raise
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def square_view(svg: str, view: View, margin: float = 0.01) -> View | None:
    """The square part of an SVG that just holds what is drawn, or None where nothing is."""
    scale = 128 / max(view[2:])
    width, height = (max(1, round(side * scale)) for side in view[2:])
    box = render_svg(svg, view, width, height).getchannel("A").point(_opaque).getbbox()
    if box is None:
        return None
    px, py = view[2] / width, view[3] / height
    x0, y0, x1, y1 = box[0] * px, box[1] * py, box[2] * px, box[3] * py
    side = max(x1 - x0, y1 - y0) * (1 + 2 * margin)
    return (view[0] + (x0 + x1 - side) / 2, view[1] + (y0 + y1 - side) / 2, side, side)


def square_picture(data: bytes) -> Image.Image | None:
    """A picture trimmed to what is not transparent and centred in a square."""
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    box = picture.getchannel("A").point(_opaque).getbbox()
    if box is None:
        return None
    part = picture.crop(box)
    side = max(part.size)
    square = Image.new("RGBA", (side, side))
    square.paste(part, ((side - part.width) // 2, (side - part.height) // 2))
    return square


def _opaque(value: int) -> int:
    return 255 if value > 12 else 0


def premultiplied(picture: Image.Image) -> Pixels:
    """RGBA with colours multiplied by alpha, [h, w, 4]."""
    return np.asarray(picture.convert("RGBa"))


def resize(pixels: Pixels, side: int) -> Pixels:
    """A premultiplied square at another size, antialiased."""
    if pixels.shape[0] == side:
        return pixels
    # CMYK stands for any four bands: Pillow then resizes premultiplied values as they are.
    picture = Image.frombuffer("CMYK", pixels.shape[:2], pixels, "raw", "CMYK", 0, 1)
    return np.asarray(picture.resize((side, side), Image.Resampling.HAMMING))


def packed(pixels: Pixels) -> Packed:
    """RGB [h, w, 3] as [h, w]; the fourth byte means nothing."""
    canvas = np.zeros(pixels.shape[:2], "<u4")
    _bytes(canvas)[..., :3] = pixels
    return canvas


def unpacked(canvas: Packed) -> Pixels:
    """The inverse of `packed`, a new array."""
    out = np.empty((*canvas.shape, 3), np.uint8)
    channels = _bytes(canvas)
    for c in range(3):  # numpy is slow where the innermost of its loops is three long
        out[..., c] = channels[..., c]
    return out


def _bytes(canvas: Packed) -> Pixels:
    return canvas.view(np.uint8).reshape(*canvas.shape, 4)


def over(part: Pixels, canvas: Packed) -> None:
    """Lay premultiplied RGBA [h, w, 4] over a canvas [h, w], in place.

    Each channel becomes `part + canvas * (255 - alpha) / 255`, rounded.
    """
    top: Packed = part.view("<u4")[..., 0]
    through = (~top >> 24) * 0x01010101  # 255 - alpha in each byte
    mixed = np.multiply(through.view(np.uint8), canvas.view(np.uint8), dtype=np.uint16)
    mixed += 128
    mixed += mixed >> 8
    mixed >>= 8
    np.add(mixed.astype(np.uint8).view("<u4"), top, out=canvas)


def main_colour(pixels: Pixels) -> tuple[float, float, float] | None:
    """The (hue, saturation, value), each in [0, 1], of art that has one main colour, else None.

    Only a colour that is vivid enough to turn into another one counts. `pixels` premultiplied.
    """
    flat = pixels.reshape(-1, 4)
    solid = flat[flat[:, 3] > 200][:, :3].astype(np.float32) / 255
    if len(solid) < 50:
        return None
    high, low = solid.max(1), solid.min(1)
    coloured = ((high - low) > 0.3 * np.maximum(high, 1e-6)) & (high > 0.25)
    if coloured.mean() < 0.5:
        return None
    vivid = solid[coloured][:: max(1, int(coloured.sum()) // 400)]
    hsv = np.array([colorsys.rgb_to_hsv(*rgb) for rgb in vivid.tolist()])
    hue = hsv[:, 0]
    counts = np.bincount((hue * 36).astype(int) % 36, minlength=36)
    near = np.sum([np.roll(counts, shift) for shift in (-2, -1, 0, 1, 2)], axis=0)
    peak = int(np.argmax(near))
    close = np.abs((hue * 36 - peak - 0.5 + 18) % 36 - 18) < 3
    saturation, value = (float(x) for x in np.median(hsv[close, 1:], axis=0))
    if near[peak] < 0.85 * len(hue) or saturation < 0.45 or value < 0.5:
        return None
    angles = 2 * np.pi * hue[close]
    mean = np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())
    return float(mean / (2 * np.pi) % 1), saturation, value


def looks(pixels: Pixels) -> tuple[float, float, float]:
    """(share of opaque pixels, mean saturation, share of dark ones among the opaque)."""
    solid = pixels[pixels[..., 3] > 128][:, :3].astype(np.float32)
    if not len(solid):
        return 0.0, 0.0, 0.0
    high, low = solid.max(1), solid.min(1)
    saturation = float(((high - low) / np.maximum(high, 1)).mean())
    return len(solid) / (pixels.shape[0] * pixels.shape[1]), saturation, float((high < 70).mean())
