"""The notebooks run from top to bottom and keep nothing of public data."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))
import run  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BUNDLE = ROOT / "artifacts" / "fashion"

each = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_there_is_a_quick_start() -> None:
    assert "quickstart.ipynb" in [file.name for file in NOTEBOOKS]


@each
@pytest.mark.skipif(not (BUNDLE / "manifest.json").is_file(), reason=f"no bundle in {BUNDLE}")
def test_all_cells_run_in_order(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run.run(read(file))
    silent = [i for i, cell in enumerate(done["cells"]) if cell["cell_type"] == "code" and not cell["outputs"]]
    assert not silent, "cells that show nothing"


@each
def test_the_file_is_a_notebook_of_small_outputs(file: Path) -> None:
    notebook = read(file)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    assert {cell["cell_type"] for cell in notebook["cells"]} == {"markdown", "code"}
    assert file.stat().st_size < 300_000


@each
def test_cells_open_nothing_but_the_bundle_and_drawings(file: Path) -> None:
    """Outputs can only hold what the cells read: no path of data and no network in them."""
    cells = [cell for cell in read(file)["cells"] if cell["cell_type"] == "code"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    for foreign in ("MULTIMODAL_DATA", "shared", "http", "read_parquet", "open("):
        assert foreign not in text, foreign
    imported = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imported}
    assert {str(name).partition(".")[0] for name in modules} <= {"multimodal", "pathlib", "tempfile"}


def test_a_cell_keeps_what_it_prints_and_its_last_value() -> None:
    source = ["print('a')\n", "x = 2\n", "x + 1"]
    [cell] = run.run({"cells": [{"cell_type": "code", "source": source}]})["cells"]
    assert cell["execution_count"] == 1
    assert [output["output_type"] for output in cell["outputs"]] == ["stream", "execute_result"]
    assert cell["outputs"][0]["text"] == ["a\n"]
    assert cell["outputs"][1]["data"] == {"text/plain": ["3"]}


def test_the_error_of_a_cell_comes_out() -> None:
    with pytest.raises(ZeroDivisionError):
        run.run({"cells": [{"cell_type": "code", "source": ["1 / 0"]}]})
