"""The `karlo` preset against the published checkpoints, without memory: on the meta device.

Counts are those of the reference classes at Karlo's configuration.
"""

import torch

from unclip.config import karlo
from unclip.models.unet import UNet


def size(module: torch.nn.Module) -> tuple[int, int]:
    parameters = list(module.parameters())
    return sum(p.numel() for p in parameters), len(parameters)


def test_decoder_is_the_published_one() -> None:
    with torch.device("meta"):
        net = UNet(karlo().decoder)
        assert net.conditioner is not None
        assert size(net.conditioner) == (7_878_400, 11)
        conditioning = net.conditioner(
            torch.empty(1, 768), torch.empty(1, 768), torch.empty(1, 77, 768)
        )
        net.conditioner = None
        assert size(net) == (885_439_686, 716)
        assert conditioning.context.shape == (1, 4 + 77, 1536)
        assert conditioning.time_add.shape == (1, 1280)


def test_super_resolution_is_the_published_one() -> None:
    config = karlo().upsampler_256
    assert config is not None
    with torch.device("meta"):
        net = UNet(config)
        assert size(net) == (691_579_523, 408)
        picture = torch.empty(1, 3, 64, 64)
        assert net(picture, torch.empty(1), low_res=picture).shape == picture.shape
