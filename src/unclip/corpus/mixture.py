"""What composed pictures show, and how often."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mixture:
    """Shares of what pictures show, in the order of the fields; they need not add up to one.

    Args:
        single: one object on a plain or gradient background.
        count: two to six of the same thing.
        pair: two different things, one left of, right of, above or below the other.
        coloured: one object in a colour that is not its own.
        scenic: one object in a place.
        white: share of white among plain backgrounds; `gradient` is the share of gradients.
        native: only drawings at least this many pixels a side (vector art always is).
        size: smallest and largest side of a single object, in picture sides.
        weights: how often a category is drawn, beside 2 for one that is not named.
        styles: how often a concept is drawn in a style, beside 1 for one that is not named.
        attributed: two different things, each in a colour that is not its own.
        related: one thing on, under, beside or inside another, or holding or riding it.
        placed: share of groups, pairs, coloured and related things that are in a place.
        framed: share of single objects in a composition that has a name, as a close-up.
        painted: share of all pictures that a filter repaints, as an oil painting.
        dyed: share of groups and related things that take a colour, where they can.
        everyday: how many times as often a concept of `everyday.txt` is drawn.
    """

    single: float = 0.55
    count: float = 0.12
    pair: float = 0.10
    coloured: float = 0.05
    scenic: float = 0.12
    white: float = 0.35
    gradient: float = 0.2
    native: int = 0
    size: tuple[float, float] = (0.55, 0.95)
    weights: tuple[tuple[str, float], ...] = (("people", 1.0), ("faces", 1.0), ("shapes", 1.0))
    styles: tuple[tuple[str, float], ...] = (("silhouette", 0.3), ("black and white drawing", 0.4))
    attributed: float = 0.03
    related: float = 0.06
    placed: float = 0.3
    framed: float = 0.12
    painted: float = 0.02
    dyed: float = 0.1
    everyday: float = 1.0
