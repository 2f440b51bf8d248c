"""Product classifier for marketplaces: title, characteristics and photo in, category of your own tree out."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from multimodal.types import ImageRef, Prediction, Product, RowError

if TYPE_CHECKING:
    from pathlib import Path

    from multimodal.serving import Predictor
    from multimodal.types import RuntimeName

try:
    __version__ = version("multimodal")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["ImageRef", "Prediction", "Product", "RowError", "__version__", "load"]


def load(path: str | Path, *, threads: int | None = None, runtime: RuntimeName = "onnxruntime") -> Predictor:
    """Opens a bundle, checks its hashes and makes it ready to answer.

    Args:
        path: the bundle's folder.
        threads: threads a graph may use; None lets the runtime decide.
        runtime: what runs the photo graph; "openvino" needs the extra of that name, and is taken where its
            answers are close.

    Raises:
        BundleError: no bundle there, one that was changed, or one that the runtime answers otherwise for.
        MissingExtraError: it needs an optional dependency that is not installed.
    """
    from multimodal.serving import Predictor

    return Predictor(path, threads=threads, runtime=runtime)
