"""The report's part about tags and attributes: tables, curves, and sheets of mistakes with the right photos."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import train_tiny
from multimodal.cli.main import main
from multimodal.config import RunConfig
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import SampleFiles
from multimodal.image import ImageKitchen
from multimodal.report import Shown, write_label_report
from multimodal.report.labels import collect_labels
from multimodal.report.photo_sheet import SIDE, RowPhoto, draw_sheet, read_photos
from multimodal.report.tag_curves import plot_tags
from multimodal.report.tag_mistakes import TagMistakes, find_tag_mistakes
from multimodal.serving import Predictor
from multimodal.serving.label_figures import LabelFigures, measure_labels, with_labels
from multimodal.types import ImageRef, Product, RowError
from photos import BLUE, RED, encoded, png_with_size

ODD = "floral/flowers $x_{"
"""What no file can be called like, and matplotlib would read as a formula."""
TAGS = {"polka dot": "polka dot", ODD: "floral", "checker": "checker"}
COLUMNS = ColumnMap(tags=TAGS, attributes={"colour": "color1"})
WORDS = ("--column", f"tags.{ODD}=floral", "--column", "attributes.colour=color1", "--threads", "1")
MODEL = {"name": "shop", "version": "7", "tree_version": "t", "created": "2026-03-04T05:06:07", "sha256": "5ad"}
Run = Callable[..., tuple[object, str, str]]


@pytest.fixture(autouse=True)
def _matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [report]")


@pytest.fixture(scope="module")
def bundle(configure: Callable[..., RunConfig], catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reads three tags and the colour from photos, badly: there is something to show."""
    columns = COLUMNS.model_dump_json(exclude_defaults=True)
    settings = (
        "name=prints", "text=null", "image.epochs=1", "export.parity_rows=64",
        f"tags={{names: {json.dumps(list(TAGS))}}}", "attributes={colour: {min_count: 1}}",
        f'data.train=[{{path: "{catalog.train}", share: 0.5, columns: {columns}}}]',
        f'data.val=[{{path: "{catalog.val}", columns: {columns}}}]',
    )  # fmt: skip
    return train_tiny(configure(tmp_path_factory.mktemp("prints"), *settings)).bundle


@pytest.fixture(scope="module")
def reading(bundle: Path) -> Predictor:
    return Predictor(bundle, threads=1)


@pytest.fixture
def evaluate(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``multimodal evaluate BUNDLE …`` in a folder of its own: exit code, output, messages."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["multimodal", "evaluate", *map(str, (bundle, *words, *WORDS))])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


@pytest.fixture
def unsorted(catalog: SampleFiles, tmp_path: Path) -> Path:
    """Photos with tags and colour, and no category."""
    kept = ["id", "image", "color1", *TAGS.values()]
    pq.write_table(pq.read_table(catalog.train).select(kept), tmp_path / "photos.parquet")
    return tmp_path / "photos.parquet"


def figures(tags: dict[str, tuple[list[float], list[int]]], rows: list[int] | None = None) -> LabelFigures:
    """Of tags answered from 0.5: probability and truth of each row."""
    count = len(next(iter(tags.values()))[0])
    return LabelFigures(
        np.array(rows or range(count)),
        {name: np.array(p, np.float32) for name, (p, _) in tags.items()},
        {name: np.array(t, np.int64) for name, (_, t) in tags.items()},
        {},
        {},
        dict.fromkeys(tags, 0.5),
    )


def names_in(page: Path) -> list[Path]:
    """The pictures that a page in Markdown shows."""
    return [page.parent / name for name in re.findall(r"!\[[^\n]+\]\((\S+)\)", page.read_text(encoding="utf-8"))]


def colours(file: Path) -> np.ndarray:
    with Image.open(file) as drawn:
        found: np.ndarray = np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0).astype(int)
    return found


def near(found: np.ndarray, colour: tuple[int, int, int], most: int) -> bool:
    return bool(np.abs(found - np.array(colour)).max(axis=1).min() <= most)


def test_mistakes_are_the_most_confident_ones_of_what_is_known() -> None:
    told = figures(
        {
            "right": ([0.9, 0.1, 0.2, 0.6, 0.3, 0.8], [1, 0, 0, 1, -1, -1]),
            "dots": ([0.9, 0.5, 0.7, 0.1, 0.4, 0.8], [0, 0, 1, 1, 1, -1]),
        },
        rows=[3, 4, 10, 11, 12, 20],
    )
    (found,) = find_tag_mistakes(told)
    assert (found.number, found.tag, found.false_alarms, found.missed) == (2, "dots", 2, 2)
    assert found.alarms == ((3, pytest.approx(0.9)), (4, pytest.approx(0.5)))  # the threshold itself is answered
    assert found.misses == ((11, pytest.approx(0.1)), (12, pytest.approx(0.4)))
    (one,) = find_tag_mistakes(told, most=1)
    assert (one.alarms, one.misses, one.false_alarms) == (found.alarms[:1], found.misses[:1], 2)


class Counted:
    """A photo that knows how often it was read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.reads = data, 0

    def read(self, max_bytes: int) -> bytes:
        self.reads += 1
        return self.data[: max_bytes + 1]


def test_only_the_rows_wanted_are_decoded_and_a_bad_photo_costs_its_own_cell() -> None:
    whole = [Counted(encoded()) for _ in range(3)]

    def rows() -> Iterator[Product | RowError]:
        yield Product(id="first", image=ImageRef(source=whole[0]))
        yield Product(id=7, image=ImageRef(source=whole[1]))
        yield Product(id="huge", image=ImageRef(data=png_with_size(9_000, 9_000)))
        yield Product(id="gone", image=ImageRef(path="nowhere.jpg"))
        yield Product(id="none", title="no photo any more")
        yield RowError("bad", 5, "read", "not_a_number", "…")
        yield Product(image=ImageRef(source=whole[2]))
        raise AssertionError("nothing after the last row is needed")

    passed: list[int] = []
    found = read_photos({1, 2, 3, 4, 5, 6}, rows(), passed.append)
    assert ([photo.reads for photo in whole], passed) == ([0, 1, 1], [7])
    assert {row: (photo.name, photo.problem) for row, photo in found.items()} == {
        1: ("7", ""), 2: ("huge", "image too many pixels"), 3: ("gone", "image missing"),
        4: ("none", "the row has none"), 5: ("bad", "not a number"), 6: ("row 6", ""),
    }  # fmt: skip
    assert {row for row, photo in found.items() if photo.pixels is None} == {2, 3, 4, 5}
    np.testing.assert_array_equal(found[1].pixels, ImageKitchen(SIDE, SIDE).prepare(ImageRef(data=encoded())))
    assert read_photos({0, 9}, [Product(id="only")])[9].problem == "the row is gone"
    assert read_photos((), rows()) == {}


@pytest.mark.filterwarnings("error")
def test_a_sheet_shows_the_photos_and_takes_any_name(tmp_path: Path) -> None:
    red, blue = (np.full((SIDE, SIDE, 3), colour, np.uint8) for colour in (RED, BLUE))
    odd = "\\frac{$x^{ _\ud800\n" + 60 * "q"
    photos = {0: RowPhoto(odd, red), 1: RowPhoto("$", blue), 2: RowPhoto("broken", None, "image missing")}
    some = TagMistakes(1, odd, 0.5, 20, 1, ((0, 0.9), (2, 0.8)), ((1, 0.1),))
    both = colours(draw_sheet(some, photos, tmp_path / "both.png"))
    assert near(both, RED, 0)
    assert near(both, BLUE, 0)
    alarms = colours(draw_sheet(replace(some, missed=0, misses=()), photos, tmp_path / "alarms.png"))
    assert near(alarms, RED, 0)
    assert not near(alarms, BLUE, 20)


@pytest.mark.filterwarnings("error")
def test_curves_are_drawn_of_tags_that_some_photo_shows(tmp_path: Path) -> None:
    told = {
        "_dots": ([0.9, 0.6, 0.2], [1, 0, 1]),
        "$\\never": ([0.1, 0.2, 0.3], [0, 0, 1]),
        "absent": ([0.1, 0.2, 0.7], [0, 0, -1]),
    }
    found = colours(plot_tags(figures(told), tmp_path / "tags.png") or tmp_path)
    first, second, third = (0x2F, 0x6D, 0xB5), (0xD9, 0x82, 0x2B), (0x3F, 0x8F, 0x62)
    assert near(found, first, 1)
    assert near(found, second, 1)
    assert not near(found, third, 20)
    many = figures({f"tag {i}": told["_dots"] for i in range(25)})  # three panels of ten
    with Image.open(tmp_path / "tags.png") as one, Image.open(plot_tags(many, tmp_path / "many.png") or "") as three:
        assert three.height > 2 * one.height
    assert plot_tags(figures({"absent": told["absent"]}), tmp_path / "none.png") is None
    assert not (tmp_path / "none.png").exists()


def test_photos_belong_to_their_rows_past_bad_ones(reading: Predictor, catalog: SampleFiles, tmp_path: Path) -> None:
    """Rows that cannot be read or measured shift neither ids nor photos."""
    rows = pq.read_table(catalog.train).slice(0, 160).to_pylist()
    rows[0]["image"] = {"bytes": b"no photo", "path": None}
    rows[2]["image"] = None
    rows[5]["id"] = rows[4]["id"]
    rows[7]["polka dot"] = 5
    pq.write_table(pa.Table.from_pylist(rows, pq.read_schema(catalog.train)), tmp_path / "rows.parquet")
    asked = SourceConfig(path=str(tmp_path / "rows.parquet"), columns=COLUMNS, share=0.9)
    source = with_labels(asked, reading.manifest)
    assert source is not None
    measured = measure_labels(reading, read_source(source, labelled=False))
    assert measured is not None
    found = collect_labels(Shown(measured, source))
    assert len(found.mistakes) >= 2
    by_id = {str(row["id"]): row for i, row in enumerate(rows) if i != 5}
    for mistakes in found.mistakes:
        for kind, wrong in ((mistakes.alarms, 0), (mistakes.misses, 1)):
            for row, probability in kind:
                name = found.photos[row].name
                assert by_id[name][TAGS[mistakes.tag]] == wrong
                photo = ImageRef(data=by_id[name]["image"]["bytes"])
                np.testing.assert_array_equal(found.photos[row].pixels, ImageKitchen(SIDE, SIDE).prepare(photo))
                again = reading.label_probabilities([Product(image=photo)])[0][mistakes.tag]
                assert float(again[0]) == pytest.approx(probability, abs=1e-5)


def test_a_report_of_photos_without_categories(evaluate: Run, unsorted: Path, tmp_path: Path) -> None:
    code, out, err = evaluate(unsorted, "--json", "--report", "report")
    assert code == 0, err
    assert "the report is" in err
    found, folder = json.loads(out), tmp_path / "report"
    assert {p.name for p in folder.iterdir()} == {"index.html", "report.md", "metrics.json", "plots"}
    assert json.loads((folder / "metrics.json").read_text(encoding="utf-8")) == found
    shown = names_in(folder / "report.md")
    assert set(shown) == set((folder / "plots").iterdir())
    assert "tags.png" in {file.name for file in shown}
    sheets = {file.name for file in shown} - {"tags.png"}
    assert sheets
    assert sheets <= {f"tag_mistakes_{n}.png" for n in (1, 2, 3)}
    page = (folder / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert page.startswith("# prints ")
    assert f"Of {found['rows']:,} photos the data tells some" in page
    for tag, told in found["tags"]["by_tag"].items():
        assert f"| {tag} | {told['rows']:,} | {told['positives']:,} |" in page
        assert f"| {100 * told['average_precision']:.1f} % |\n" in page
    colour = found["attributes"]["colour"]
    assert f"| colour | {colour['rows']:,} | {colour['values']:,} | {100 * colour['top1']:.1f} % |" in page
    assert "exactly the right category" not in page
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == len(shown)


def test_photos_that_cannot_be_read_are_listed(evaluate: Run, unsorted: Path, tmp_path: Path) -> None:
    table = pq.read_table(unsorted)
    photos = table.column("image").to_pylist()
    there = [i for i, photo in enumerate(photos) if photo is not None]
    lost = [there[2], there[7]]

    def broken(rows: list[int]) -> Path:
        values = [{**photo, "bytes": b"no photo"} if i in rows else photo for i, photo in enumerate(photos)]
        at = table.schema.get_field_index("image")
        pq.write_table(table.set_column(at, "image", pa.array(values, table.schema.field("image").type)), unsorted)
        return unsorted

    code, out, err = evaluate(broken(lost), "--json")
    assert code == 1, err
    assert json.loads(out)["rows"] == len(there) - 2
    assert "2 rows could not be evaluated; they are in" in err
    with (tmp_path / "photos.errors.csv").open(encoding="utf-8") as file:
        assert [int(row["row"]) for row in csv.DictReader(file)] == lost
    code, out, err = evaluate(broken(there), "--json")
    assert (code, out) == (2, "")
    assert f"none of {len(there)} photos could be read, expected one; the first: " in err.replace("\n", " ")


@pytest.mark.parametrize("words", [("--by", "color1"), ("--errors", "wrong.csv"), ("--against", "peer.csv")])
def test_what_needs_categories_is_refused_before_any_work(
    evaluate: Run, unsorted: Path, words: tuple[str, ...]
) -> None:
    Path("peer.csv").write_text("id,category_id\n")
    code, out, err = evaluate(unsorted, "--report", "report", *words)
    assert (code, out) == (2, "")
    assert f"{words[0]}: got data without categories" in err.replace("\n", " ")
    assert "Tags and attributes" not in err
    assert not Path("report").exists()


def test_the_part_stands_beside_the_categories(evaluate: Run, catalog: SampleFiles, tmp_path: Path) -> None:
    code, out, err = evaluate(catalog.val, "--json", "--report", "report")
    assert code in (0, 1), err  # drawings without a photo cannot be measured
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    for words in ("exactly the right category", "## Large and small categories", "## What the photo shows"):
        assert words in page, words
    shown = names_in(tmp_path / "report" / "report.md")
    assert set(shown) == set((tmp_path / "report" / "plots").iterdir())
    assert {"tags.png", "reliability.png"} <= {file.name for file in shown}
    metrics = json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))
    found = json.loads(out)
    assert (metrics["tags"], metrics["attributes"]) == (found["tags"], found["attributes"])
    assert found["tags"]["by_tag"].keys() == TAGS.keys()


def test_photos_of_an_earlier_report_do_not_stay(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(encoded(kind="PNG"))
    source = SourceConfig(path=str(tmp_path), format="folder")

    def write(probability: list[float]) -> tuple[set[str], str]:
        told = figures({"a/b": (probability, [1, 0])})
        document: dict[str, Any] = {"model": MODEL, "tags": told.tag_document(), "attributes": {}}
        index = write_label_report(tmp_path / "report", document, Shown(told, source), data="photos")
        assert "None" not in index.read_text(encoding="utf-8")
        names = {file.name for file in (tmp_path / "report" / "plots").iterdir()}
        return names, (tmp_path / "report" / "report.md").read_text(encoding="utf-8")

    names, page = write([0.2, 0.8])
    assert names == {"tags.png", "tag_mistakes_1.png"}
    assert "of 1 false alarms and 1 misses" in page
    names, page = write([0.8, 0.2])
    assert names == {"tags.png"}
    assert "mistakes" not in page


def test_training_curves_are_drawn_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "runs" / "image").mkdir(parents=True)
    epoch = {"epoch": 1, "train_loss": 2.0, "select_nll": 1.5, "select_top1": 0.5}
    (tmp_path / "runs" / "image" / "history.jsonl").write_text(json.dumps(epoch) + "\n", encoding="utf-8")
    told = figures({"dots": ([0.8, 0.2], [1, 0])})
    document: dict[str, Any] = {"model": MODEL, "tags": told.tag_document(), "attributes": {}, "split_half": "select"}
    shown = Shown(told, SourceConfig(path="no mistakes, so the photos are not needed"))
    write_label_report(tmp_path / "report", document, shown, data="photos", history=tmp_path / "runs")
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert page.startswith("# shop 7 on photos, select half")
    assert "## Training" in page
    assert [file.name for file in names_in(tmp_path / "report" / "report.md")] == ["tags.png", "curves.png"]
