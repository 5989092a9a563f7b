"""Recipes: everything that decides how a stage is trained, as frozen values made by functions.

`unclip train STAGE --recipe NAME` looks here. Each recipe says what it costs and what to expect;
costs were measured on two cores with AMX.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

from unclip.config import PRESETS
from unclip.corpus.composer import Mixture
from unclip.errors import InvalidArgument

# A small model learns shapes sooner from few large everyday things than from all at once.
PLAIN = Mixture(
    single=0.66,
    count=0.14,
    pair=0.08,
    coloured=0.08,
    scenic=0.04,
    attributed=0.0,
    related=0.0,
    placed=0.0,
    framed=0.0,
    painted=0.0,
    size=(0.75, 0.95),
    everyday=4.0,
    weights=(
        ("people", 0.4),
        ("faces", 0.8),
        ("shapes", 0.8),
        ("objects", 1.5),
        ("animals", 3.0),
        ("food", 3.0),
        ("vehicles", 3.0),
    ),
)

STAGES = ("autoencoder", "clip", "prior", "decoder", "upsampler-256", "upsampler-1024", "matte")


@dataclass(frozen=True)
class Recipe:
    """How one stage is trained.

    Args:
        minutes: length of the run by the clock; None means that `steps` alone ends it.
        ema_half_life: in pictures.
        decay_fraction: the last part of the run, in which the rate falls to zero.
        mixture: what the composed pictures show.
        muon_kernels: convolutions learn by Muon too.
        slow, slow_scale: parameter prefixes that start trained, and their share of the rate.
    """

    stage: str
    expected: str
    preset: str = "default"
    minutes: float | None = 20.0
    steps: int = 1_000_000
    batch_size: int = 64
    muon_lr: float = 0.02
    muon_kernels: bool = False
    adamw_lr: float = 6e-4
    weight_decay: float = 0.0
    warmup_steps: int = 100
    decay_fraction: float = 0.4
    ema_half_life: float = 40_000
    clip_norm: float = 1.0
    seed: int = 0
    mixture: Mixture = field(default_factory=Mixture)
    slow: tuple[str, ...] = ()
    slow_scale: float = 0.1
    compile: bool = True
    checkpoint_minutes: float = 4.0
    sheet_minutes: float = 8.0

    @property
    def command(self) -> str:
        """The command that runs it."""
        minutes = f" --minutes {self.minutes:g}" if self.minutes else ""
        return f"unclip train {self.stage}{minutes}"


def default(stage: str) -> Recipe:
    """The recipes behind the bundle that ships."""
    recipes = {
        "clip": Recipe(
            "clip",
            "3 of 4 captions found among 256 pictures after 24 minutes of one core",
            minutes=25,
            batch_size=256,
            muon_lr=0.01,
            slow=("text.",),
            warmup_steps=50,
        ),
        "autoencoder": Recipe(
            "autoencoder",
            "29 dB on unseen scenes after 25 minutes of one core",
            minutes=25,
            adamw_lr=1e-3,
        ),
        "prior": Recipe(
            "prior",
            "cosine with the truth 0.69 from pure noise, 45,000 pictures after an earlier prior",
            minutes=50,
            batch_size=256,
            adamw_lr=1e-3,
            mixture=PLAIN,
        ),
        "decoder": Recipe(
            "decoder",
            "about half of plain prompts recognisable after 195,000 pictures; the loss still falls",
            minutes=90,
            mixture=PLAIN,
        ),
        "upsampler-256": Recipe(
            "upsampler-256",
            compile=False,
            expected="0.5 dB above bicubic after 11 minutes of one core",
            minutes=25,
            batch_size=32,
            adamw_lr=5e-4,
            ema_half_life=5_000,
        ),
        "upsampler-1024": Recipe(
            "upsampler-1024",
            compile=False,
            expected="2.3 dB above bicubic after 15 minutes of one core",
            minutes=12,
            batch_size=16,
            adamw_lr=5e-4,
            ema_half_life=5_000,
        ),
        "matte": Recipe(
            "matte",
            compile=False,
            expected="IoU 0.89 with the true alpha of unseen scenes after 19 minutes of one core",
            minutes=19,
            batch_size=32,
            adamw_lr=1e-3,
            ema_half_life=3_000,
            mixture=Mixture(scenic=0.4),
        ),
    }
    return recipes[stage]


def tiny(stage: str) -> Recipe:
    """A few steps of the real thing, for tests and for a first look at the loop."""
    return dataclasses.replace(
        default(stage),
        preset="tiny",
        expected="finite losses in seconds",
        minutes=None,
        steps=4,
        batch_size=4,
        warmup_steps=1,
        compile=False,
    )


def gpu(stage: str) -> Recipe:
    """Larger batches for one CUDA device; the same networks and the same losses."""
    recipe = default(stage)
    return dataclasses.replace(
        recipe,
        expected="the default recipe's result in a fraction of the time",
        minutes=9,
        batch_size=8 * recipe.batch_size if stage != "clip" else 1024,
        ema_half_life=4 * recipe.ema_half_life,
    )


RECIPES: dict[str, Callable[[str], Recipe]] = {"default": default, "tiny": tiny, "gpu": gpu}


def get_recipe(name: str, stage: str) -> Recipe:
    """Raises `InvalidArgument` for an unknown stage or recipe."""
    if stage not in STAGES:
        raise InvalidArgument("stage", f"is {stage!r}; it may be {', '.join(STAGES)} or all")
    if name not in RECIPES:
        raise InvalidArgument("--recipe", f"is {name!r}; it may be {', '.join(RECIPES)}")
    recipe = RECIPES[name](stage)
    assert recipe.preset in PRESETS
    return recipe
