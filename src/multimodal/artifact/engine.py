"""Runs a bundle's ONNX graphs and mixes the heads' scores; numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from multimodal.artifact.bundle import Bundle
from multimodal.artifact.manifest import HeadMix
from multimodal.artifact.vocabulary import lookup, padded
from multimodal.numeric import entropy, log_softmax, softmax
from multimodal.types import FloatArray, HeadName, TextFeatures

Tower = tuple[FloatArray, FloatArray]
"""Vectors [N, dim] and logits [N, leaves] of one tower."""
_MAX_CELLS = 2**18
"""Most padded ids in one run of the text graph: one long description must not blow up a batch's memory."""


class Engine:
    """The graphs of one bundle, opened once; safe to call from several threads."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        manifest, layout = bundle.manifest, bundle.layout
        self.leaves = manifest.leaves
        self.vocabulary = bundle.vocabulary() if manifest.text else np.zeros(0, np.uint32)
        self._text = _session(bundle.file(layout.text), threads) if manifest.text else None
        self._image = _session(bundle.file(layout.image), threads) if manifest.image else None
        self._fusion = _session(bundle.file(layout.fusion), threads) if manifest.fusion else None

    def known_ids(self, features: TextFeatures) -> npt.NDArray[np.int32]:
        """Vocabulary ids [M] of hashed features; 0 for those the bundle has never seen."""
        return lookup(self.vocabulary, features.hashes)

    def text(
        self, ids: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64]
    ) -> Tower:
        """Text vectors [N, dim] and logits [N, leaves] of ragged ids."""
        assert self._text is not None
        table = padded(ids, offsets)
        step = max(1, _MAX_CELLS // table.shape[1])
        parts = [
            self._text.run(None, {"ids": table[at : at + step]}) for at in range(0, max(1, len(table)), step)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def image(self, pixels: npt.NDArray[np.uint8]) -> Tower:
        """Photo vectors [N, dim] and logits [N, leaves] of uint8 pixels [N, H, W, 3]."""
        assert self._image is not None
        vector, logits = self._image.run(None, {"pixels": pixels})
        return vector, logits

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


def mix_heads(logits: Mapping[HeadName, FloatArray], mix: HeadMix) -> FloatArray:
    """Calibrated probabilities [N, leaves] of the heads a mix asks for."""
    total = sum(weight * log_softmax(logits[head]) for head, weight in mix.weights.items() if weight != 0)
    mixed = np.asarray(total)
    temperature = mix.temperature if mix.slope == 0 else mix.temperature * np.exp(mix.slope * entropy(mixed))[:, None]
    return softmax(mixed, temperature).astype(np.float32)


def _session(path: Path, threads: int | None) -> ort.InferenceSession:
    options = ort.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the second core from decoding and from other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
