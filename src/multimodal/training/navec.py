"""Natasha's word vectors for the vocabulary of a run: which rows are kept, and what stands for unknown words."""

from __future__ import annotations

import importlib.util
import struct
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console

from multimodal.artifact.vocabulary import WordVocabulary
from multimodal.config.text import NavecConfig
from multimodal.errors import ConfigError, MissingExtraError
from multimodal.models.bag import WordVectors
from multimodal.text.words import subword_rows, word_rows
from multimodal.training.batches import BagFeed, Feed
from multimodal.training.run import Run
from multimodal.training.vocabulary import field_of, inverse_document_frequency

_console = Console(stderr=True)
_RIDGE = 5.0
_FIT_WORDS = 60_000
"""navec's most frequent words, from which n-grams are fitted."""
Vectors = npt.NDArray[np.float32]


def find_navec(weights: str) -> tuple[Any, str]:
    """Opens word vectors.

    Args:
        weights: ``package`` or the path of a navec file.

    Returns:
        The vectors (``navec.Navec``) and where they came from.

    Raises:
        MissingExtraError: navec, or the package with its vectors, is not installed.
        ConfigError: the file is missing or no navec file.
    """
    try:
        from navec import Navec
    except ImportError:
        raise MissingExtraError("ru", feature="The text encoder 'navec'") from None
    if weights == "package":
        spec = importlib.util.find_spec("natasha")
        files = sorted(Path(spec.origin).parent.rglob("navec*.tar")) if spec and spec.origin else []
        if not files:
            raise MissingExtraError("ru", feature="The file of word vectors inside natasha")
        return Navec.load(str(files[0])), f"{files[0].name} of the package natasha (MIT)"
    file = Path(weights)
    if not file.is_file():
        raise ConfigError(
            f"text.navec.weights: got {weights!r}, which is no file; expected 'package' or the path of a navec file, "
            "such as navec_hudlit_v1_12B_500K_300d_100q.tar of github.com/natasha/navec"
        )
    try:
        return Navec.load(str(file)), f"the file {file.name}"
    except (OSError, tarfile.TarError, KeyError, ValueError, EOFError, struct.error) as error:
        raise ConfigError(f"text.navec.weights: {file}: not readable as a navec file: {error}") from error


def navec_encoder(run: Run, config: NavecConfig) -> tuple[WordVectors, Feed, str]:
    """Word vectors of the words that the training rows hold, and n-grams for those that navec lacks."""
    navec, origin = find_navec(config.weights)
    assert run.train.text is not None
    features = run.train.text["navec"]
    by_form = _by_form(navec)
    words = sorted(word for word in run.train.words if word in by_form)
    extra = [word for word in list(by_form)[: config.more_words] if word not in run.train.words]
    vectors = _vectors(navec, [by_form[word] for word in words + extra])
    title, description, values = word_rows(words + extra)
    seen = np.unique(features.hashes)
    # Words of the training rows where they stand there; the others in titles alone.
    asked = np.isin(title, seen) | (np.arange(len(title)) >= len(words))
    other = [np.isin(hashes, seen) for hashes in (description, values)]
    hashes = [title[asked], description[other[0]], values[other[1]]]
    rows = [vectors[asked], vectors[other[0]], vectors[other[1]]]
    unknown = subword_rows(sorted(word for word in run.train.words if word not in by_form))
    grams, gram_vectors = _subwords(navec, by_form, unknown, config.subwords)
    known, base = _merge([*hashes, grams], [*rows, gram_vectors], sum(map(len, hashes)))
    ids = known.ids(features)
    rarity = inverse_document_frequency(features, ids, len(known))
    if len(grams):
        per_word = float(np.mean([len(hashes) for hashes in unknown]))
        is_gram = np.concatenate([[False], ~known.is_word])
        # An unknown word weighs as much as a rare one, shared by its n-grams; the sum of them is its vector.
        rarity[is_gram] = rarity[1:].max(initial=1.0) / np.sqrt(per_word)
        base[is_gram] *= np.sqrt(per_word)
    encoder = WordVectors(torch.from_numpy(base), torch.from_numpy(rarity), config.dim, config.other_fields)
    field = field_of(features, ids, len(known))
    encoder.field.copy_(torch.from_numpy(field))
    covered = len(words) / max(1, len(run.train.words))
    _console.print(
        f"  navec: {origin}; knows {covered:.0%} of {len(run.train.words):,} words, {len(grams):,} n-grams for others",
        highlight=False,
    )
    return encoder, BagFeed(known), origin


def _by_form(navec: Any) -> dict[str, str]:
    """navec's words as the kitchen writes them -> as navec does; special tokens are left out."""
    found: dict[str, str] = {}
    for word in navec.vocab.words:
        if not word.startswith("<"):
            found.setdefault(word.casefold().replace("ё", "е"), word)
    return found


def _vectors(navec: Any, words: list[str]) -> Vectors:
    return np.array([navec[word] for word in words], np.float32).reshape(len(words), navec.pq.dim)


def _subwords(
    navec: Any, by_form: dict[str, str], unknown: list[npt.NDArray[np.uint32]], size: int
) -> tuple[npt.NDArray[np.uint32], Vectors]:
    """The n-grams that most unknown words share, and vectors that add up to those of navec's own words.

    Args:
        unknown: the n-grams of each unknown word.
    """
    counts = Counter(int(h) for hashes in unknown for h in set(hashes.tolist()))
    grams = np.sort(np.array([h for h, _ in counts.most_common(size)], np.uint32))
    if not len(grams):
        return grams, np.zeros((0, navec.pq.dim), np.float32)
    from scipy import sparse
    from sklearn.linear_model import Ridge

    fitted = list(by_form)[:_FIT_WORDS]
    hashes = subword_rows(fitted)
    owner = np.repeat(np.arange(len(fitted)), [len(h) for h in hashes])
    flat = np.concatenate(hashes)
    at = np.searchsorted(grams, flat)
    at[at == len(grams)] = 0
    keep = grams[at] == flat
    matrix = sparse.csr_matrix(
        (np.ones(keep.sum(), np.float32), (owner[keep], at[keep])), shape=(len(fitted), len(grams))
    )
    ridge = Ridge(alpha=_RIDGE, fit_intercept=False, solver="sparse_cg", tol=1e-3)
    ridge.fit(matrix, _vectors(navec, [by_form[word] for word in fitted]))
    return grams, np.ascontiguousarray(ridge.coef_.T, np.float32)


def _merge(
    hashes: list[npt.NDArray[np.uint32]], vectors: list[Vectors], words: int
) -> tuple[WordVocabulary, Vectors]:
    """One sorted vocabulary, and its vectors with a row of zeros before them, of about length 1 on average."""
    flat = np.concatenate(hashes)
    unique, first = np.unique(flat, return_index=True)
    base = np.concatenate([np.zeros((1, vectors[0].shape[1]), np.float32), np.concatenate(vectors)[first]])
    lengths = np.linalg.norm(base[1:][first < words], axis=1)
    length = float(lengths.mean()) if len(lengths) else 1.0
    return WordVocabulary(unique, first < words), (base / max(length, 1e-6)).astype(np.float32)
