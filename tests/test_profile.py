"""A catalog's profile: counted by hand, leaks found, and a page of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.cli.main import main
from multimodal.config.data import ColumnMap, SourceConfig
from multimodal.data.sample import SampleFiles
from multimodal.errors import DataError
from multimodal.profile import Profile, profile_sources
from multimodal.profile.leaks import Leak
from multimodal.profile.photos import HEIGHT, WIDTH
from multimodal.profile.texts import quantile, script_of
from multimodal.report.profile_page import write_profile
from photos import encoded
from training_support import TREE

RED = encoded()


def source(file: Path, rows: list[dict[str, Any]], **columns: Any) -> SourceConfig:
    pq.write_table(pa.Table.from_pylist(rows), file)
    return SourceConfig(path=str(file), columns=ColumnMap(**columns))


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    train = [
        {"id": "1", "title": "Red shirt", "category_id": "11", "image": RED, "floral": 1, "checker": 1},
        {"id": "2", "title": "red  SHIRT", "category_id": "12", "image": RED, "floral": 1, "checker": 0},
        {"id": "3", "title": "Синяя сумка", "category_id": "2", "image": b"broken", "floral": None, "checker": 0},
        {"id": "3", "title": "again", "category_id": "2", "image": None, "floral": None, "checker": None},
    ]
    val = [
        {"id": "1", "title": "Skirt 36", "category_id": "99", "image": RED, "floral": 0, "checker": 0},
        {"id": "9", "title": "red shirt", "category_id": "12", "image": None, "floral": 0, "checker": 0},
    ]
    tags = {"tags": {"floral": "floral", "checker": "checker"}}
    rows = {"train": train, "val": val}
    files = {name: source(tmp_path / f"{name}.parquet", own, **tags) for name, own in rows.items()}
    return profile_sources({name: (one,) for name, one in files.items()}, TREE)


def test_rows_are_counted(profile: Profile) -> None:
    train, val = profile.splits.values()
    assert (train.rows, dict(train.errors)) == (3, {"duplicate_id": 1})
    assert train.inputs == Counter(title=3, image=3)
    assert train.labels == Counter({"11": 1, "12": 1, "2": 1})
    assert [profile.group_of(label) for label in ("11", "2", "99", None)] == [
        "Clothes", "Bags", "(not in the tree)", "(no category)",
    ]  # fmt: skip
    assert train.texts.words == Counter({2: 3})
    assert train.texts.scripts == Counter(Latin=2, Cyrillic=1)
    assert train.texts.frequent["shirt"] == 2
    assert train.photos.sizes.total() == 2
    assert dict(train.photos.unreadable) == {"image_unreadable": 1}
    assert train.photos.mean("Clothes").shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(train.photos.mean("Clothes"), train.photos.median("Clothes"))
    assert train.told == Counter(floral=2, checker=3)
    assert train.tags == Counter({("floral", "floral"): 2, ("checker", "checker"): 1, ("checker", "floral"): 1})
    assert train.marks.repeated("title") == (2, 2)
    assert train.marks.repeated("photo") == (2, 2)
    assert val.marks.repeated("photo") == (0, 0)


def test_leaks_are_counted_in_the_later_split(profile: Profile) -> None:
    assert set(profile.leaks) == {
        Leak("id", "train", "val", 1, 1),
        Leak("title", "train", "val", 1, 0),
        Leak("photo", "train", "val", 1, 1),
    }


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Shirt 36", "Latin"),
        ("платье", "Cyrillic"),
        ("платье Zara", "mixed"),
        ("36/38 👗", "no letters"),
        ("連衣裙", "Cjk"),
    ],
)
def test_writing_systems(text: str, script: str) -> None:
    assert script_of(text) == script


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_quantiles_are_values_that_were_counted(values: list[int], share: float) -> None:
    found = quantile(Counter(values), share)
    assert found == np.quantile(values, share, method="inverted_cdf")


def test_a_source_without_a_usable_row_is_an_error(tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([], pa.string()), "title": pa.array([], pa.string())})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="train: got no usable row"):
        profile_sources({"train": (SourceConfig(path=str(tmp_path / "a.parquet")),)})


def test_the_page_tells_it_without_single_products(profile: Profile, tmp_path: Path) -> None:
    index = write_profile(tmp_path / "out", profile, "a shop")
    page = (tmp_path / "out" / "profile.md").read_text(encoding="utf-8")
    drawn = {file.stem for file in (tmp_path / "out" / "plots").iterdir()}
    assert drawn == {"branches", "imbalance", "titles", "photos", "means", "tags"}
    assert index.read_text(encoding="utf-8").count("data:image/png;base64,") == len(drawn)
    assert "| train | 3 | 1 | 100.0 % | 0.0 % | 0.0 % | 100.0 % | 100.0 % |" in page
    assert "| val | train | photo | 1 | 1 |" in page
    assert "| val | 2 | 1 | 1 | 2 | 2 | 50.0 % | 1 |" in page  # of categories: one is not in the tree
    told = json.loads((tmp_path / "out" / "profile.json").read_text(encoding="utf-8"))
    assert told["splits"]["train"]["tags"] == {"checker": 1, "checker + floral": 1, "floral": 2}
    assert "Синяя сумка" not in page


def test_the_command_profiles_the_sample_catalog(
    catalog: SampleFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(catalog.train), str(catalog.val), "--tree", str(catalog.tree), "--output", str(tmp_path / "p")]
    monkeypatch.setattr(sys, "argv", ["multimodal", "data", "profile", *words, "--column", "tags.floral=floral"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in {0, None}
    assert "titles of later splits are in earlier ones too" in capsys.readouterr().out
    told = json.loads((tmp_path / "p" / "profile.json").read_text(encoding="utf-8"))
    train = told["splits"]["train"]
    assert train["rows"] > 300
    assert {"Latin", "Cyrillic"} <= set(train["titles"]["scripts"])
    assert (tmp_path / "p" / "index.html").is_file()
