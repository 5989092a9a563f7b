"""Between the cascade's tensors and pictures that people look at."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor


@torch.inference_mode()
def to_images(pixels: Float[Tensor, "n 3 h w"]) -> tuple[Image.Image, ...]:
    """[-1, 1] to 8-bit RGB, rounded."""
    levels = pixels.float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    rows = levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return tuple(Image.fromarray(row) for row in rows)


def to_pixels(image: Image.Image) -> Float[Tensor, "1 3 h w"]:
    """8-bit RGB to [-1, 1]."""
    levels = torch.from_numpy(np.array(image))
    return levels.permute(2, 0, 1)[None].float() / 127.5 - 1
