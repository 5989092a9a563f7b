"""Image embedding and text to a small picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.diffusion.guidance import classifier_free_guidance, clipped
from unclip.diffusion.process import (
    AnyDenoiser,
    denoiser,
    q_sample,
    range_denoiser,
    split_estimate,
)
from unclip.diffusion.samplers import Sampler, ddim, ddim_invert, get_sampler, randn_rows
from unclip.diffusion.schedule import make_schedule
from unclip.models.autoencoder import Autoencoder
from unclip.models.conditioning import UNetConditioning
from unclip.models.dit import DiTConditioning, Known, LatentTransformer, known_channels
from unclip.models.text import TextEncoding
from unclip.models.unet import UNet
from unclip.pipeline.batching import rows as rows_of
from unclip.pipeline.heats import Heats, among
from unclip.pipeline.images import to_images
from unclip.pipeline.seams import blended, levelled
from unclip.pipeline.stages.common import Evaluate, Generators, Running, alone, kind_of
from unclip.pipeline.stages.text import Texts
from unclip.types import Progress

ROWS = 16
"""More of them take a core longer a row."""


class KnownPixels(NamedTuple):
    """What is given of small pictures: `mask` is 1 where `pixels` are known, 0 where not."""

    pixels: Float[Tensor, "n 3 h w"]
    mask: Float[Tensor, "n 1 h w"]

    def over(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """The known pixels where they are known, else those given here."""
        return torch.where(self.mask > 0, self.pixels, pixels)

    def blended(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """The same, the colours of what is given here shifted to meet what is known."""
        return blended(pixels, *self.to(pixels.device))

    def to(self, device: torch.device) -> KnownPixels:
        """On a device."""
        return KnownPixels(self.pixels.to(device), self.mask.to(device))

    def rows(self, rows: list[int]) -> KnownPixels:
        """Some of them."""
        return KnownPixels(self.pixels[rows], self.mask[rows])

    def repeated(self, times: int) -> KnownPixels:
        """Each row so many times in succession."""
        return KnownPixels(*(value.repeat_interleave(times, dim=0) for value in self))


class Draft(NamedTuple):
    """Pictures that sampling starts from instead of noise, at a `time` when some of it is left."""

    pixels: Float[Tensor, "n 3 h w"]
    time: float


class Drawing(NamedTuple):
    """What was drawn, and the row that each picture is of."""

    pixels: Float[Tensor, "n 3 h w"]
    rows: list[int]


class DecoderStage:
    """Image embedding and text to 64 pixels, with classifier-free guidance.

    A latent transformer draws latents that the autoencoder decodes; a U-Net draws pixels. To the
    rest of the cascade they are the same.
    """

    def __init__(
        self,
        network: LatentTransformer | UNet,
        autoencoder: Autoencoder | None,
        sampling: SamplingConfig,
        evaluate: Evaluate = alone,
    ) -> None:
        self.network, self.autoencoder, self.sampling = network, autoencoder, sampling
        self.evaluate = evaluate
        self.schedule = make_schedule(network.config.schedule)
        self.dtype, self.device = kind_of(network)

    @property
    def pixels(self) -> int:
        """Pixels a side of what it draws."""
        config = self.network.config
        return config.grid * config.pixel_factor if config.kind == "dit" else config.image_size

    def noise(self, generators: Generators) -> Float[Tensor, "n c h w"]:
        """x_T of each picture, from its own generator."""
        config = self.network.config
        shape = (
            (config.latent_channels, config.grid, config.grid)
            if config.kind == "dit"
            else (config.in_channels, config.image_size, config.image_size)
        )
        return randn_rows((len(generators), *shape), generators, device=self.device)

    @torch.inference_mode()
    def __call__(
        self,
        z_i: Float[Tensor, "n e"],
        texts: Texts,
        x_t: Float[Tensor, "n c h w"],
        generators: Generators,
        sampling: SamplingConfig | None = None,
        known: KnownPixels | None = None,
        draft: Draft | None = None,
        heats: Heats | None = None,
    ) -> Running[Drawing]:
        """Draw each row's picture, or the best candidate's of each; `known` pixels come back as
        they are.

        Args:
            sampling: replaces the stage's own.
            draft: is drawn anew from `x_t`, its noise, in the steps that begin at its time or
                later (SDEdit, arXiv 2108.01073, section 3).
            heats: by which candidates drop out; without them each row is a picture.
        """
        sampling = sampling or self.sampling
        known = known and known.to(self.device)
        times = self.schedule.times(sampling.steps)
        if draft is not None:
            first = int((times > draft.time).sum().clamp(max=len(times) - 2))
            times = times[first:]
            x_t = q_sample(
                self._state(draft.pixels), times[:1].expand(len(x_t)), x_t, self.schedule
            )
        places = heats.candidates if heats else 1
        running = list(range(len(x_t)))
        leaders = running[::places]
        denoise = self._denoiser_of(running, z_i, texts, sampling, known)
        steps = _sampler(sampling)(
            lambda x_t, t: denoise(x_t, t), x_t, times, self.schedule, generators=generators
        )
        for step in steps:
            x_t = step.x_t
            shown = x_t if step.index == step.steps else step.x0
            left = heats.places(step.index, step.steps) if heats else 1
            if heats and left < places:
                running = heats.best(self._pixels(shown, known, running), running, left)
                places, leaders = left, running[::left]
                denoise = self._denoiser_of(running, z_i, texts, sampling, known)
            preview = self._preview(step.x0, known, leaders)
            yield Progress("decoder", step.index, step.steps, preview)
        return Drawing(self._pixels(x_t, known, leaders), leaders)

    @torch.inference_mode()
    def invert(
        self,
        pixels: Float[Tensor, "n 3 h w"],
        z_i: Float[Tensor, "n e"],
        texts: Texts,
        steps: int,
        iterations: int = 1,
    ) -> Running[Float[Tensor, "n c h w"]]:
        """x_T of given pictures: the noise that unguided DDIM turns into them (section 3.1)."""
        x0 = self._state(pixels)
        denoise = self._denoiser(z_i, texts, dataclasses.replace(self.sampling, guidance=1.0), None)
        x_t = x0
        times = self.schedule.times(steps)
        for step in ddim_invert(denoise, x0, times, self.schedule, iterations=iterations):
            x_t = step.x_t
            yield Progress("inversion", step.index, step.steps)
        return x_t

    def _state(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n c h w"]:
        """Pictures as what is sampled: latents, or pixels."""
        return pixels.to(self.device) if self.autoencoder is None else self._encode(pixels)

    def _encode(self, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n c h w"]:
        assert self.autoencoder is not None
        pixels = pixels.to(self.device, self.dtype, memory_format=torch.channels_last)
        return self.autoencoder.encode(pixels).float()

    def _preview(self, x0: Tensor, known: KnownPixels | None, rows: list[int]) -> Callable[[], Any]:
        return lambda: to_images(self._pixels(x0, known, rows))

    @torch.inference_mode()
    def _pixels(
        self, x: Tensor, known: KnownPixels | None, rows: list[int]
    ) -> Float[Tensor, "r 3 h w"]:
        x, known = x[rows], known and known.rows(rows)
        if self.autoencoder is not None:
            latents = x.to(self.dtype, memory_format=torch.channels_last)
            x = self.autoencoder.decode(latents)
        x = x.float().clamp(-1, 1)
        return x if known is None else known.blended(levelled(x, *known))

    def _denoiser_of(
        self,
        rows: list[int],
        z_i: Tensor,
        texts: Texts,
        sampling: SamplingConfig,
        known: KnownPixels | None,
    ) -> AnyDenoiser:
        """Of some rows of what is drawn, the others being left as they are."""
        whole, known = len(rows) == len(z_i), known and known.rows(rows)
        denoise = self._denoiser(z_i[rows], texts, sampling, known)
        if self.autoencoder is None:
            denoise = _in_pixels(denoise, known)
        return denoise if whole else among(denoise, rows)

    def _denoiser(
        self, z_i: Tensor, texts: Texts, sampling: SamplingConfig, known: KnownPixels | None
    ) -> AnyDenoiser:
        """Guided only where the interval asks for it; there both halves run as one batch."""
        n = len(z_i)
        guided = sampling.guidance != 1
        channels: Known | None = None
        if isinstance(self.network, LatentTransformer):
            both = self._condition_dit(self.network, z_i, texts, guided)
            make = denoiser
            channels = self._known(self.network, n, known)
        else:
            both = self._condition_unet(self.network, z_i, texts, guided)
            doubled = self.network.config.out_channels == 2 * self.network.config.in_channels
            make = range_denoiser if doubled else denoiser  # type: ignore[assignment]

        def of(conditioning: Any) -> AnyDenoiser:
            def network(x: Tensor, t: Tensor) -> Tensor:
                given = () if channels is None else (channels.repeated(len(x) // n),)
                x = x.to(self.dtype)
                return self.evaluate(self.network, ROWS, x, t, conditioning, *given).float()

            return make(network, self.network.config.prediction, self.schedule)

        pair = of(both)
        if not guided:
            return pair

        def paired(x: Tensor, t: Tensor) -> Any:
            out = pair(torch.cat([x, x]), torch.cat([t, t]))
            halves = [o.chunk(2) for o in (out if isinstance(out, tuple) else (out,))]
            return tuple(h[0] if len(halves) == 1 else tuple(h) for h in zip(*halves, strict=True))

        return classifier_free_guidance(
            of(rows_of(both, slice(n))), paired, sampling.guidance, sampling.interval
        )

    def _known(self, net: LatentTransformer, n: int, known: KnownPixels | None) -> Known:
        """Channels of known pixels. Where there are none they say so: rows of requests that edit
        and of such that do not have one shape."""
        config = net.config
        if known is not None:
            return known_channels(known.pixels, known.mask, self._encode, config.pixel_factor)
        shape = (config.latent_channels, config.pixel_factor**2)
        return Known(
            *(torch.zeros(n, c, config.grid, config.grid, device=self.device) for c in shape)
        )

    def _condition_dit(
        self, net: LatentTransformer, z_i: Tensor, texts: Texts, guided: bool
    ) -> DiTConditioning:
        n = len(z_i)
        if guided:
            z_i = torch.cat([z_i, z_i])
        text = _expand_text(texts.prompt, len(z_i))
        drop = torch.arange(len(z_i), device=z_i.device) >= n
        conditioning = net.condition(
            z_i.to(self.dtype),
            text.states,
            text.mask,
            drop_embedding=drop,
            drop_text=drop if texts.given else torch.ones_like(drop),
        )
        return net.prepare(conditioning)

    def _condition_unet(self, net: UNet, z_i: Tensor, texts: Texts, guided: bool) -> Any:
        """As in Karlo, the negative is the empty caption and the learned null embedding."""
        assert net.conditioner is not None
        n, text, empty = len(z_i), texts.prompt, texts.empty
        gap = text.states.shape[1] - empty.states.shape[1]
        embedding = text.embedding.expand(n, -1)
        states, mask = text.states.expand(n, -1, -1), text.mask.expand(n, -1)
        if guided:
            z_i = torch.cat([z_i, z_i])
            embedding = torch.cat([embedding, empty.embedding.expand(n, -1)])
            null = F.pad(empty.states, (0, 0, 0, gap)).expand(n, -1, -1)
            states = torch.cat([states, null])
            mask = torch.cat([mask, F.pad(empty.mask, (0, gap)).expand(n, -1)])
        conditioning: UNetConditioning = net.conditioner(
            z_i.to(self.dtype),
            embedding.to(self.dtype),
            states,
            mask,
            drop_image=torch.arange(len(z_i), device=z_i.device) >= n,
        )
        return net.prepare(conditioning)


def _sampler(sampling: SamplingConfig) -> Sampler:
    if sampling.eta:
        assert sampling.sampler == "ddim", "no other sampler has an eta"
        return partial(ddim, eta=sampling.eta)
    return get_sampler(sampling.sampler)


def _in_pixels(denoise: AnyDenoiser, known: KnownPixels | None) -> AnyDenoiser:
    """Pixels have a range, and known ones their values: a network without channels for them is
    told so at every step (RePaint, arXiv 2201.09865)."""
    inside = clipped(denoise, 1.0)
    if known is None:
        return inside

    def with_known(x_t: Tensor, t: Tensor) -> Any:
        x0, fraction = split_estimate(inside(x_t, t))
        x0 = known.over(x0)
        return x0 if fraction is None else (x0, fraction)

    return with_known


def _expand_text(text: TextEncoding, n: int) -> TextEncoding:
    return TextEncoding(
        text.embedding.expand(n, -1), text.states.expand(n, -1, -1), text.mask.expand(n, -1)
    )
