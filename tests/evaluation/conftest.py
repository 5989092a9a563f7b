"""The tiny store's vocabulary, and a judge of it that has learned nothing yet."""

from __future__ import annotations

import pytest
import torch

from tiny_store import composer, packages, store  # noqa: F401
from unclip.evaluation.detector import Detector, DetectorConfig
from unclip.evaluation.judge import Judge
from unclip.evaluation.prompts import COLOURS
from unclip.evaluation.vocabulary import STYLES, Vocabulary


@pytest.fixture(scope="session")
def vocabulary(store):  # noqa: F811
    return Vocabulary(store)


@pytest.fixture(scope="session")
def judge(vocabulary):
    torch.manual_seed(0)
    config = DetectorConfig(len(vocabulary), len(STYLES), len(COLOURS), (8, 8, 16), (8, 8, 16))
    return Judge(Detector(config), vocabulary.names, STYLES, {"training": {"minutes": 0.1}})
