"""One run exported once more, elsewhere or otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from multimodal.export.parity import Towers
from multimodal.export.write import Export


def exported_again(export: Export, folder: Path, *, image: bool = True, **changes: Any) -> Export:
    """The same towers to be exported once more, elsewhere or otherwise."""
    towers = changes.pop("towers", export.towers)
    config = export.config.model_copy(
        update={
            "output": str(folder / "bundle"),
            "image": export.config.image if image else None,
            "export": export.config.export.model_copy(update=changes),
        }
    )
    if not image:
        none = np.zeros(len(export.val), np.bool_)
        export = replace(export, val=replace(export.val, pixels=None, has_image=none))
        towers = Towers(text=towers.text)
    return replace(export, config=config, towers=towers)
