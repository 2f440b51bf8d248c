"""The report's folder: every figure where it belongs, pictures that are pictures, titles that stay text."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from evaluation_support import TREE, leaves, measured
from multimodal.errors import InputError
from multimodal.evaluation import HeadMetrics, summarise
from multimodal.report import write_report
from multimodal.report.blocks import Heading, Table, Text, to_html, to_markdown
from multimodal.report.confusion import plot_confusion, tree_confusion
from multimodal.serving.mistakes import Mistake, find_mistakes, write_mistakes
from multimodal.taxonomy import Node, Tree

TRUTH = ["a2a", "a2a", "a1", "b3", "c"]
PRED = ["a2a", "a2b", "a2b", "a2a", "c"]
ROWS = measured(TRUTH, PRED, [0.9, 0.6, 0.7, 0.8, 0.95])
HISTORY = [
    {"epoch": 1, "train_loss": 2.0, "select_nll": 1.5, "select_top1": 0.5, "seconds": 3.0},
    {"epoch": 2, "train_loss": 1.0, "select_nll": 1.1, "select_top1": 0.7, "seconds": 3.0},
]


def document(**more: Any) -> dict[str, Any]:
    return {
        "model": {
            "name": "shop", "version": "7", "tree_version": TREE.version, "created": "2026-03-04T05:06:07+00:00",
            "sha256": "5ad" + 61 * "0",
        },
        "rows": 5,
        "inputs": ["title", "image"],
        "mask_title_words": False,
        "heads": {head: summarise(probs, own, TREE).to_dict() for head, probs, own in ROWS.by_head()},
        "tags": {},
        "errors": {"rows": 1, "by_code": {"unlabelled": 1}},
        **more,
    }


@pytest.fixture
def matplotlib() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [report]")


def runs(folder: Path) -> Path:
    for stage in ("text", "fusion"):
        (folder / stage).mkdir(parents=True)
        lines = [json.dumps(epoch) for epoch in (HISTORY[0], *HISTORY)]  # the first epoch was run twice
        (folder / stage / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.usefixtures("matplotlib")
def test_the_folder_holds_page_figures_classes_and_pictures(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"
    index = write_report(out, ROWS, TREE, document(), data="val.parquet", history=runs(tmp_path / "runs"))
    assert index == out / "index.html"
    assert {p.name for p in out.iterdir()} == {"index.html", "report.md", "metrics.json", "classes.csv", "plots"}
    for picture in (out / "plots").iterdir():
        with Image.open(picture) as drawn:
            assert len(np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)) > 3, picture
    named = re.findall(r"!\[[^\]]+\]\((\S+)\)", (out / "report.md").read_text(encoding="utf-8"))
    assert {out / name for name in named} == set((out / "plots").iterdir())
    drawn = {"confusion_blocks", "reliability", "coverage", "class_sizes", "curves"}
    assert {Path(name).stem for name in named} == drawn
    html = index.read_text(encoding="utf-8")
    assert html.count("data:image/png;base64,") == len(drawn)
    assert not re.search(r'(src|href)="(?!data:)', html), "the page must hold all it shows"


@pytest.mark.usefixtures("matplotlib")
def test_the_page_tells_of_photos_that_could_not_be_read(tmp_path: Path) -> None:
    lost = {"rows": 1234, "by_code": {"image_missing": 1230, "image_unreadable": 4}}
    write_report(tmp_path, ROWS, TREE, document(photos_left_out=lost), data="val.parquet")
    said = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "1 rows could not be measured and are not in these figures: unlabelled 1." in said
    assert "1,234 photos could not be read, so that the text of their rows stands alone: image_missing 1,230" in said


@pytest.mark.usefixtures("matplotlib")
def test_metrics_json_holds_the_document_and_all_details(tmp_path: Path) -> None:
    write_report(tmp_path, ROWS, TREE, document(), data="val")
    found = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert {key: found[key] for key in document()} == document()
    assert found["intervals"]["top1"]["mean"] == 0.4
    assert found["intervals"]["hf1"]["mean"] == pytest.approx(found["heads"]["fused"]["hf1"])
    assert [level["top1"] for level in found["levels"]["fused"]] == [0.8, 0.6, 0.4]
    assert sum(b["count"] for b in found["reliability"]["fused"][2]) == 5
    assert [level["rows"] for level in found["levels"]["image"]] == [1, 1, 1]
    assert found["confusions"][0] == {"true_id": "b3", "predicted_id": "a2a", "count": 1, "distance": 6}
    (shirts,) = [c for c in found["classes"] if c["id"] == "a2a"]
    assert (shirts["path"], shirts["support"], shirts["recall"]) == ("Apparel > Tops > Shirts", 2, 0.5)
    with (tmp_path / "classes.csv").open(encoding="utf-8-sig", newline="") as stream:
        listed = list(csv.DictReader(stream))
    assert [row["id"] for row in listed] == [c["id"] for c in found["classes"]]
    assert listed[0]["precision"] == ""  # a1 was never answered


@pytest.mark.usefixtures("matplotlib")
def test_the_page_tells_what_was_asked_for(tmp_path: Path) -> None:
    comparison = {"mean_a": 0.4, "mean_b": 0.5, "difference": -0.1, "low": -0.2, "high": 0.01, "p_one_sided": 0.9}
    against = {"name": "old 1", "rows": 5, "groups": 5, "unanswered": 2, "top1": comparison, "hf1": comparison}
    part = {"value": None, "values": 1, "rows": 5, "top1": 0.4, "low": 0.0, "high": 0.8, "hf1": 0.5}
    told = document(against=against, by={"column": "brand", "values": [part]})
    write_report(tmp_path, ROWS, TREE, told, data="val.parquet")
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in (
        "# shop 7 on val.parquet", "Bundle shop, version 7, made 2026-03-04;", "5ad000", TREE.version,
        "5 products; the model saw: title, photo.", "unlabelled 1.",
        "40.0 % of them are put into exactly the right category", "## Compared with old 1",
        "-10.00 (-20.00 to +1.00)", "2 rows it did not answer", "## By brand", "| (empty) | 5 | 40.0 % |",
        "Sports > Team > Shirts | Apparel > Tops > Shirts | 1 | 6 |",
    ):  # fmt: skip
        assert words in page, words
    assert "## Training" not in page


@pytest.mark.usefixtures("matplotlib")
def test_every_head_has_its_ece_at_every_level(tmp_path: Path) -> None:
    write_report(tmp_path, ROWS, TREE, document(), data="val", history=runs(tmp_path / "runs"))
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    levels = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))["levels"]
    table = page.partition("| ECE | the answer | text alone | photo alone |")[2].splitlines()[2:6]
    names = ("level 1", "level 2", "leaves")
    eces = [[f"{levels[head][i]['ece']:.4f}" for head in ("fused", "text", "image")] for i in range(3)]
    told = [f"| {' | '.join([name, *row])} |" for name, row in zip(names, eces, strict=True)]
    assert table == [*told, "| rows | 5 | 5 | 1 |"]
    for words in ("squared hinge", "cross-entropy", "select half of the validation rows"):  # which loss, of which rows
        assert words in page.partition("## Training")[2], words


@pytest.mark.usefixtures("matplotlib")
def test_titles_from_the_data_stay_text(tmp_path: Path) -> None:
    write_report(tmp_path, ROWS, TREE, document(), data="val")
    assert r"Product \| number &lt;3> \*new\*" in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Product | number &lt;3&gt; *new*" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("matplotlib")
def test_a_perfect_model_has_a_report_too(tmp_path: Path) -> None:
    rows = measured(TRUTH, TRUTH, [1.0] * 5)
    told = {**document(), "heads": {h: summarise(p, own, TREE).to_dict() for h, p, own in rows.by_head()}}
    write_report(tmp_path, rows, TREE, told, data="val")
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "100.0 % of them" in page
    assert "Costliest confusions" not in page
    assert "Mistakes" not in page


def test_confusion_is_ordered_by_the_tree_and_cut_to_fit() -> None:
    fine = tree_confusion(leaves(*PRED), leaves(*TRUTH), TREE, most=10)
    assert [TREE.nodes[i].id for i in fine.nodes] == ["a1", "a2a", "a2b", "b3", "c"]
    assert fine.counts.tolist() == [[0, 0, 1, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1]]
    coarse = tree_confusion(leaves(*PRED), leaves(*TRUTH), TREE, most=4)
    assert (coarse.depth, [TREE.nodes[i].id for i in coarse.nodes]) == (2, ["a1", "a2", "b1", "c"])
    assert tree_confusion(leaves(*PRED), leaves(*TRUTH), TREE, most=1).depth == 1


@pytest.mark.usefixtures("matplotlib")
def test_right_is_blue_and_wrong_is_red(tmp_path: Path) -> None:
    tree = Tree([Node("x", "X", None), Node("y", "Y", None)])
    found = tree_confusion(np.array([0, 0]), np.array([0, 1]), tree, most=5)
    with Image.open(plot_confusion(found, tree, tmp_path / "c.png", numbers=False)) as drawn:
        colours = np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0).astype(int)
    for expected in ((0x2F, 0x6D, 0xB5), (0xC8, 0x44, 0x2F)):
        assert np.abs(colours - expected).max(axis=1).min() <= 1  # rounding in the drawing


@pytest.mark.usefixtures("matplotlib")
def test_names_that_look_like_formulas_are_written_as_they_are(tmp_path: Path) -> None:
    tree = Tree([Node("x", "Under $5_{", None), Node("y", "$x^$ & \\frac", None)])
    found = tree_confusion(np.array([0, 1]), np.array([0, 1]), tree, most=5)
    assert plot_confusion(found, tree, tmp_path / "c.png", numbers=True).stat().st_size > 0  # a formula would raise


def test_blocks_in_both_languages(tmp_path: Path) -> None:
    blocks = [Heading("A & b", 1), Text("x_y"), Table(("n", "v"), (("a|b", "1"),))]
    assert to_markdown(blocks, tmp_path) == "# A & b\n\nx\\_y\n\n| n | v |\n| --- | ---: |\n| a\\|b | 1 |\n"
    html = to_html(blocks)
    assert "<title>A &amp; b</title>" in html
    assert "<td>a|b</td><td class=n>1</td>" in html


@pytest.mark.parametrize(
    ("name", "words"),
    [("none", "got no history.jsonl in text, image, fusion below it"), ("bad", "not a training history"),
     ("empty", "got no epoch, expected at least one")],
)  # fmt: skip
@pytest.mark.usefixtures("matplotlib")
def test_a_history_that_is_none_is_refused_before_any_work(tmp_path: Path, name: str, words: str) -> None:
    if name != "none":
        (tmp_path / "text").mkdir()
        (tmp_path / "text" / "history.jsonl").write_text('{"epoch": 1}\n' if name == "bad" else "")
    with pytest.raises(InputError, match=words):
        write_report(tmp_path / "report", ROWS, TREE, document(), data="val", history=tmp_path)
    assert not (tmp_path / "report").exists()


@pytest.mark.usefixtures("matplotlib")
def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("mine")
    with pytest.raises(InputError, match="got a file, expected the name of a folder"):
        write_report(tmp_path / "report", ROWS, TREE, document(), data="val")


def test_without_matplotlib_the_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from pathlib import Path\nfrom multimodal.errors import MissingExtraError\n"
        "from multimodal.report import check_report\n"
        f"try:\n    check_report(Path({str(tmp_path / 'r')!r}), None)\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "pip install 'multimodal[report]'" in done.stdout


def test_importing_the_report_does_not_import_matplotlib() -> None:
    code = "import sys, multimodal.report, multimodal.cli.main; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_mistakes_are_the_wrong_rows_most_confident_first() -> None:
    first, second, third = find_mistakes(ROWS, TREE)
    assert (first.id, first.true_id, first.predicted_id, first.distance) == (103, "b3", "a2a", 6)
    assert first.true_path == "Sports > Team > Shirts"
    assert (first.probability, first.probability_of_truth) == pytest.approx((0.8, 0.05))
    assert first.rank_of_truth == 4  # after the answer, of four equals it is the third
    assert [m.probability for m in (second, third)] == pytest.approx([0.7, 0.6])
    assert (third.row, third.inputs, third.distance) == (1, "title", 2)
    assert find_mistakes(ROWS, TREE, limit=1) == [first]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_mistakes_come_back_from_every_format(tmp_path: Path, suffix: str) -> None:
    import pyarrow.parquet as pq

    file = tmp_path / "deep" / f"mistakes{suffix}"
    write_mistakes(file, find_mistakes(ROWS, TREE))
    if suffix == ".csv":
        rows: list[dict[str, Any]] = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    else:
        rows = pq.read_table(file).to_pylist()
    assert [str(row["id"]) for row in rows] == ["103", "102", "101"]
    assert rows[0]["predicted_path"] == "Apparel > Tops > Shirts"
    assert float(rows[0]["probability"]) == pytest.approx(0.8)
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_no_mistakes_make_a_file_with_columns_alone(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    write_mistakes(tmp_path / "m.parquet", [])
    assert pq.read_table(tmp_path / "m.parquet").num_rows == 0
    with pytest.raises(InputError, match=r"suffix '.xlsx', expected one of"):
        write_mistakes(tmp_path / "m.xlsx", [])


def test_the_page_about_evaluation_tells_every_figure_and_column() -> None:
    page = (Path(__file__).parents[1] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+)`", "\n".join(line.partition(" | ")[0] for line in page.splitlines() if "|" in line)))
    assert {field.name for field in fields(HeadMetrics)} - {"rows"} <= told
    assert {field.name for field in fields(Mistake)} <= told
