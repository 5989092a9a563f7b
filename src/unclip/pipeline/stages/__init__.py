"""The stages of the cascade: each owns a network and how it is sampled.

A stage is a generator: it yields `Progress` after every step and returns its tensors, so that
stages are chained with `yield from` and none of them knows what comes next. `drain` runs one
without looking.
"""

from unclip.pipeline.stages.common import (
    Evaluate,
    Generators,
    Running,
    alone,
    candidate,
    drain,
    in_turn,
    mapped,
)
from unclip.pipeline.stages.decoder import DecoderStage, Draft, Drawing, KnownPixels
from unclip.pipeline.stages.memory import MemoryStage
from unclip.pipeline.stages.prior import Drawn, PriorStage
from unclip.pipeline.stages.text import Texts, TextStage
from unclip.pipeline.stages.upsampler import UpsamplerStage

__all__ = [
    "DecoderStage",
    "Draft",
    "Drawing",
    "Drawn",
    "Evaluate",
    "Generators",
    "KnownPixels",
    "MemoryStage",
    "PriorStage",
    "Running",
    "TextStage",
    "Texts",
    "UpsamplerStage",
    "alone",
    "candidate",
    "drain",
    "in_turn",
    "mapped",
]
