"""The invisible mark: 48 bits in a picture's lightness that survive what people do to pictures.

Marking adds the waves of `pattern` as strongly as a stated PSNR allows, more where the picture is
busy and less where it is plain. Reading takes out what the picture itself shows, looks at every
scale for the fixed waves, and reads the others. There is no network in it, and no weights: on flat
pictures there is little to tell apart from the mark, and a Fourier transform does that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from unclip.provenance.pattern import (
    ALL,
    DATA,
    HIGH,
    SIDE,
    SYNC,
    TILE,
    Complexes,
    Floats,
    draw,
    soft_bits,
    spectrum,
    waves,
)
from unclip.provenance.payload import decode

PSNR, SMALL_PSNR = 44.0, 41.0
"""Decibels of a marked picture against itself without the mark; of one under 512 pixels, which JPEG
would leave too little of."""
THRESHOLD = 6.5
"""The statistic from which a picture counts as marked."""

_WHOLE = np.ones(1, np.float32)
_SCALES = (1.4 * np.exp(-0.006 * np.arange(214))).astype(np.float32)
"""Units to a pixel of what is read: 1 if all of the shorter side is there, 0.7 if 30 % was cut off,
over 1 if something was put around it. Between two of them a picture's edge is 0.4 units off."""
_TRIES = 4
_LIMIT = 2.0


@dataclass(frozen=True)
class Mark:
    """What was found of a mark.

    Args:
        statistic: how far the fixed waves stand out, in standard deviations of chance.
        payload: None where there is no mark, or too little of it to read.
        scale: of the mark against the picture: 1 if the picture is whole, 0.7 if 30 % of its
            shorter side was cut off.
        mirrored: left and right are exchanged.
    """

    statistic: float
    payload: int | None
    scale: float
    mirrored: bool = False

    @property
    def found(self) -> bool:
        """Whether the picture counts as marked."""
        return self.statistic >= THRESHOLD


def embed(
    image: Image.Image,
    payload: int,
    where: Image.Image | None = None,
    psnr: float | None = None,
) -> Image.Image:
    """A copy with the mark in it. The same picture and payload give the same copy.

    Args:
        image: "RGB" or "RGBA"; transparency is kept as it is.
        payload: 48 bits.
        where: "L" of the same size; where it is 0, pixels are kept byte for byte, and where it is
            less than 255 the mark is as much weaker.
        psnr: in dB, over the pixels that may change; None for the usual.
    """
    if psnr is None:
        psnr = PSNR if min(image.size) >= 2 * SIDE else SMALL_PSNR
    pixels = np.asarray(image.convert("RGB"))
    unit = SIDE / min(image.size)
    x, y = ((np.arange(side, dtype=np.float32) + 0.5) * unit for side in image.size)
    mark = draw(spectrum(payload), x, y)
    mark *= _strength(image)
    if where is not None:
        mark *= np.asarray(where, np.float32) / 255
    mark *= _gain(pixels[::4, ::4], mark[::4, ::4], psnr)
    levels = pixels + np.rint(mark, out=mark).astype(np.int16)[..., None]
    marked = Image.fromarray(levels.clip(0, 255, out=levels).astype(np.uint8))
    if image.mode == "RGBA":
        marked.putalpha(image.getchannel("A"))
    marked.info = dict(image.info)
    return marked


def read(image: Image.Image) -> Mark:
    """Look for a mark of ours in a picture of any size and mode."""
    rest, calm = _without_content(_small(image))
    found = np.clip(rest * calm, -_LIMIT, _LIMIT) * calm
    mark = _search(_spectra(found, _WHOLE), _WHOLE)
    if not mark.found:
        spectra = _spectra(found, _SCALES)
        marks = [_search(spectra, _SCALES, mirrored) for mirrored in (False, True)]
        mark = max(mark, *marks, key=lambda mark: mark.statistic)
    return mark


def _small(image: Image.Image) -> Image.Image:
    """Lightness with 256 pixels on the shorter side, and the middle of the longer up to 512."""
    width, height = image.size
    scale = SIDE / min(width, height)
    shape = (min(2 * SIDE, round(width * scale)), min(2 * SIDE, round(height * scale)))
    left, top = max(0.0, (width - shape[0] / scale) / 2), max(0.0, (height - shape[1] / scale) / 2)
    box = (left, top, width - left, height - top)
    flat = image.convert("RGB")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", image.size, "white"), seen).convert("RGB")
    return flat.resize(shape, Image.Resampling.BICUBIC, box).convert("L")


def _without_content(light: Image.Image) -> tuple[Floats, Floats]:
    """What a blurred copy leaves of a picture, and how calm it is around each pixel, 1/16 to 1."""
    rest = np.asarray(light, np.float32) - np.asarray(light.filter(ImageFilter.GaussianBlur(3)))
    power = Image.fromarray(np.minimum(rest**2, 255).astype(np.uint8))
    around = np.asarray(power.filter(ImageFilter.GaussianBlur(4)), np.float32)
    return rest, np.reciprocal(np.sqrt(around + 1), dtype=np.float32)


def _search(spectra: Complexes, scales: Floats, mirrored: bool = False) -> Mark:
    """Look for the waves at these scales in what `_spectra` gave."""
    phases = _phases(spectra, mirrored)
    fit = _fit(phases)
    best = fit.max(axis=(1, 2))
    order = np.argsort(-best)[:_TRIES]
    for index in order:
        if best[index] < THRESHOLD:
            break
        y, x = np.unravel_index(fit[index].argmax(), fit[index].shape)
        begin = np.exp(2j * np.pi / TILE * (ALL.across * x + ALL.down * y))
        received = phases[index] * begin
        payload = decode(soft_bits(received[: len(DATA)] * _trust(received)))
        if payload is not None:
            return Mark(float(best[index]), payload, float(scales[index]), mirrored)
    return Mark(float(best[order[0]]), None, float(scales[order[0]]), mirrored)


def _spectra(found: Floats, scales: Floats) -> Complexes:
    """The Fourier transform of what was added, [h, w], at the waves of a tile of each scale.

    [scales, 2 HIGH + 1, HIGH + 1], as in `pattern.spectrum`.
    """
    tiles = TILE / scales  # a tile's side in pixels
    y, x = (waves(np.arange(side, dtype=np.float32) + 0.5, tiles).conj() for side in found.shape)
    flat = x.transpose(1, 0, 2).reshape(found.shape[1], -1)
    sums = np.empty((len(found), flat.shape[1]), np.complex64)
    sums.real, sums.imag = found @ flat.real, found @ flat.imag
    across = sums.reshape(len(found), len(scales), -1)
    down = np.concatenate([y[:, :, :0:-1].conj(), y], 2)
    spectra: Complexes = down.transpose(0, 2, 1) @ across.transpose(1, 0, 2)
    return spectra


def _phases(spectra: Complexes, mirrored: bool) -> Complexes:
    """Of the carriers at each scale, [scales, carriers].

    Phases alone, so that a picture with a strong rhythm of its own weighs no more than any other.
    Mirrored, a wave that went up goes down, the other way round; where it begins is looked for.
    """
    if mirrored:
        carriers = spectra[:, HIGH - ALL.down, ALL.across].conj()
    else:
        carriers = spectra[:, HIGH + ALL.down, ALL.across]
    return (carriers / (np.abs(carriers) + np.float32(1e-9))).astype(np.complex64, copy=False)


def _fit(phases: Complexes) -> Floats:
    """How the fixed waves fit, for each place where a tile may begin, [scales, 64, 64].

    By chance it is of mean 0 and variance 1.
    """
    grid = np.zeros((len(phases), TILE, TILE), np.complex64)
    grid[:, SYNC.down % TILE, SYNC.across % TILE] = phases[:, len(DATA) :] * SYNC.phase.conj()
    scale = np.float32(TILE**2 / np.sqrt(len(SYNC) / 2))
    fit: Floats = np.fft.ifft2(grid).real.astype(np.float32)
    fit *= scale
    return fit


def _trust(received: Complexes) -> Floats:
    """By how much each of `DATA` counts: longer and shorter waves suffer differently, [n]."""
    agreement = (received[len(DATA) :] * SYNC.phase.conj()).real
    slope, start = np.polyfit(SYNC.radius, agreement, 1)
    trust: Floats = np.clip(start + slope * DATA.radius, 0.05, 1).astype(np.float32)
    return trust


def _strength(image: Image.Image) -> Floats:
    """By how much more the mark may be where a picture is busy, 1 to 2, [h, w]."""
    shape = [max(1, round(side * SIDE / min(image.size))) for side in image.size]
    light = image.convert("L").resize((shape[0], shape[1]), Image.Resampling.BOX)
    _, calm = _without_content(light)
    more = Image.fromarray(1 + (1 / calm - 1) / 15)
    return np.asarray(more.resize(image.size, Image.Resampling.BILINEAR))


def _gain(pixels: npt.NDArray[np.uint8], mark: Floats, psnr: float) -> float:
    """What to multiply a mark by, so that what white and black leave of it has this PSNR."""
    if not mark.any():
        return 0.0
    wanted = 255 * 10 ** (-psnr / 20)
    low, high = -1.0 * pixels, 255.0 - pixels
    gain = wanted
    for _ in range(4):
        change = np.clip(gain * mark[..., None], low, high)[mark != 0]
        gain *= min(2.0, wanted / max(float(np.sqrt(np.mean(change**2))), 1e-6))
    return gain
