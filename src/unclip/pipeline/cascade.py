"""The stages of a bundle, and the plan that a request makes for its decoder."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unclip.config import SamplingConfig
from unclip.errors import InvalidArgument
from unclip.models.unet import UNet
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.stages import (
    DecoderStage,
    KnownPixels,
    PriorStage,
    Texts,
    TextStage,
    UpsamplerStage,
)

UPSAMPLERS = ("upsampler_256", "upsampler_1024")


class Cascade:
    """The stages of a bundle. It holds no request state."""

    def __init__(self, bundle: Bundle) -> None:
        config, sampling = bundle.config, bundle.config.sampling
        self.bundle = bundle
        self.text = TextStage(bundle.text, bundle.tokenizer, config.prior.text_context)
        self.prior = PriorStage(bundle.prior, sampling["prior"])
        self.decoder = DecoderStage(bundle.decoder, bundle.autoencoder, sampling["decoder"])
        self.upsamplers: list[UpsamplerStage] = []
        side = self.decoder.pixels
        for name in UPSAMPLERS:
            network = bundle.modules.get(name)
            if network is not None:
                assert isinstance(network, UNet)
                factor = network.config.image_size // side
                self.upsamplers.append(UpsamplerStage(name, network, sampling[name], factor))
                side = network.config.image_size

    def upsamplers_for(self, pixels: int) -> list[UpsamplerStage]:
        """Those needed for a picture of `pixels` a side; what they make beyond it is scaled down.

        Raises:
            InvalidArgument: the bundle's largest picture is smaller.
        """
        needed = []
        size = self.decoder.pixels
        for stage in self.upsamplers:
            if size >= pixels:
                break
            needed.append(stage)
            size = stage.network.config.image_size
        if size < pixels:
            raise InvalidArgument(
                "size", f"is {pixels}x{pixels}; with this model it may be up to {size}x{size}"
            )
        return needed


class Plan(NamedTuple):
    """What the decoder draws: one row a candidate, all those of the first picture first.

    Every request comes down to this: another embedding, another noise, or pixels that are known.

    Attributes:
        x_t: what the decoder starts from.
        fit: how well each embedding fits what was asked: candidates are ranked by it where the
            bundle has no image tower.
        wanted: the embedding that finished candidates are compared with.
        settings: what made them, beside the settings that every request has.
    """

    z_i: Float[Tensor, "nm e"]
    texts: Texts
    x_t: Float[Tensor, "nm c h w"]
    generators: list[torch.Generator]
    sampling: SamplingConfig
    fit: Float[Tensor, " nm"]
    wanted: Float[Tensor, "1 e"]
    candidates: int
    settings: dict[str, Any]
    known: KnownPixels | None = None


def candidate(seed: int, j: int) -> torch.Generator:
    """The randomness of candidate j of the picture with this seed; the first has the seed itself.

    Mixed into 32 bits, which are all that torch's generator on the CPU looks at.
    """
    mixed = int(np.random.SeedSequence((seed, j)).generate_state(1)[0]) if j else seed
    return torch.Generator().manual_seed(mixed)
