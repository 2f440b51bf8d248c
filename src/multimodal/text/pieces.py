"""Word pieces for sentence encoders, by the tokenizer the encoder was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from multimodal.errors import BundleError, MissingExtraError
from multimodal.text.fields import TextFields
from multimodal.types import TEXT_INPUTS, TextFeatures


class PieceFeatures:
    """The pieces of products' words as features, numbered like the tokens of ``TextKitchen.features``."""

    def __init__(self, tokenizer: str | Path, longest: int) -> None:
        """Opens a ``tokenizer.json`` of the library tokenizers.

        Args:
            longest: pieces of a product at most; what is beyond them is never read.

        Raises:
            MissingExtraError: tokenizers is not installed.
            BundleError: the file is missing or unreadable.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtraError("sentence", feature="a sentence encoder") from None
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # the library raises no other kind
            raise BundleError(
                f"{tokenizer}: not readable as a tokenizer: {error}. Expected the tokenizer.json of a model for "
                "the library tokenizers; export the bundle again."
            ) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._longest = longest

    @property
    def size(self) -> int:
        """How many pieces there are."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def specials(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The pieces that the model wants before and after a text."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a").ids
        at = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
        return tuple(whole[:at]), tuple(whole[at + len(bare) :])

    def features(self, fields: Sequence[TextFields]) -> TextFeatures:
        """For each product: the pieces of the title, of the description, then of each ``name value``."""
        texts = [_words(f) for f in fields]
        encoded = self._tokenizer.encode_batch(
            [words or [""] for words, _, _ in texts], is_pretokenized=True, add_special_tokens=False
        )
        ids: list[int] = []
        tokens: list[int] = []
        field: list[int] = []
        lengths: list[int] = []
        for (words, numbers, kinds), found in zip(texts, encoded, strict=True):
            pieces = found.ids[: self._longest] if words else []
            owners = found.word_ids[: len(pieces)]
            ids += pieces
            tokens += [numbers[word] for word in owners]
            field += [kinds[word] for word in owners]
            lengths.append(len(pieces))
        return TextFeatures(
            np.array(ids, np.uint32), np.array(tokens, np.int32), np.array(field, np.uint8), np.cumsum([0, *lengths])
        )


def _words(fields: TextFields) -> tuple[list[str], list[int], list[int]]:
    """The words of a product as written, with the number of the token and the field each belongs to."""
    words = [*fields.title_words, *fields.description_words]
    numbers = list(range(len(words)))
    kinds = [0] * len(fields.title_words) + [1] * len(fields.description_words)
    at = len(words)
    for (name, _), value in zip(fields.characteristics, fields.characteristic_words, strict=True):
        parts = name.split()
        words += [*parts, *value]
        numbers += [at] * len(parts) + list(range(at + 1, at + 1 + len(value)))
        kinds += [len(TEXT_INPUTS) - 1] * (len(parts) + len(value))
        at += 1 + len(value)
    return words, numbers, kinds
