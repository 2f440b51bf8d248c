"""``classify_file`` and the commands on the other forms of a catalog: JSON, parts, zips; ids and errors as ever."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.cli.main import main
from multimodal.cli.sources import plain_name, source_of
from multimodal.config.models import SourceConfig
from multimodal.errors import DataError, InputError
from multimodal.serving.files import classify_file
from multimodal.types import RowError
from reader_sources import write_json, write_lines, zip_of
from test_classify_files import Echo, read

ITEMS: list[Any] = [
    {"sku": 7, "title": "a"}, {"sku": "007", "title": None}, b'{"sku": 8, "ti', {"sku": 7, "title": "again"},
    {"title": "no id"}, {"sku": 9, "title": 501},
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_json_lines_in(suffix: str, tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", ITEMS)
    report = classify_file(Echo(), source, tmp_path / f"out{suffix}", batch_size=2)
    rows = read(report.output)
    assert [row["category_id"] or None for row in rows] == ["a", None, None, None, "no id", "501"]
    kept = [7, "007", None, 7, None, 9]  # ids keep their type where the format can
    assert [row["sku"] or None for row in rows] == (kept if suffix == ".jsonl" else [i and str(i) for i in kept])
    assert report.errors_file is not None
    listed = [(row["row"], row["code"]) for row in read(report.errors_file)]
    assert listed == [("1", "nothing_usable"), ("2", "json"), ("3", "duplicate_id")]


def test_a_json_array_in_and_one_that_breaks_off(tmp_path: Path) -> None:
    source = write_json(tmp_path / "in.json", {"items": [{"id": i, "title": f"t{i}"} for i in range(300)]})
    report = classify_file(Echo(), source, tmp_path / "out.jsonl")
    assert [row["category_id"] for row in read(report.output)] == [f"t{i}" for i in range(300)]
    (tmp_path / "in.json").write_bytes((tmp_path / "in.json").read_bytes()[:-100])
    with pytest.raises(DataError, match="damaged after row 29"):
        classify_file(Echo(), source, tmp_path / "out2.jsonl")
    assert not (tmp_path / "out2.jsonl").exists()


@pytest.mark.parametrize(
    ("second", "kept"), [(pa.int32(), pa.int32()), (pa.int64(), pa.string())], ids=["same type", "another type"]
)
def test_parts_in_keep_the_type_of_ids_they_agree_on(second: pa.DataType, kept: pa.DataType, tmp_path: Path) -> None:
    for name, kind, ids in (("a", pa.int32(), [1, 2]), ("b", second, [3, 4])):
        table = pa.table({"id": pa.array(ids, kind), "title": [f"t{i}" for i in ids]})
        pq.write_table(table, tmp_path / f"part-{name}.parquet")
    source = SourceConfig(path=str(tmp_path / "part-*.parquet"))
    report = classify_file(Echo(), source, tmp_path / "out.parquet")
    found = pq.read_table(report.output)
    assert found.schema.field("id").type == kept
    assert [str(i) for i in found["id"].to_pylist()] == ["1", "2", "3", "4"]
    assert found["category_id"].to_pylist() == ["t1", "t2", "t3", "t4"]
    before = (tmp_path / "part-b.parquet").read_bytes()
    with pytest.raises(InputError, match="would overwrite the input"):
        classify_file(Echo(), source, tmp_path / "part-b.parquet")
    assert (tmp_path / "part-b.parquet").read_bytes() == before


def test_the_options_of_a_command_name_patterns_and_zips(tmp_path: Path) -> None:
    zip_of(tmp_path / "p.zip", ["1.jpg"])
    for name in ("a", "b"):
        write_lines(tmp_path / f"{name}.jsonl", [{"id": 1, "title": name}])
    source = source_of(tmp_path / "*.jsonl", None, tmp_path / "p.zip")
    assert (source.path, source.images_root) == (str(tmp_path / "*.jsonl"), str(tmp_path / "p.zip"))
    with pytest.raises(DataError, match=r"\*.csv: matches no file"):
        source_of(tmp_path / "*.csv", None, None)
    with pytest.raises(InputError, match="no such file or folder"):
        source_of(tmp_path / "gone.jsonl", None, None)
    assert [plain_name(Path(path)) for path in ("in/rows.csv", "in/part-*.csv", "in/*.csv", "*")] == [
        "rows", "part-", "in", "rows",
    ]  # fmt: skip


def test_commands_read_the_other_forms(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from multimodal.data.sample import draw_products

    drawn = [p for p in draw_products(40, seed=5) if not isinstance(p, RowError) and p.title]
    rows = [{"id": p.id, "title": p.title, "characteristics": p.characteristics, "label": p.category_id} for p in drawn]
    write_lines(tmp_path / "part-1.jsonl", rows[:20])
    write_lines(tmp_path / "part-2.jsonl", rows[20:])
    parts = str(tmp_path / "part-*.jsonl")

    def run(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["multimodal", *words])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return end.value.code, printed.out, printed.err

    code, _, said = run("classify", str(tiny_bundle), "--input", parts, "--output", str(tmp_path / "out.jsonl"))
    assert code == 0
    assert f"{parts}: reads id, title, characteristics; not read: 'label'\n" in said
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == [row["id"] for row in rows]
    code, printed, said = run("evaluate", str(tiny_bundle), parts, "--json")
    assert code == 0
    assert f"{parts}: reads id, title, characteristics, category_id from 'label'\n" in said
    assert json.loads(printed)["rows"] == len(rows)
