"""The types that weights are stored in, where the configuration leaves them open."""

from __future__ import annotations

from collections.abc import Iterator

from multimodal.config.models import ExportConfig
from multimodal.export.parity import Towers


def storages(asked: ExportConfig, towers: Towers) -> Iterator[ExportConfig]:
    """What is tried in turn: the smallest first, until one passes the proof."""
    part = towers.text
    text = ["int8", "float16"] if asked.text_storage == "auto" else [asked.text_storage]
    sentence = ["int8", "int16"] if asked.sentence_storage == "auto" else [asked.sentence_storage]
    image = ["int16", "float32"] if asked.image_storage == "auto" else [asked.image_storage]
    if part is None or part.sentence is None:
        sentence = sentence[-1:]
    if part is None:
        text = text[-1:]
    if towers.image is None:
        image = image[:1]
    for photo in image:
        for table, transformer in [(text[0], one) for one in sentence] + [(one, sentence[-1]) for one in text[1:]]:
            types = {"text_storage": table, "sentence_storage": transformer, "image_storage": photo}
            yield asked.model_copy(update=types)
