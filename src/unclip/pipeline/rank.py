"""How well a picture fits a text, by a bundle's own towers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unclip.models.image import ImageTower, to_tower_size


@torch.inference_mode()
def clip_score(
    tower: ImageTower, pixels: Float[Tensor, "n 3 h w"], z_t: Float[Tensor, "#n e"]
) -> Float[Tensor, " n"]:
    """Cosine of each picture's embedding and the text's (CLIP, section 2.3), in [-1, 1].

    Args:
        pixels: in [-1, 1], of any size.
        z_t: the text's embedding, or one for each picture.
    """
    return F.cosine_similarity(image_embedding(tower, pixels), z_t.float(), dim=-1)


@torch.inference_mode()
def image_embedding(tower: ImageTower, pixels: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n e"]:
    """The tower's embedding of pictures in [-1, 1] of any size, in float32."""
    weight = tower.patch.weight
    small = to_tower_size(pixels, tower.config.image_size).to(weight.device, weight.dtype)
    embedding: Tensor = tower(small)
    return embedding.float()
