"""One objective a stage: its networks, its data and its loss."""

from __future__ import annotations

import torch

from unclip.corpus.composer import Composer
from unclip.training.loop import Objective
from unclip.training.objectives.autoencoder import AutoencoderObjective
from unclip.training.objectives.clip import ClipObjective
from unclip.training.objectives.decoder import DecoderObjective
from unclip.training.objectives.prior import PriorObjective
from unclip.training.objectives.upsampler import UpsamplerObjective
from unclip.training.recipes import Recipe
from unclip.training.workspace import Workspace


def make_objective(recipe: Recipe, workspace: Workspace, composer: Composer) -> Objective:
    """The objective of a recipe's stage, its frozen networks loaded from the workspace.

    Raises `InvalidArgument` where an earlier stage that it stands on is missing.
    """
    torch.manual_seed(recipe.seed)  # initial weights follow the recipe's seed
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
    raise AssertionError(recipe.stage)
