"""The commands of ``multimodal data import``: summaries, exit codes and help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from multimodal.cli.main import app
from multimodal.errors import DataError
from public_downloads import add_style, write_fashion_mnist, write_fashion_products, write_kazan_express


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["data", "import", *map(str, words)])


def test_commands_print_a_summary(tmp_path: Path) -> None:
    fashion, mnist = write_fashion_products(tmp_path / "fashion"), write_fashion_mnist(tmp_path / "mnist")
    kazan = write_kazan_express(tmp_path / "kazan")
    for words, rows in [
        (("fashion-products", fashion), 120), (("kazan-express", kazan), 120),
        (("fashion-mnist", mnist, "--val", 5), 80),
    ]:  # fmt: skip
        out = tmp_path / f"out-{words[0]}"
        result = run(words[0], words[1], out, *words[2:], "--json")
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert (told["set"], sum(told["rows"].values()), told["errors_file"]) == (words[0], rows, None)
        assert all(Path(file).is_file() for file in (told["tree"], *told["files"].values()))
    result = run("kazan-express", kazan, tmp_path / "again")
    assert f"tree: {{path: {tmp_path / 'again' / 'categories_tree.csv'}}}" in result.stdout


def test_rows_left_out_are_exit_code_1_and_a_wrong_folder_2(tmp_path: Path) -> None:
    fashion = write_fashion_products(tmp_path / "fashion")
    add_style(fashion, "7,too,short")
    result = run("fashion-products", fashion, tmp_path / "out", "--json")
    assert (result.exit_code, json.loads(result.stdout)["errors"]) == (1, 1)
    assert "1 rows were left out" in result.stderr
    wrong = run("fashion-mnist", fashion, tmp_path / "out")
    assert isinstance(wrong.exception, DataError)  # main() turns it into one line and exit code 2
    assert "missing train-images-idx3-ubyte.gz" in wrong.exception.message


@pytest.mark.parametrize("name", ["fashion-products", "fashion-mnist", "kazan-express"])
def test_help_says_where_to_download(name: str) -> None:
    text = run(name, "--help").stdout
    assert "https://" in text
    assert "DOWNLOAD has" in text
