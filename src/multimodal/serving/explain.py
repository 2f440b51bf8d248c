"""Why a text answer is what it is: what each word and each characteristic moved, by leaving it out.

Leaving a part out and asking again (occlusion: Zeiler and Fergus, 2014; Li et al., Understanding neural networks
through representation erasure, 2016) holds for every encoder and costs one more row of the text graph a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from multimodal.artifact import Calibration
from multimodal.artifact.engine import Engine
from multimodal.serving.odds import log_odds
from multimodal.serving.samples import Sample
from multimodal.serving.scoring import Seen
from multimodal.taxonomy import Tree
from multimodal.text import TextFields, TextKitchen
from multimodal.types import TEXT_INPUTS, InputName, Scores, TextEffect

MOST_PARTS = 48
"""Parts of a product that are left out in turn: words of the title, then characteristics, then the description's."""
MOST_SHOWN = 5
_LEAST = 0.01
"""Effects closer to 0 than this say nothing."""
_TEXT = frozenset(TEXT_INPUTS)
Part = tuple[InputName, str, TextFields]
"""The input a part stands in, the part as written, and the product's text without it."""


class Explainer:
    """Explains the answers of one bundle by its text head; what a photo says is not part of it."""

    def __init__(self, engine: Engine, kitchen: TextKitchen, calibration: Calibration, tree: Tree) -> None:
        self._engine, self._kitchen = engine, kitchen
        self._calibration, self._tree = calibration, tree

    def explain(self, samples: Sequence[Sample], nodes: Sequence[str]) -> list[tuple[TextEffect, ...]]:
        """What moved the text head towards a category of each product, or away from it; the most first.

        Args:
            nodes: id of the category to explain, one a sample.

        Returns:
            For each sample at most ``MOST_SHOWN`` effects; none without text.
        """
        parts = [list(_parts(s.fields)) if s.fields is not None and s.present & _TEXT else [] for s in samples]
        texts: list[TextFields] = []
        owners: list[int] = []
        for number, (sample, some) in enumerate(zip(samples, parts, strict=True)):
            if some:
                texts += [cast(TextFields, sample.fields), *(fields for _, _, fields in some)]
                owners += [number] * (1 + len(some))
        if not texts:
            return [() for _ in samples]
        # A text without one of its parts is still that of this product: it does not change its way.
        seen = [(samples[n].present & _TEXT, samples[n].named) for n in owners]
        logs = self._log_odds(texts, seen, [nodes[n] for n in owners])
        found: list[tuple[TextEffect, ...]] = []
        at = 0
        for some in parts:
            whole, without = logs[at], logs[at + 1 : at + 1 + len(some)]
            found.append(_strongest(some, whole - without) if some else ())
            at += 1 + len(some) if some else 0
        return found

    def _log_odds(self, texts: Sequence[TextFields], seen: Sequence[Seen], nodes: Sequence[str]) -> np.ndarray:
        """Logarithm of each node's odds given each text, by the text head [N]."""
        text = self._engine.text(self._engine.known_ids(self._kitchen.encode(texts)))
        return log_odds(Scores(self._engine.text_scores(text)), seen, nodes, self._tree, self._calibration)


def _strongest(parts: Sequence[Part], effects: np.ndarray) -> tuple[TextEffect, ...]:
    told = [TextEffect(name, text, float(effect)) for (name, text, _), effect in zip(parts, effects, strict=True)]
    order = sorted((t for t in told if abs(t.effect) >= _LEAST), key=lambda t: -abs(t.effect))
    return tuple(order[:MOST_SHOWN])


def _parts(fields: TextFields) -> Iterator[Part]:
    left = MOST_PARTS
    for name, text, rest in _all_parts(fields):
        if left == 0:
            return
        left -= 1
        yield name, text, rest


def _all_parts(fields: TextFields) -> Iterator[Part]:
    for i, word in enumerate(fields.title_words):
        title, words = _without(fields.title, i), _without(fields.title_words, i)
        yield "title", word, replace(fields, title=title, title_words=words)
    for i, ((name, _), words) in enumerate(zip(fields.characteristics, fields.characteristic_words, strict=True)):
        pairs = fields.characteristics[:i] + fields.characteristics[i + 1 :]
        values = fields.characteristic_words[:i] + fields.characteristic_words[i + 1 :]
        said = f"{name}: {' '.join(words)}" if name else " ".join(words)
        yield "characteristics", said, replace(fields, characteristics=pairs, characteristic_words=values)
    for i, word in enumerate(fields.description_words):
        description, words = _without(fields.description, i), _without(fields.description_words, i)
        yield "description", word, replace(fields, description=description, description_words=words)


def _without(words: tuple[str, ...], at: int) -> tuple[str, ...]:
    return words[:at] + words[at + 1 :]
