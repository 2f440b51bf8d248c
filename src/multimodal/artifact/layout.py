"""File names of a bundle, in one frozen object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BundleLayout:
    """Names of the files inside a bundle's folder."""

    manifest: str = "manifest.json"
    tree: str = "tree.json"
    vocabulary: str = "vocabulary.safetensors"
    text: str = "text.onnx"
    sentence: str = "sentence.onnx"
    tokenizer: str = "tokenizer.json"
    image: str = "image.onnx"
    fusion: str = "fusion.onnx"
    novelty: str = "novelty.safetensors"
    unnamed: str = "unnamed.safetensors"
    card: str = "MODEL_CARD.md"
    evaluation: str = "evaluation.json"

    @property
    def unhashed(self) -> frozenset[str]:
        """Files about the bundle rather than of it: written after its hashes are fixed."""
        return frozenset({self.manifest, self.card, self.evaluation})


LAYOUT = BundleLayout()
