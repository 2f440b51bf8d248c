"""``multimodal data split``: files with the same columns, near-duplicates on one side, nothing lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from multimodal.cli.split import split
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.errors import MultimodalError
from multimodal.types import Product


def _app() -> typer.Typer:
    app = typer.Typer()
    app.command("split")(split)
    return app


def _run(file: Path, out: Path, *options: str, code: int = 0) -> dict[str, Any]:
    result = CliRunner().invoke(_app(), [str(file), "--out", str(out), "--json", *options])
    if isinstance(result.exception, MultimodalError):
        raise result.exception
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _parquet(file: Path, n: int = 200, **more: list[Any]) -> pa.Table:
    columns = {
        "sku": [f"s{i}" for i in range(n)],
        "title": [f"Dress {i // 2}" for i in range(n)],
        "category_id": [str(i % 4) for i in range(n)],
        "photo": [{"bytes": bytes([i % 250, i // 250]), "path": None} for i in range(n)],
        "price": [i / 7 for i in range(n)],
        **more,
    }
    table = pa.table(columns).replace_schema_metadata({"made": "here"})
    pq.write_table(table, file, row_group_size=30)
    return table


def test_parquet_keeps_every_row_and_column(tmp_path: Path) -> None:
    table = _parquet(tmp_path / "all.parquet")
    told = _run(tmp_path / "all.parquet", tmp_path / "out", "--val", "0.1", "--test", "0.2")
    parts = {name: pq.read_table(tmp_path / "out" / f"{name}.parquet") for name in ("train", "val", "test")}
    assert {name: s["rows"] for name, s in told["splits"].items()} == {n: t.num_rows for n, t in parts.items()}
    assert (parts["val"].num_rows, parts["test"].num_rows) == (20, 40)
    whole = pa.concat_tables(list(parts.values())).sort_by("price")
    assert whole.drop(["group"]).equals(table)
    assert whole.schema.metadata == {b"made": b"here"}
    titles = [set(t["title"].to_pylist()) for t in parts.values()]
    groups = [set(t["group"].to_pylist()) for t in parts.values()]
    for sets in (titles, groups):
        assert sum(map(len, sets)) == len(set().union(*sets))
    assert told["categories"] == 4
    assert not list((tmp_path / "out").glob("*.part"))


def test_a_group_column_of_ones_own_decides_and_stays(tmp_path: Path) -> None:
    _parquet(tmp_path / "all.parquet", group=[f"g{i % 50}" for i in range(200)])
    _run(tmp_path / "all.parquet", tmp_path / "out")
    parts = [pq.read_table(tmp_path / "out" / f"{name}.parquet") for name in ("train", "val")]
    assert parts[0].column_names == ["sku", "title", "category_id", "photo", "price", "group"]
    assert not set(parts[0]["group"].to_pylist()) & set(parts[1]["group"].to_pylist())
    assert set(parts[0]["title"].to_pylist()) & set(parts[1]["title"].to_pylist())


def test_rows_of_one_id_stay_together(tmp_path: Path) -> None:
    _parquet(tmp_path / "all.parquet", sku=[f"s{i % 100}" for i in range(200)])
    _run(tmp_path / "all.parquet", tmp_path / "out")
    train, val = (set(pq.read_table(tmp_path / "out" / f"{n}.parquet")["sku"].to_pylist()) for n in ("train", "val"))
    assert not train & val


def _csv(file: Path) -> list[list[str]]:
    rows = [[str(i), f"Платье; «№ {i}»", "a" if i % 3 else "b", f"p/{i}.jpg", 'say "x"\nand y'] for i in range(90)]
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerows([["id", "title", "category", "photo", "note"], *rows])
    return rows


def test_csv_keeps_its_dialect_and_leaves_broken_rows_out(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    rows = _csv(file)
    with file.open("ab") as stream:
        stream.write("\r\n91;short\r\n92;Платье \udcff;a;p.jpg;\r\n".encode("utf-8", "surrogateescape"))
    told = _run(file, tmp_path / "out", code=1)
    found = []
    for name in ("train", "val"):
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            header, *lines = csv.reader(stream, delimiter=";")
        assert header == ["id", "title", "category", "photo", "note", "group"]
        assert len(lines) == told["splits"][name]["rows"]
        found += lines
    assert sorted((line[:5] for line in found), key=lambda cells: int(cells[0])) == rows
    assert told["errors"] == 2
    errors = (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8")
    assert "ragged_row" in errors
    assert "not_utf8" in errors
    again = list(read_source(SourceConfig(path=str(tmp_path / "out" / "val.csv")), labelled=True))
    assert all(isinstance(p, Product) and p.group for p in again)


def test_an_open_quote_leaves_out_its_row_alone(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    rows = [f"{i};dress {i};a" for i in range(40)]
    rows[3], rows[30] = '3;"dress 3;a', '30;"dress; 30";a'
    file.write_text("\n".join(["id;title;category", *rows]), encoding="utf-8")
    told = _run(file, tmp_path / "out", code=1)
    ids = []
    for name in ("train", "val"):
        with (tmp_path / "out" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            ids += [row["id"] for row in csv.DictReader(stream, delimiter=";")]
    assert (sorted(map(int, ids)), told["errors"]) == ([i for i in range(40) if i != 3], 1)


def test_blank_lines_before_the_header_change_nothing(tmp_path: Path) -> None:
    rows = "id;title;category\n" + "".join(f"{i};dress {i};a\n" for i in range(40))
    for name, lead in (("plain", ""), ("led", "\n;;\n")):
        (tmp_path / f"{name}.csv").write_text(lead + rows, encoding="utf-8")
        _run(tmp_path / f"{name}.csv", tmp_path / name)
    for part in ("train.csv", "val.csv"):
        assert (tmp_path / "led" / part).read_bytes() == (tmp_path / "plain" / part).read_bytes()


def test_where_photos_start_from_is_said(tmp_path: Path) -> None:
    _csv(tmp_path / "all.csv")
    shown = CliRunner().invoke(_app(), [str(tmp_path / "all.csv"), "--out", str(tmp_path / "out")])
    assert shown.exit_code == 0
    assert f"Paths of photos start from {tmp_path}" in shown.output.replace("\n", "")
    shown = CliRunner().invoke(_app(), [str(tmp_path / "all.csv"), "--out", str(tmp_path)])
    assert "Paths of photos" not in shown.output


def test_unlabelled_rows_are_split_too(tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("title\n" + "".join(f"dress {i}\n" for i in range(40)), encoding="utf-8")
    told = _run(file, tmp_path / "out", "--val", "0.25")
    assert (told["splits"]["val"]["rows"], told["categories"]) == (10, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--val", "0"), "--val 0 --test 0: expected shares"),
        (("--val", "0.6", "--test", "0.4"), "leave some rows to train on"),
        (("--by", "titel"), "unknown 'titel'. Did you mean 'title'"),
        (("--by", ","), "expected one or more of title, photo, id"),
        (("--column", "title=nothing"), "expected a column 'nothing'"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    _csv(tmp_path / "all.csv")
    with pytest.raises(MultimodalError) as caught:
        _run(tmp_path / "all.csv", tmp_path / "out", *options)
    assert said in caught.value.message
    assert not list(tmp_path.glob("out/*"))


def test_nothing_is_overwritten_and_other_formats_are_refused(tmp_path: Path) -> None:
    _csv(tmp_path / "train.csv")
    with pytest.raises(MultimodalError, match="is there already, expected a free name"):
        _run(tmp_path / "train.csv", tmp_path)
    (tmp_path / "a.json").write_text('[{"title": "a"}]', encoding="utf-8")
    with pytest.raises(MultimodalError, match="expected a parquet or CSV file to split"):
        _run(tmp_path / "a.json", tmp_path / "out")
    with pytest.raises(MultimodalError, match="got a file, expected a folder"):
        _run(tmp_path / "train.csv", tmp_path / "a.json")
