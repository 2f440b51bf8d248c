"""The notebooks run from top to bottom and keep nothing of public data."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))
import run  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BUNDLE = ROOT / "artifacts" / "fashion"
ESSAYS = {"01_explore.ipynb", "02_ablation.ipynb", "03_two_categories_and_tags.ipynb", "quickstart.ipynb"}

each = pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def code_of(file: Path) -> str:
    """All cells as one program, without what only a notebook understands."""
    cells = [cell for cell in read(file)["cells"] if cell["cell_type"] == "code"]
    return re.sub(r"(?m)^%.*$", "", "\n".join("".join(cell["source"]) for cell in cells))


def test_all_of_them_are_there() -> None:
    assert {file.name for file in NOTEBOOKS} == ESSAYS


def _shows(cell: Any) -> bool:
    """Whether a cell has something to show: all code but that whose progress is kept to itself."""
    return cell["cell_type"] == "code" and not "".join(cell["source"]).startswith("%%capture")


@each
@pytest.mark.skipif(not (BUNDLE / "manifest.json").is_file(), reason=f"no bundle in {BUNDLE}")
def test_all_cells_run_in_order(file: Path) -> None:
    done = run.run(nbformat.read(file, as_version=4))
    silent = [i for i, cell in enumerate(done.cells) if _shows(cell) and not cell.outputs]
    assert not silent, "cells that show nothing"


@each
def test_the_file_is_a_notebook_with_its_outputs_in_place(file: Path) -> None:
    notebook = read(file)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    assert {cell["cell_type"] for cell in notebook["cells"]} == {"markdown", "code"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(cell["outputs"] for cell in cells if _shows(cell))
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"], "warnings in the outputs"
    assert file.stat().st_size < 1_000_000


@each
def test_cells_open_nothing_but_bundles_and_drawings(file: Path) -> None:
    """Outputs can only hold what the cells read: no path of data and no network in them."""
    text = code_of(file)
    for foreign in ("MULTIMODAL_DATA", "shared", "http", "open("):
        assert foreign not in text, foreign
    assert set(re.findall(r"read_parquet\(([^)]*)\)", text)) <= {"report.output"}
    imported = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = {n.module if isinstance(n, ast.ImportFrom) else n.names[0].name for n in imported}
    roots = {str(name).partition(".")[0] for name in modules}
    assert roots <= {"multimodal", "numpy", "pandas", "pathlib", "PIL", "tempfile"}


@each
def test_outputs_name_no_folder_of_the_machine_they_were_made_on(file: Path) -> None:
    told = json.dumps([cell.get("outputs", []) for cell in read(file)["cells"]])
    assert not re.search(r"(/home/|/root/|/work/|/tmp/|C:\\\\)", told)


def test_a_cell_keeps_what_it_prints_and_its_last_value() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('a')\nx = 2\nx + 1")])
    [cell] = run.run(notebook).cells
    assert cell.execution_count == 1
    assert [output.output_type for output in cell.outputs] == ["stream", "execute_result"]
    assert cell.outputs[0].text == "a\n"
    assert cell.outputs[1].data["text/plain"] == "3"


def test_the_error_of_a_cell_comes_out() -> None:
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run.run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]))
