"""Every size and setting of a model, as frozen dataclasses, and the presets.

`tiny` is for tests, `default` is the model that ships, `karlo` has the published widths of the
public Karlo checkpoints. A bundle stores a `ModelConfig` as JSON; `model_config_from_json` is its
only way back.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

Prediction = Literal["x0", "epsilon", "v", "flow"]
ScheduleKind = Literal["cosine", "linear", "flow"]
Spacing = Literal["ends", "trailing"]


@dataclass(frozen=True)
class TextConfig:
    """Text tower: token ids to token states and one embedding.

    `norm="post"`, `pooling="mean"`, bidirectional is MiniLM's layout (the default tower starts from
    it); `norm="pre"`, `causal`, `pooling="last"`, `quick_gelu` is CLIP's, as in Karlo.
    """

    vocab_size: int
    context: int
    width: int
    depth: int
    heads: int
    mlp_width: int
    embed_dim: int
    norm: Literal["post", "pre"] = "post"
    activation: Literal["gelu", "quick_gelu"] = "gelu"
    causal: bool = False
    pooling: Literal["mean", "last"] = "mean"
    normalize: bool = True


@dataclass(frozen=True)
class ImageConfig:
    """Image tower: a ViT over `image_size` pixels in patches of `patch`.

    Args:
        layout: channels of every position that reach the embedding beside the mean over positions,
            which forgets where things are; 0 for the mean alone.
    """

    image_size: int
    patch: int
    width: int
    depth: int
    heads: int
    embed_dim: int
    layout: int = 0
    normalize: bool = True


@dataclass(frozen=True)
class PriorConfig:
    """Diffusion prior: a causal transformer from text to image embedding (paper, section 2.2).

    Args:
        anchors: embeddings of remembered drawings that it starts from, at most; 0 is the paper's.
    """

    embed_dim: int
    text_width: int
    text_context: int
    width: int
    depth: int
    heads: int
    head_dim: int
    normalize: bool = True
    schedule: ScheduleKind = "cosine"
    spacing: Spacing = "ends"
    prediction: Prediction = "x0"
    anchors: int = 0


@dataclass(frozen=True)
class MemoryConfig:
    """What the prior's anchors are taken from: so many drawings, under so many names."""

    drawings: int
    names: int
    embed_dim: int


@dataclass(frozen=True)
class AutoencoderConfig:
    """Convolutional autoencoder behind a pixel-unshuffle of 2; each width halves the grid."""

    widths: tuple[int, ...]
    encoder_blocks: int
    decoder_blocks: int
    latent_channels: int

    @property
    def factor(self) -> int:
        """Pixels a side of one latent position."""
        return int(2 ** len(self.widths))


@dataclass(frozen=True)
class DiTConfig:
    """Latent transformer, the default decoder: 64 pixels as an 8 x 8 grid of latents.

    Args:
        sketch_width: hidden width of the layers that draw the image embedding on the grid; 0 for a
            decoder without them.
    """

    grid: int
    latent_channels: int
    pixel_factor: int
    width: int
    depth: int
    heads: int
    embed_dim: int
    text_width: int
    sketch_width: int = 0
    image_tokens: int = 4
    schedule: ScheduleKind = "flow"
    prediction: Prediction = "flow"
    kind: Literal["dit"] = "dit"


@dataclass(frozen=True)
class UNetConfig:
    """The paper's ADM U-Net, for the decoder (in pixels) and for the upsamplers.

    Args:
        image_size: pixels a side that it makes.
        in_channels, out_channels: at pixel resolution; 6 out means learned-range variance for a
            decoder. Upsamplers take noisy and upscaled pictures side by side: 6 in, 3 out.
        channels, blocks: width and residual blocks of each level.
        attention: which levels attend (same length as `channels`).
        unshuffle: pixel-unshuffle of the stem; 1 works on pixels.
        embed_dim, text_width: CLIP's image embedding and text states; 0 where it is unconditional.
        context_width: width of the added keys and values; 0 where nothing attends.
        scale_shift: the time embedding scales and shifts the second norm, else is added before it.
        resblock_updown: residual blocks change the grid, else plain averaging and repeating do.
        time_width: width of the time embedding; 0 means 4 times the first of `channels`.
        noise_level: how far the upscaled picture was corrupted is told to the network.
        norm: over groups of channels and all positions; over the channels of each position, so that
            a net trained on crops is the same function of a whole picture; or none, which keeps the
            contrast that an upsampler needs (EDSR, arXiv 1707.02921).
    """

    image_size: int
    in_channels: int
    out_channels: int
    channels: tuple[int, ...]
    blocks: int
    attention: tuple[bool, ...]
    head_dim: int = 64
    unshuffle: int = 1
    embed_dim: int = 0
    text_width: int = 0
    context_width: int = 0
    context_tokens: int = 4
    scale_shift: bool = True
    resblock_updown: bool = True
    time_width: int = 0
    noise_level: bool = False
    norm: Literal["group", "channel", "none"] = "group"
    norm_groups: int = 32
    schedule: ScheduleKind = "cosine"
    prediction: Prediction = "epsilon"
    residual_scale: float = 0.0
    kind: Literal["unet"] = "unet"

    @property
    def time_embed_width(self) -> int:
        """Width of the time embedding."""
        return self.time_width or 4 * self.channels[0]


@dataclass(frozen=True)
class MatteConfig:
    """U-Net from a picture to the alpha of what it shows.

    Args:
        image_size: pixels of the longer side of what it looks at.
        widths: of each grid, the finest first; each next one has half as many positions a side.
        unshuffle: pixel-unshuffle of the stem.
    """

    image_size: int
    widths: tuple[int, ...]
    unshuffle: int = 4

    @property
    def factor(self) -> int:
        """The sides of what it looks at are multiples of this."""
        return int(self.unshuffle * 2 ** (len(self.widths) - 1))


@dataclass(frozen=True)
class SamplingConfig:
    """How one stage is sampled when the caller does not say.

    Args:
        interval: times, 0 clean and 1 noise, between which guidance acts.
        noise_level: what an upsampler with `UNetConfig.noise_level` is told of its input, 0 to 1.
        eta: fresh noise of `ddim`, 0 none and 1 as much as `ddpm`.
        temperature: of the noise that the prior starts from. Less than 1 stays nearer to what is
            likely, at the price of variety (truncation, as BigGAN's: arXiv 1809.11096).
        crisp: steps in which edges of what an upsampler made are drawn together; for drawings.
    """

    sampler: str
    steps: int
    guidance: float = 1.0
    interval: tuple[float, float] = (0.0, 1.0)
    noise_level: float = 0.0
    eta: float = 0.0
    temperature: float = 1.0
    crisp: int = 0


@dataclass(frozen=True)
class ModelConfig:
    """A whole cascade. `sampling` has one entry for each of prior, decoder, upsampler_*.

    `matte` cuts objects out; a cascade without one makes opaque pictures only. `memory` is there
    where the prior has anchors.
    """

    name: str
    text: TextConfig
    image: ImageConfig | None
    prior: PriorConfig
    autoencoder: AutoencoderConfig | None
    decoder: DiTConfig | UNetConfig
    upsampler_256: UNetConfig | None
    upsampler_1024: UNetConfig | None
    matte: MatteConfig | None = None
    memory: MemoryConfig | None = None
    sampling: dict[str, SamplingConfig] = field(default_factory=dict)
    candidates: int = 4

    def to_json(self) -> dict[str, Any]:
        """Plain values for `bundle.json`."""
        return dataclasses.asdict(self)


def model_config_from_json(data: Any) -> ModelConfig:
    """Check and rebuild what `ModelConfig.to_json` gave. Raises pydantic's `ValidationError`."""
    from pydantic import TypeAdapter  # only needed where a bundle is read

    return TypeAdapter(ModelConfig).validate_python(data)


_SAMPLING = {
    "prior": SamplingConfig("dpmpp_2m", 12, guidance=2.0, temperature=0.2),
    "decoder": SamplingConfig("dpmpp_2m", 12, guidance=1.5, interval=(0.1, 0.9)),
    "upsampler_256": SamplingConfig("ddim", 2, noise_level=0.2, crisp=5),
    "upsampler_1024": SamplingConfig("ddim", 1, noise_level=0.1),
}


def tiny() -> ModelConfig:
    """The real classes at the smallest useful size: every test builds in milliseconds."""
    upsampler = UNetConfig(
        image_size=256,
        in_channels=6,
        out_channels=3,
        channels=(16, 16),
        blocks=1,
        attention=(False, False),
        unshuffle=4,
        scale_shift=False,
        resblock_updown=False,
        time_width=32,
        norm="none",
        schedule="flow",
        prediction="x0",
        residual_scale=4.0,
    )
    return ModelConfig(
        name="tiny",
        text=TextConfig(512, 64, 32, 2, 2, 64, 32),
        image=ImageConfig(64, 8, 32, 2, 2, 32, layout=2),
        prior=PriorConfig(32, 32, 64, 32, 2, 2, 16, anchors=2),
        autoencoder=AutoencoderConfig((8, 16, 16), 1, 1, 4),
        decoder=DiTConfig(8, 4, 8, 32, 2, 2, 32, 32, 16),
        upsampler_256=upsampler,
        upsampler_1024=dataclasses.replace(upsampler, image_size=1024, unshuffle=8),
        matte=MatteConfig(64, (8, 8)),
        memory=MemoryConfig(64, 256, 32),
        # noise, which is what fresh networks draw, has edges everywhere
        sampling={
            **_SAMPLING,
            "upsampler_256": dataclasses.replace(_SAMPLING["upsampler_256"], crisp=1),
        },
    )


def default() -> ModelConfig:
    """The model that ships: under 50 M parameters in all, made for two CPU cores."""
    upsampler = UNetConfig(
        image_size=256,
        in_channels=6,
        out_channels=3,
        channels=(64, 96, 128),
        blocks=1,
        attention=(False, False, False),
        unshuffle=4,
        scale_shift=False,
        resblock_updown=False,
        time_width=128,
        noise_level=True,
        norm="none",
        schedule="flow",
        prediction="x0",
        residual_scale=4.0,
    )
    return ModelConfig(
        name="default",
        text=TextConfig(6000, 128, 384, 6, 12, 1536, 384),
        image=ImageConfig(64, 8, 256, 6, 4, 384, layout=8),
        prior=PriorConfig(384, 384, 64, 256, 6, 4, 64, spacing="trailing", anchors=2),
        autoencoder=AutoencoderConfig((64, 96, 128), 1, 2, 16),
        decoder=DiTConfig(8, 16, 8, 384, 8, 6, 384, 384, 512),
        upsampler_256=upsampler,
        upsampler_1024=dataclasses.replace(
            upsampler, image_size=1024, unshuffle=8, channels=(64, 96), attention=(False, False)
        ),
        matte=MatteConfig(256, (16, 24, 32, 32)),
        memory=MemoryConfig(11_000, 12_288, 384),
        sampling=_SAMPLING,
    )


def karlo() -> ModelConfig:
    """The published widths of `kakaobrain/karlo-v1-alpha`; it has no 256 -> 1024 stage."""
    return ModelConfig(
        name="karlo",
        text=TextConfig(
            49408, 77, 768, 12, 12, 3072, 768, "pre", "quick_gelu", True, "last", False
        ),
        image=None,
        prior=PriorConfig(768, 768, 77, 2048, 20, 32, 64, normalize=False),
        autoencoder=None,
        decoder=UNetConfig(
            image_size=64,
            in_channels=3,
            out_channels=6,
            channels=(320, 640, 960, 1280),
            blocks=3,
            attention=(False, True, True, True),
            embed_dim=768,
            text_width=768,
            context_width=1536,
        ),
        upsampler_256=UNetConfig(
            image_size=256,
            in_channels=6,
            out_channels=3,
            channels=(320, 640, 960, 1280),
            blocks=3,
            attention=(False,) * 4,
            scale_shift=False,
        ),
        upsampler_1024=None,
        sampling={
            "prior": SamplingConfig("ddpm", 25, guidance=4.0),
            "decoder": SamplingConfig("ddpm", 25, guidance=8.0),
            "upsampler_256": SamplingConfig("ddpm", 7),
        },
        candidates=1,
    )


PRESETS = {"tiny": tiny, "default": default, "karlo": karlo}
