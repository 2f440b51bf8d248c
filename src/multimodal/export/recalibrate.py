"""A finished bundle calibrated anew on other rows: temperatures, routes, promises and candidates; no graph changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import multimodal
from multimodal.artifact import Bundle, Calibration, Manifest, open_bundle
from multimodal.artifact.engine import Engine
from multimodal.artifact.kitchens import image_kitchen_of, text_kitchen_of
from multimodal.config.models import SourceConfig
from multimodal.errors import DataError
from multimodal.export.calibrate import calibrate
from multimodal.export.describe import metrics_of
from multimodal.export.profile import profile_of
from multimodal.export.scorer import Scorer
from multimodal.training.arrays import Split
from multimodal.training.prepare import Preparer
from multimodal.training.run import MIN_ROWS
from multimodal.types import TEXT_INPUTS


def recalibrate(folder: Path, sources: Sequence[SourceConfig]) -> tuple[Manifest, Split]:
    """The bundle's manifest as it would be had these rows been the validation rows of its training.

    A mix of inputs that fewer than ``MIN_ROWS`` of the rows have stays as it was; so do tags and attributes.

    Args:
        sources: labelled rows that the bundle was not trained on.

    Returns:
        The manifest, not yet written, and the rows that could be used.

    Raises:
        BundleError, MissingExtraError: the bundle cannot be opened.
        DataError: the sources cannot be read as described, or too few of their rows can be used.
    """
    bundle = open_bundle(folder)
    with TemporaryDirectory() as work:
        preparer = Preparer(bundle.tree, text_kitchen_of(bundle), image_kitchen_of(bundle))
        rows = _as_served(preparer.split(sources, Path(work) / "pixels", halves=True), bundle.manifest)
        return _calibrated(bundle, rows), rows


def _as_served(rows: Split, manifest: Manifest) -> Split:
    """The rows without inputs that the bundle does not use."""
    used = np.array([name in manifest.inputs for name in TEXT_INPUTS])
    return replace(rows, has_field=rows.has_field & used, has_image=rows.has_image & ("image" in manifest.inputs))


def _calibrated(bundle: Bundle, rows: Split) -> Manifest:
    manifest, tree = bundle.manifest, bundle.tree
    calibration, scores = calibrate(Scorer(Engine(bundle), rows), tree)
    if not calibration.mixes:
        raise DataError(
            f"got {len(rows):,} labelled rows that can be used, expected at least {MIN_ROWS} with the same inputs; "
            "add rows, or see whether the columns are those of the bundle's inputs: " + ", ".join(manifest.inputs)
        )
    metrics = metrics_of(calibration, scores, rows, tree)["val"]
    told = {
        "rows": len(rows),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_with": f"multimodal {multimodal.__version__}",
    }
    merged = _merged(manifest.calibration, calibration)
    return manifest.model_copy(
        update={
            "calibration": merged,
            "metrics": {**manifest.metrics, "val": {**manifest.metrics.get("val", {}), **metrics}},
            "profile": profile_of(calibration, scores, rows, tree) or manifest.profile,
            "capabilities": {
                **manifest.capabilities,
                "candidates": any(mix.candidates for mix in merged.answering),
            },
            "provenance": {**manifest.provenance, "calibrated": told},
        }
    )


def _merged(old: Calibration, new: Calibration) -> Calibration:
    """The new one, and of the old one what the new one does not know."""
    kept = {name: mix for name, mix in old.unnamed.items() if name not in new.mixes}
    return Calibration(
        mixes={**old.mixes, **new.mixes},
        unnamed={**kept, **new.unnamed},
        mlp={**old.mlp, **new.mlp},
        log_mix={**old.log_mix, **new.log_mix},
    )
