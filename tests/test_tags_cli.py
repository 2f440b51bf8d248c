"""``multimodal tags``: one photo, a folder, a file, rows that cannot be read, and what is refused."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import photos
from conftest import Job
from multimodal.cli.main import main
from multimodal.cli.train import _predict as predict
from multimodal.config.models import PredictConfig, SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import draw_products
from multimodal.data.sample.fabrics import TAGS
from multimodal.serving import Predictor
from multimodal.serving.files import classify_file
from multimodal.serving.forms import form_of
from multimodal.types import Prediction, Product
from public_downloads import write_idx

COLUMNS = [*(name for tag in TAGS for name in (tag, f"{tag} probability")), "colour", "colour probability"]


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str


Runner = Callable[..., Done]


@pytest.fixture
def tags(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Runs ``multimodal tags`` as a shell would."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["multimodal", "tags", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said, code = capsys.readouterr(), end.value.code
        return Done(code if isinstance(code, int) else 0, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def predictor(job: Job) -> Predictor:
    return Predictor(job.bundle, threads=1)


@pytest.fixture(scope="module")
def drawn() -> list[Product]:
    """Products with a photo that the bundle has not seen."""
    return [product for product in draw_products(14, seed=77, several=0.5) if product.image is not None]


def photo(product: Product) -> bytes:
    assert product.image is not None
    assert product.image.data is not None
    return product.image.data


def expected(predictor: Predictor, product: Product) -> dict[str, object]:
    """The cells of a row, by asking for its product alone."""
    (answer,) = predictor.classify([Product(image=product.image)])
    assert isinstance(answer, Prediction)
    cells: dict[str, object] = {}
    for tag in answer.tags:
        cells |= {tag.name: tag.present, f"{tag.name} probability": pytest.approx(tag.probability, abs=1e-4)}
    for one in answer.attributes:
        cells |= {one.name: one.value, f"{one.name} probability": pytest.approx(one.probability, abs=1e-4)}
    return cells


def told(row: dict[str, Any]) -> dict[str, object]:
    return {name: row[name] for name in COLUMNS}


def test_one_photo_as_a_line_and_as_json(
    tags: Runner, job: Job, predictor: Predictor, drawn: list[Product], tmp_path: Path
) -> None:
    file = tmp_path / "dress.jpg"
    file.write_bytes(photo(drawn[0]))
    cells = expected(predictor, drawn[0])
    found = tags(job.bundle, "--image", file, "--json")
    assert (found.code, found.err) == (0, "")
    document = json.loads(found.out)
    assert list(document) == ["model", "tags", "attributes", "warnings"]
    assert [(t["name"], t["present"]) for t in document["tags"]] == [(tag, cells[tag]) for tag in TAGS]
    assert [t["probability"] for t in document["tags"]] == [cells[f"{tag} probability"] for tag in TAGS]
    assert [(a["name"], a["value"]) for a in document["attributes"]] == [("colour", cells["colour"])]
    line = tags(job.bundle, "--image", file)
    assert line.code == 0
    shown = [tag for tag in TAGS if cells[tag]]
    assert all(f"{tag} " in line.out for tag in shown)
    assert shown or "no polka dot and no floral and no checker" in line.out
    assert f"colour {cells['colour']} " in line.out


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_folder_of_photos_into_every_format(
    suffix: str, tags: Runner, job: Job, predictor: Predictor, drawn: list[Product], tmp_path: Path
) -> None:
    for product in drawn[:5]:
        place = tmp_path / "photos" / f"{product.id}.jpg"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(photo(product))
    out = tmp_path / f"tags{suffix}"
    done = tags(job.bundle, "--input", tmp_path / "photos", "--output", out, "--batch-size", 2)
    assert done.code == 0
    assert "5 rows in" in done.out
    rows = read(out)
    assert list(rows[0]) == ["file", *COLUMNS, "error", "row"]
    for row, product in zip(rows, sorted(drawn[:5], key=lambda p: str(p.id)), strict=True):
        cells = expected(predictor, product)
        assert row["file"] == f"{product.id}.jpg"
        if suffix == ".csv":
            cells |= {tag: "true" if cells[tag] else "false" for tag in TAGS}
            row |= {name: float(row[name]) for name in COLUMNS if "probability" in name}
        assert told(row) == cells


def read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()  # type: ignore[no-any-return]
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture
def mixed(drawn: list[Product], tmp_path: Path) -> Path:
    """Rows of which some have no photo, or a broken one, and one stands twice."""
    pictures = [photo(p) for p in drawn[:7]]
    pictures[1], pictures[4] = b"\xff\xd8\xff no photo", None  # type: ignore[call-overload]
    columns = {"sku": pa.array([5, 6, 7, 5, 9, None, 11], pa.int32()), "image": pictures, "title": ["t"] * 7}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def test_a_file_keeps_its_order_ids_and_the_places_of_errors(
    tags: Runner, job: Job, predictor: Predictor, drawn: list[Product], mixed: Path
) -> None:
    out = mixed.with_name("tags.parquet")
    done = tags(job.bundle, "--input", mixed, "--output", out, "--json", "--batch-size", 3)
    assert done.code == 1  # some rows failed
    assert json.loads(done.out) | {"seconds": 0} == {
        "rows": 7, "errors": 2, "output": str(out), "errors_file": f"{out}.errors.csv", "seconds": 0,
    }  # fmt: skip
    table = pq.read_table(out)
    assert table.column_names == ["sku", *COLUMNS, "error", "row"]
    assert table["sku"].type == pa.int32()
    assert table["sku"].to_pylist() == [5, 6, 7, 5, 9, None, 11]  # ids that repeat are answered, too
    assert table.schema.field("floral").type == pa.bool_()
    rows = table.to_pylist()
    assert [row["row"] for row in rows] == list(range(7))
    for i in (0, 2, 3, 5, 6):
        assert (told(rows[i]), rows[i]["error"]) == (expected(predictor, drawn[i]), None)
    for i, code in ((1, "image_truncated"), (4, "nothing_usable")):
        assert set(told(rows[i]).values()) == {None}  # a title beside it tells nothing of the photo
        assert rows[i]["error"].startswith(f"{code}: ")
    assert "without any usable input, expected image. Add a photo" in rows[4]["error"]
    listed = list(csv.DictReader(Path(f"{out}.errors.csv").read_text(encoding="utf-8").splitlines()))
    assert [(e["row"], e["id"], e["code"]) for e in listed] == [
        ("1", "6", "image_truncated"), ("4", "9", "nothing_usable"),
    ]  # fmt: skip


def test_two_categories_keep_the_places_of_errors(job: Job, predictor: Predictor, mixed: Path) -> None:
    form = form_of("two_categories", list(TAGS), ["colour"])
    source = SourceConfig.model_validate({"path": str(mixed), "columns": {"title": ""}})
    report = classify_file(predictor, source, mixed.with_name("two.parquet"), form=form)
    table = pq.read_table(report.output)
    assert table.column_names == ["sku", "category1", "category2", *TAGS]
    assert table["sku"].to_pylist() == [5, 6, 7, 5, 9, None, 11]
    empty = [all(row[name] is None for name in table.column_names[1:]) for row in table.to_pylist()]
    assert empty == [False, True, False, True, True, False, False]  # the fourth repeats an id
    assert (report.rows, report.errors) == (7, 3)
    answers = predictor.classify(read_source(source, labelled=False, unique=False))
    for row, answer, nothing in zip(table.to_pylist(), answers, empty, strict=True):
        if not nothing:
            assert isinstance(answer, Prediction)
            assert [row["category1"], row["category2"]] == [category.id for category in answer.suggestions]


def test_an_id_column_called_like_a_tag_is_renamed(job: Job, predictor: Predictor, mixed: Path) -> None:
    table = pq.read_table(mixed).rename_columns(["floral", "image", "title"])
    pq.write_table(table, mixed)
    source = SourceConfig.model_validate({"path": str(mixed), "columns": {"id": "floral", "title": ""}})
    form = form_of("tags", list(TAGS), ["colour"])
    report = classify_file(predictor, source, mixed.with_name("tags.parquet"), form=form, repeated_ids=True)
    written = pq.read_table(report.output)
    assert written.column_names == ["id", *COLUMNS, "error", "row"]
    assert written["id"].to_pylist() == [5, 6, 7, 5, 9, None, 11]


def test_photos_from_a_zip_by_id(tags: Runner, job: Job, drawn: list[Product], tmp_path: Path) -> None:
    with ZipFile(tmp_path / "photos.zip", "w") as archive:
        for product in drawn[:2]:
            archive.writestr(f"{product.id}.jpg", photo(product))
    (tmp_path / "rows.csv").write_text(f"code\n{drawn[1].id}\n{drawn[0].id}\n", encoding="utf-8")
    done = tags(
        job.bundle, "--input", tmp_path / "rows.csv", "--output", tmp_path / "tags.csv", "--column", "id=code",
        "--images-root", tmp_path / "photos.zip",
    )  # fmt: skip
    assert done.code == 0
    assert [row["code"] for row in read(tmp_path / "tags.csv")] == [drawn[1].id, drawn[0].id]


def test_idx_files_need_no_labels_to_be_read(tags: Runner, job: Job, tmp_path: Path) -> None:
    file = write_idx(tmp_path / "t10k-images-idx3-ubyte", (3, 8, 8), bytes(range(192)), zipped=True)
    done = tags(job.bundle, "--input", file, "--output", tmp_path / "tags.jsonl")
    assert done.code == 0
    rows = read(tmp_path / "tags.jsonl")
    assert [row["number"] for row in rows] == [0, 1, 2]
    assert all(row["colour"] for row in rows)


@pytest.mark.parametrize("options", [("--image", "{photo}"), ("--input", "{folder}", "--output", "{folder}/tags.csv")])
def test_a_bundle_without_tags_says_so(
    tags: Runner, tiny_bundle: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(photos.encoded())
    places = {"photo": tmp_path / "in" / "a.jpg", "folder": tmp_path / "in"}
    done = tags(tiny_bundle, *(option.format(**places) for option in options))
    assert (done.code, done.out) == (2, "")
    assert done.err.strip().splitlines() == [
        "error: the bundle 'tiny' tells no tags and no attributes; expected one that was trained with the sections "
        "tags or attributes"
    ]
    assert [file.name for file in (tmp_path / "in").iterdir()] == ["a.jpg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "expected either --image, or --input and --output together; see multimodal tags --help"),
        (("--input", "{tmp}"), "expected either --image, or --input and --output together"),
        (("--output", "{tmp}/o.csv"), "expected either --image, or --input and --output together"),
        (("--image", "{tmp}/a.jpg", "--input", "{tmp}", "--output", "{tmp}/o.csv"), "expected either --image"),
        (("--image", "{tmp}/a.jpg", "--output", "{tmp}/o.csv"), "expected either --image"),
        (("--image", "{tmp}/no.jpg"), "no.jpg: no such file; expected a photo"),
        (("--image", "{tmp}/broken.jpg"), "broken.jpg"),
        (("--input", "{tmp}/none", "--output", "{tmp}/o.csv"), "no such file or folder"),
        (("--input", "{tmp}", "--output", "{tmp}/o.txt"), "got the suffix '.txt', expected one of .parquet"),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(
    tags: Runner, job: Job, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(photos.encoded())
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    done = tags(job.bundle, *(option.format(tmp=tmp_path) for option in options))
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.strip().splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_what_a_training_predicts_are_the_rows_of_the_command(
    tags: Runner, job: Job, mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`predict` reads no title where photos are asked for, and says how many rows have no answer."""
    out = mixed.with_name("predicted.parquet")
    wanted = PredictConfig.model_validate(
        {"input": {"path": str(mixed), "columns": {"id": ""}}, "output": str(out), "form": "tags"}
    )
    assert predict(job.bundle, wanted) == 2
    assert f"7 rows -> {out}, 2 without an answer, see {out}.errors.csv" in capsys.readouterr().out
    done = tags(job.bundle, "--input", mixed, "--output", mixed.with_name("told.parquet"), "--column", "id=")
    assert done.code == 1
    assert pq.read_table(out).to_pylist() == pq.read_table(mixed.with_name("told.parquet")).to_pylist()
    assert pq.read_table(out)["id"].to_pylist() == list(range(7))
