"""Cutting objects out of a picture: alpha by the matte network, and colours without the background.

The network looks at a small version. Its alpha follows the edges of the picture itself to full size
by a guided filter, and what shone through half-transparent pixels is taken out of their colours.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from unclip.errors import InvalidArgument
from unclip.models.matte import MatteNet
from unclip.pipeline.bundle import Bundle
from unclip.pipeline.images import to_images
from unclip.pipeline.seams import membrane
from unclip.pipeline.stages.common import kind_of

_RADIUS, _SMOOTH = 2, 1e-4  # of the guided filter, in pixels of the small version
_SURE = 0.05  # alpha this near to 0 or 1 is that
_SMALL = 256  # longer side of the version whose blurs tell the colours of objects and background
_REACH = (12, 3)  # pixels of it that the blurs reach
_CELL = 4  # pixels a side of the blocks from which a backdrop is guessed


def matte_for(bundle: Bundle, background: str) -> MatteNet | None:
    """The network that cuts out, where a transparent background is asked for.

    Raises:
        InvalidArgument: it is, and the bundle has none.
    """
    if background != "transparent":
        return None
    if bundle.matte is None:
        raise InvalidArgument(
            "background", "is 'transparent'; with this model it may be auto or opaque"
        )
    return bundle.matte


@torch.inference_mode()
def cut_out(network: MatteNet, image: Image.Image) -> Image.Image:
    """A picture's objects as "RGBA": alpha, and their own colours where it is not 0.

    Args:
        image: "RGB" of any size.
    """
    dtype, device = kind_of(network)
    pixels = torch.from_numpy(np.asarray(image).copy()).to(device).permute(2, 0, 1)[None] / 255
    alpha = alpha_of(network, pixels, dtype)
    colours = foreground(pixels, alpha)
    (cut,) = to_images(2 * colours - 1)
    (matte,) = to_images((2 * alpha - 1).expand_as(colours))
    cut.putalpha(matte.getchannel(0))
    return cut


def alpha_of(
    network: MatteNet, pixels: Float[Tensor, "1 3 h w"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "1 1 h w"]:
    """Alpha in [0, 1] of a picture in [0, 1]."""
    config, (h, w) = network.config, pixels.shape[-2:]
    scale = config.image_size / max(h, w)
    size = [max(1, round(side * scale / config.factor)) * config.factor for side in (h, w)]
    small = F.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)
    given = 2 * small - 1
    alpha = network(given.to(dtype), backdrop_of(given).to(dtype)).float().sigmoid()
    followed = guided_filter(small, alpha, pixels)
    return ((followed - _SURE) / (1 - 2 * _SURE)).clamp(0, 1)


def backdrop_of(pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """A guess at what is behind the objects: a smooth surface through the edge of the picture.

    It is right for plain colours and gradients, which leaves the network less to learn.
    """
    small = F.avg_pool2d(pixels, _CELL)
    rim = torch.ones_like(small[:, :1])
    rim[..., 1:-1, 1:-1] = 0
    surface = membrane(small, rim)
    return F.interpolate(surface, pixels.shape[-2:], mode="bilinear", align_corners=False)


def guided_filter(
    guide: Float[Tensor, "1 3 h w"],
    values: Float[Tensor, "1 1 h w"],
    at: Float[Tensor, "1 3 h2 w2"],
    radius: int = _RADIUS,
    smooth: float = _SMOOTH,
) -> Float[Tensor, "1 1 h2 w2"]:
    """`values`, made a linear function of the colours of `guide` in each window, at those of `at`.

    He, Sun and Tang 2013, "Guided image filtering", equations 14 and 15; coefficients of a small
    guide serve a large picture (He and Sun 2015, arXiv 1505.00996).
    """
    products = torch.cat(
        [guide, values, guide * values, (guide[:, :, None] * guide[:, None]).flatten(1, 2)], dim=1
    )
    mean, value, both, square = torch.split(_means(products, radius), [3, 1, 3, 9], dim=1)
    covariance = (both - mean * value).movedim(1, -1)[..., None]
    spread = square.reshape(1, 3, 3, *mean.shape[2:]) - mean[:, :, None] * mean[:, None]
    spread = spread.movedim((1, 2), (-2, -1)) + smooth * torch.eye(3, device=guide.device)
    slope = torch.linalg.solve(spread, covariance)[..., 0].movedim(-1, 1)
    offset = value - (slope * mean).sum(1, keepdim=True)
    line = _means(torch.cat([slope, offset], dim=1), radius)
    if at.shape != guide.shape:
        line = F.interpolate(line, at.shape[-2:], mode="bilinear", align_corners=False)
    return (line[:, :3] * at).sum(1, keepdim=True) + line[:, 3:]


def foreground(
    pixels: Float[Tensor, "1 3 h w"], alpha: Float[Tensor, "1 1 h w"]
) -> Float[Tensor, "1 3 h w"]:
    """The objects' own colours, from pixels that are a mixture of them and what is behind.

    Forte 2021, "Approximate fast foreground colour estimation": blurred once far and once near, and
    what is left of the mixture added. Here what is surest counts most, by the fourth power of its
    share, and the blurs are those of a small version.
    """
    size = pixels.shape[-2:]
    scale = min(1.0, _SMALL / max(size))
    small = [max(1, round(side * scale)) for side in size]
    given, share = (F.interpolate(x, small, mode="area") for x in (pixels, alpha))
    own = behind = given
    for radius in _REACH:
        sure, outer = share**4, (1 - share) ** 4
        parts = torch.cat([own * sure, sure, behind * outer, outer], dim=1)
        own, inside, behind, outside = torch.split(_means(parts, radius), [3, 1, 3, 1], dim=1)
        own, behind = own / inside.clamp_min(1e-6), behind / outside.clamp_min(1e-6)
        near = own
        own = (own + share * (given - share * own - (1 - share) * behind)).clamp(0, 1)
    near, behind = (
        F.interpolate(x, size, mode="bilinear", align_corners=False) for x in (near, behind)
    )
    return (near + alpha * (pixels - alpha * near - (1 - alpha) * behind)).clamp(0, 1)


def _means(x: Float[Tensor, "b c h w"], radius: int) -> Float[Tensor, "b c h w"]:
    """Means over windows of `2 * radius + 1` pixels a side, smaller ones at the border."""
    window = 2 * radius + 1
    x = F.avg_pool2d(x, (1, window), 1, (0, radius), count_include_pad=False)
    return F.avg_pool2d(x, (window, 1), 1, (radius, 0), count_include_pad=False)
