"""Any ONNX model as a step that reads photos: its inputs and outputs are declared beside it, and checked.

A folder holds ``photo_model.json`` and the graph it names. What the graph says of itself must agree with what is
declared, so that a model is refused when it is opened and not when the thousandth photo comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from multimodal.artifact.bundle import sha256_of
from multimodal.artifact.runtimes import open_session
from multimodal.errors import BundleError, ImageError
from multimodal.image import ImageKitchen
from multimodal.numeric import sigmoid, softmax
from multimodal.types import FloatArray, ImageRef

DECLARATION = "photo_model.json"
_BATCH = 16
Side = Annotated[int, Field(ge=1, le=4096)]
Rgb = tuple[float, float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhotoInput(_Strict):
    """The one input: photos [N, height, width, 3], or [N, 3, height, width] as ``nchw``.

    As float32 they are ``(level / 255 - mean) / std``; as uint8 the levels themselves.
    """

    name: str
    height: Side
    width: Side
    layout: Literal["nchw", "nhwc"] = "nchw"
    type: Literal["float32", "uint8"] = "float32"
    mean: Rgb = (0.0, 0.0, 0.0)
    std: Rgb = (1.0, 1.0, 1.0)
    fill: tuple[int, int, int] = (255, 255, 255)
    """RGB of what a photo leaves of the frame, since its aspect is kept."""


class PhotoOutput(_Strict):
    """One output [N, size]."""

    kind: Literal["softmax", "sigmoid", "values"]
    """What its scores become: probabilities of one choice, probabilities each for itself, or stay values."""
    size: Annotated[int, Field(ge=1)]
    names: tuple[str, ...] = ()
    """Of its places; numbers where there are none."""

    @model_validator(mode="after")
    def _as_many(self) -> PhotoOutput:
        if self.names and len(self.names) != self.size:
            raise ValueError(f"got {len(self.names)} names for {self.size} places, expected as many")
        return self

    def place(self, number: int) -> str:
        """The name of a place."""
        return self.names[number] if self.names else str(number)


class PhotoModelSpec(_Strict):
    """What is declared of a model."""

    name: str
    graph: str = "model.onnx"
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Of the graph's file; checked where it is given."""
    weights: str
    """Where they come from, for whoever reads its answers."""
    input: PhotoInput
    outputs: Annotated[dict[str, PhotoOutput], Field(min_length=1)]


class PhotoModel:
    """A ready model, opened; safe to call from several threads.

    Attributes:
        spec: what is declared of it.
    """

    def __init__(self, folder: str | Path, *, threads: int | None = None) -> None:
        """Opens the model in a folder.

        Raises:
            BundleError: no declaration, or a graph that is missing, changed, or not as declared.
        """
        self.folder = Path(folder)
        self.spec = _read(self.folder / DECLARATION)
        graph = self.folder / self.spec.graph
        if not graph.is_file():
            raise BundleError(f"{graph}: no such file, expected the graph that {DECLARATION} names; put it there")
        if self.spec.sha256 is not None and sha256_of(graph) != self.spec.sha256:
            raise BundleError(f"{graph}: has another sha256 than {DECLARATION} expects; fetch it again")
        self._session = open_session(graph, threads)
        _check(self._session, self.spec, graph)
        first = self._session.get_inputs()[0].shape[0]
        self._batch = first if isinstance(first, int) else None
        given = self.spec.input
        self._kitchen = ImageKitchen(given.height, given.width, given.fill)

    def run(self, pixels: npt.NDArray[np.uint8]) -> dict[str, FloatArray]:
        """What each output says of photos.

        Args:
            pixels: uint8 [N, height, width, 3].

        Returns:
            Output -> float32 [N, size], as its kind asks.
        """
        names = list(self.spec.outputs)
        cuts = [pixels] if self._batch is None else _cut(pixels, self._batch)
        runs = [self._session.run(names, {self.spec.input.name: self._fed(some)}) for some in cuts]
        scores = [np.concatenate([run[i] for run in runs])[: len(pixels)] for i in range(len(names))]
        return {name: _finished(self.spec.outputs[name], found) for name, found in zip(names, scores, strict=True)}

    def read(self, photos: Sequence[ImageRef]) -> Iterator[dict[str, FloatArray] | ImageError]:
        """For each photo, in order, its outputs [size], or why it cannot be read."""
        for at in range(0, len(photos), _BATCH):
            prepared = [self._pixels(photo) for photo in photos[at : at + _BATCH]]
            there = [p for p in prepared if isinstance(p, np.ndarray)]
            found = self.run(np.stack(there)) if there else {}
            row = 0
            for one in prepared:
                if isinstance(one, ImageError):
                    yield one
                else:
                    yield {name: values[row] for name, values in found.items()}
                    row += 1

    def _pixels(self, photo: ImageRef) -> npt.NDArray[np.uint8] | ImageError:
        try:
            return self._kitchen.prepare(photo)
        except ImageError as error:
            return error

    def _fed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        given = self.spec.input
        out: npt.NDArray[Any] = pixels
        if given.type == "float32":
            mean, std = np.array(given.mean, np.float32), np.array(given.std, np.float32)
            out = (pixels.astype(np.float32) / 255 - mean) / std
        return np.ascontiguousarray(out.transpose(0, 3, 1, 2) if given.layout == "nchw" else out)


def _cut(pixels: npt.NDArray[np.uint8], size: int) -> list[npt.NDArray[np.uint8]]:
    """Batches of exactly ``size``, as a graph of a fixed one takes; the last photo fills up the last batch."""
    missing = -len(pixels) % size
    whole = np.concatenate([pixels, np.repeat(pixels[-1:], missing, axis=0)])
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def _read(file: Path) -> PhotoModelSpec:
    if not file.is_file():
        raise BundleError(
            f"{file}: no such file; expected a folder with {DECLARATION}, which declares the input and the outputs of "
            "an ONNX model beside it; docs/photos.md shows one"
        )
    try:
        return PhotoModelSpec.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BundleError(f"{file}: not readable as JSON: {error}; write it again") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(f"{file}: {where}: {first['msg']}; correct it") from error


def _check(session: ort.InferenceSession, spec: PhotoModelSpec, graph: Path) -> None:
    """What the graph says of itself against what is declared."""
    given = spec.input
    frame = (3, given.height, given.width) if given.layout == "nchw" else (given.height, given.width, 3)
    kinds = {"float32": "tensor(float)", "uint8": "tensor(uint8)"}
    inputs = {one.name: (tuple(one.shape), one.type) for one in session.get_inputs()}
    _agree(graph, "input", {given.name: frame}, {name: shape for name, (shape, _) in inputs.items()}, whole=True)
    if inputs[given.name][1] != kinds[given.type]:
        raise BundleError(f"{graph}: its input is {inputs[given.name][1]}, {DECLARATION} declares {given.type}")
    outputs = {one.name: tuple(one.shape) for one in session.get_outputs()}
    _agree(graph, "output", {name: (one.size,) for name, one in spec.outputs.items()}, outputs, whole=False)


def _agree(
    graph: Path, what: str, declared: Mapping[str, tuple[int, ...]], found: Mapping[str, Sequence[Any]], *, whole: bool
) -> None:
    told = ", ".join(f"{name} {list(shape)}" for name, shape in found.items())
    strange = sorted(set(declared) - set(found)) or (whole and sorted(set(found) - set(declared)))
    if strange:
        raise BundleError(f"{graph}: its {what}s are {told}; {DECLARATION} declares {', '.join(declared)}")
    for name, shape in declared.items():
        sides = list(found[name])[1:]
        fixed = [isinstance(side, int) and side != size for side, size in zip(sides, shape, strict=False)]
        if len(sides) != len(shape) or any(fixed):
            raise BundleError(
                f"{graph}: its {what} {name} is {list(found[name])}, {DECLARATION} declares [N, "
                f"{', '.join(str(size) for size in shape)}]; correct one of them"
            )


def _finished(output: PhotoOutput, scores: npt.NDArray[Any]) -> FloatArray:
    values = scores.astype(np.float32)
    if output.kind == "values":
        return values
    return (softmax(values) if output.kind == "softmax" else sigmoid(values)).astype(np.float32)
