"""Splits a normalised text into words and numbers."""

from __future__ import annotations

import re

from multimodal.errors import MissingExtraError

# Scripts whose vowel signs are marks, which \w leaves out: without them a word falls apart.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u0900-\u0963\u0966-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ece"
    "\u0f71-\u0f84\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
)
_INSIDE = rf"[\w{_MARKS}]"
_TOKEN = re.compile(rf"\d+(?:[.,]\d+)?|[^\W\d]{_INSIDE}*(?:[-']{_INSIDE}+)*")
_POSSESSIVE = re.compile(r"(?<=\w)'[sS]\b")


def tokenise(text: str, kind: str = "regex") -> list[str]:
    """Words and numbers of a normalised text, in order; punctuation and emoji are left out.

    ``regex`` keeps hyphens inside a word (``t-shirt``), keeps what starts with a letter whole (``mp3``),
    splits a number from its unit (``300г`` -> ``300``, ``г``) and drops the English possessive.

    Raises:
        MissingExtraError: ``razdel`` without the [ru] extra.
        ValueError: an unknown ``kind``.
    """
    if kind == "regex":
        return _by_regex(text)
    if kind == "razdel":
        return _by_razdel(text)
    raise ValueError(f"tokenizer {kind!r}: expected 'regex' or 'razdel'")


def _by_regex(text: str) -> list[str]:
    if not text.isascii():
        text = text.replace("’", "'").replace("\u2010", "-")
    if "'" in text:
        text = _POSSESSIVE.sub("", text)
    if "_" in text:
        text = text.replace("_", " ")
    tokens = _TOKEN.findall(text)
    if "," in text:  # 3,2 and 3.2 are one number
        tokens = [token.replace(",", ".") for token in tokens]
    return tokens


def _by_razdel(text: str) -> list[str]:
    try:
        from razdel import tokenize
    except ImportError:
        raise MissingExtraError("ru", feature="the tokenizer 'razdel'") from None
    return [token.text for token in tokenize(text) if any(map(str.isalnum, token.text))]
