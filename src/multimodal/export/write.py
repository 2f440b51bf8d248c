"""Writes a bundle: graphs, vocabulary, tree, parity, calibration, manifest; all of it or nothing."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

import multimodal
from multimodal.artifact import LAYOUT, Bundle, Calibration, Manifest, mix_name
from multimodal.artifact.bundle import sha256_of
from multimodal.artifact.engine import Engine, mix_heads
from multimodal.artifact.manifest import SCHEMA_VERSION, FileEntry, ImageSpec, own_sha256
from multimodal.config.models import ExportConfig, RunConfig
from multimodal.errors import ExportError
from multimodal.evaluation import summarise
from multimodal.export.calibrate import Inputs, MixScores, Scorer, calibrate
from multimodal.export.graphs import export_fusion, export_image
from multimodal.export.parity import HeadParity, Towers, prove
from multimodal.export.text import required_extras, storages, text_spec, write_text
from multimodal.image.kitchen import VERSION as IMAGE_VERSION
from multimodal.taxonomy import Tree
from multimodal.training.arrays import Split
from multimodal.training.prepare import image_kitchen
from multimodal.training.run import MIN_ROWS
from multimodal.types import INPUTS, TEXT_INPUTS, HeadName, InputName

_console = Console(stderr=True)
_NO_SCORES = Calibration(mixes={})


@dataclass(frozen=True, slots=True)
class Export:
    """What goes into a bundle besides the configuration."""

    config: RunConfig
    tree: Tree
    towers: Towers
    val: Split
    provenance: Mapping[str, Any]


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
    scorer = Scorer(engine, export.val)
    calibration, scores = calibrate(scorer)
    _check_answers(calibration, export.towers)
    provenance = {**export.provenance, "parity": {head: asdict(p) for head, p in parity.items()}}
    metrics = _metrics(calibration, scores, export)
    manifest = _manifest(export, folder, calibration, metrics, provenance)
    own = own_sha256(json.loads(manifest.model_dump_json()))
    told = manifest.model_copy(update={"manifest_sha256": own}).model_dump_json(indent=1)
    folder.joinpath(LAYOUT.manifest).write_text(told + "\n", encoding="utf-8")
    return _publish(folder, Path(export.config.output))


def _write_proven(export: Export, folder: Path) -> tuple[Export, Engine, Mapping[HeadName, HeadParity]]:
    """Writes the graphs and proves them, in the smallest types that pass where types are left open.

    Returns:
        The export with those types settled, the engine of the written graphs, and the proof.
    """
    tried = list(storages(export.config.export, export.towers.text))
    for number, types in enumerate(tried, 1):
        settled = replace(export, config=export.config.model_copy(update={"export": types}))
        _write_parts(settled, folder)
        engine = Engine(Bundle(folder, _manifest(settled, folder, _NO_SCORES, {}, {}), export.tree), threads=None)
        stored = {"text": _widest_error(types, settled), "image": types.image_storage}
        try:
            return settled, engine, prove(engine, export.towers, export.val, types.parity_rows, stored)
        except ExportError as error:
            if number == len(tried):
                raise
            names = [_types(one, export.towers) for one in (types, tried[number])]
            _console.print(f"{names[0]} refused, trying {names[1]}: {error.message}", highlight=False)
    raise AssertionError("there is always something to try")


def _types(types: ExportConfig, towers: Towers) -> str:
    said = f"text table in {types.text_storage}"
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
        export_image(towers.image, config.image.size, folder / LAYOUT.image, config.export.image_storage)
    if towers.fusion is not None:
        export_fusion(towers.fusion, folder / LAYOUT.fusion, config.export.image_storage)


def _manifest(
    export: Export,
    folder: Path,
    calibration: Calibration,
    metrics: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Manifest:
    config, towers = export.config, export.towers
    heads: list[HeadName] = ["fused"] if towers.fusion is not None else []
    heads += ["text"] if towers.text is not None else []
    heads += ["image"] if towers.image is not None else []
    files = {
        p.name: FileEntry(sha256=sha256_of(p), bytes=p.stat().st_size)
        for p in sorted(folder.iterdir())
        if p.name not in LAYOUT.unhashed
    }
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=config.name,
        version=config.version,
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        made_with=f"multimodal {multimodal.__version__}",
        tree_version=export.tree.version,
        leaves=len(export.tree.leaves),
        inputs=_inputs(calibration),
        heads=tuple(heads),
        requires=required_extras(config),
        text=text_spec(towers.text, config) if towers.text is not None else None,
        image=_image_spec(export),
        fusion=towers.fusion is not None,
        calibration=calibration,
        capabilities={"categories": True, "tags": False, "attributes": False, "candidates": False},
        metrics=dict(metrics),
        provenance=dict(provenance),
        files=files,
    )


def _inputs(calibration: Calibration) -> tuple[InputName, ...]:
    """Inputs that validation rows have: the others were never checked and are not answered from."""
    seen = {name for mix in calibration.mixes for name in mix.split("+")}
    return tuple(name for name in INPUTS if name in seen)


def _image_spec(export: Export) -> ImageSpec | None:
    config, tower = export.config, export.towers.image
    if config.image is None or tower is None:
        return None
    return ImageSpec(
        kitchen=image_kitchen(config.image).to_manifest(),
        kitchen_version=IMAGE_VERSION,
        backbone=config.image.backbone,
        dim=tower.dim,
        storage=_image_storage(config.image.rounded_epochs, config.export.image_storage),
    )


def _image_storage(rounded_epochs: int, storage: str) -> str:
    """How the photo tower's weights are stored: those learned on an 8-bit grid as int8, whatever the others are."""
    return "int8 and int16" if rounded_epochs and storage == "int16" else storage


def _metrics(
    calibration: Calibration, scores: Mapping[Inputs, MixScores], export: Export
) -> dict[str, Any]:
    """Figures on val (select and calibrate) by mix of inputs, of what answers and of its rivals."""
    found: dict[str, Any] = {}
    for inputs, scored in scores.items():
        name = mix_name(inputs)
        labels = export.val.labels[scored.rows]
        ways = {
            "answer": calibration.mixes.get(name),
            "mlp": calibration.mlp.get(name),
            "log_mix": calibration.log_mix.get(name),
        }
        found[name] = {
            way: summarise(mix_heads(scored.logits, mix), labels, export.tree).to_dict()
            for way, mix in ways.items()
            if mix is not None
        }
    return {"val": found}


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
    inputs = set(_inputs(calibration))
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
