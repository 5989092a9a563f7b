"""Pictures that tests send."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image, ImageDraw


def drawn(side: int | tuple[int, int] = 64, mode: str = "RGB") -> Image.Image:
    """A red disc on blue."""
    size = (side, side) if isinstance(side, int) else side
    image = Image.new("RGB", size, (40, 80, 200))
    ImageDraw.Draw(image).ellipse((8, 8, size[0] - 8, size[1] - 8), fill=(220, 40, 40))
    return image.convert(mode)


def holed(side: int = 64) -> Image.Image:
    """The same with a transparent square in the middle."""
    image = drawn(side, "RGBA")
    image.paste((0, 0, 0, 0), (side // 4, side // 4, side * 3 // 4, side * 3 // 4))
    return image


def data_of(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(side: int | tuple[int, int] = 64, mode: str = "RGB") -> bytes:
    return data_of(drawn(side, mode))


def file(data: bytes, name: str = "picture.png") -> tuple[str, bytes, str]:
    """As OpenAI's client sends it."""
    return name, data, "image/png"


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def opened(b64_json: str | None) -> Image.Image:
    """A picture of an answer."""
    assert b64_json is not None
    return Image.open(io.BytesIO(base64.b64decode(b64_json)))
