"""One objective a stage: its networks, its data and its loss."""

from __future__ import annotations

import torch

from unclip.corpus.composer import Composer
from unclip.pipeline.bundle import Bundle
from unclip.training.loop import Objective
from unclip.training.objectives.autoencoder import AutoencoderObjective
from unclip.training.objectives.clip import ClipObjective
from unclip.training.objectives.decoder import DecoderObjective
from unclip.training.objectives.matte import MatteObjective
from unclip.training.objectives.prior import PriorObjective
from unclip.training.objectives.upsampler import UpsamplerObjective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace, networks_of


def make_objective(
    recipe: Recipe, workspace: Workspace, composer: Composer, start: Bundle | None = None
) -> Objective:
    """The objective of a recipe's stage, its frozen networks loaded from the workspace.

    The networks to train have the weights of `start`, a bundle of the workspace's config, or fresh
    ones.

    Raises `InvalidArgument` where an earlier stage that it stands on is missing.
    """
    torch.manual_seed(recipe.seed)  # fresh weights follow the recipe's seed
    objective = _build(recipe, workspace, composer)
    given = {} if start is None else networks_of(start)
    fresh = True
    for name, component in objective.components().items():
        if name in given:  # a bundle from before there was this network has fresh ones here too
            component.load_state_dict(given[name].state_dict())
            fresh = False
    objective.initialise(fresh)
    return objective


def _build(recipe: Recipe, workspace: Workspace, composer: Composer) -> Objective:
    match recipe.stage:
        case "clip":
            return ClipObjective(recipe, workspace, composer)
        case "autoencoder":
            return AutoencoderObjective(recipe, workspace, composer)
        case "prior":
            return PriorObjective(recipe, workspace, composer)
        case "decoder":
            return DecoderObjective(recipe, workspace, composer)
        case "upsampler-256" | "upsampler-1024":
            return UpsamplerObjective(recipe, workspace, composer)
        case "matte":
            return MatteObjective(recipe, workspace, composer)
    raise AssertionError(recipe.stage)
