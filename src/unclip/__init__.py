"""A complete, self-hosted DALL-E 2.

import unclip
engine = unclip.load("default")
engine.save(engine.generate("a red apple", n=4, seed=7), "out")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unclip.engine import Engine as Engine
    from unclip.engine import load as load
    from unclip.errors import BundleError as BundleError
    from unclip.errors import Cancelled as Cancelled
    from unclip.errors import CorpusError as CorpusError
    from unclip.errors import InvalidArgument as InvalidArgument
    from unclip.errors import Refused as Refused
    from unclip.errors import UnclipError as UnclipError
    from unclip.requests import Blend as Blend
    from unclip.requests import Change as Change
    from unclip.requests import Framing as Framing
    from unclip.requests import Generation as Generation
    from unclip.requests import Inpainting as Inpainting
    from unclip.requests import Outpainting as Outpainting
    from unclip.requests import Request as Request
    from unclip.requests import Variation as Variation
    from unclip.types import Picture as Picture
    from unclip.types import Progress as Progress
    from unclip.types import Result as Result
    from unclip.types import Withheld as Withheld

_HOMES = {
    "Engine": "engine",
    "load": "engine",
    "BundleError": "errors",
    "Cancelled": "errors",
    "CorpusError": "errors",
    "InvalidArgument": "errors",
    "Refused": "errors",
    "UnclipError": "errors",
    "Blend": "requests",
    "Change": "requests",
    "Framing": "requests",
    "Generation": "requests",
    "Inpainting": "requests",
    "Outpainting": "requests",
    "Request": "requests",
    "Variation": "requests",
    "Picture": "types",
    "Progress": "types",
    "Result": "types",
    "Withheld": "types",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import unclip` costs nothing."""
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("unclip")
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"unclip.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module 'unclip' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
