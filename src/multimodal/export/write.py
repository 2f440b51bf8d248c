"""Writes a bundle: graphs, vocabulary, tree, parity, calibration, manifest; all of it or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from multimodal.artifact import LAYOUT, Bundle, Calibration
from multimodal.artifact.engine import Engine
from multimodal.artifact.manifest import signed
from multimodal.config.models import ExportConfig
from multimodal.errors import ExportError
from multimodal.export.calibrate import calibrate
from multimodal.export.describe import Export, inputs_of, manifest_of, metrics_of
from multimodal.export.graphs import WeightStorage, export_fusion
from multimodal.export.labels import fit_labels
from multimodal.export.novelty import fit_novelty
from multimodal.export.parity import HeadParity, Towers, prove
from multimodal.export.photo import export_image
from multimodal.export.profile import profile_of
from multimodal.export.scorer import Scorer
from multimodal.export.storages import storages
from multimodal.export.text import write_text
from multimodal.export.unnamed import fit_unnamed
from multimodal.training.run import MIN_ROWS
from multimodal.types import TEXT_INPUTS

_console = Console(stderr=True)
_NO_SCORES = Calibration(mixes={})


def write_bundle(export: Export, work: Path) -> Path:
    """Exports, proves parity, calibrates and moves the finished bundle to the configured output.

    Raises:
        ExportError: parity fails, there are too few validation rows to calibrate on, or the output is a
            folder of something else. The output is untouched.
    """
    check_output(Path(export.config.output))
    folder = work / "bundle"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    export, engine, parity = _write_proven(export, folder)
    strangers = fit_novelty(engine, export.train, export.val, folder / LAYOUT.novelty)
    unnamed = fit_unnamed(engine, export.train, folder / LAYOUT.unnamed)
    if strangers is not None or unnamed is not None:  # opened again, to answer with them
        told = manifest_of(export, folder, _NO_SCORES, {}, {}, novelty=strangers, unnamed=unnamed)
        engine = Engine(Bundle(folder, told, export.tree), threads=None)
    scorer = Scorer(engine, export.val)
    calibration, scores = calibrate(scorer, export.tree)
    if unnamed is not None and not calibration.asks("unnamed"):
        folder.joinpath(LAYOUT.unnamed).unlink()
        unnamed = None
    _check_answers(calibration, export.towers)
    provenance = {**export.provenance, "parity": {head: asdict(p) for head, p in parity.items()}}
    metrics = metrics_of(calibration, scores, export.val, export.tree)
    labels = None
    if export.outputs and export.photos is not None:
        labels = fit_labels(engine, export.photos, export.answered, export.config)
        metrics["val"] |= labels.metrics
    usual = profile_of(calibration, scores, export.val, export.tree)
    manifest = manifest_of(export, folder, calibration, metrics, provenance, labels, strangers, usual, unnamed)
    folder.joinpath(LAYOUT.manifest).write_text(signed(manifest), encoding="utf-8")
    return _publish(folder, Path(export.config.output))


def _write_proven(export: Export, folder: Path) -> tuple[Export, Engine, Mapping[str, HeadParity]]:
    """Writes the graphs and proves them, in the smallest types that pass where types are left open.

    Returns:
        The export with those types settled, the engine of the written graphs, and the proof.
    """
    tried = list(storages(export.config.export, export.towers))
    for number, types in enumerate(tried, 1):
        settled = replace(export, config=export.config.model_copy(update={"export": types}))
        _write_parts(settled, folder)
        engine = Engine(Bundle(folder, manifest_of(settled, folder, _NO_SCORES, {}, {}), export.tree), threads=None)
        stored = {"text": _widest_error(types, settled), "image": types.image_storage}
        try:
            return settled, engine, prove(engine, export.towers, export.val, types.parity_rows, stored, export.outputs)
        except ExportError as error:
            if number == len(tried):
                raise
            names = [_types(one, export.towers) for one in (types, tried[number])]
            _console.print(f"{names[0]} refused, trying {names[1]}: {error.message}", highlight=False)
    raise AssertionError("there is always something to try")


def _types(types: ExportConfig, towers: Towers) -> str:
    photo = [] if towers.image is None else [f"photo tower in {types.image_storage}"]
    said = ", ".join([*([] if towers.text is None else [f"text table in {types.text_storage}"]), *photo])
    has_sentence = towers.text is not None and towers.text.sentence is not None
    return f"{said}, sentence encoder in {types.sentence_storage}" if has_sentence else said


def _widest_error(types: ExportConfig, export: Export) -> str:
    """The type that decides how close the text head must be to torch."""
    sentence = export.config.text is not None and export.config.text.sentence is not None
    rounded = sentence and types.sentence_storage != "float32"
    return types.sentence_storage if rounded else types.text_storage


def _write_parts(export: Export, folder: Path) -> None:
    config, towers = export.config, export.towers
    folder.joinpath(LAYOUT.tree).write_text(export.tree.to_json() + "\n", encoding="utf-8")
    if towers.text is not None:
        write_text(towers.text, config, folder)
    if towers.image is not None:
        assert config.image is not None
        export_image(towers.image, config.image.size, folder / LAYOUT.image, _photo_type(export), export.outputs)
    if towers.fusion is not None:
        export_fusion(towers.fusion, folder / LAYOUT.fusion, _photo_type(export))


def _photo_type(export: Export) -> WeightStorage:
    settled = export.config.export.image_storage
    assert settled != "auto"
    return settled


def check_output(output: Path) -> None:
    """Refuses an output that is neither free, nor empty, nor an older bundle: it is about to be replaced.

    Raises:
        ExportError: naming what is there.
    """
    if not output.exists() or output.joinpath(LAYOUT.manifest).is_file():
        return
    if not output.is_dir() or any(output.iterdir()):
        what = "a folder of other things" if output.is_dir() else "a file"
        raise ExportError(
            f"output: {output} is {what}, expected a name that is free or an older bundle, which would be "
            "replaced; name another folder"
        )


def _check_answers(calibration: Calibration, towers: Towers) -> None:
    """Every tower must answer some mix of inputs, or it was trained for nothing."""
    inputs = set(inputs_of(calibration))
    for part, there, names in (
        ("text", towers.text is not None, set(TEXT_INPUTS)),
        ("image", towers.image is not None, {"image"}),
    ):
        if there and not inputs & names:
            raise ExportError(
                f"{part} tower: got fewer than {MIN_ROWS} validation rows with {' or '.join(sorted(names))}, "
                f"expected at least {MIN_ROWS} to calibrate on; add such rows to data.val, or set {part}: null"
            )


def _publish(folder: Path, output: Path) -> Path:
    """Puts the finished bundle in place; files about an older bundle there do not outlive it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    new, old = (output.with_name(f"{output.name}.{suffix}") for suffix in ("new", "old"))
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    # Copied beside it first: a kill while copying must not leave half a bundle in place.
    shutil.copytree(folder, new)
    if output.exists():
        output.rename(old)
    new.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return output
