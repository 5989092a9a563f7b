"""How often a drawing is drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from unclip.corpus.choice import Shelf
from unclip.corpus.mixture import Mixture
from unclip.corpus.store import SpriteStore


def test_a_style_is_drawn_as_often_as_the_mixture_says(store: SpriteStore) -> None:
    """Beside the other styles of the same concept, whose weights stay what they were."""
    styles: dict[str, set[str]] = {}
    for sprite in store.sprites:
        styles.setdefault(sprite.concept, set()).add(sprite.style)
    concept, found = max(styles.items(), key=lambda item: len(item[1]))
    rare, *others = sorted(found)
    mixture = replace(Mixture(), styles=((rare, 0.25),))
    choice = Shelf(store, range(len(store)), mixture).choice([concept])
    rng = np.random.default_rng(0)
    drawn = Counter(store[choice.draw(rng)].style for _ in range(4000))
    share = 0.25 / (0.25 + len(others))
    assert others
    assert drawn[rare] / drawn.total() == pytest.approx(share, abs=0.03)
