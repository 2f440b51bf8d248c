"""What the kitchen's steps are worth, measured for real on drawn products."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import TINY
from multimodal.data.sample import SampleFiles
from multimodal.types import InputName, Product

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import kitchen_steps
from curve_data import open_data
from curve_measure import unpack
from kitchen_models import KitchenSVC, Variant, counts
from kitchen_noise import spoiled

TITLES = ("Молоко Простоквашино 3,2%, 930мл", "Кофе Lavazza в зёрнах, 1кг", "Филе-кусок трески 300 г", "Яйца 10шт")


def test_a_run_measures_each_variant_once(
    catalog: SampleFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kitchen.json"
    command = ["--data", str(catalog.folder), "--json", str(file), "--variants", "nothing", "units"]
    assert kitchen_steps.main(command) == 0
    table = capsys.readouterr().out
    rows = {row["variant"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}
    assert list(rows) == ["nothing", "units"]
    for row in rows.values():
        assert [case["name"] for case in row["cases"]] == [
            "title", "title, spoiled", "title + characteristics", "title + characteristics, spoiled",
        ]  # fmt: skip
        for case in row["cases"]:
            hits = unpack(case["hits"], case["rows"])
            assert case["top1"] == pytest.approx(hits.mean())
            assert f"{case['top1']:.4f}" in table
        assert row["cases"][0]["top1"] > 0.5
    before = file.read_bytes()
    assert kitchen_steps.main(command) == 0
    assert file.read_bytes() == before


def test_the_machine_sees_the_inputs_of_its_case_alone(catalog: SampleFiles) -> None:
    data = open_data(catalog.folder, photos=False)
    model = KitchenSVC(data, Variant())
    some = data.val[:50]
    bare = [Product(id=p.id, title=p.title) for p in some]
    np.testing.assert_array_equal(model.answer(some, ("title",)), model.answer(bare, ("title",)))
    both: tuple[InputName, ...] = ("title", "characteristics")
    assert (model.answer(some, both) != model.answer(bare, both)).any()


def test_counts_are_those_of_known_features_of_one_field() -> None:
    kitchen = Variant().kitchen()
    product = Product(title="a a b", characteristics="n: a")
    features = kitchen.features([kitchen.fields(product), kitchen.fields(Product())])
    known = np.unique(features.hashes[features.fields == 0])
    found = counts(features, 0, known[1:]).toarray()
    assert found.shape == (2, len(known) - 1)
    assert found[0].sum() == (features.fields == 0).sum() - (features.hashes == known[0]).sum()
    assert not found[1].any()


def test_spoiling_is_drawn_alike_and_leaves_the_rest_alone() -> None:
    products = [Product(id=i, title=title, description="x") for i, title in enumerate(TITLES * 20)]
    once, again = spoiled(products, seed=1), spoiled(products, seed=1)
    assert once == again != spoiled(products, seed=2)
    assert [(p.id, p.description) for p in once] == [(p.id, p.description) for p in products]
    changed = np.mean([a.title != b.title for a, b in zip(once, products, strict=True)])
    assert changed > 0.6
    assert spoiled([Product(id=1)], seed=0) == [Product(id=1)]


def test_the_steps_undo_much_of_what_was_spoiled() -> None:
    """All steps bring most spoiled titles back to the words of the title as it was."""
    kitchen = Variant(steps=kitchen_steps.STEPS).kitchen()
    plain = Variant().kitchen()
    products = [Product(title=title) for title in TITLES * 20]
    dirty = spoiled(products, seed=3)
    shares = [
        np.mean([set(k.fields(a).title) == set(k.fields(b).title) for a, b in zip(products, dirty, strict=True)])
        for k in (kitchen, plain)
    ]
    assert shares[0] > shares[1] + 0.2


@pytest.mark.slow
def test_our_bundle_is_measured_too(catalog: SampleFiles, tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    command = ["--data", str(catalog.folder), "--ours", "--config", str(catalog.config), "--share", "0.5"]
    command += [part for setting in TINY for part in ("--set", setting)]
    command += ["--work", str(tmp_path / "work"), "--json", str(file), "--variants", "units"]
    assert kitchen_steps.main(command) == 0
    (row,) = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert 0.2 < row["cases"][0]["top1"] <= 1
    manifest = json.loads(next((tmp_path / "work").rglob("manifest.json")).read_text(encoding="utf-8"))
    assert manifest["text"]["kitchen"]["steps"] == ["units"]
