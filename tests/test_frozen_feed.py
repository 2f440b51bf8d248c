"""Vectors of a frozen transformer, made once: what it would say of what is seen, and nothing of what is hidden."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from encoder_support import fields_of, save_transformer, split_of
from multimodal.artifact.manifest import SentenceSpec
from multimodal.artifact.vocabulary import PieceVocabulary
from multimodal.models.sentence import SentenceEncoder, find_sentence_model
from multimodal.text.pieces import PieceFeatures
from multimodal.training.arrays import Split
from multimodal.training.batches import Dropout, Feed, TextBatcher
from multimodal.training.encoders import PieceFeed
from multimodal.training.frozen import FrozenFeed
from multimodal.types import EncoderName

BATCH = [
    fields_of("red silk dress", "blue boots", ("colour", "red"), ("size", "silk bag")),
    fields_of("boots", "", ("colour", "blue blue")),
    fields_of("", "silk bag boots"),
    fields_of("платье красное"),
    fields_of(),
] * 9
MASKED = [fields_of(" ".join(fields.title[:1])) for fields in BATCH]
HALF = {"atol": 2e-3, "rtol": 1e-2}
"""They are kept in half precision."""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> SentenceEncoder:
    folder = save_transformer(tmp_path_factory.mktemp("model"))
    return SentenceEncoder(find_sentence_model(str(folder)), fine_tune=False).eval()


@pytest.fixture(scope="module")
def pieces(encoder: SentenceEncoder) -> PieceFeatures:
    return PieceFeatures(encoder.model.tokenizer, 12)


@pytest.fixture(scope="module")
def split(pieces: PieceFeatures) -> Split:
    return split_of(BATCH, {"sentence": pieces.features(BATCH)}, {"sentence": pieces.features(MASKED)})


@pytest.fixture
def feeds(encoder: SentenceEncoder, pieces: PieceFeatures) -> Mapping[str, Feed]:
    """Vectors made before, and pieces for a transformer that learns on."""
    known = PieceVocabulary(pieces.size)
    prefix, suffix = ([piece + 1 for piece in side] for side in pieces.specials())
    spec = SentenceSpec(prefix=tuple(prefix), suffix=tuple(suffix), longest=12, storage="float32")
    return {"frozen": FrozenFeed(known, spec, encoder), "pieces": PieceFeed(known, spec)}


def _seen(split: Split, feed: Feed, dropout: Dropout, rows: np.ndarray) -> torch.Tensor:
    named: dict[EncoderName, Feed] = {"sentence": feed}
    (tensor,) = TextBatcher(split, named).batch(rows, dropout, np.random.default_rng(3))["sentence"]
    return tensor


@pytest.mark.parametrize(
    "dropout",
    [Dropout(), Dropout(field=0.999999), Dropout(field=0.5), Dropout(names=0.999999), Dropout(field=0.6, names=0.4)],
    ids=["all", "a field hidden", "some fields hidden", "masked", "some of each"],
)
def test_vectors_are_those_of_what_is_seen(
    split: Split, feeds: Mapping[str, Feed], encoder: SentenceEncoder, dropout: Dropout
) -> None:
    rows = np.random.default_rng(1).permutation(len(BATCH))[:30]
    vectors, shown = (_seen(split, feeds[name], dropout, rows) for name in ("frozen", "pieces"))
    assert vectors.dtype == torch.float32
    with torch.no_grad():
        torch.testing.assert_close(vectors, encoder(shown), **HALF)
        if dropout != Dropout():
            plain = encoder(_seen(split, feeds["pieces"], Dropout(), rows))
            assert (vectors - plain).abs().max() > 0.1, "nothing was hidden: the test shows nothing"


def test_hidden_words_stay_seen(split: Split, feeds: Mapping[str, Feed]) -> None:
    rows = np.arange(len(BATCH))
    plain = _seen(split, feeds["frozen"], Dropout(), rows)
    assert torch.equal(_seen(split, feeds["frozen"], Dropout(word=0.9), rows), plain)


def test_vectors_are_made_once_for_each_split(pieces: PieceFeatures, split: Split, feeds: Mapping[str, Feed]) -> None:
    frozen = feeds["frozen"]
    assert isinstance(frozen, FrozenFeed)
    whole = frozen.vectors(split, "all")
    assert frozen.vectors(split, "all") is whole
    assert whole.shape == (len(BATCH), 32)
    other = split_of(MASKED, {"sentence": pieces.features(MASKED)})
    np.testing.assert_allclose(frozen.vectors(other, "all"), frozen.vectors(split, "masked"), **HALF)


def test_a_split_that_is_gone_leaves_no_vectors_to_another(pieces: PieceFeatures, feeds: Mapping[str, Feed]) -> None:
    """A new object may get the address of one that is gone."""
    frozen = feeds["frozen"]
    assert isinstance(frozen, FrozenFeed)
    for n in range(1, 12):
        batch = BATCH[:n]
        assert len(frozen.vectors(split_of(batch, {"sentence": pieces.features(batch)}), "all")) == n


def test_in_what_company_a_product_stands_changes_nothing(
    pieces: PieceFeatures, split: Split, feeds: Mapping[str, Feed]
) -> None:
    """Those of a length are encoded together; each comes back to its own row."""
    frozen = feeds["frozen"]
    assert isinstance(frozen, FrozenFeed)
    together = frozen.vectors(split, "all")
    for row in range(5):
        one = BATCH[row : row + 1]
        alone = frozen.vectors(split_of(one, {"sentence": pieces.features(one)}), "all")
        np.testing.assert_allclose(alone[0], together[row], **HALF)


def test_vectors_can_be_told_apart(split: Split, feeds: Mapping[str, Feed]) -> None:
    frozen = feeds["frozen"]
    assert isinstance(frozen, FrozenFeed)
    vectors = frozen.vectors(split, "all")[:5].astype(np.float32)
    far = np.linalg.norm(vectors[:, None] - vectors[None], axis=2) + np.eye(5)
    assert far.min() > 0.01, "a transformer that says the same of everything makes these tests empty"
