"""The command line from a config to answers: trains a small real bundle, then asks it everything."""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from multimodal.cli.main import main

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "artifacts" / "fashion"
shipped = pytest.mark.skipif(
    not (SHIPPED / "manifest.json").is_file(), reason="artifacts/fashion is not there; train configs/fashion.yaml"
)

WORDS = {
    "10": ["cotton", "sleeve", "collar"],
    "11": ["wool", "brim", "knitted"],
    "20": ["leather", "strap", "zipper"],
    "21": ["fold", "card", "coins"],
}
NOISE = ["blue", "red", "new", "men", "women", "2024"]
TREE = "id,title,parent_id\n1,Wear,0\n2,Carry,0\n10,Shirts,1\n11,Hats,1\n20,Bags,2\n21,Wallets,2\n"
CONFIG = """
name: tiny
output: {folder}/bundle
work_dir: {folder}/runs
tree: {{path: {folder}/tree.csv}}
data: {{train: [{{path: {folder}/train.csv}}], val: [{{path: {folder}/val.csv}}]}}
text: {{epochs: 4, batch_size: 32, ngrams: {{vocabulary: 512, dim: 8, min_count: 1}}}}
image: null
training: {{device: cpu, threads: 1}}
export: {{parity_rows: 16}}
"""


class Done:
    """What a run of the command line left behind."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


Runner = Callable[..., Done]


def run_main(*arguments: object) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        patch.setattr(sys, "argv", ["multimodal", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code


@pytest.fixture
def multimodal(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.chdir(tmp_path)  # errors files without a place of their own land here

    def run(*arguments: object) -> Done:
        code = run_main(*arguments)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run


def write_rows(path: Path, count: int) -> None:
    draw = random.Random(path.name)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sku", "title", "category_id"])
        for i in range(count):
            label = draw.choice(list(WORDS))
            words = draw.sample(WORDS[label], 2) + draw.sample(NOISE, 2)
            writer.writerow([f"{path.stem}-{i:03}", " ".join(words), label])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data and, beside it, the bundle that ``multimodal train`` made of it in seconds."""
    pytest.importorskip("torch", reason="training needs [train]")
    folder = tmp_path_factory.mktemp("cli")
    for name, count in (("train", 240), ("val", 80), ("goods", 40)):
        write_rows(folder / f"{name}.csv", count)
    (folder / "tree.csv").write_text(TREE, encoding="utf-8")
    (folder / "config.yaml").write_text(CONFIG.format(folder=folder), encoding="utf-8")
    assert run_main("train", folder / "config.yaml", "--set", "version=v7") == 0
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    return folder / "bundle"


def test_classify_one_product(multimodal: Runner, bundle: Path) -> None:
    done = multimodal("classify", bundle, "--title", "cotton collar blue")
    assert done.code == 0
    assert done.out.startswith("Wear > Shirts\n")
    assert "decided by: the text alone" in done.out
    assert done.out.count(" > ") == 3  # the decision and two suggestions


def test_classify_one_product_as_json(multimodal: Runner, bundle: Path) -> None:
    done = multimodal("classify", bundle, "--title", "cotton collar blue", "--top-k", 3, "--json")
    assert done.json["model"]["version"] == "v7"
    assert done.json["category"]["id"] == "10"
    assert [step["id"] for step in done.json["category"]["path"]] == ["1", "10"]
    assert len(done.json["suggestions"]) == 3
    assert done.json["modality"] == {"used": "text", "missing": []}


def test_min_confidence_goes_up_the_tree(multimodal: Runner, bundle: Path) -> None:
    product = ("classify", bundle, "--title", "cotton collar wool brim", "--json")
    root, leaf = (step["probability"] for step in multimodal(*product).json["category"]["path"])
    assert leaf < root
    between = multimodal(*product, "--min-confidence", (leaf + root) / 2).json
    assert between["decision"] == "ancestor"
    assert (between["category"]["id"], between["category"]["is_leaf"]) == ("1", False)
    assert between["needs_review"] is True


def test_a_product_with_nothing_usable_is_bad_input(multimodal: Runner, bundle: Path) -> None:
    done = multimodal("classify", bundle, "--title", "!!!")
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: got a product without any usable input")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_classify_a_file(multimodal: Runner, folder: Path, bundle: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"answers.{suffix}"
    done = multimodal("classify", bundle, "--input", folder / "goods.csv", "--output", output, "--batch-size", 7)
    assert done.code == 0
    assert "40 rows in" in done.out
    assert "Classifying" in done.err
    given = read_csv(folder / "goods.csv")
    if suffix == "parquet":
        rows = pq.read_table(output).to_pylist()
    elif suffix == "csv":
        rows = read_csv(output)
    else:
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["sku"] for row in rows] == [row["sku"] for row in given]
    right = sum(row["category_id"] == wanted["category_id"] for row, wanted in zip(rows, given, strict=True))
    assert right >= 38
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"answers.{suffix}"]


def test_a_file_with_bad_rows_exits_with_1_and_lists_them(multimodal: Runner, bundle: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("id,title\n1,cotton sleeve\n2,\n3,leather strap\n", encoding="utf-8")
    done = multimodal("classify", bundle, "--input", source, "--output", output, "--json")
    assert done.code == 1
    assert (done.json["rows"], done.json["errors"]) == (3, 1)
    assert done.json["errors_file"] == f"{output}.errors.csv"
    assert "1 rows failed; they are in" in done.err
    (error,) = read_csv(Path(done.json["errors_file"]))
    assert (error["row"], error["id"], error["code"]) == ("1", "2", "nothing_usable")
    assert [row["category_id"] for row in read_csv(output)] == ["10", "", "20"]


def test_who_has_repeated_ids_is_told_how_to_have_them_answered(
    multimodal: Runner, bundle: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("id,title\n1,cotton sleeve\n1,leather strap\n1,cotton sleeve\n", encoding="utf-8")
    words = ("classify", bundle, "--input", source, "--output", output)
    done = multimodal(*words)
    assert done.code == 1
    assert "2 rows have ids that stood before; --repeated-ids answers such rows too" in done.err
    again = multimodal(*words, "--repeated-ids")
    assert again.code == 0
    assert "--repeated-ids" not in again.err
    assert [row["category_id"] for row in read_csv(output)] == ["10", "20", "10"]


def test_an_open_quote_fails_its_row_and_no_other(multimodal: Runner, bundle: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    lines = [f"{i},cotton sleeve" for i in range(8000)]
    lines[1], lines[6000], lines[6500] = '1,"cotton sleeve', '6000,"leather, strap"', '6500,"leather\nstrap"'
    source.write_text("\n".join(["id,title", *lines]), encoding="utf-8")
    done = multimodal("classify", bundle, "--input", source, "--output", output, "--json")
    assert done.code == 1
    assert (done.json["rows"], done.json["errors"]) == (8000, 1)
    (error,) = read_csv(Path(done.json["errors_file"]))
    assert (error["row"], error["id"], error["code"]) == ("1", "1", "csv")
    rows = read_csv(output)
    assert [row["id"] for row in rows] == [str(i) for i in range(8000)]
    assert {i: row["category_id"] for i, row in enumerate(rows) if row["category_id"] != "10"} == {
        1: "", 6000: "20", 6500: "20",
    }  # fmt: skip


def test_evaluate_prints_a_table(multimodal: Runner, folder: Path, bundle: Path) -> None:
    done = multimodal("evaluate", bundle, folder / "goods.csv")
    assert done.code == 0
    assert "40 rows, inputs: title" in done.out
    for figure in ("top-1", "weighted F1", "macro F1", "hF1", "ECE"):
        assert figure in done.out


def test_evaluate_prints_the_document_and_writes_it(
    multimodal: Runner, folder: Path, bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "figures.json"
    done = multimodal("evaluate", bundle, folder / "goods.csv", "--inputs", "title", "--json", "--out", out)
    assert done.code == 0
    assert done.json == json.loads(out.read_text(encoding="utf-8"))
    assert done.json["rows"] == 40
    assert done.json["inputs"] == ["title"]
    assert set(done.json["heads"]) == {"fused", "text"}
    assert done.json["heads"]["fused"] == done.json["heads"]["text"]
    assert done.json["heads"]["text"]["top1"] >= 0.95


def test_the_halves_of_a_split_make_the_whole(multimodal: Runner, folder: Path, bundle: Path) -> None:
    rows = [
        multimodal("evaluate", bundle, folder / "val.csv", "--split-half", half, "--json").json["rows"]
        for half in ("select", "calibrate")
    ]
    assert sum(rows) == 80
    assert min(rows) > 20


def test_masked_titles_cost_what_category_names_gave(multimodal: Runner, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        "id,title,category_id\n1,Hats Shirts Bags cotton,10\n2,Shirt,10\n", encoding="utf-8"
    )
    done = multimodal("evaluate", bundle, tmp_path / "d.csv", "--mask-title-words", "--json")
    assert done.code == 1  # nothing is left of the second title
    assert done.json["rows"] == 1
    assert done.json["mask_title_words"] is True
    assert done.json["errors"]["by_code"] == {"nothing_usable": 1}
    (error,) = read_csv(tmp_path / "d.errors.csv")
    assert (error["row"], error["id"]) == ("1", "2")


def test_labels_the_tree_does_not_take_are_listed(multimodal: Runner, bundle: Path, tmp_path: Path) -> None:
    rows = "1,cotton,10\n2,cotton,1\n3,cotton,777\n"
    (tmp_path / "d.csv").write_text(f"id,title,category_id\n{rows}", encoding="utf-8")
    done = multimodal("evaluate", bundle, tmp_path / "d.csv", "--json", "--out", tmp_path / "f.json")
    assert done.code == 1
    listed = read_csv(tmp_path / "f.json.errors.csv")
    assert [(e["row"], e["code"]) for e in listed] == [("1", "inner_category"), ("2", "unknown_category")]


def test_a_category_map_and_named_columns(multimodal: Runner, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("was,kind\ncotton sleeve,shirt\nwool brim,hat\n", encoding="utf-8")
    (tmp_path / "map.csv").write_text("label,category_id\nshirt,10\nhat,11\n", encoding="utf-8")
    columns = ("--column", "title=was", "--column", "category_id=kind")
    done = multimodal(
        "evaluate", bundle, tmp_path / "d.csv", *columns, "--category-map", tmp_path / "map.csv", "--json"
    )
    assert done.code == 0
    assert (done.json["rows"], done.json["heads"]["text"]["top1"]) == (2, 1.0)


def test_inspect_tells_what_a_bundle_is(multimodal: Runner, bundle: Path) -> None:
    done = multimodal("bundle", "inspect", bundle)
    assert done.code == 0
    for told in ("tiny v7", "6 categories, 4 leaves, 2 levels", "text.onnx", "Calibration", "top-1"):
        assert told in done.out
    document = multimodal("bundle", "inspect", bundle, "--json").json
    assert document["bytes"] == sum(p.stat().st_size for p in bundle.iterdir())
    assert set(document["files"]) == {p.name for p in bundle.iterdir()} - {"manifest.json"}
    assert document["sha256"] in done.out.replace("\n", "")
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in done.out.splitlines()]
    rows, answer = document["provenance"]["rows"], document["metrics"]["val"]["title"]["answer"]
    assert ["rows", f"train {rows['train']:,}, val {rows['val']:,}"] in cells
    figures, calibrated = (row for row in cells if row[0] == "title")
    assert figures[1:3] == [f"{answer['rows']:,}", f"{answer['top1']:.4f}"]
    assert calibrated[1] == document["calibration"]["mixes"]["title"]["chosen"]


def test_verify_passes_a_sound_bundle(multimodal: Runner, bundle: Path) -> None:
    done = multimodal("bundle", "verify", bundle)
    assert (done.code, done.err) == (0, "")
    assert "match their hashes and the model loads" in done.out


def test_a_changed_byte_is_found_and_named(multimodal: Runner, bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    graph = bytearray((copy / "text.onnx").read_bytes())
    graph[100] ^= 1
    (copy / "text.onnx").write_bytes(graph)
    done = multimodal("bundle", "verify", copy)
    assert done.code == 2
    assert "text.onnx has another sha256" in done.err
    assert multimodal("bundle", "verify", copy, "--json").json["problems"] == [
        "text.onnx has another sha256 than the manifest"
    ]
    for command in (("classify", copy, "--title", "cotton"), ("evaluate", copy, tmp_path)):
        refused = multimodal(*command)
        assert refused.code == 2
        assert "text.onnx" in refused.err


def test_training_again_resumes_and_gives_the_same_bundle(multimodal: Runner, folder: Path, tmp_path: Path) -> None:
    before = (folder / "bundle" / "text.onnx").read_bytes()
    options = ("--set", "version=v7", "--set", f"output={tmp_path}/again")
    assert multimodal("train", folder / "config.yaml", *options).code == 0
    assert (tmp_path / "again" / "text.onnx").read_bytes() == before


@shipped
def test_the_shipped_bundle_verifies(multimodal: Runner) -> None:
    assert multimodal("bundle", "verify", SHIPPED).code == 0


@shipped
@pytest.mark.parametrize(
    ("title", "branch"),
    [("Nike Men Blue Sports Shoes", "Footwear"), ("Women printed cotton kurta", "Apparel")],
)
def test_the_shipped_bundle_answers(multimodal: Runner, title: str, branch: str) -> None:
    done = multimodal("classify", SHIPPED, "--title", title, "--json")
    assert done.code == 0
    assert done.json["category"]["path"][0]["name"] == branch


def test_a_bundle_takes_the_profile_of_other_products(
    multimodal: Runner, folder: Path, bundle: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "copy")
    before = multimodal("bundle", "inspect", copy, "--json").json
    done = multimodal("bundle", "profile", copy, folder / "goods.csv", "--json")
    assert done.code == 0, done.err
    assert done.json["rows"] == 40
    assert done.json["inputs"] == {"title": 1.0}
    assert set(done.json["branches"]) <= {"1", "2"}
    after = multimodal("bundle", "inspect", copy, "--json").json
    assert after["profile"] == done.json != before["profile"]
    assert after["sha256"] == before["sha256"]
    assert multimodal("bundle", "verify", copy).code == 0
    assert multimodal("bundle", "profile", copy, tmp_path / "none.csv").code == 2
