"""Photo vectors of a split, computed once for a fusion whose towers are frozen."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import track

from multimodal.models.image import ImageTower
from multimodal.training.augment import Augment
from multimodal.training.run import Run

_console = Console(stderr=True)
_BATCH = 32
"""Small enough that no layer's output is too large for the allocator to keep: larger batches took ten times longer."""


def image_vectors(
    run: Run, tower: ImageTower, name: Literal["train", "val"], augment: Augment, views: int
) -> npt.NDArray[np.float16]:
    """Photo vectors [views, N, dim] of a split, zeros where there is no photo; one plain view if ``views`` is 0.

    Plain training photos are not among the views: the tower knows them by heart.
    They are kept in the work folder, memory-mapped, so that a resumed run does not compute them again.
    """
    split = run.train if name == "train" else run.val
    file = run.work / f"{name}.vectors.npy"
    note = file.with_suffix(".fingerprint")
    fingerprint = run.fingerprint(_digest(tower), augment.config, views)
    if not (run.resume and file.exists() and note.exists() and note.read_text() == fingerprint):
        note.unlink(missing_ok=True)
        shape = (max(1, views), len(split), tower.dim)
        out = np.lib.format.open_memmap(file, "w+", np.float16, shape)
        _fill(run, tower, split.pixels, np.flatnonzero(split.has_image), augment if views else None, out)
        out.flush()
        note.write_text(fingerprint)
    vectors: npt.NDArray[np.float16] = np.load(file, mmap_mode="r")
    return vectors


def _fill(
    run: Run,
    tower: ImageTower,
    pixels: npt.NDArray[np.uint8] | None,
    rows: npt.NDArray[np.int64],
    augment: Augment | None,
    out: npt.NDArray[np.float16],
) -> None:
    assert pixels is not None
    tower = tower.to(run.device).eval()
    cuts = [rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH)]
    torch.manual_seed(run.config.training.seed)
    with torch.no_grad():
        for some in track(cuts, "Photo vectors", console=_console, disable=not _console.is_terminal):
            batch = torch.from_numpy(pixels[some]).to(run.device)
            for view in range(len(out)):
                seen = batch if augment is None else augment(batch)
                out[view, some] = tower.vector(seen).cpu().numpy()
    tower.cpu()


def _digest(tower: ImageTower) -> str:
    """A hash of the tower's weights."""
    digest = hashlib.sha256()
    for name, tensor in tower.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()
