"""The measured figures that notebooks tell of, in blocks of their text like those of the README."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from multimodal.errors import DataError
from pages import replace_block
from tables import FIGURES, accuracy, table

_SHOWN = ("top1", "top2", "hf1", "ece")
_ELSEWHERE = ("title + noise", "title + a dress", "title + a phone's photo")
"""States of ``missing_inputs.py`` with the photo of something else."""


def notebook_blocks(evaluation: Mapping[str, Any], missing: Mapping[str, Any] | None) -> dict[str, str]:
    """Name of a block -> its Markdown, of the bundle that knows photos.

    Args:
        evaluation: what ``publish.py`` has measured of it.
        missing: what ``missing_inputs.py`` has, if it has.
    """
    val = {"splits": {"val": evaluation["splits"]["val"]}}
    rows = [line for line in accuracy(val, {key: FIGURES[key] for key in _SHOWN}) if line.startswith("|")]
    blocks = {"notebook-sees": "\n".join(rows)}
    if missing is not None:
        right = sorted(missing["states"][state]["top1"] for state in _ELSEWHERE)
        blocks["notebook-elsewhere"] = (
            "With an input missing, cut short or not the product's own (`python benchmarks/missing_inputs.py`): a "
            f"title beside the photo of something else is right in {right[0]:.4f} to {right[-1]:.4f} of the rows, "
            f"against {missing['states']['title']['top1']:.4f} for the title alone."
        )
    shown = evaluation.get("shows", {})
    if "dress_patterns" in shown:
        blocks["notebook-tags"] = _tags(shown["dress_patterns"]["val"]["tags"], shown["fashion_products"]["val"])
    return blocks


def _tags(tags: Mapping[str, Any], catalog: Mapping[str, Any]) -> str:
    keys = {"precision": "precision", "recall": "recall", "f1": "F1", "average_precision": "average precision"}
    rows = [[tag, f"{one['positives']}", *(f"{one[key]:.3f}" for key in keys)] for tag, one in tags["by_tag"].items()]
    colour = catalog["attributes"]["colour"]
    return "\n".join(
        [
            *table(["tag", "photos with it", *keys.values()], rows),
            "",
            f"Macro F1 {tags['macro_f1']:.3f}. The colour of {colour['rows']:,} catalog photos is right in "
            f"{colour['top1']:.3f} of {colour['values']} values; always naming the commonest would be right in "
            f"{colour['majority']:.3f}.",
        ]
    )


def write_notebooks(folder: Path, blocks: Mapping[str, str]) -> None:
    """Writes the blocks into the texts of a folder's notebooks; one that none of them has is an error.

    Raises:
        DataError: a block stands nowhere, or its markers do not fit.
    """
    left = set(blocks)
    for file in sorted(folder.glob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            text = "".join(cell["source"])
            own = [name for name in blocks if cell["cell_type"] == "markdown" and f"<!-- figures:{name} -->" in text]
            for name in own:
                text = replace_block(text, name, blocks[name])
            if own:
                cell["source"] = text.splitlines(keepends=True)
            left -= set(own)
        file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if left:
        raise DataError(f"{folder}: no notebook has a place for {', '.join(sorted(left))}; put their markers back")
