"""Every text encoder numbers a product's words alike, so what is hidden in training is hidden from all of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from encoder_support import fields_of, save_tokenizer, split_of
from multimodal.artifact.manifest import SentenceSpec
from multimodal.artifact.vocabulary import HashVocabulary, PieceVocabulary
from multimodal.errors import BundleError, MissingExtraError
from multimodal.text import TextKitchen
from multimodal.text.fields import TextFields
from multimodal.text.hashing import word_hash
from multimodal.text.pieces import PieceFeatures
from multimodal.text.settings import TextKitchenConfig
from multimodal.text.words import WordFeatures
from multimodal.training.batches import BagFeed, Dropout, Feed, TextBatcher
from multimodal.training.encoders import PieceFeed
from multimodal.types import EncoderName, TextFeatures

LETTERS = "abcdeёж"
TITLE, DESCRIPTION, VALUE = 0, 1, 2
Word = tuple[int, str]
"""The field of a word, and the word."""

words = st.text(LETTERS, min_size=1, max_size=5)
texts = st.lists(words, max_size=5)
some_words = st.lists(words, min_size=1, max_size=3)
pairs = st.lists(st.tuples(some_words, some_words), max_size=3)


@st.composite
def products(draw: st.DrawFn) -> TextFields:
    """Fields with any words, the same ones many times too."""
    values = [(" ".join(name), " ".join(value)) for name, value in draw(pairs)]
    return fields_of(" ".join(draw(texts)), " ".join(draw(texts)), *values)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> PieceFeatures:
    """A tokenizer that cuts every word into its letters."""
    return PieceFeatures(save_tokenizer(tmp_path_factory.mktemp("letters"), [LETTERS * 2], size=0), 200)


def _vocabulary(pieces: PieceFeatures) -> dict[str, int]:
    found: dict[str, int] = pieces._tokenizer.get_vocab()
    return found


def _by_token(features: TextFeatures, row: int) -> dict[tuple[int, int], list[int]]:
    """Hashes of a product by field and token."""
    found: dict[tuple[int, int], list[int]] = {}
    for i in range(features.offsets[row], features.offsets[row + 1]):
        key = int(features.fields[i]), int(features.tokens[i])
        found.setdefault(key, []).append(int(features.hashes[i]))
    return found


def _numbered(fields: TextFields, row: TextFeatures, at: int) -> dict[int, Word]:
    """What the n-grams' features call each token: the word whose own hash is among the token's."""
    named = {(TITLE, word_hash(w, b"t")): w for w in fields.title}
    named |= {(DESCRIPTION, word_hash(w, b"d")): w for w in fields.description}
    for name, value in fields.characteristics:
        named |= {(VALUE, word_hash(f"{name}={w}", b"c")): w for w in value}
        named[VALUE, word_hash(f"{name}={' '.join(value)}", b"p")] = name
    return {t: (f, named[f, hashes[0]]) for (f, t), hashes in _by_token(row, at).items()}


def _pairs(fields: TextFields) -> set[int]:
    """The tokens that stand for a characteristic as a whole."""
    lengths = [1 + len(value) for _, value in fields.characteristics]
    starts = np.cumsum([len(fields.title) + len(fields.description), *lengths])
    return set(starts[:-1].tolist())


@given(batch=st.lists(products(), min_size=1, max_size=4))
def test_tokens_are_numbered_as_for_ngrams(pieces: PieceFeatures, batch: list[TextFields]) -> None:
    kitchen = TextKitchen(TextKitchenConfig())
    plain, looked_up, cut = kitchen.features(batch), WordFeatures().features(batch), pieces.features(batch)
    assert len(plain) == len(looked_up) == len(cut) == len(batch)
    letters = {number: piece.removeprefix("##") for piece, number in _vocabulary(pieces).items()}
    for at, fields in enumerate(batch):
        wanted, whole = _numbered(fields, plain, at), _pairs(fields)
        prefixes = {TITLE: b"wt", DESCRIPTION: b"wd", VALUE: b"wc"}
        found = {t: (f, hashes[0]) for (f, t), hashes in _by_token(looked_up, at).items()}
        assert found == {t: (f, word_hash(w, prefixes[f])) for t, (f, w) in wanted.items() if t not in whole}
        spelled = {t: (f, "".join(letters[n] for n in ids)) for (f, t), ids in _by_token(cut, at).items()}
        assert spelled == {t: (f, w.replace(" ", "")) for t, (f, w) in wanted.items()}


@given(fields=products(), others=st.lists(products(), max_size=3))
def test_a_products_features_are_its_own(pieces: PieceFeatures, fields: TextFields, others: list[TextFields]) -> None:
    for encoder in (WordFeatures(), pieces):
        alone, beside = encoder.features([fields]), encoder.features([*others, fields])
        start = beside.offsets[len(others)]
        for name in ("hashes", "tokens", "fields"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(beside, name)[start:])


def test_a_product_without_words_has_no_features(pieces: PieceFeatures) -> None:
    for encoder in (WordFeatures(), pieces):
        assert encoder.features([fields_of()] * 3).offsets.tolist() == [0, 0, 0, 0]
        assert encoder.features([]).offsets.tolist() == [0]


def test_only_titles_give_ngrams_for_unknown_words() -> None:
    features = WordFeatures().features([fields_of("silk", "silk", ("material", "silk silk"))])
    counts = np.bincount(features.fields).tolist()
    assert counts[DESCRIPTION:] == [1, 2]
    assert counts[TITLE] == 1 + sum(len("<silk>") - n + 1 for n in (3, 4, 5))


def test_pieces_are_those_of_words_as_written_not_of_their_lemmas(pieces: PieceFeatures) -> None:
    lemmas = fields_of("ad", "be", ("c", "d"))
    written = fields_of("ade", "bee", ("c", "dd"))
    fields = replace(
        lemmas,
        title_words=written.title_words,
        description_words=written.description_words,
        characteristic_words=written.characteristic_words,
    )
    found, wanted = pieces.features([fields]), pieces.features([written])
    assert found.hashes.tolist() == wanted.hashes.tolist()
    assert found.tokens.tolist() == wanted.tokens.tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 3]


def test_pieces_beyond_the_longest_are_left_out(tmp_path: Path) -> None:
    short = PieceFeatures(save_tokenizer(tmp_path, [LETTERS * 2], size=0), 4)
    features = short.features([fields_of("abcde", "ab"), fields_of("a", "b", ("c", "d"))])
    assert features.offsets.tolist() == [0, 4, 8]
    assert features.tokens.tolist() == [0, 0, 0, 0, 0, 1, 2, 3]
    assert features.fields.tolist() == [0, 0, 0, 0, 0, 1, 2, 2]


def test_a_tokenizer_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    for file in (tmp_path / "tokenizer.json", tmp_path / "none.json"):
        with pytest.raises(BundleError, match=r"not readable as a tokenizer: .*Expected the tokenizer\.json"):
            PieceFeatures(file, 8)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"\[sentence\].*pip install 'multimodal\[sentence\]'"):
        PieceFeatures(tmp_path / "tokenizer.json", 8)


# --- hidden alike


def _batch(count: int) -> list[TextFields]:
    """Products of which no word stands twice, each of three letters."""
    made = ("".join(letters) for letters in product(LETTERS, repeat=3))
    draw = np.random.default_rng(0)

    def some(most: int) -> str:
        return " ".join(islice(made, int(draw.integers(0, most + 1))))

    return [fields_of(some(3), some(2), ("aa", next(made)), ("bb", f"{next(made)} {next(made)}")) for _ in range(count)]


def _words_of(fields: TextFields) -> list[tuple[str, str, bytes, bytes]]:
    """Each word, as hashed for n-grams, and the namespaces of n-grams and of word vectors."""
    found = [(word, word, b"t", b"wt") for word in fields.title]
    found += [(word, word, b"d", b"wd") for word in fields.description]
    return found + [(w, f"{name}={w}", b"c", b"wc") for name, value in fields.characteristics for w in value]


@pytest.mark.parametrize(("word", "field"), [(0.5, 0.0), (0.0, 0.999), (0.3, 0.5)])
def test_the_same_words_are_hidden_from_every_encoder(pieces: PieceFeatures, word: float, field: float) -> None:
    batch = _batch(40)
    encoded: dict[EncoderName, TextFeatures] = {
        "ngrams": TextKitchen(TextKitchenConfig()).features(batch),
        "navec": WordFeatures().features(batch),
        "sentence": pieces.features(batch),
    }
    hashes = {name: np.unique(encoded[name].hashes) for name in ("ngrams", "navec")}
    spec = SentenceSpec(prefix=(), suffix=(), longest=200, storage="float32")
    feeds: dict[EncoderName, Feed] = {
        "ngrams": BagFeed(HashVocabulary(hashes["ngrams"])),
        "navec": BagFeed(HashVocabulary(hashes["navec"])),
        "sentence": PieceFeed(PieceVocabulary(pieces.size), spec),
    }
    rows = np.arange(len(batch))
    out = TextBatcher(split_of(batch, encoded), feeds).batch(rows, Dropout(word, field), np.random.default_rng(0))
    told = {number + 1: piece for piece, number in _vocabulary(pieces).items()}
    seen = 0
    for row, fields in enumerate(batch):
        words = _words_of(fields)
        shown = {name: set(hashes[name][_row(out[name], row) - 1].tolist()) for name in ("ngrams", "navec")}
        by_ngrams = [w for w, said, prefix, _ in words if word_hash(said, prefix) in shown["ngrams"]]
        by_vectors = [w for w, _, _, prefix in words if word_hash(w, prefix) in shown["navec"]]
        spelled = "".join(told[i] for i in out["sentence"][0][row].tolist() if i)
        by_pieces = [w for w, *_ in words if "##".join(w) in spelled]
        assert by_ngrams == by_vectors == by_pieces
        seen += len(by_ngrams)
    assert 0 < seen < sum(len(_words_of(fields)) for fields in batch)


def _row(flat: tuple[Tensor, ...], row: int) -> np.ndarray:
    """The ids of a product."""
    ids, starts = (array.numpy() for array in flat)
    ends = np.append(starts[1:], len(ids))
    return np.asarray(ids[starts[row] : ends[row]])
