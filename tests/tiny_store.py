"""The corpus tests' store of a few drawings, for every test that trains."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "corpus_fixtures", Path(__file__).parent / "corpus" / "conftest.py"
)
assert _spec is not None
assert _spec.loader is not None
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)

packages, store, composer = _fixtures.packages, _fixtures.store, _fixtures.composer
