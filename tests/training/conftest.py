"""A run whose six stages are trained for a few steps each, once a session, from a tiny store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_store import composer, packages, store  # noqa: F401

from unclip.corpus.composer import Composer
from unclip.corpus.store import SpriteStore
from unclip.pipeline.bundle import Bundle, load_bundle
from unclip.training.run import train_all
from unclip.training.workspace import Workspace


@pytest.fixture(scope="session")
def trained(store: SpriteStore, tmp_path_factory: pytest.TempPathFactory) -> Workspace:  # noqa: F811
    """Do not change it: `shutil.copytree` it first."""
    ...
