"""A plan's rows drawn by the decoder, of which each picture keeps its best candidate: the one that
shows what was asked for, and that looks as its embedding says."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from unclip.models.image import ImageTower
from unclip.pipeline.cascade import Cascade, Plan
from unclip.pipeline.heats import Heats
from unclip.pipeline.rank import clip_score
from unclip.pipeline.stages import DecoderStage, Drawing, Running


def best_of(cascade: Cascade, plan: Plan) -> Running[Drawing]:
    """Decode a plan, and keep the best candidate of each picture: by CLIP, or by its embedding."""
    if plan.drawn is not None:
        return Drawing(plan.drawn, list(range(len(plan.drawn))))
    tower = cascade.bundle.image
    if tower is not None or plan.candidates == 1:
        return (yield from _decode(cascade.decoder, plan, tower))
    best = plan.fit.reshape(-1, plan.candidates).argmax(dim=1)
    rows = [k * plan.candidates + int(j) for k, j in enumerate(best)]
    drawing = yield from _decode(cascade.decoder, plan.rows(rows), None)
    return drawing._replace(rows=rows)


FAITHFUL = 1.0
"""How much a candidate's own embedding counts beside the text: the decoder draws some better than
others."""


def fitness(
    tower: ImageTower, plan: Plan, pixels: Float[Tensor, "r 3 h w"], rows: list[int]
) -> Float[Tensor, " r"]:
    """By which candidates are ranked: how near pictures of some `rows` of a plan are to what was
    asked for and to their own embeddings."""
    asked = F.normalize(plan.wanted_by(rows).float(), dim=-1)
    own = F.normalize(plan.z_i[rows].float(), dim=-1)
    return clip_score(tower, pixels, asked + FAITHFUL * own)


def _decode(decoder: DecoderStage, plan: Plan, tower: ImageTower | None) -> Running[Drawing]:
    def score(pixels: Tensor, rows: list[int]) -> Tensor:
        assert tower is not None
        return fitness(tower, plan, pixels, rows)

    return decoder(
        plan.z_i,
        plan.texts,
        plan.x_t,
        plan.generators,
        plan.sampling,
        plan.known,
        plan.draft,
        Heats(plan.candidates, score),
    )
