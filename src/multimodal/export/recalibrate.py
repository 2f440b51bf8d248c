"""A finished bundle fitted to other rows: temperatures, routes, promises, candidates, second head; graphs stay."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import multimodal
from multimodal.artifact import LAYOUT, Bundle, Calibration, Manifest, open_bundle
from multimodal.artifact.bundle import sha256_of
from multimodal.artifact.engine import Engine
from multimodal.artifact.kitchens import image_kitchen_of, text_kitchen_of
from multimodal.artifact.manifest import FileEntry, replace_manifest
from multimodal.config.models import SourceConfig
from multimodal.errors import ConfigError, DataError
from multimodal.export.calibrate import calibrate
from multimodal.export.describe import metrics_of
from multimodal.export.profile import profile_of
from multimodal.export.scorer import Scorer
from multimodal.export.unnamed import fit_unnamed
from multimodal.training.arrays import Split
from multimodal.training.prepare import Preparer
from multimodal.training.run import MIN_ROWS
from multimodal.types import TEXT_INPUTS


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """What changes in the bundle's folder; nothing is written yet.

    Attributes:
        manifest: the new one.
        rows: the rows that could be used, and those that could not.
        head: the new file of the head for titles that name no category; None where it stays as it is, or goes because
            no answer asks for the new one.
        learned: the rows that the head was learned from, and those that could not be used.
    """

    manifest: Manifest
    rows: Split
    head: bytes | None = None
    learned: Split | None = None

    def write(self, folder: Path) -> None:
        """Puts it in place: first the head, then, at once, the manifest that says so; a head that goes goes last."""
        if self.head is not None:
            folder.joinpath(LAYOUT.unnamed).write_bytes(self.head)
        replace_manifest(folder / LAYOUT.manifest, self.manifest)
        if self.manifest.unnamed is None:
            folder.joinpath(LAYOUT.unnamed).unlink(missing_ok=True)


def recalibrate(
    folder: Path,
    sources: Sequence[SourceConfig],
    learn: Sequence[SourceConfig] = (),
    second_look: float | None = None,
) -> Recalibrated:
    """The bundle as it would be had these rows been the validation rows of its training.

    A mix of inputs that fewer than ``MIN_ROWS`` of the rows have stays as it was; so do tags and attributes.

    Args:
        sources: labelled rows that the bundle was not trained on.
        learn: labelled rows to learn the head for titles that name no category from; those of the training will do.
        second_look: probability below which photos that answer alone are looked at again from now on, 0 for never;
            None leaves it as it is.

    Raises:
        ConfigError: a second look at photos, of which the bundle sees none.
        BundleError, MissingExtraError: the bundle cannot be opened.
        DataError: the sources cannot be read as described, or too few of their rows can be used.
    """
    bundle = open_bundle(folder)
    if second_look is not None:
        bundle = _looking_twice(bundle, second_look)
    with TemporaryDirectory() as work:
        preparer = Preparer(bundle.tree, text_kitchen_of(bundle), image_kitchen_of(bundle))
        rows = _as_served(preparer.split(sources, Path(work) / "pixels", halves=True), bundle.manifest)
        if not learn:
            return Recalibrated(_calibrated(bundle, rows), rows)
        texts = Preparer(bundle.tree, text_kitchen_of(bundle), None).split(learn, Path(work) / "none", halves=False)
        copy = shutil.copytree(folder, Path(work) / "bundle")
        bundle = _with_head(replace(bundle, path=copy), _as_served(texts, bundle.manifest))
        manifest = _calibrated(bundle, rows)
        if manifest.calibration.asks("unnamed"):
            return Recalibrated(manifest, rows, bundle.file(LAYOUT.unnamed).read_bytes(), texts)
        files = {name: entry for name, entry in manifest.files.items() if name != LAYOUT.unnamed}
        return Recalibrated(manifest.model_copy(update={"unnamed": None, "files": files}), rows, None, texts)


def _looking_twice(bundle: Bundle, below: float) -> Bundle:
    image = bundle.manifest.image
    if image is None:
        raise ConfigError(
            f"second_look: got {below:g} for {bundle.manifest.name!r}, which sees no photos; expected a bundle that "
            "does, leave it out"
        )
    looking = image.model_copy(update={"second_look": below})
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"image": looking}))


def _with_head(bundle: Bundle, learned: Split) -> Bundle:
    """The bundle with a head for titles that name no category, written into its folder."""
    file = bundle.file(LAYOUT.unnamed)
    spec = fit_unnamed(Engine(bundle), learned, file)
    if spec is None:
        raise DataError(
            f"got {len(learned):,} products to learn from, too few of whose titles say more than category names; "
            "expected some hundred in two categories or more, whose words the bundle knows"
        )
    entry = FileEntry(sha256=sha256_of(file), bytes=file.stat().st_size)
    files = dict(sorted({**bundle.manifest.files, file.name: entry}.items()))
    return replace(bundle, manifest=bundle.manifest.model_copy(update={"unnamed": spec, "files": files}))


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
