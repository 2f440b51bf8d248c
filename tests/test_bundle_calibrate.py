"""``multimodal bundle calibrate``: the same rows give what training gave, others give their own, graphs stay."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from multimodal.artifact import LAYOUT, bundle_sha256, read_manifest, verify_bundle
from multimodal.artifact.manifest import replace_manifest
from multimodal.cli.main import main
from multimodal.data.sample import SampleFiles
from multimodal.serving import Predictor
from multimodal.types import Prediction, Product


def calibrate(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["multimodal", "bundle", "calibrate", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture
def val(catalog: SampleFiles) -> Path:
    return catalog.config.parent / "val.parquet"


def with_own_way(bundle: Path) -> None:
    """Has titles without category names go the way of all, as one of their own."""
    manifest = read_manifest(bundle)
    usual = manifest.calibration.mixes
    own = {name: usual[name].model_copy(update={"temperature": 3.0}) for name in ("title", "title+image")}
    calibration = manifest.calibration.model_copy(update={"unnamed": own})
    replace_manifest(bundle / LAYOUT.manifest, manifest.model_copy(update={"calibration": calibration}))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for rows."""
    folder = tmp_path / "rows"
    folder.mkdir()
    return folder


def test_the_rows_of_the_training_give_its_calibration_again(
    own_bundle: Path, val: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_manifest(own_bundle)
    assert calibrate(monkeypatch, own_bundle, val) == 0
    after = read_manifest(own_bundle)
    assert verify_bundle(own_bundle) == []
    assert bundle_sha256(after) == bundle_sha256(before)
    assert set(after.calibration.mixes) == set(before.calibration.mixes)
    for name, mix in after.calibration.mixes.items():
        old = before.calibration.mixes[name]
        assert (mix.chosen, mix.temperature) == (old.chosen, pytest.approx(old.temperature, rel=1e-4))
        assert mix.weights == pytest.approx(old.weights, abs=1e-4)
    assert set(after.calibration.unnamed) == set(before.calibration.unnamed)
    assert after.metrics["val"].keys() == before.metrics["val"].keys()
    assert after.provenance["calibrated"]["rows"] == before.provenance["rows"]["val"]
    assert "calibrated on" in capsys.readouterr().out


def test_other_rows_change_how_sure_answers_are_and_not_what_they_say(
    own_bundle: Path, val: Path, place: Path, val_products: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = [Product(title=p.title) for p in val_products if p.title][:20]
    before = Predictor(own_bundle, threads=1).classify(titles)
    table = pq.read_table(val)
    moved = table.column("category_id").to_pylist()
    shuffled = moved[1:] + moved[:1]  # labels of their neighbours: whatever it says, it is wrong
    pq.write_table(
        table.set_column(table.column_names.index("category_id"), "category_id", [shuffled]), place / "odd.parquet"
    )
    assert calibrate(monkeypatch, own_bundle, place / "odd.parquet") == 0
    after = Predictor(own_bundle, threads=1).classify(titles)
    for old, new in zip(before, after, strict=True):
        assert isinstance(old, Prediction)
        assert isinstance(new, Prediction)
        assert new.suggestions[0].id == old.suggestions[0].id
        assert new.suggestions[0].probability < old.suggestions[0].probability


def test_mixes_that_no_row_has_stay_as_they_were(
    own_bundle: Path, val: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_own_way(own_bundle)
    before = read_manifest(own_bundle).calibration
    pq.write_table(pq.read_table(val).drop(["image"]), place / "titles.parquet")
    monkeypatch.chdir(place)
    assert calibrate(monkeypatch, own_bundle, place / "titles.parquet") == 1, "rows of a photo alone are left out"
    after = read_manifest(own_bundle).calibration
    assert set(after.mixes) == set(before.mixes)
    for name in before.mixes:
        if "image" in name:
            assert after.mixes[name] == before.mixes[name]
    assert before.unnamed.keys() == {"title", "title+image"}
    assert after.unnamed["title+image"] == before.unnamed["title+image"]
    assert after.unnamed.get("title") != before.unnamed["title"]


def test_inputs_that_the_bundle_does_not_use_are_left_out(
    own_bundle: Path, val: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pq.read_table(val)
    told = ["a fine thing"] * len(table)
    pq.write_table(table.append_column("description", [told]), place / "described.parquet")
    assert calibrate(monkeypatch, own_bundle, place / "described.parquet") == 0
    after = read_manifest(own_bundle)
    assert after.profile is not None
    assert not [name for name in (*after.calibration.mixes, *after.profile.inputs) if "description" in name]


def test_rows_that_cannot_be_used_are_listed(
    own_bundle: Path,
    val: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = pq.read_table(val)
    moved = table.column("category_id").to_pylist()
    moved[3] = "no such category"
    pq.write_table(
        table.set_column(table.column_names.index("category_id"), "category_id", [moved]), place / "some.parquet"
    )
    monkeypatch.chdir(place)
    assert calibrate(monkeypatch, own_bundle, place / "some.parquet") == 1
    assert "1 rows could not be used; they are in some.errors.csv" in capsys.readouterr().err
    with (place / "some.errors.csv").open(encoding="utf-8", newline="") as file:
        assert [(e["row"], e["code"]) for e in csv.DictReader(file)] == [("3", "unknown_category")]
    assert read_manifest(own_bundle).provenance["calibrated"]["rows"] == len(table) - 1


@pytest.mark.parametrize(
    ("rows", "name", "told"),
    [
        (10, "few.parquet", "expected at least 20"),
        (None, "test.parquet", "names a test split"),
        (0, "gone.parquet", "no such file"),
    ],
)
def test_what_cannot_calibrate_is_refused_and_nothing_changes(
    own_bundle: Path,
    val: Path,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rows: int | None,
    name: str,
    told: str,
) -> None:
    manifest = (own_bundle / LAYOUT.manifest).read_bytes()
    if rows is None:
        shutil.copy(val, place / name)
    elif rows:
        pq.write_table(pq.read_table(val).slice(0, rows), place / name)
    assert calibrate(monkeypatch, own_bundle, place / name) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert (own_bundle / LAYOUT.manifest).read_bytes() == manifest
