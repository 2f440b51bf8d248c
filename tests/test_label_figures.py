"""Figures of tags and attributes on labelled photos: which columns are taken, which rows count, what is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import Job
from multimodal.artifact import AttributeSpec, Manifest, TagSpec
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import SampleRow, draw_rows
from multimodal.data.sample.fabrics import TAGS
from multimodal.evaluation import attribute_metrics, tag_metrics
from multimodal.serving import Predictor
from multimodal.serving.label_figures import has_categories, measure_labels, with_labels
from multimodal.serving.labels import attribute_probabilities, attributes_of, tag_probabilities, tags_of

Columns = dict[str, list[Any]]
BROKEN = b"\xff\xd8\xff no photo"


@pytest.fixture(scope="module")
def predictor(job: Job) -> Predictor:
    return Predictor(job.bundle, threads=1)


@pytest.fixture(scope="module")
def drawn() -> list[SampleRow]:
    return [row for row in draw_rows(32, seed=78, several=0.5) if row.product.image is not None][:24]


@pytest.fixture(scope="module")
def columns(drawn: list[SampleRow]) -> Columns:
    """What is known of the photos, and a title beside each."""
    images = [row.product.image.data for row in drawn if row.product.image is not None]
    tags: Columns = {tag: [int(row.spec.tags[tag]) for row in drawn] for tag in TAGS}
    colours = [row.spec.colour.en for row in drawn]
    return {"id": list(range(24)), "title": ["t"] * 24, "image": images, "colour": colours, **tags}


def write(file: Path, columns: Columns, **changes: Any) -> SourceConfig:
    kept = {name: values for name, values in {**columns, **changes}.items() if values is not None}
    pq.write_table(pa.table(kept), file)
    return SourceConfig(path=str(file))


def measured(predictor: Predictor, source: SourceConfig, **options: Any) -> Any:
    described = with_labels(source, predictor.manifest)
    assert described is not None
    return measure_labels(predictor, read_source(described, labelled=False), **options)


def test_figures_are_those_of_the_answers(predictor: Predictor, columns: Columns, tmp_path: Path) -> None:
    source = write(tmp_path / "a.parquet", columns)
    done: list[int] = []
    found = measured(predictor, source, batch_size=10, on_progress=done.append)
    assert done == [10, 20, 24]
    assert found.rows.tolist() == list(range(24))
    answers = predictor.classify(read_source(source, labelled=False))
    for tag in TAGS:
        told = [next(t.probability for t in a.tags if t.name == tag) for a in answers]  # type: ignore[union-attr]
        np.testing.assert_allclose(found.tags[tag], told, atol=1e-5)
        assert found.truth[tag].tolist() == columns[tag]
    thresholds = {spec.name: spec.threshold for spec in predictor.manifest.tags}
    assert found.tag_document() == tag_metrics(found.tags, {tag: np.array(columns[tag]) for tag in TAGS}, thresholds)
    (colour,) = predictor.manifest.attributes
    rows = [i for i, value in enumerate(columns["colour"]) if value in colour.values]
    codes = np.array([colour.values.index(columns["colour"][i]) for i in rows])
    by_hand = attribute_metrics(found.attributes["colour"][rows], codes)
    assert found.attribute_document() == {"colour": by_hand}
    json.dumps([found.tag_document(), found.attribute_document()], allow_nan=False)


def test_only_what_is_known_counts(predictor: Predictor, columns: Columns, tmp_path: Path) -> None:
    broken = list(columns["image"])
    broken[3], broken[4], broken[11] = BROKEN, None, BROKEN
    some = [None if i < 10 else value for i, value in enumerate(columns["floral"])]
    told = {"polka dot": [None] * 24, "checker": ["often" if i == 20 else None for i in range(24)]}
    colours = [value if i in {0, 4, 5} else None for i, value in enumerate(columns["colour"])]
    colours[6] = "no such colour"
    source = write(tmp_path / "a.parquet", columns, image=broken, floral=some, colour=colours, **told)
    found = measured(predictor, source, keep=lambda product, row: row != 12)
    # 20 has junk for a tag and is no row; 6 tells a colour that the bundle does not know, and nothing else
    assert found.rows.tolist() == [0, 5, 6, *(i for i in range(10, 24) if i not in {11, 12, 20})]
    assert list(found.tag_document()["by_tag"]) == ["floral"]
    assert found.tag_document()["by_tag"]["floral"]["rows"] == 11
    assert found.attribute_document()["colour"]["rows"] == 2
    assert [error.row for error in found.errors] == [11, 20]  # 3 tells nothing, so it is not missed
    assert len(found.truth["floral"]) == len(found.codes["colour"]) == len(found.tags["checker"]) == 14


def test_nothing_known_is_nothing_measured(predictor: Predictor, columns: Columns, tmp_path: Path) -> None:
    nothing = dict.fromkeys((*TAGS, "colour"), [None] * 24)
    assert measured(predictor, write(tmp_path / "a.parquet", columns, **nothing)) is None
    unreadable = write(tmp_path / "b.parquet", columns, image=[BROKEN] * 24)
    seen = measured(predictor, unreadable)
    assert (len(seen.rows), seen.tag_document(), seen.attribute_document()) == (0, {}, {})
    assert [(e.row, e.id, e.code) for e in seen.errors] == [(i, i, "image_truncated") for i in range(24)]
    assert measured(predictor, write(tmp_path / "c.parquet", columns), keep=lambda product, row: False) is None


def test_columns_are_found_by_their_names_or_as_asked(predictor: Predictor, columns: Columns, tmp_path: Path) -> None:
    renamed = dict.fromkeys(("polka dot", "checker", "colour"))
    more = {"Floral ": columns["floral"], "DOTS": columns["polka dot"], "floral": None, "shade": columns["colour"]}
    source = write(tmp_path / "a.parquet", columns, **renamed, **more)
    found = with_labels(source, predictor.manifest)
    assert found is not None
    assert (found.columns.tags, found.columns.attributes) == ({"floral": "Floral "}, {})
    wanted = ColumnMap.model_validate({"tags": {"polka dot": "dots"}, "attributes": {"colour": "shade"}})
    asked = source.model_copy(update={"columns": wanted})
    found = with_labels(asked, predictor.manifest)
    assert found is not None
    assert found.columns.tags == {"floral": "Floral ", "polka dot": "dots"}
    assert found.columns.attributes == {"colour": "shade"}
    figures = measure_labels(predictor, read_source(found, labelled=False))
    assert figures is not None
    assert figures.truth["polka dot"].tolist() == columns["polka dot"]


def test_data_that_tells_neither_is_passed_over(predictor: Predictor, columns: Columns, tmp_path: Path) -> None:
    bare = write(tmp_path / "a.parquet", columns, **dict.fromkeys((*TAGS, "colour")))
    assert with_labels(bare, predictor.manifest) is None
    told = predictor.manifest.attributes[0].model_copy(update={"characteristic": "Colour"})
    manifest = predictor.manifest.model_copy(update={"attributes": (told,)})
    assert with_labels(bare, manifest) is not None  # its rows may tell it among their characteristics


def test_categories_are_noticed(columns: Columns, tmp_path: Path) -> None:
    assert not has_categories(write(tmp_path / "a.parquet", columns))
    assert has_categories(write(tmp_path / "b.parquet", columns, category_id=["x"] * 24))
    without = {"columns": {"category_id": ""}, "path": str(tmp_path / "b.parquet")}
    assert not has_categories(SourceConfig.model_validate(without))
    assert has_categories(SourceConfig(format="drawings", products=3))


SCORES = np.array([[0.0, 4.0, 1.0, 0.0, 0.0], [np.nan] * 5], np.float32)


def spec(predictor: Predictor) -> Manifest:
    tags = (
        TagSpec(name="a", slope=2.0, offset=1.0, threshold=0.8),
        TagSpec(name="b", slope=0.5, offset=-2.0, threshold=0.5),
    )
    attribute = AttributeSpec(name="c", values=("x", "y", "z"), temperature=0.5)
    return predictor.manifest.model_copy(update={"tags": tags, "attributes": (attribute,)})


def test_scores_become_probabilities_by_each_ones_calibration(predictor: Predictor) -> None:
    manifest = spec(predictor)
    tags, attributes = tag_probabilities(manifest, SCORES), attribute_probabilities(manifest, SCORES)
    np.testing.assert_allclose(tags["a"], [1 / (1 + np.exp(-1.0)), np.nan], rtol=1e-6)
    np.testing.assert_allclose(tags["b"], [0.5, np.nan], rtol=1e-6)
    e = np.exp(2.0)
    np.testing.assert_allclose(attributes["c"][0], [e / (e + 2), 1 / (e + 2), 1 / (e + 2)], rtol=1e-6)
    assert np.isnan(attributes["c"][1]).all()


def test_a_tag_is_there_from_its_threshold_on_and_a_row_without_photo_tells_none(predictor: Predictor) -> None:
    manifest = spec(predictor)
    tags, attributes = tag_probabilities(manifest, SCORES), attribute_probabilities(manifest, SCORES)
    told = tags_of(manifest.tags, tags, 0)
    assert [(tag.name, tag.present) for tag in told] == [("a", False), ("b", True)]  # 0.73 of 0.8; 0.5 of 0.5
    assert [(one.name, one.value) for one in attributes_of(manifest.attributes, attributes, 0)] == [("c", "x")]
    assert tags_of(manifest.tags, tags, 1) == ()
    assert attributes_of(manifest.attributes, attributes, 1) == ()


def test_products_without_a_photo_have_no_label_probabilities(predictor: Predictor, drawn: list[SampleRow]) -> None:
    products = [drawn[0].product, *(row.product for row in drawn[:1])]
    products[0] = type(products[0])(title="a dress")
    tags, attributes = predictor.label_probabilities(products)
    assert [np.isnan(tags[tag]).tolist() for tag in TAGS] == [[True, False]] * 3
    assert np.isnan(attributes["colour"]).all(axis=1).tolist() == [True, False]
    assert attributes["colour"][1].sum() == pytest.approx(1, abs=1e-5)
