"""The stages of the cascade: each owns a network and how it is sampled.

A stage is a generator: it yields `Progress` after every step and returns its tensors, so that
stages are chained with `yield from` and none of them knows what comes next. `drain` runs one
without looking.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from unclip.config import SamplingConfig
from unclip.diffusion.guidance import classifier_free_guidance, clipped
from unclip.diffusion.process import AnyDenoiser, denoiser, range_denoiser
from unclip.diffusion.samplers import get_sampler, randn_rows
from unclip.diffusion.schedule import make_schedule
from unclip.models.autoencoder import Autoencoder
from unclip.models.conditioning import UNetConditioning
from unclip.models.dit import DiTConditioning, LatentTransformer
from unclip.models.prior import Prior, PriorCache
from unclip.models.text import TextEncoding, TextTower
from unclip.models.tokenizer import Tokenizer
from unclip.models.unet import UNet
from unclip.pipeline.images import to_images
from unclip.types import Progress

T = TypeVar("T")
Running = Generator[Progress, None, T]
Generators = Sequence[torch.Generator]


def drain(stage: Generator[Any, None, T]) -> T:
    """Run a stage to its end and give what it returns."""
    while True:
        try:
            next(stage)
        except StopIteration as end:
            value: T = end.value
            return value


class Texts(NamedTuple):
    """A prompt as the other stages see it.

    Attributes:
        prompt: one row, without padding.
        empty: the encoding of "", the negative of guidance.
        truncated: the prompt was longer than the network's context and lost its end.
    """

    prompt: TextEncoding
    empty: TextEncoding
    truncated: bool


class TextStage:
    """Prompt to embedding and states. Padding is never computed: one text has none."""

    def __init__(self, tower: TextTower, tokenizer: Tokenizer, context: int) -> None:
        self.tower, self.tokenizer = tower, tokenizer
        self.context = min(context, tower.config.context)
        self.device = tower.projection.weight.device

    @torch.inference_mode()
    def __call__(self, prompt: str) -> Running[Texts]:
        encodings, truncated = [], False
        for text in ("", prompt):
            tokens = self.tokenizer([text], self.context)
            truncated = tokens.truncated[0]
            ids, mask = tokens.ids.to(self.device), tokens.mask.to(self.device)
            encodings.append(self.tower(ids, mask))
        yield Progress("text", 1, 1)
        return Texts(encodings[1], encodings[0], truncated)


class Drawn(NamedTuple):
    """Image embeddings in plain CLIP space, and their cosine with the prompt's."""

    embedding: Float[Tensor, "n e"]
    cosine: Float[Tensor, " n"]


class PriorStage:
    """Text to image embeddings: draw several for each picture, keep the best by z_i . z_t.

    unCLIP, section 2.2, draws two; the constant part of the sequence is computed once for all of
    them and all steps.
    """

    def __init__(self, prior: Prior, sampling: SamplingConfig) -> None:
        self.prior, self.sampling = prior, sampling
        self.schedule = make_schedule(prior.config.schedule, prior.config.spacing)

    @torch.inference_mode()
    def __call__(self, texts: Texts, generators: Generators, candidates: int = 1) -> Running[Drawn]:
        prior, sampling = self.prior, self.sampling
        rows = [g for g in generators for _ in range(candidates)]
        given = _expand_cache(prior.prepare(texts.prompt), len(rows))

        def of(cache: PriorCache) -> AnyDenoiser:
            return denoiser(lambda x, t: prior(x, t, cache), prior.config.prediction, self.schedule)

        denoise = of(given)
        if sampling.guidance != 1:
            other = of(_expand_cache(prior.prepare(texts.empty), len(rows)))
            one = denoise
            denoise = classifier_free_guidance(
                one, lambda x, t: (one(x, t), other(x, t)), sampling.guidance, sampling.interval
            )
        device = prior.query.device
        x_t = randn_rows((len(rows), prior.config.embed_dim), rows, device=device)
        steps = get_sampler(sampling.sampler)(
            denoise, x_t, self.schedule.times(sampling.steps), self.schedule, generators=rows
        )
        for step in steps:
            x_t = step.x_t
            yield Progress("prior", step.index, step.steps)
        z_i = prior.unscale(x_t).reshape(len(generators), candidates, -1)
        z_t = texts.prompt.embedding.float()
        best = (z_i @ z_t[0]).argmax(dim=1)
        chosen = z_i[torch.arange(len(z_i), device=device), best]
        return Drawn(chosen, F.cosine_similarity(chosen, z_t, dim=-1))


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
    ) -> None:
        self.network, self.autoencoder, self.sampling = network, autoencoder, sampling
        self.schedule = make_schedule(network.config.schedule)
        self.dtype, self.device = _kind(network)

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
    ) -> Running[Float[Tensor, "n 3 h w"]]:
        sampling = sampling or self.sampling
        denoise = self._denoiser(z_i, texts, sampling)
        if self.autoencoder is None:  # pixels have a range, latents do not
            denoise = clipped(denoise, 1.0)
        steps = get_sampler(sampling.sampler)(
            denoise,
            x_t,
            self.schedule.times(sampling.steps),
            self.schedule,
            generators=generators,
        )
        for step in steps:
            x_t = step.x_t
            yield Progress("decoder", step.index, step.steps, self._preview(step.x0))
        return self._pixels(x_t)

    def _preview(self, x0: Tensor) -> Callable[[], Any]:
        return lambda: to_images(self._pixels(x0))

    @torch.inference_mode()
    def _pixels(self, x: Tensor) -> Float[Tensor, "n 3 h w"]:
        if self.autoencoder is not None:
            latents = x.to(self.dtype, memory_format=torch.channels_last)
            x = self.autoencoder.decode(latents)
        return x.float().clamp(-1, 1)

    def _denoiser(self, z_i: Tensor, texts: Texts, sampling: SamplingConfig) -> AnyDenoiser:
        """Guided only where the interval asks for it; there both halves run as one batch."""
        n = len(z_i)
        guided = sampling.guidance != 1
        if isinstance(self.network, LatentTransformer):
            both = self._condition_dit(self.network, z_i, texts, guided)
            make = denoiser
        else:
            both = self._condition_unet(self.network, z_i, texts, guided)
            doubled = self.network.config.out_channels == 2 * self.network.config.in_channels
            make = range_denoiser if doubled else denoiser  # type: ignore[assignment]

        def of(conditioning: Any) -> AnyDenoiser:
            def network(x: Tensor, t: Tensor) -> Tensor:
                out: Tensor = self.network(x.to(self.dtype), t, conditioning)
                return out.float()

            return make(network, self.network.config.prediction, self.schedule)

        pair = of(both)
        if not guided:
            return pair

        def paired(x: Tensor, t: Tensor) -> Any:
            out = pair(torch.cat([x, x]), torch.cat([t, t]))
            halves = [o.chunk(2) for o in (out if isinstance(out, tuple) else (out,))]
            return tuple(h[0] if len(halves) == 1 else tuple(h) for h in zip(*halves, strict=True))

        return classifier_free_guidance(
            of(_rows(both, n)), paired, sampling.guidance, sampling.interval
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
            z_i.to(self.dtype), text.states, text.mask, drop_embedding=drop, drop_text=drop
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


class UpsamplerStage:
    """A picture to one `factor` times its size: the residual over its bicubic upscaling.

    No network runs at the full size: its stem unshuffles pixels into channels. `index` and `count`
    let a caller that works picture by picture tell which of how many this is.
    """

    def __init__(self, name: str, network: UNet, sampling: SamplingConfig) -> None:
        self.name, self.network, self.sampling = name, network, sampling
        self.schedule = make_schedule(network.config.schedule)
        self.dtype, self.device = _kind(network)

    @torch.inference_mode()
    def __call__(
        self,
        low: Float[Tensor, "n 3 h w"],
        generators: Generators,
        index: int = 0,
        count: int = 1,
    ) -> Running[Float[Tensor, "n 3 h2 w2"]]:
        config, sampling = self.network.config, self.sampling
        size = (config.image_size, config.image_size)
        # Planar throughout: upscaling and the stem's unshuffling are fastest so.
        upscaled = F.interpolate(low.contiguous(), size, mode="bicubic", align_corners=False)
        base = upscaled if config.residual_scale else torch.zeros(())
        scale = config.residual_scale or 1.0
        low_res = upscaled.to(self.dtype)
        level = None
        if config.noise_level:
            level = torch.full((len(low),), sampling.noise_level, device=self.device)

        def network(x: Tensor, t: Tensor) -> Tensor:
            out: Tensor = self.network(x.to(self.dtype), t, low_res=low_res, low_res_noise=level)
            return out.float()

        x_t = randn_rows(upscaled.shape, generators, device=self.device)
        steps = get_sampler(sampling.sampler)(
            denoiser(network, config.prediction, self.schedule),
            x_t,
            self.schedule.times(sampling.steps),
            self.schedule,
            generators=generators,
        )

        def picture(x: Tensor) -> Tensor:
            return torch.add(base, x, alpha=1 / scale).clamp_(-1, 1)

        def preview(x0: Tensor) -> Callable[[], Any]:
            return lambda: to_images(picture(x0))

        for step in steps:
            x_t = step.x_t
            done = index * step.steps + step.index
            yield Progress(self.name, done, count * step.steps, preview(step.x0), index)
        return picture(x_t)


def _kind(network: nn.Module) -> tuple[torch.dtype, torch.device]:
    parameter = next(network.parameters())
    return parameter.dtype, parameter.device


def _expand_text(text: TextEncoding, n: int) -> TextEncoding:
    return TextEncoding(
        text.embedding.expand(n, -1), text.states.expand(n, -1, -1), text.mask.expand(n, -1)
    )


def _expand_cache(cache: PriorCache, n: int) -> PriorCache:
    """The one text of a cache for n rows, without a copy."""
    blocks = tuple((k.expand(n, -1, -1, -1), v.expand(n, -1, -1, -1)) for k, v in cache.blocks)
    return PriorCache(blocks, cache.mask.expand(n, -1))


def _rows(value: Any, n: int) -> Any:
    """The first n rows of every tensor in a conditioning."""
    if isinstance(value, Tensor):
        return value[:n]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return dataclasses.replace(
            value, **{f.name: _rows(getattr(value, f.name), n) for f in fields}
        )
    if isinstance(value, tuple):
        parts = [_rows(part, n) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return [_rows(part, n) for part in value] if isinstance(value, list) else value
