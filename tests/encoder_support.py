"""What tests of the text encoders share: a tiny transformer with a tokenizer of its own, and fields by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from multimodal.text.fields import TextFields
from multimodal.training.arrays import Split
from multimodal.types import EncodedText

WORDS = ("red", "blue", "silk", "dress", "boots", "bag", "платье", "красное", "сапоги", "шелк")


def save_tokenizer(folder: Path, texts: Iterable[str] = WORDS, *, size: int = 300) -> Path:
    """A WordPiece ``tokenizer.json`` learned from some texts: [CLS] before a text, [SEP] after it.

    Args:
        size: pieces at most; 0 has the letters alone.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    ends = [(piece, tokenizer.token_to_id(piece)) for piece in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def save_transformer(folder: Path, texts: Iterable[str] = WORDS, *, seed: int = 0) -> Path:
    """A BERT of one narrow layer at random, with its tokenizer: a folder as transformers saves one."""
    import torch
    from tokenizers import Tokenizer

    from multimodal.models.compat import prepare_torch

    prepare_torch()
    from transformers import BertConfig, BertModel

    size = Tokenizer.from_file(str(save_tokenizer(folder, texts))).get_vocab_size()
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=96,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def fields_of(title: str = "", description: str = "", *pairs: tuple[str, str]) -> TextFields:
    """The tokens of a product, words as they stand."""
    characteristics = tuple((name, tuple(value.split())) for name, value in pairs)
    return TextFields(
        title=tuple(title.split()),
        description=tuple(description.split()),
        characteristics=characteristics,
        title_words=tuple(title.split()),
        description_words=tuple(description.split()),
        characteristic_words=tuple(words for _, words in characteristics),
    )


def split_of(fields: Sequence[TextFields], text: EncodedText, masked: EncodedText | None = None) -> Split:
    """Products of one leaf as training sees them."""
    n = len(fields)
    has = [[bool(f.title), bool(f.description), bool(f.characteristics)] for f in fields]
    return Split(
        ids=list(range(n)),
        groups=[str(i) for i in range(n)],
        labels=np.zeros(n, np.int64),
        has_field=np.array(has, np.bool_),
        text=text,
        masked=masked,
        pixels=None,
        has_image=np.zeros(n, np.bool_),
        half=np.array([""] * n),
        named=np.ones(n, np.bool_),
        rejected=(),
    )
