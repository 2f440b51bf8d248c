"""Runs a bundle's ONNX graphs and mixes the heads' scores; numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.artifact.bundle import Bundle
from multimodal.artifact.manifest import HeadMix, ImageSpec
from multimodal.artifact.runtimes import open_photo, open_session
from multimodal.artifact.top_label import apply_top_label
from multimodal.artifact.vocabulary import padded, wrapped
from multimodal.image import ImageKitchen, second_look
from multimodal.numeric import entropy, log_softmax, softmax
from multimodal.types import EncodedText, EncoderName, FloatArray, RaggedIds, RuntimeName, ScoreName, TextIds

Tower = tuple[FloatArray, FloatArray]
"""Vectors [N, dim] and logits [N, leaves] of one tower."""
INPUT_OF: Mapping[str, str] = {"ngrams": "ids"}
"""The text graph's input for an encoder, where it is not called like the encoder."""
_MAX_CELLS = 2**18
"""Most padded ids in one run of the text graph: one long description must not blow up a batch's memory."""

_PROBES, _PROBE_SEED = 32, 7
_LEAST = 1e-12
"""Probabilities below it are taken for it before their logarithm."""
_ROWS = 64
"""Most products in one run of the text graphs."""


class Engine:
    """The graphs of one bundle, opened once; safe to call from several threads."""

    def __init__(
        self, bundle: Bundle, *, threads: int | None = None, runtime: RuntimeName = "onnxruntime"
    ) -> None:
        """
        Args:
            runtime: of the photo graph; the others are too small to gain by another.

        Raises:
            MissingExtraError, BundleError: see ``open_photo``.
        """
        manifest, layout = bundle.manifest, bundle.layout
        self.leaves = manifest.leaves
        self.vocabularies = bundle.vocabularies()
        self._spec = manifest.text.sentence if manifest.text else None
        self._text = open_session(bundle.file(layout.text), threads) if manifest.text else None
        self._sentence = open_session(bundle.file(layout.sentence), threads) if self._spec else None
        self._image = None
        self._doubt, self._fill = 0.0, (255, 255, 255)
        if manifest.image is not None:
            self._doubt, self._fill = manifest.image.second_look, tuple(manifest.image.kitchen["fill"])
            probe = _probe(manifest.image) if runtime != "onnxruntime" else np.empty((0, 0, 0, 3), np.uint8)
            self._image = open_photo(bundle.file(layout.image), threads, runtime, probe)
        self._fusion = open_session(bundle.file(layout.fusion), threads) if manifest.fusion else None
        self._novelty = bundle.novelty()
        self._unnamed = bundle.unnamed()

    def known_ids(self, text: EncodedText) -> dict[EncoderName, RaggedIds]:
        """Ids of the features of each encoder; 0 for those the bundle has never seen."""
        return {name: RaggedIds(v.ids(text[name]), text[name].offsets) for name, v in self.vocabularies.items()}

    def text(self, ids: TextIds) -> Tower:
        """Text vectors [N, dim] and logits [N, leaves] of the ids of N products for each encoder."""
        lengths = np.max([np.diff(ragged.offsets) for ragged in ids.values()], axis=0)
        if len(lengths) == 1:  # who asks for one waits for it: nothing is sorted, cut or put back
            return self._run_text(ids)
        # Those of a length together: a batch is as wide as its longest text. One by one there is nothing to sort.
        order = np.argsort(lengths, kind="stable") if len(lengths) > _ROWS else np.arange(len(lengths))
        parts = [self._run_text({n: ragged.take(rows) for n, ragged in ids.items()}) for rows in _cut(order, lengths)]
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return np.concatenate([p[0] for p in parts])[back], np.concatenate([p[1] for p in parts])[back]

    def text_scores(self, text: Tower) -> dict[ScoreName, FloatArray]:
        """Logits [N, leaves] of the text head, and of the one for titles that name no category where there is one."""
        scores: dict[ScoreName, FloatArray] = {"text": text[1]}
        if self._unnamed is not None:
            scores["unnamed"] = self._unnamed.logits(text[0])
        return scores

    def _table(self, name: EncoderName, ragged: RaggedIds) -> npt.NDArray[np.int32]:
        if name != "sentence":
            return padded(ragged)
        assert self._spec is not None
        return wrapped(ragged, self._spec.prefix, self._spec.suffix, self._spec.longest)

    def _run_text(self, ids: TextIds) -> Tower:
        assert self._text is not None
        feeds: dict[str, npt.NDArray[Any]] = {INPUT_OF.get(n, n): self._table(n, ragged) for n, ragged in ids.items()}
        if self._sentence is not None:
            feeds["sentence"] = self._sentences(feeds["sentence"])
        vector, logits = self._text.run(None, feeds)
        return vector, logits

    def _sentences(self, pieces: npt.NDArray[Any]) -> FloatArray:
        assert self._sentence is not None
        vectors: FloatArray = self._sentence.run(None, {"pieces": pieces})[0]
        return vectors

    def image(self, pixels: npt.NDArray[np.uint8]) -> Tower:
        """Photo vectors [N, dim] and logits [N, leaves] of uint8 pixels [N, H, W, 3]."""
        return self.photo(pixels)[0]

    def photo(self, pixels: npt.NDArray[np.uint8]) -> tuple[Tower, FloatArray | None]:
        """As ``image``, and from the same pass the scores of tags and attributes [N, width], where there are any."""
        assert self._image is not None
        vector, logits, *labels = self._image.run(None, {"pixels": pixels})
        return (vector, logits), labels[0] if labels else None

    def unsure(self, logits: FloatArray) -> npt.NDArray[np.bool_]:
        """Which photos [N], by their logits [N, leaves], are looked at again where nothing else answers."""
        if self._doubt == 0:
            return np.zeros(len(logits), np.bool_)
        return np.asarray(softmax(logits).max(axis=1) < self._doubt)

    def second_look(self, pixels: npt.NDArray[np.uint8], logits: FloatArray) -> FloatArray:
        """Logits [N, leaves] of both looks at photos [N, H, W, 3], those of the first given."""
        both = logits + self.image(second_look(pixels, self._fill))[1]
        return np.asarray(both / 2, np.float32)

    def trust(self, vectors: FloatArray) -> FloatArray:
        """How much each photo counts [N], by its vector [N, dim]: 1, and less for one unlike the training photos."""
        return np.ones(len(vectors), np.float32) if self._novelty is None else self._novelty.trust(vectors)

    def fusion(self, text: Tower, image: Tower) -> FloatArray:
        """Fused logits [N, leaves] of what both towers say of products that have text and photo."""
        assert self._fusion is not None
        both = np.ones(len(text[0]), np.bool_)
        feeds = {
            "text": text[0],
            "image": image[0],
            "text_logits": text[1],
            "image_logits": image[1],
            "has_text": both,
            "has_image": both,
        }
        # A fusion without a gate, as of older bundles, takes the vectors alone.
        logits: FloatArray = self._fusion.run(None, {i.name: feeds[i.name] for i in self._fusion.get_inputs()})[0]
        return logits


def _probe(image: ImageSpec) -> npt.NDArray[np.uint8]:
    """Drawn products [N, H, W, 3], to compare runtimes on."""
    from multimodal.data.sample import draw_products  # not needed by who serves with the usual one

    kitchen = ImageKitchen.from_manifest(image.kitchen)
    drawn = (product.image for product in draw_products(_PROBES, _PROBE_SEED))
    return np.stack([kitchen.prepare(photo) for photo in drawn if photo is not None])


def _cut(order: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Rows in runs of few enough products and padded ids; at least one run."""
    cuts: list[npt.NDArray[np.int64]] = []
    at = 0
    while at < len(order) or not cuts:
        some = order[at : at + _ROWS]
        widest = np.maximum.accumulate(np.maximum(lengths[some], 1)) * np.arange(1, len(some) + 1)
        some = some[: max(1, int(np.searchsorted(widest, _MAX_CELLS, side="right")))]
        cuts.append(some)
        at += max(1, len(some))
    return cuts


def mix_heads(
    logits: Mapping[ScoreName, FloatArray], mix: HeadMix, branches: npt.NDArray[np.int64]
) -> FloatArray:
    """Calibrated probabilities [N, leaves] of the heads a mix asks for.

    Args:
        branches: each leaf's ancestors [levels - 1, leaves], see ``Tree.branches``.
    """
    total = sum(weight * log_softmax(logits[head]) for head, weight in mix.weights.items() if weight != 0)
    mixed = np.asarray(total)
    temperature = mix.temperature if mix.slope == 0 else mix.temperature * np.exp(mix.slope * entropy(mixed))[:, None]
    probs = softmax(mixed, temperature).astype(np.float32)
    return probs if mix.top is None else apply_top_label(probs, mix.top, branches)


def distrust(probs: FloatArray, without: FloatArray | None, trust: FloatArray) -> FloatArray:
    """Probabilities [N, leaves] from text and photo where photos count for less than they would.

    A weighted mean of log probabilities: at a trust of 1 ``probs``, at 0 what is known without the photo.

    Args:
        without: probabilities [N, leaves] of the same rows without their photos; None where nothing is left.
        trust: [N], from 0 to 1.
    """
    if (trust >= 1).all():
        return probs
    rows = trust < 1
    share = trust[rows, None]
    logs = share * np.log(np.maximum(probs[rows], _LEAST))
    if without is not None:
        logs = logs + (1 - share) * np.log(np.maximum(without[rows], _LEAST))
    out = probs.copy()
    out[rows] = softmax(logs)
    return out
