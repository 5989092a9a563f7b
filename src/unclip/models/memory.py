"""What the prior starts from: embeddings of drawings, found by their names.

Retrieval-augmented diffusion (Blattmann et al. 2022, arXiv 2204.11824) keeps such a memory beside
a network that is too small to hold it. m drawings, n names, e dimensions. Embeddings are of unit
length and lie here in 8 bits a number, each with a scale of its own: an error of half a percent.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int8, Int32
from torch import Tensor, nn
from torch.nn import functional as F

from unclip.config import MemoryConfig
from unclip.models.layers import to_eight_bits


class Memory(nn.Module):
    """Drawings and names, which have no parameters: they are remembered, not learned.

    Drawings lie in the order of the things they show: those of thing i are rows `first[i]` to
    `first[i + 1]`. `thing` says which thing a name is of; -1 is none, as of "blue". A name may be
    that of a style, as "3d render", and a drawing is in one; -1 is none.
    """

    drawings: Int8[Tensor, "m e"]
    drawing_scale: Float[Tensor, "m 1"]
    weight: Float[Tensor, " m"]
    names: Int8[Tensor, "n e"]
    name_scale: Float[Tensor, "n 1"]
    drawing_style: Int32[Tensor, " m"]
    name_style: Int32[Tensor, " n"]
    thing: Int32[Tensor, " n"]
    first: Int32[Tensor, " t+1"]

    def __init__(self, config: MemoryConfig) -> None:
        super().__init__()
        self.config = config
        for key, rows in (("drawing", config.drawings), ("name", config.names)):
            self.register_buffer(f"{key}s", torch.zeros(rows, config.embed_dim, dtype=torch.int8))
            self.register_buffer(f"{key}_scale", torch.zeros(rows, 1))
            self.register_buffer(f"{key}_style", torch.full((rows,), -1, dtype=torch.int32))
        self.register_buffer("weight", torch.zeros(config.drawings))
        self.register_buffer("thing", torch.full((config.names,), -1, dtype=torch.int32))
        self.register_buffer("first", torch.zeros(config.names + 1, dtype=torch.int32))

    def __len__(self) -> int:
        """Drawings that are in it."""
        return int(self.first[-1])

    @torch.no_grad()
    def remember(
        self,
        drawings: Float[Tensor, "m e"],
        weight: Float[Tensor, " m"],
        counts: Sequence[int],
        names: Float[Tensor, "n e"],
        things: Sequence[int],
        drawing_styles: Sequence[int],
        name_styles: Sequence[int],
    ) -> None:
        """Take embeddings, no more than the config has room for.

        Args:
            drawings: image embeddings of unit length, all those of the first thing first.
            weight: natural logarithm of how readily each comes to mind, if nothing asks for it.
            counts: drawings of each thing.
            names: text embeddings of unit length.
            things: the thing that each name is of, or -1.
            drawing_styles, name_styles: the style that each is of, or -1.
        """
        both = (("drawing", drawings, drawing_styles), ("name", names, name_styles))
        for key, rows, styles in both:
            numbers, scale = to_eight_bits(rows)
            getattr(self, f"{key}s")[: len(rows)] = numbers
            getattr(self, f"{key}_scale")[: len(rows)] = scale
            getattr(self, f"{key}_style")[: len(rows)] = torch.tensor(styles, dtype=torch.int32)
        self.weight[: len(drawings)] = weight
        self.thing[: len(names)] = torch.tensor(things, dtype=torch.int32)
        ends = torch.tensor(counts).cumsum(0).to(torch.int32)
        self.first[1:] = ends[-1]
        self.first[1 : 1 + len(ends)] = ends

    def rows_of(self, thing: int) -> slice:
        """The drawings of a thing."""
        return slice(int(self.first[thing]), int(self.first[thing + 1]))

    def drawing(self, rows: Tensor | slice) -> Float[Tensor, "r e"]:
        """Image embeddings of unit length."""
        return F.normalize(self.drawings[rows].float() * self.drawing_scale[rows], dim=1)

    def name(self, rows: Tensor | slice) -> Float[Tensor, "r e"]:
        """Text embeddings of unit length; where no name is, 0."""
        return F.normalize(self.names[rows].float() * self.name_scale[rows], dim=1)
