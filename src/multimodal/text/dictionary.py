"""Russian lemmas from a dictionary of word forms (pymorphy3 on OpenCorpora), without a look at the context."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

from multimodal.errors import MissingExtraError
from multimodal.text.lemmas import fold

CACHED = 32_768
"""Words whose lemmas are kept: a word costs the dictionary 0.2 ms, a catalog's titles have some 10,000."""
LONGEST = 48
"""Letters of a word that is looked up; what is longer is no word, and takes the dictionary's guesses long."""

_RUSSIAN = re.compile(r"[а-яё]+(?:-[а-яё]+)*", re.IGNORECASE)


class DictionaryLemmas:
    """The normal form of a word's commonest reading, ё as е; unknown words are read by analogy, as pymorphy3 does.

    Only what is written in Russian letters alone is looked up, everything else is case-folded. A hyphenated
    word is looked up as a whole («юбки-шорты» -> «юбка-шорты»); where a part has other letters or digits
    («USB-кабели»), the Russian parts are looked up by themselves.
    """

    name = "dictionary"

    def __init__(self) -> None:
        """Raises MissingExtraError without the [ru] extra."""
        parse = analyzer().parse

        def normal_form(word: str) -> str:
            return str(parse(word)[0][2]).replace("ё", "е")

        self._lemma = lru_cache(CACHED)(lambda token: by_parts(token, normal_form))

    def lemmas(self, tokens: Sequence[str]) -> list[str]:
        """Lemmas of ``tokens``, one for each."""
        lemma = self._lemma
        return [lemma(token) if len(token) <= LONGEST else fold(token) for token in tokens]

    def lemmas_of(self, texts: Sequence[Sequence[str]]) -> list[list[str]]:
        """Lemmas of each text's tokens."""
        return [self.lemmas(tokens) for tokens in texts]


def by_parts(token: str, normal_form: Callable[[str], str]) -> str:
    """The token's lemma, given how a lower-cased word of Russian letters and hyphens gets its own."""
    word = token.casefold()
    if _RUSSIAN.fullmatch(word):
        return normal_form(word)
    if "-" not in word:
        return word.replace("ё", "е")
    parts = word.split("-")
    return "-".join(normal_form(p) if _RUSSIAN.fullmatch(p) else p.replace("ё", "е") for p in parts)


@cache
def analyzer() -> Any:
    """pymorphy3 with its own dictionary, shared by all kitchens; answers are plain tuples, commonest first.

    Raises:
        MissingExtraError: without the [ru] extra.
    """
    return make_analyzer(None)


def make_analyzer(result_type: type | None, feature: str = "the lemmas 'dictionary'") -> Any:
    """A pymorphy3 analyzer that reads the dictionary of the [ru] extra, whatever the environment says.

    Raises:
        MissingExtraError: without the [ru] extra.
    """
    try:
        import pymorphy3
        import pymorphy3_dicts_ru
    except ImportError:
        raise MissingExtraError("ru", feature=feature) from None
    return pymorphy3.MorphAnalyzer(path=pymorphy3_dicts_ru.get_path(), lang="ru", result_type=result_type)
