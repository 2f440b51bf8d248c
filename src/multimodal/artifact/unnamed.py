"""A second text head, for titles that name no category: a perceptron on the text vector."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
        hidden_weight: [hidden, dim].
        hidden_bias: [hidden].
        weight: [leaves, hidden].
        bias: [leaves].
    """

    hidden_weight: FloatArray
    hidden_bias: FloatArray
    weight: FloatArray
    bias: FloatArray

    def logits(self, vectors: Floats) -> FloatArray:
        """Logits [N, leaves] of text vectors [N, dim]."""
        hidden = np.maximum(vectors @ self.hidden_weight.T + self.hidden_bias, 0)
        found: FloatArray = np.asarray(hidden @ self.weight.T + self.bias, np.float32)
        return found


def read_unnamed(file: Path) -> UnnamedHead:
    """What ``write_unnamed`` wrote."""
    from safetensors.numpy import load_file

    return UnnamedHead(**{name: values.astype(np.float32) for name, values in load_file(file).items()})


def write_unnamed(file: Path, head: UnnamedHead) -> None:
    """Writes the head in half precision."""
    from safetensors.numpy import save

    # In C order: safetensors writes memory as it lies, and reads it as rows.
    tensors = {name: np.ascontiguousarray(values, np.float16) for name, values in asdict(head).items()}
    # Not save_file, whose files only their owner can read. The metadata also makes the file's first byte, the length
    # of its header, another than the one that pickles start with.
    file.write_bytes(save(tensors, metadata={"head": "titles that name no category"}))
