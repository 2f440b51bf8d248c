"""One training run, end to end: sources, towers, fusion, bundle."""

from __future__ import annotations

import json
import time
from pathlib import Path

import torch
from rich.console import Console

from multimodal.config.models import RunConfig
from multimodal.export.describe import Export
from multimodal.export.parity import Towers
from multimodal.export.write import check_output, write_bundle
from multimodal.training.fit import pick_device, read_history
from multimodal.training.fusion import train_fusion
from multimodal.training.photo import train_image
from multimodal.training.photo_table import PhotoTable
from multimodal.training.plots import STAGES, plot_curves
from multimodal.training.run import seed_everything, start_run
from multimodal.training.text import train_text

_console = Console(stderr=True)


def train(config: RunConfig, *, resume: bool = True) -> Path:
    """Trains what the configuration asks for and writes its bundle.

    Args:
        resume: go on from an earlier, killed run of the same configuration in its work folder.

    Returns:
        The bundle's folder.

    Raises:
        MissingExtraError: torch and its companions are not installed.
        ConfigError, DataError, TreeError: the configuration or the data cannot be used as described.
        ExportError: the exported graphs do not agree with the trained model, or the output is no bundle's.
    """
    began = time.monotonic()
    check_output(Path(config.output))
    seed_everything(config.training.seed)
    set_threads(config)
    run = start_run(config, pick_device(config.training.device), resume)
    config = run.config  # with what it left open settled
    text = train_text(run) if config.text else None
    image = train_image(run) if config.image else None
    fusion = train_fusion(run, text, image) if text and image else None
    plot_curves(run.work)
    _console.print("Exporting, proving parity, calibrating")
    provenance = {
        "config": json.loads(config.model_dump_json()),
        "seed": config.training.seed,
        "device": run.device,
        "rows": {"train": len(run.train), "val": len(run.val)},
        "rejected": run.rejected,
        **({"photos_beside": {name: len(rows) for name, rows in run.beside.items()}} if run.beside else {}),
        "seconds": round(time.monotonic() - began, 1),
        "stage_seconds": _stage_seconds(run.work),
        **run.notes,
    }
    towers = Towers(text, image, fusion)
    photos = PhotoTable(run.val, run.space, run.beside.get("val")) if run.space.width else None
    export = Export(config, run.tree, towers, run.val, provenance, run.space, photos, run.train)
    path = write_bundle(export, run.work)
    _console.print(f"Bundle written to {path} in {time.monotonic() - began:.0f} s")
    return path


def set_threads(config: RunConfig) -> None:
    """Gives torch the threads that a configuration asks for."""
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)


def _stage_seconds(work: Path) -> dict[str, float]:
    """What each stage's epochs took, those before a kill among them."""
    stages = {name: read_history(work / name) for name in STAGES}
    return {name: round(sum(line["seconds"] for line in lines), 1) for name, lines in stages.items() if lines}


