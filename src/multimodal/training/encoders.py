"""The text encoders a run asks for, and how each is fed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from multimodal.artifact.manifest import SentenceSpec
from multimodal.artifact.vocabulary import HashVocabulary, PieceVocabulary, Vocabulary, wrapped
from multimodal.config.text import NgramsConfig, SentenceConfig, TextConfig
from multimodal.models.bag import Bag
from multimodal.models.encoder import TextEncoder
from multimodal.models.sentence import LEARNED_ON, SentenceEncoder, find_sentence_model
from multimodal.models.text import TextTower
from multimodal.text.pieces import PieceFeatures
from multimodal.training.arrays import Split
from multimodal.training.batches import BagFeed, Feed, Plan
from multimodal.training.frozen import FrozenFeed, Shown
from multimodal.training.navec import navec_encoder
from multimodal.training.run import Run
from multimodal.training.vocabulary import build_vocabulary, field_of, inverse_document_frequency
from multimodal.types import EncoderName, RaggedIds


@dataclass(frozen=True, slots=True)
class TextPart:
    """A text tower with what its encoders know.

    Attributes:
        feeds: how each encoder is fed, by name.
        origins: where pretrained weights came from, by encoder.
        sentence: how the sentence encoder is fed when it is served; its storage is open.
    """

    tower: TextTower
    feeds: dict[EncoderName, Feed]
    origins: dict[EncoderName, str]
    sentence: SentenceSpec | None = None

    def sentence_vectors(self, split: Split, shown: Shown) -> npt.NDArray[np.float16]:
        """Vectors [N, dim] of a split by the sentence encoder as it is now."""
        feed, encoder = self.feeds["sentence"], self.tower.parts["sentence"]
        assert isinstance(encoder, SentenceEncoder)
        assert self.sentence is not None
        if not isinstance(feed, FrozenFeed):
            feed = FrozenFeed(feed.vocabulary, self.sentence, encoder)
        return feed.vectors(split, shown)

    def vocabularies(self) -> dict[EncoderName, Vocabulary]:
        """What each encoder knows."""
        return {name: feed.vocabulary for name, feed in self.feeds.items()}


@dataclass(frozen=True, slots=True)
class PieceFeed:
    """Pieces [N, T] between the model's special ones, for a transformer that learns on."""

    vocabulary: Vocabulary
    spec: SentenceSpec

    def tensors(self, ragged: RaggedIds, plan: Plan) -> tuple[Tensor, ...]:
        """See ``Feed.tensors``."""
        return (torch.from_numpy(wrapped(ragged, self.spec.prefix, self.spec.suffix, self.spec.longest)),)


def make_text(run: Run, config: TextConfig) -> TextPart:
    """A text tower at random but for what is pretrained; idf, fields and vocabularies are those of the training rows.

    Raises:
        ConfigError, MissingExtraError: pretrained weights are not to be had.
    """
    encoders: dict[EncoderName, TextEncoder] = {}
    feeds: dict[EncoderName, Feed] = {}
    origins: dict[EncoderName, str] = {}
    spec = None
    if config.ngrams is not None:
        encoders["ngrams"], feeds["ngrams"] = _ngrams(run, config.ngrams)
    if config.navec is not None:
        encoders["navec"], feeds["navec"], origins["navec"] = navec_encoder(run, config.navec)
    if config.sentence is not None:
        encoder, feed, spec, origins["sentence"] = _sentence(config.sentence)
        encoders["sentence"], feeds["sentence"] = encoder, feed
    tower = TextTower(encoders, len(run.tree.leaves), config.dropout)
    return TextPart(tower, feeds, origins, spec)


def _ngrams(run: Run, config: NgramsConfig) -> tuple[Bag, Feed]:
    assert run.train.text is not None
    assert config.min_count is not None, "settled by the run"
    assert config.dim is not None, "settled by the run"
    features = run.train.text["ngrams"]
    known = HashVocabulary(build_vocabulary(features, config.vocabulary, config.min_count))
    bag = Bag(len(known), config.dim, config.other_fields)
    ids = known.ids(features)
    bag.idf.copy_(torch.from_numpy(inverse_document_frequency(features, ids, len(known))))
    bag.field.copy_(torch.from_numpy(field_of(features, ids, len(known))))
    return bag, BagFeed(known)


def _sentence(config: SentenceConfig) -> tuple[SentenceEncoder, Feed, SentenceSpec, str]:
    model = find_sentence_model(config.model)
    pieces = PieceFeatures(model.tokenizer, config.longest)
    prefix, suffix = ([int(piece) + 1 for piece in side] for side in pieces.specials())
    spec = SentenceSpec(prefix=tuple(prefix), suffix=tuple(suffix), longest=config.longest, storage="float32")
    encoder = SentenceEncoder(model, fine_tune=config.fine_tune)
    encoder.check_length(len(prefix) + config.longest + len(suffix))
    known = PieceVocabulary(pieces.size)
    feed: Feed = PieceFeed(known, spec) if config.fine_tune else FrozenFeed(known, spec, encoder)
    return encoder, feed, spec, f"{model.origin}, {LEARNED_ON if config.fine_tune else 'frozen'}"


def tensors_of(part: TextPart, name: EncoderName, ragged: RaggedIds) -> tuple[Tensor, ...]:
    """What an encoder's ``forward`` takes of plain products, nothing hidden and nothing kept from before."""
    if name == "sentence":
        assert part.sentence is not None
        spec = part.sentence
        return (torch.from_numpy(wrapped(ragged, spec.prefix, spec.suffix, spec.longest)),)
    return torch.from_numpy(ragged.ids.astype(np.int64)), torch.from_numpy(ragged.offsets[:-1])
