"""The job of photos alone, end to end: drawn, trained and answered by two commands, the photos never unzipped."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import Job, contents
from multimodal.artifact import read_manifest, verify_bundle
from multimodal.config import load_config
from multimodal.data import read_source
from multimodal.data.sample.fabrics import TAGS
from multimodal.serving import Predictor
from multimodal.types import Prediction, Product

COLUMNS = ["uuid", "category1", "category2", "polka dot", "floral", "checker"]


@pytest.fixture(scope="module")
def predictions(job: Job) -> pa.Table:
    return pq.read_table(job.folder / "predictions.parquet")


def test_the_sample_is_what_the_job_gets(job: Job) -> None:
    known = pq.read_table(job.folder / "two-categories" / "data.parquet")
    asked = pq.read_table(job.folder / "two-categories" / "test.parquet")
    assert known.column_names == ["uuid", "cc3", "color1", *TAGS]
    assert asked.column_names == ["uuid"]
    ids = [*known["uuid"].to_pylist(), *asked["uuid"].to_pylist()]
    assert len(set(ids)) == len(ids)
    with ZipFile(job.folder / "two-categories" / "photos.zip") as zipped:
        assert sorted(zipped.namelist()) == sorted(f"{id}.jpg" for id in ids)  # a photo for each row and no other
    shown = [sum(row[tag] for tag in TAGS) for row in known.to_pylist()]
    assert {0, 1, 2} <= set(shown)  # none, one or several of them on a photo
    drawn, _ = job.said
    assert f"{known.num_rows} in train, {asked.num_rows} in test" in drawn
    assert f"multimodal tags {job.folder / 'bundle'} --input" in drawn  # its test rows have no category to evaluate


def test_its_rows_are_those_of_the_catalog(job: Job) -> None:
    known = pq.read_table(job.folder / "two-categories" / "data.parquet").to_pylist()
    splits = [pq.read_table(job.folder / f"{split}.parquet").to_pylist() for split in ("train", "val")]
    expected = [
        {"uuid": r["id"], "cc3": r["category_id"], "color1": r["color1"], **{tag: r[tag] for tag in TAGS}}
        for rows in splits
        for r in rows
        if r["image"] is not None
    ]
    assert known == expected


def test_one_row_for_each_row_asked_for_in_order(job: Job, predictions: pa.Table) -> None:
    asked = pq.read_table(job.folder / "two-categories" / "test.parquet")
    assert predictions.column_names == COLUMNS
    assert predictions["uuid"].type == asked["uuid"].type == pa.string()
    assert predictions["uuid"].to_pylist() == asked["uuid"].to_pylist()


def test_categories_are_two_leaves_and_tags_are_0_or_1(job: Job, predictions: pa.Table) -> None:
    leaves = set(Predictor(job.bundle, threads=1).tree.leaves)
    for row in predictions.to_pylist():
        assert {row["category1"], row["category2"]} <= leaves
        assert row["category1"] != row["category2"]
        assert {row[tag] for tag in TAGS} <= {0, 1}
    assert all(predictions.schema.field(tag).type == pa.int64() for tag in TAGS)
    assert not (job.folder / "predictions.parquet.errors.csv").exists()


def test_they_are_the_answers_of_the_bundle_it_wrote(job: Job, predictions: pa.Table) -> None:
    config = load_config(job.folder / "config.yaml")
    items = [p for p in read_source(config.predict[0].input, labelled=False) if isinstance(p, Product)]
    answers = Predictor(job.bundle, threads=1).classify(items[:20])
    for answer, row in zip(answers, predictions.to_pylist(), strict=False):
        assert isinstance(answer, Prediction)
        assert answer.used == "image"
        assert [category.id for category in answer.suggestions] == [row["category1"], row["category2"]]
        assert {tag.name: int(tag.present) for tag in answer.tags} == {tag: row[tag] for tag in TAGS}
        assert [attribute.name for attribute in answer.attributes] == ["colour"]


def test_the_photos_stay_zipped_and_the_input_as_it_was(job: Job) -> None:
    after = contents(job.folder)
    assert {name: after.get(name) for name in job.written} == job.written
    new = {Path(name).parts[0] for name in set(after) - set(job.written)}
    assert new == {"bundle", "runs", "predictions.parquet"}
    assert [name for name in set(after) - set(job.written) if name.endswith((".jpg", ".jpeg"))] == []


def test_the_bundle_tells_tags_and_colours(job: Job) -> None:
    assert verify_bundle(job.bundle) == []
    manifest = read_manifest(job.bundle)
    assert (manifest.inputs, manifest.heads) == (("image",), ("image",))
    assert [tag.name for tag in manifest.tags] == list(TAGS)
    assert manifest.capabilities["tags"] is manifest.capabilities["attributes"] is True
    (colour,) = manifest.attributes
    known = pq.read_table(job.folder / "two-categories" / "data.parquet")["color1"].to_pylist()
    assert set(colour.values) <= set(known)
    measured = manifest.metrics["val"]
    assert set(measured["tags"]["by_tag"]) == set(TAGS)
    assert measured["attributes"]["colour"]["values"] == len(colour.values)


def test_the_last_command_says_what_it_wrote(job: Job, predictions: pa.Table) -> None:
    _, trained = job.said
    assert f"{predictions.num_rows} rows -> {job.folder / 'predictions.parquet'}" in trained
    assert f"Wrote the bundle {job.bundle}" in trained
