"""The package's own policy, read once."""

from __future__ import annotations

import pytest

from unclip.safety import Policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return Policy.load()
