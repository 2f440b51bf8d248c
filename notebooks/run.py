"""Runs a notebook's code cells in order, in one namespace; no Jupyter needed.

python notebooks/run.py notebooks/quickstart.ipynb      # runs it and keeps the outputs in the file
"""

from __future__ import annotations

import argparse
import ast
import base64
import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from PIL import Image


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of a fresh run; an exception of a cell comes out as it is."""
    space: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            outputs = _outputs("".join(cell["source"]), space, count)
            cell = {**cell, "execution_count": count, "outputs": outputs}
        cells.append(cell)
    return {**notebook, "cells": cells}


def _outputs(source: str, space: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """What a cell prints, then the value of its last expression."""
    tree = ast.parse(source, f"cell {count}")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with redirect_stdout(printed):
        exec(compile(tree, f"cell {count}", "exec"), space)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {count}", "eval"), space)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        lines = printed.getvalue().splitlines(keepends=True)
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines})
    if value is not None:
        result = {"output_type": "execute_result", "execution_count": count, "metadata": {}}
        outputs.append({**result, "data": _data(value)})
    return outputs


def _data(value: object) -> dict[str, Any]:
    if not isinstance(value, Image.Image):
        return {"text/plain": repr(value).splitlines(keepends=True)}
    out = io.BytesIO()
    value.convert("RGB").save(out, "JPEG", quality=80)
    picture = base64.b64encode(out.getvalue()).decode("ascii")
    return {"image/jpeg": picture, "text/plain": [f"<picture of {value.width}x{value.height}>"]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a notebook and writes it back with its outputs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path)
    file = parser.parse_args(arguments).notebook
    done = run(json.loads(file.read_text(encoding="utf-8")))
    file.write_text(json.dumps(done, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
