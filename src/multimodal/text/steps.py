"""From a raw text to its words: cleaning, then the switchable steps, then tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from multimodal.config.text import StepName
from multimodal.text.abbreviations import write_out
from multimodal.text.brands import plain_names, split_capitals, split_signed
from multimodal.text.cleaning import normalise
from multimodal.text.hyphens import split_hyphens
from multimodal.text.leftovers import drop_leftovers, lines_of
from multimodal.text.lookalikes import own_alphabet
from multimodal.text.tokens import tokenise
from multimodal.text.units import split_measures

_TEXT_STEPS: dict[StepName, Callable[[str], str]] = {
    "lookalikes": own_alphabet,
    "abbreviations": write_out,
    "brands": plain_names,
}
_WORD_STEPS: dict[StepName, Callable[[str], list[str]]] = {"brands": split_capitals, "hyphens": split_hyphens}


class Steps:
    """A tokenizer and the steps asked for, in the one order that suits them. Holds no state."""

    def __init__(self, tokenizer: str, steps: Iterable[StepName] = ()) -> None:
        """Raises MissingExtraError when the tokenizer's extra is not installed."""
        tokenise("", tokenizer)
        asked = frozenset(steps)
        self._tokenizer = tokenizer
        self._html = "html" in asked
        self._of_text = [step for name, step in _TEXT_STEPS.items() if name in asked]
        self._measures = "units" in asked
        self._signed = "brands" in asked
        self._of_word = [step for name, step in _WORD_STEPS.items() if name in asked]

    def words(self, raw: str) -> tuple[str, ...]:
        """The words of a raw text, as they are written but for what the steps change."""
        text = normalise(drop_leftovers(raw) if self._html else raw)
        for step in self._of_text:
            text = step(text)
        if not self._measures:
            return tuple(self._names(text))
        words: list[str] = []
        for piece, measure in split_measures(text):
            words += self._names(piece)
            words += measure
        return tuple(words)

    def characteristics(self, raw: str) -> str:
        """A raw str of characteristics, ready for its grammar."""
        return lines_of(raw) if self._html else raw

    def _names(self, text: str) -> list[str]:
        if not self._signed:
            return self._tokens(text)
        words: list[str] = []
        for piece, name in split_signed(text):
            words += self._tokens(piece)
            words += [name] if name else []
        return words

    def _tokens(self, text: str) -> list[str]:
        words = tokenise(text, self._tokenizer)
        for step in self._of_word:
            words = list(chain.from_iterable(map(step, words)))
        return words
