"""``multimodal evaluate`` with everything it can write, on a small bundle with text and photos."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from multimodal.cli.main import main
from multimodal.data.sample import SampleFiles
from multimodal.serving import Predictor
from multimodal.types import HEADS, ImageRef, InputName, Product

Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def multimodal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs the command line in a folder of its own: exit code, output, messages."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["multimodal", *(str(word) for word in words)])
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return run


@pytest.fixture
def evaluate(multimodal: Run, tiny_bundle: Path) -> Run:
    """Runs ``multimodal evaluate BUNDLE DATA …``."""
    return lambda *words: multimodal("evaluate", tiny_bundle, *words, "--threads", "1")


@pytest.fixture
def data(catalog: SampleFiles, tmp_path: Path) -> Path:
    """Forty drawn products with a column that the model never sees: half are "new", five have no value."""
    table = pq.read_table(catalog.val).slice(0, 40)
    table = table.append_column("condition", pa.array([None] * 5 + ["new"] * 20 + ["used"] * 15))
    table = table.append_column("nothing", pa.nulls(40, pa.string()))
    table = table.append_column("sizes", pa.array([["S", "M"]] * 40))
    file = tmp_path / "rows.parquet"
    pq.write_table(table, file)
    return file


def test_everything_at_once(evaluate: Run, data: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [report]")
    code, out, err = evaluate(
        data, "--json", "--report", "report", "--errors", "wrong.csv", "--by", "condition", "--against", tiny_bundle
    )
    assert code == 0
    found = json.loads(out)
    fused = found["heads"]["fused"]
    assert {"rows", "inputs", "heads", "tags"} <= set(found)
    assert set(found["heads"]) == set(found["levels"]) == {"fused", "text", "image"}
    assert found["levels"]["fused"][-1]["top1"] == pytest.approx(fused["top1"])
    # the same bundle: no difference, and no doubt about it
    for key in ("top1", "hf1"):
        assert found["against"][key]["mean_a"] == found["against"][key]["mean_b"] == pytest.approx(fused[key])
        assert (found["against"][key]["low"], found["against"][key]["high"]) == (0.0, 0.0)
    assert found["against"]["peer_ece"] == pytest.approx(fused["ece"])
    slices = {part["value"]: part for part in found["by"]["values"]}
    assert {value: part["rows"] for value, part in slices.items()} == {"new": 20, "used": 15, None: 5}
    assert sum(part["rows"] * part["top1"] for part in slices.values()) / 40 == pytest.approx(fused["top1"])
    mistakes = read_csv(tmp_path / "wrong.csv")
    assert len(mistakes) == round(40 * (1 - fused["top1"]))
    assert "the report is" in err
    assert json.loads((tmp_path / "report" / "metrics.json").read_text(encoding="utf-8"))["heads"] == found["heads"]


def test_tables_show_levels_comparison_and_slices(evaluate: Run, data: Path, tiny_bundle: Path) -> None:
    code, out, _ = evaluate(data, "--against", tiny_bundle, "--by", "condition")
    assert code == 0
    for words in ("The answer, level by level", "leaves", "Against tiny", "40 rows in", "By condition", "(empty)"):
        assert words in out, words


def test_what_classify_wrote_is_a_peer(evaluate: Run, multimodal: Run, data: Path, tiny_bundle: Path) -> None:
    assert multimodal("classify", tiny_bundle, "--input", data, "--output", "peer.parquet")[0] == 0
    code, out, _ = evaluate(data, "--json", "--against", "peer.parquet")
    assert code == 0
    against = json.loads(out)["against"]
    assert (against["name"], against["rows"], against["unanswered"]) == ("peer.parquet", 40, 0)
    assert against["top1"]["difference"] == 0.0


def test_a_peer_without_some_ids_is_refused_by_name(evaluate: Run, data: Path, tmp_path: Path) -> None:
    table = pq.read_table(data)
    ids, leaf = table.column("id").to_pylist(), table.column("category_id")[0]
    tmp_path.joinpath("peer.csv").write_text("id,category_id\n" + "".join(f"{i},{leaf}\n" for i in ids[1:]))
    code, _, err = evaluate(data, "--against", "peer.csv")
    assert code == 2
    assert f"no prediction for 1 of 40 rows, ids {ids[0]}" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--by", "conditon"), "expected a column 'conditon' to report by, found id"),
        (("--by", "conditon"), "Did you mean 'condition'?"),
        (("--history", "runs"), "got no --report"),
        (("--out", "."), "got a folder, expected a file for the figures"),
        (("--out", "rows.parquet/figures.json"), "rows.parquet is a file, expected a folder"),
        (("--report", "report", "--history", "runs"), "expected the work folder of a training run"),
        (("--errors", "wrong.xlsx"), "got the suffix '.xlsx'"),
        (("--errors", "rows.errors.csv"), "rows that cannot be measured are listed there"),
        (("--against", "gone"), "--against gone: no such file or folder"),
        (("--against", "peer.csv"), "expected the columns id and category_id, and perhaps probability; found id"),
        (("--against", "other.csv"), "answers with categories that this bundle's tree does not have, ids zz"),
        (("--by", "image"), "column 'image' holds the photos, expected one of values that rows share"),
        (("--by", "nothing"), "column 'nothing' is empty in all 40 rows, expected values to report by"),
        (("--by", "sizes"), "column 'sizes': got a list, expected text or a number"),
        (("--report", "rows.parquet"), "expected the name of a folder"),
    ],
)
def test_bad_plans_are_refused_before_any_work(
    evaluate: Run, data: Path, words: tuple[str, ...], message: str
) -> None:
    Path("peer.csv").write_text("id,answer\n1,2\n")
    Path("other.csv").write_text("id;category_id\n1;zz\n")
    code, out, err = evaluate(data, *words)
    assert (code, out) == (2, "")
    assert message in err.replace("\n", " ")
    assert "Evaluating" not in err


def test_slices_and_peers_keep_to_their_rows_past_bad_ones(evaluate: Run, data: Path, tmp_path: Path) -> None:
    """Row 1 has no usable label: what comes after it must not take its neighbour's slice or prediction."""
    rows = pq.read_table(data).select(["title", "category_id"]).to_pylist()[:4]
    lines = [["title", "category_id", "condition"]]
    lines += [[row["title"], row["category_id"], f"c{i}"] for i, row in enumerate(rows)]
    lines[2][1] = "nowhere"
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(lines)
    peer = "".join(f"{i},{line[1]}\n" for i, line in enumerate(lines[1:]) if i != 1)
    (tmp_path / "peer.csv").write_text("id,category_id\n" + peer)
    code, out, _ = evaluate(tmp_path / "rows.csv", "--json", "--by", "condition", "--against", "peer.csv")
    assert code == 1
    found = json.loads(out)
    assert {part["value"] for part in found["by"]["values"]} == {"c0", "c2", "c3"}
    assert found["against"]["top1"]["mean_b"] == 1.0


def test_photos_that_cannot_be_read_are_told_and_cost_no_row(evaluate: Run, data: Path, tmp_path: Path) -> None:
    rows = [row for row in pq.read_table(data).to_pylist() if row["title"]][:6]
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        lines = [[row["title"], row["category_id"], f"gone/{i}.jpg" if i < 5 else ""] for i, row in enumerate(rows)]
        csv.writer(stream).writerows([["title", "category_id", "image"], *lines])
    code, out, err = evaluate(tmp_path / "rows.csv", "--json")
    assert code == 0, "every row was measured"
    found = json.loads(out)
    assert found["rows"] == 6
    assert found["photos_left_out"] == {"rows": 5, "by_code": {"image_missing": 5}}
    told = err.replace("\n", " ")
    assert f"5 x image_missing, so their text stands alone: {tmp_path / 'gone' / '0.jpg'}: no photo" in told
    assert "1.jpg" not in told


def test_heads_answer_the_same_together_and_alone(predictor: Predictor, val_products: list[Product]) -> None:
    products = [
        *val_products[:70],
        Product(title=val_products[0].title),
        Product(image=val_products[0].image),
        Product(title="zzqx"),
        Product(title=val_products[0].title, image=ImageRef(data=b"no photo")),
        Product(),
    ]
    for inputs in (None, frozenset[InputName]({"title"}), frozenset[InputName]({"title", "image"})):
        together = predictor.head_probabilities(products, inputs)
        assert set(together) == set(HEADS)
        for head, found in together.items():
            alone = predictor.leaf_probabilities(products, inputs, head=None if head == "fused" else head)
            np.testing.assert_array_equal(np.isnan(found), np.isnan(alone))
            np.testing.assert_allclose(found, alone, atol=1e-6)
    assert np.isnan(together["image"][[70, 72, 73, 74]]).all()
    assert np.isnan(together["text"][[71, 74]]).all()


def read_csv(file: Path) -> list[dict[str, Any]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
