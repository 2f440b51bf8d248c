"""The text part of a bundle: its files, its entry in the manifest, and the types its weights are stored in."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from multimodal.artifact import LAYOUT
from multimodal.artifact.manifest import EncoderSpec, TextSpec
from multimodal.artifact.vocabulary import HashVocabulary, WordVocabulary
from multimodal.config.models import RunConfig
from multimodal.export.graphs import export_sentence, export_text
from multimodal.models.bag import Bag
from multimodal.models.sentence import SentenceEncoder, find_sentence_model
from multimodal.text.kitchen import VERSION
from multimodal.text.settings import TextKitchenConfig
from multimodal.training.encoders import TextPart
from multimodal.training.prepare import text_kitchen


def write_text(part: TextPart, config: RunConfig, folder: Path) -> None:
    """Writes vocabularies and graphs; the types to store in must be settled."""
    assert config.text is not None
    assert config.export.text_storage != "auto"
    assert config.export.sentence_storage != "auto"
    # Not save_file: it makes a file that nobody but its owner can read.
    folder.joinpath(LAYOUT.vocabulary).write_bytes(save(_tensors(part)))
    export_text(part.tower, folder / LAYOUT.text, config.export.text_storage)
    encoder = part.tower.parts.get("sentence")
    if isinstance(encoder, SentenceEncoder):
        assert config.text.sentence is not None
        shutil.copyfile(find_sentence_model(config.text.sentence.model).tokenizer, folder / LAYOUT.tokenizer)
        export_sentence(encoder, folder / LAYOUT.sentence, config.export.sentence_storage)


def _tensors(part: TextPart) -> dict[str, npt.NDArray[np.uint32 | np.bool_]]:
    found: dict[str, npt.NDArray[np.uint32 | np.bool_]] = {}
    for name, known in part.vocabularies().items():
        if isinstance(known, HashVocabulary):
            found["hashes"] = known.hashes
        elif isinstance(known, WordVocabulary):
            found |= {f"{name}.hashes": known.hashes, f"{name}.is_word": known.is_word}
    return found


def text_spec(part: TextPart, config: RunConfig) -> TextSpec:
    """The text part's entry in the manifest."""
    assert config.text is not None
    known, parts = part.vocabularies(), part.tower.parts
    sentence = part.sentence
    if sentence is not None:
        sentence = sentence.model_copy(update={"storage": config.export.sentence_storage})
    return TextSpec(
        kitchen=text_kitchen(config.text).config.model_dump(mode="json"),
        kitchen_version=VERSION,
        encoder=" + ".join(parts),
        vocabulary=sum(len(known[name]) for name in parts),
        dim=part.tower.dim,
        storage=_table_storage(part, config),
        encoders={
            name: EncoderSpec(vocabulary=len(known[name]), dim=encoder.dim, origin=part.origins.get(name))
            for name, encoder in parts.items()
        },
        sentence=sentence,
    )


def _table_storage(part: TextPart, config: RunConfig) -> str:
    """How the tables are stored: that of n-grams in codes where it was brought to them."""
    bag = part.tower.parts.get("ngrams")
    codes = bag.codes if isinstance(bag, Bag) else None
    if codes is None:
        return config.export.text_storage
    said = f"codes of {codes.codes.shape[1]} bytes"
    return said if len(part.feeds) == 1 else f"{said} and {config.export.text_storage}"


def required_extras(config: RunConfig) -> tuple[str, ...]:
    """The optional dependencies that serving the text part needs."""
    if config.text is None:
        return ()
    sentence = ("sentence",) if config.text.sentence is not None else ()
    return TextKitchenConfig.from_text_config(config.text).extras + sentence
