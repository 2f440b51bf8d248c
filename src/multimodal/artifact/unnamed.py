"""A second text head, for titles that name no category: linear in the text vector, as the first one is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from multimodal.types import FloatArray

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class UnnamedHead:
    """What is left of a title without the words of category names says other things than those words do.

    Attributes:
        weight: [leaves, dim].
        bias: [leaves].
    """

    weight: FloatArray
    bias: FloatArray

    def logits(self, vectors: Floats) -> FloatArray:
        """Logits [N, leaves] of text vectors [N, dim]."""
        found: FloatArray = np.asarray(vectors @ self.weight.T + self.bias, np.float32)
        return found


def read_unnamed(file: Path) -> UnnamedHead:
    """What ``write_unnamed`` wrote."""
    from safetensors.numpy import load_file

    tensors = load_file(file)
    return UnnamedHead(tensors["weight"].astype(np.float32), tensors["bias"].astype(np.float32))


def write_unnamed(file: Path, head: UnnamedHead) -> None:
    """Writes the head in half precision."""
    from safetensors.numpy import save

    tensors = {"weight": head.weight.astype(np.float16), "bias": head.bias.astype(np.float16)}
    # Not save_file, whose files only their owner can read. The metadata also makes the file's first byte, the length
    # of its header, another than the one that pickles start with.
    file.write_bytes(save(tensors, metadata={"head": "titles that name no category"}))
