"""Russian lemmas in context: Natasha's morphology model picks the reading, pymorphy3 has its normal form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from threading import Lock

import numpy as np
import numpy.typing as npt

from multimodal.errors import MissingExtraError
from multimodal.text.dictionary import CACHED, LONGEST, by_parts, make_analyzer
from multimodal.text.lemmas import fold

_PASS = 384
"""Words in one pass of the model: enough to fill its matrices, few enough to stay in the processor's cache."""
_CLOSE = 1e-3
"""Scores this close can change places by rounding, which depends on what else is in the pass."""

_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
"""A text without such a letter is case-folded and never shown to the model."""

Ints = npt.NDArray[np.int64]


class TaggerLemmas:
    """The normal form of the reading that fits its neighbours, ё as е; other scripts are case-folded.

    The model is Natasha's ``NewsMorphTagger`` (slovnet, a convolution over words with navec's vectors); a
    reading is chosen as ``natasha.morph.lemma`` does, over pymorphy3; where none fits the tag, it is the
    commonest. The model was made for the sentences of news and holds 120 MB once loaded.
    """

    name = "tagger"

    def __init__(self) -> None:
        """Raises MissingExtraError without the [ru] extra."""
        self._model = _shared()

    def lemmas(self, tokens: Sequence[str]) -> list[str]:
        """Lemmas of one text's ``tokens``, one for each."""
        return self.lemmas_of([tokens])[0]

    def lemmas_of(self, texts: Sequence[Sequence[str]]) -> list[list[str]]:
        """Lemmas of each text's tokens; two and a half times as fast as one text at a time."""
        russian = [any(map(_CYRILLIC.search, tokens)) for tokens in texts]
        found = [[] if asked else list(map(fold, tokens)) for asked, tokens in zip(russian, texts, strict=True)]
        for rows in _passes(texts, russian):
            for row, tags in zip(rows, self._model.tags([texts[row] for row in rows]), strict=True):
                found[row] = list(map(self._model.lemma, texts[row], tags.tolist()))
        return found


def _passes(texts: Sequence[Sequence[str]], asked: Sequence[bool]) -> Iterator[list[int]]:
    """Numbers of the texts that are asked for, as many at a time as one pass takes."""
    rows: list[int] = []
    size = 0
    for row, tokens in enumerate(texts):
        if asked[row]:
            rows.append(row)
            size += len(tokens) + 1
        if size >= _PASS:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


class _Model:
    """Natasha's tagger and vocabulary, read only once loaded."""

    def __init__(self) -> None:
        feature = "the lemmas 'tagger'"
        try:
            from natasha.emb import NewsEmbedding
            from natasha.morph.lemma import best_form, normal_word
            from natasha.morph.tagger import NewsMorphTagger
            from natasha.morph.vocab import MorphForm
            from slovnet.shape import OTHER, word_shape
        except ImportError:
            raise MissingExtraError("ru", feature=feature) from None
        # Natasha's own MorphVocab does the same over pymorphy2, which cannot load its dictionaries any more.
        forms = lru_cache(CACHED)(make_analyzer(MorphForm, feature).parse)
        infer = NewsMorphTagger(NewsEmbedding()).infer
        self._net = infer.model
        words, shapes = infer.encoder.words_vocab, infer.encoder.shapes_vocab
        self._gap = (words.pad_id, shapes.pad_id)
        readings = [_reading(tag) for tag in infer.decoder.tags_vocab.items]

        def place(word: str) -> tuple[int, int]:
            shape = shapes.encode(word_shape(word))
            return words.encode(word.lower()), shapes.encode(OTHER) if shape is None else shape

        def normal_form(word: str, tag: int) -> str:
            found = forms(normal_word(word))
            # What Natasha would leave as it is gets its commonest reading: «ФУТБОЛКУ» is tagged as punctuation.
            return str(normal_word((best_form(found, *readings[tag]) or found[0]).normal))

        def lemma(token: str, tag: int) -> str:
            return by_parts(token, lambda word: normal_form(word, tag))

        self._place = lru_cache(CACHED)(place)
        self._lemma = lru_cache(CACHED)(lemma)

    def lemma(self, token: str, tag: int) -> str:
        return self._lemma(token, tag) if len(token) <= LONGEST else fold(token)

    def tags(self, texts: Sequence[Sequence[str]]) -> list[Ints]:
        """The tag of each token, of texts that have some; the same whatever the texts beside."""
        scores = self._scores(texts)
        best = scores.max(axis=1, keepdims=True)
        tags = scores.argmax(axis=1)
        close = (scores > best - _CLOSE).sum(axis=1) > 1
        found = []
        start = 0
        for tokens in texts:
            own = slice(start, start + len(tokens))
            alone = len(texts) > 1 and close[own].any()
            found.append(self._scores([tokens]).argmax(axis=1) if alone else tags[own])
            start = own.stop + 1
        return found

    def _scores(self, texts: Sequence[Sequence[str]]) -> npt.NDArray[np.float32]:
        """Scores [words and gaps, tags] of all texts in one row, a gap between two of them.

        A gap is what the model was padded with in training: its vectors are zeros, and every layer makes
        them zeros again. So a word sees past the end of its text what it would see at the end of the row.
        """
        places: list[tuple[int, int]] = []
        for tokens in texts:
            places += [self._place(token[:LONGEST]) for token in tokens]
            places.append(self._gap)
        row = np.array(places[:-1])[None]
        scores: npt.NDArray[np.float32] = self._net(row[..., 0], row[..., 1], row[..., 0] == self._gap[0])[0]
        return scores


def _reading(tag: str) -> tuple[str, dict[str, str]]:
    """Part of speech and features of a tag such as ``NOUN|Case=Gen|Number=Plur``."""
    pos, _, rest = tag.partition("|")
    return pos, dict(feature.split("=", 1) for feature in rest.split("|")) if rest else {}


_lock = Lock()
_models: list[_Model] = []


def _shared() -> _Model:
    """One model for all kitchens of the process."""
    with _lock:
        if not _models:
            _models.append(_Model())
        return _models[0]
