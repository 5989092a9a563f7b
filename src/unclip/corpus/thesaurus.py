"""Says a prompt in the corpus's words: "a pup in an automobile" becomes "a dog in a car".

What the words are is a table beside this module, derived from WordNet 3.0 (Princeton University,
the WordNet licence) by `thesaurus_build`. Nothing here needs the corpus, WordNet or torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from unclip.corpus.names import is_plural, plural, singular, with_article

FILE = Path(__file__).parent / "thesaurus.tsv"
_WORD = re.compile(r"(?<![\w-]['’])[\w-]+(?:['’](?!s\b)\w+)*")
_SPACE, _WITHIN = re.compile(r"\s+"), re.compile(r"(?:['’]s)?\s+")
"""What may stand between two words, and between those of one phrase: "crow's nest"."""
LONGEST = 3
"""Words of a phrase that is looked up."""
_SOURCE = "# Derived by `unclip corpus thesaurus` from WordNet 3.0, (c) 2006 Princeton University\n"


class Thesaurus:
    """Words and phrases, and what captions call the same things.

    Args:
        words: phrases of up to three words in lower case to the corpus's words. The corpus's own
            nouns lead to themselves: they stay, and so does what stands right before them, as the
            oak of an "oak table" does.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    @staticmethod
    @cache
    def shipped() -> Thesaurus:
        """The one in the package."""
        lines = FILE.read_text(encoding="utf-8").splitlines()
        return Thesaurus(dict(_pair(line) for line in lines if not line.startswith("#")))

    def __len__(self) -> int:
        """Phrases that are said otherwise."""
        return sum(phrase != word for phrase, word in self._words.items())

    def translate(self, text: str) -> str:
        """`text` with every phrase that captions do not use in their words, the longest first: one
        for one, several for several, with the article that fits. All else is left as it is."""
        tokens = list(_WORD.finditer(text))
        said, at, i = [], 0, 0
        while i < len(tokens):
            length, word = self._longest(text, tokens, i)
            begin, end = tokens[i].start(), tokens[i + max(length, 1) - 1].end()
            if word is not None and word != text[begin:end].lower():
                before = tokens[i - 1] if i and _joined(text, tokens[i - 1 : i + 1]) else None
                if before and before[0].lower() in ("a", "an"):
                    begin, word = before.start(), _articled(word, before[0][0].isupper())
                said += [text[at:begin], word]
                at = end
            i += max(length, 1)
        return "".join([*said, text[at:]])

    def _longest(self, text: str, tokens: list[re.Match[str]], i: int) -> tuple[int, str | None]:
        """How many words from token `i` on are a phrase that is known, and what to say for them:
        None to leave them."""
        for n in range(min(LONGEST, len(tokens) - i), 0, -1):
            span = tokens[i : i + n]
            phrase = text[span[0].start() : span[-1].end()]
            if _joined(text, span, _WITHIN) and (known := self._known(phrase)):
                word, several = known
                after = tokens[i + n - 1 : i + n + 1]
                attributive = not several and len(after) == 2 and _joined(text, after)
                return n, None if attributive and self._known(after[1][0]) else word
        return 0, None

    def _known(self, phrase: str) -> tuple[str, bool] | None:
        """The corpus's word for a phrase, and whether the phrase names several."""
        low = re.sub(r"\s+", " ", phrase.lower().replace("’", "'"))
        if low in self._words:
            return self._words[low], is_plural(low)
        one = singular(low)
        if one is None or one not in self._words:
            return None
        word = self._words[one]
        return (low if word == one else plural(word) or word), True


def write(words: Mapping[str, str], path: Path) -> None:
    """Write a table that `shipped` reads; raises `OSError`."""
    lines = sorted(f"{phrase}\t{word}\n" for phrase, word in words.items())
    path.write_text(_SOURCE + "".join(lines), encoding="utf-8")


def _pair(line: str) -> tuple[str, str]:
    phrase, _, word = line.partition("\t")
    return phrase, word


def _joined(text: str, tokens: Sequence[re.Match[str]], between: re.Pattern[str] = _SPACE) -> bool:
    """Whether no more than that stands between words that follow each other."""
    return all(between.fullmatch(text, a.end(), b.start()) for a, b in pairwise(tokens))


def _articled(word: str, capital: bool) -> str:
    whole = with_article(word)
    return whole[:1].upper() + whole[1:] if capital else whole
