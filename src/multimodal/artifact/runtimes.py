"""What runs a graph: ONNX Runtime, or OpenVINO where that was asked for and answers alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from multimodal.cores import usable_cores
from multimodal.errors import BundleError, MissingExtraError
from multimodal.numeric import softmax
from multimodal.types import RuntimeName

_CLOSE = 0.02
"""Most that the largest difference of a photo's probabilities between two runtimes may be, on average."""
_PRECISIONS = (("bf16", "BF16"), ("f32", "FP32"))
"""Fastest first, each with what the processor must be able to do."""


class Session(Protocol):
    """An opened graph; safe to run from several threads."""

    def run(self, names: Sequence[str] | None, feeds: Mapping[str, npt.NDArray[Any]]) -> Sequence[npt.NDArray[Any]]:
        """The outputs of that name, or all, in the graph's order."""

    def get_inputs(self) -> Sequence[Any]:
        """The graph's inputs, each with a ``name``."""


def open_session(path: Path, threads: int | None) -> ort.InferenceSession:
    """A graph opened for a service that shares its cores; ``threads`` None leaves their number to ONNX Runtime."""
    options = ort.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take the second core from decoding and from other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def open_photo(path: Path, threads: int | None, runtime: RuntimeName, probe: npt.NDArray[np.uint8]) -> Session:
    """A photo graph opened by the runtime asked for.

    OpenVINO computes in bfloat16 where the processor can, and in float32 where answers would move too far.

    Args:
        probe: photos [N, H, W, 3] that the runtimes must answer alike.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        BundleError: it answers otherwise than ONNX Runtime, whichever precision it is given.
    """
    plain: Session = open_session(path, threads)
    if runtime == "onnxruntime":
        return plain
    core = _openvino().Core()
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    expected = _probabilities(plain, probe)
    apart = 0.0
    for precision in (name for name, needed in _PRECISIONS if needed in able):
        session = OpenVinoSession(core, path, threads, precision)
        apart = float(np.abs(_probabilities(session, probe) - expected).max(axis=1).mean())
        if apart <= _CLOSE:
            return session
    raise BundleError(
        f"{path}: under OpenVINO probabilities differ by {apart:.3f} on average, expected at most {_CLOSE}; "
        "serve this bundle with the runtime onnxruntime"
    )


class OpenVinoSession:
    """A graph compiled by OpenVINO for the CPU, once for each run that the cores allow at the same time.

    Its own way to several runs at once, streams of one compiled graph, gives wrong answers together with the hint
    LATENCY (2026.4.1, two streams).

    Attributes:
        precision: "bf16" or "f32".
    """

    def __init__(self, core: Any, path: Path, threads: int | None, precision: str) -> None:
        settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": "1"}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = str(threads)
        self.precision = precision
        at_once = 1 if threads is None else max(1, usable_cores() // threads)
        compiled = [core.compile_model(str(path), "CPU", settings) for _ in range(at_once)]
        self._inputs = list(compiled[0].inputs)
        self._names = [output.get_any_name() for output in compiled[0].outputs]
        self._free: SimpleQueue[Any] = SimpleQueue()
        for model in compiled:
            self._free.put(model.create_infer_request())

    def run(self, names: Sequence[str] | None, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """See ``Session.run``."""
        request = self._free.get()
        try:
            found = request.infer(dict(feeds))
            # Copied: the next run writes into the same memory.
            return [np.array(found[i]) for i, name in enumerate(self._names) if names is None or name in names]
        finally:
            self._free.put(request)

    def get_inputs(self) -> list[Any]:
        """See ``Session.get_inputs``."""
        return self._inputs


def _probabilities(session: Session, probe: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(softmax(np.asarray(session.run(None, {"pixels": probe})[1], np.float32)), np.float32)


def _openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        raise MissingExtraError("openvino", feature="The runtime openvino") from error
    return openvino
