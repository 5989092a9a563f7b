"""The model that is served, the names that lead to it, and its tokenizer."""

from __future__ import annotations

from tokenizers import Tokenizer

from unclip.pipeline.bundle_files import MANIFEST, TOKENIZER, locate
from unclip.server.errors import no_such_model
from unclip.server.protocol import Model
from unclip.server.settings import Settings


class Catalogue:
    """What /v1/models lists.

    Raises:
        InvalidArgument: there is no such bundle.
    """

    def __init__(self, settings: Settings) -> None:
        folder = locate(settings.model)
        names = dict.fromkeys([settings.model_name, *settings.aliases])
        created = int((folder / MANIFEST).stat().st_mtime)
        self.models = {name: Model(id=name, created=created) for name in names}
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def find(self, name: str) -> Model:
        """A model by any of its names.

        Raises:
            ApiError: 404.
        """
        if name not in self.models:
            raise no_such_model(name)
        return self.models[name]

    def count_tokens(self, text: str) -> int:
        """How many tokens a prompt has."""
        return len(self._tokenizer.encode(text).ids)
