"""What a U-Net decoder is told about a picture, computed once and reused at every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from unclip.config import UNetConfig


@dataclass(frozen=True)
class UNetConditioning:
    """One row a picture.

    Attributes:
        time_add: added to the time embedding.
        context: the extra tokens of the image embedding, then the text states.
        mask: True where a context token is real; None when all are.
    """

    time_add: Float[Tensor, "b e"]
    context: Float[Tensor, "b n w"]
    mask: Bool[Tensor, "b n"] | None = None


class UNetConditioner(nn.Module):
    """CLIP embeddings and text states to `UNetConditioning` (unCLIP, section 2.1).

    The image embedding is projected and added to the time embedding, and projected to
    `config.context_tokens` tokens that stand before the text states. As in Karlo, the text
    embedding is added to the time embedding too.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.tokens = config.context_tokens
        self.null_image = nn.Parameter(torch.zeros(config.embed_dim))
        self.image_to_time = nn.Linear(config.embed_dim, config.time_embed_width)
        self.text_to_time = nn.Linear(config.embed_dim, config.time_embed_width)
        self.image_to_context = nn.Linear(
            config.embed_dim, config.context_tokens * config.context_width
        )
        self.text_to_context = nn.Linear(config.text_width, config.context_width)
        self.text_norm = nn.LayerNorm(config.context_width)

    def forward(
        self,
        image_embed: Float[Tensor, "b d"],
        text_embed: Float[Tensor, "b d"],
        text_states: Float[Tensor, "b n w"],
        text_mask: Bool[Tensor, "b n"] | None = None,
        *,
        drop_image: Bool[Tensor, " b"] | None = None,
    ) -> UNetConditioning:
        """Condition on both.

        Args:
            image_embed, text_embed: plain CLIP space.
            text_states: states of the text tower's last layer.
            text_mask: True at real tokens.
            drop_image: rows whose image embedding becomes the learned null, for classifier-free
                guidance; to drop the caption, pass the empty caption's.
        """
        if drop_image is not None:
            image_embed = torch.where(drop_image[:, None], self.null_image, image_embed)
        # The published weights lay the tokens out as (width, tokens), not (tokens, width).
        image_tokens = self.image_to_context(image_embed).unflatten(1, (-1, self.tokens)).mT
        text_tokens = self.text_norm(self.text_to_context(text_states))
        if text_mask is not None:
            text_mask = nn.functional.pad(text_mask, (self.tokens, 0), value=True)
        return UNetConditioning(
            time_add=self.image_to_time(image_embed) + self.text_to_time(text_embed),
            context=torch.cat([image_tokens, text_tokens], dim=1),
            mask=text_mask,
        )
