"""Makes torchvision importable beside a torch build without its compiled operators.

A CPU torch beside a torchvision wheel built for CUDA fails on import because the operators ``nms`` and
``qnms`` do not exist. Neither is used here, so their schemas are declared and the import is tried again.
Call before timm, lightning or torchmetrics are imported.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache

from multimodal.errors import MissingExtraError

_KEPT: list[object] = []


@cache
def prepare_torch() -> None:
    """Imports torch and torchvision, mending the pair where it is a mismatch.

    Raises:
        MissingExtraError: when torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("train", feature="Training") from error
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        _KEPT.append(library)
        for module in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        importlib.import_module("torchvision")
