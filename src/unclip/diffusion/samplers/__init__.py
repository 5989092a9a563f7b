"""Samplers: from noise and a denoiser to a sample, one `Step` at a time."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from unclip.diffusion.samplers.ancestral import ddim, ddim_invert, ddpm, euler
from unclip.diffusion.samplers.common import Sampler, Step, randn_rows
from unclip.diffusion.samplers.multistep import dpmpp_2m, dpmpp_3m, unipc
from unclip.errors import InvalidArgument

SAMPLERS: Mapping[str, Sampler] = MappingProxyType(
    {
        "ddpm": ddpm,
        "ddim": ddim,
        "euler": euler,
        "dpmpp_2m": dpmpp_2m,
        "dpmpp_3m": dpmpp_3m,
        "unipc": unipc,
    }
)
"""By the names that the command line and configurations use."""


def get_sampler(name: str) -> Sampler:
    """Raises `InvalidArgument` for a name that is not in `SAMPLERS`."""
    if name not in SAMPLERS:
        raise InvalidArgument("sampler", f"is {name!r}; it may be {', '.join(SAMPLERS)}")
    return SAMPLERS[name]


__all__ = [
    "SAMPLERS",
    "Sampler",
    "Step",
    "ddim",
    "ddim_invert",
    "ddpm",
    "dpmpp_2m",
    "dpmpp_3m",
    "euler",
    "get_sampler",
    "randn_rows",
    "unipc",
]
