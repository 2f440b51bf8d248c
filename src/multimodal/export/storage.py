"""Stores the weights of an exported graph as integers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from multimodal.models.from_bundle import SCALE_SUFFIX
from multimodal.models.rounding import GRID_TOLERANCE, INT8_MAX

INT16_MAX = 32767


def store_integers(file: Path, storage: Literal["int16", "int8"] = "int16") -> None:
    """Stores every float32 matrix of a graph as integers with a float32 scale for each row of its first axis.

    Only storage is rounded: ONNX Runtime folds Cast and Mul away when it opens the graph and computes in float32.
    So a row's answer depends neither on its neighbours, as it would where activations are rounded to steps of their
    batch, nor on which instructions for int8 a processor has.

    Args:
        storage: int16 is as small as half precision and about ten times closer, for a row's own maximum sets its
            step; matrices trained on an int8 grid take int8 all the same, for then nothing is rounded.
    """
    model = onnx.load(str(file))
    restore, added = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        name = tensor.name
        array, scale = _integers(numpy_helper.to_array(tensor), storage)
        stored = f"{name}.{array.dtype}"
        tensor.CopyFrom(numpy_helper.from_array(array, stored))
        added.append(numpy_helper.from_array(scale.astype(np.float32), stored + SCALE_SUFFIX))
        restore.append(helper.make_node("Cast", [stored], [stored + ".float"], to=TensorProto.FLOAT))
        restore.append(helper.make_node("Mul", [stored + ".float", stored + SCALE_SUFFIX], [name]))
    nodes = [*restore, *model.graph.node]
    model.graph.initializer.extend(added)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def _integers(
    array: npt.NDArray[np.float32], storage: Literal["int16", "int8"]
) -> tuple[npt.NDArray[np.int8 | np.int16], npt.NDArray[np.float32]]:
    """A matrix [rows, ...] as integers and the scale of each row."""
    rows = tuple(range(1, array.ndim))
    largest = np.maximum(np.abs(array).max(axis=rows, keepdims=True), 1e-30)
    steps = array / (largest / INT8_MAX)
    if storage == "int8" or np.abs(steps - np.round(steps)).max() < GRID_TOLERANCE:
        return np.round(steps).astype(np.int8), largest / INT8_MAX
    scale = largest / INT16_MAX
    return np.round(array / scale).astype(np.int16), scale
