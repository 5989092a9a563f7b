"""What people do to pictures, for training a detector and for judging one."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from unclip.provenance.watermark import embed

Edit = Callable[[Image.Image, np.random.Generator], Image.Image]

MARK_PSNR = 44.0
"""As pictures of full size are marked."""


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def scaled(image: Image.Image, by: float) -> Image.Image:
    return image.resize((round(image.width * by), round(image.height * by)))


def cropped(image: Image.Image, to: float, rng: np.random.Generator) -> Image.Image:
    """A part with so much of each side, anywhere."""
    width, height = round(image.width * to), round(image.height * to)
    x, y = (int(rng.integers(s + 1)) for s in (image.width - width, image.height - height))
    return image.crop((x, y, x + width, y + height))


def brighter(image: Image.Image, by: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(by)


def turned(image: Image.Image, by: float) -> Image.Image:
    """With every hue turned by a part of the circle."""
    hue, saturation, value = image.convert("HSV").split()
    hue = Image.fromarray(np.asarray(hue) + np.uint8(round(256 * by) % 256))
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def noisy(image: Image.Image, sigma: float, rng: np.random.Generator) -> Image.Image:
    levels = np.asarray(image, np.float32) + rng.normal(0, sigma, (image.height, image.width, 3))
    return Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))


def marked(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return embed(image, int(rng.integers(2**48)), psnr=MARK_PSNR)


EDITS: dict[str, Edit] = {
    "none": lambda image, rng: image,
    "marked": marked,
    "JPEG 90": lambda image, rng: jpeg(image, 90),
    "JPEG 70": lambda image, rng: jpeg(image, 70),
    "JPEG 50": lambda image, rng: jpeg(image, 50),
    "half": lambda image, rng: scaled(image, 0.5),
    "crop to 70 %": lambda image, rng: cropped(image, 0.7, rng),
    "blur": lambda image, rng: image.filter(ImageFilter.GaussianBlur(image.width / 512)),
    "brightness 0.6": lambda image, rng: brighter(image, 0.6),
    "brightness 1.4": lambda image, rng: brighter(image, 1.4),
    "hue by 36 degrees": lambda image, rng: turned(image, 0.1),
    "noise, sigma 10": lambda image, rng: noisy(image, 10, rng),
    "screenshot": lambda image, rng: jpeg(scaled(image, 0.6), 70),
}
"""By name, of a picture of any size; blur is of radius 2 at 1,024 pixels."""


def at_random(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A picture after some of them, each of a random strength."""
    if rng.random() < 0.5:
        image = marked(image, rng)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.5:
        image = cropped(image, rng.uniform(0.65, 1), rng)
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.2)))
    if rng.random() < 0.25:
        image = brighter(image, rng.uniform(0.6, 1.4))
    if rng.random() < 0.25:
        image = turned(image, rng.random())
    if rng.random() < 0.25:
        image = scaled(image, rng.uniform(0.5, 1))
    if rng.random() < 0.4:
        image = jpeg(image, int(rng.integers(45, 97)))
    if rng.random() < 0.2:
        image = noisy(image, rng.uniform(1, 10), rng)
    return image


def softened(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """As if it had been small: what is soft must not count as ours for that alone."""
    small = image.resize((int(rng.integers(40, 140)),) * 2, Image.Resampling.BICUBIC)
    return small.resize(
        image.size, rng.choice([Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
    )
