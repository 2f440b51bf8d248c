"""Sources: join, category map, share, labels held against a tree, halves of a split."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import photos
from multimodal.config.models import ColumnMap, JoinConfig, SourceConfig
from multimodal.data import (
    SourceTally,
    check_labels,
    in_share,
    read_source,
    read_sources,
    source_count,
    split_half,
)
from multimodal.errors import DataError
from multimodal.types import Product, RowError

Item = Product | RowError


def table(file: Path, **columns: Any) -> str:
    pq.write_table(pa.table(columns), file)
    return str(file)


def products(items: list[Item]) -> list[Product]:
    return [item for item in items if isinstance(item, Product)]


def errors(items: list[Item]) -> list[RowError]:
    return [item for item in items if isinstance(item, RowError)]


@pytest.fixture
def photo_file(tmp_path: Path) -> str:
    return table(tmp_path / "photos.parquet", id=[3, 1, 9, None], image=[photos.encoded()] * 4)


@pytest.fixture
def text_file(tmp_path: Path) -> str:
    columns: dict[str, Any] = {
        "id": ["1", "2", "3"], "title": ["one", "two", "three"], "characteristics": ["a: 1", None, "c: 3"],
        "category_id": [10, 20, 30], "group": ["g", "g", "h"], "image": [b"not read"] * 3,
    }  # fmt: skip
    return table(tmp_path / "texts.parquet", **columns)


def test_join_takes_what_is_lacking(photo_file: str, text_file: str) -> None:
    tally = SourceTally()
    source = SourceConfig(path=photo_file, join=JoinConfig(path=text_file))
    items = list(read_source(source, labelled=True, tally=tally))
    # in the order of the source, ids with its type (int) though the other file has text
    assert [(p.id, p.title, p.characteristics, p.category_id, p.group) for p in products(items)] == [
        (3, "three", "c: 3", "30", "h"), (1, "one", "a: 1", "10", "g"),
    ]  # fmt: skip
    assert all(p.image is not None and p.image.data == photos.encoded() for p in products(items))
    assert (tally.read, tally.unmatched, tally.join_repeated, dict(tally.errors)) == (4, 2, 0, {})
    assert source_count(source) is None


def test_join_with_photos_in_the_joined_file(photo_file: str, text_file: str) -> None:
    source = SourceConfig(path=text_file, columns=ColumnMap(image=""), join=JoinConfig(path=photo_file))
    with pytest.raises(DataError, match=r"swap the two \(path: .*photos.parquet, join.path: .*texts.parquet"):
        read_source(source, labelled=True)


def test_join_that_adds_nothing(photo_file: str) -> None:
    source = SourceConfig(path=photo_file, join=JoinConfig(path=photo_file))
    with pytest.raises(DataError, match="adds no column"):
        read_source(source, labelled=False)


def test_join_without_ids(photo_file: str, text_file: str) -> None:
    join = JoinConfig(path=text_file, columns=ColumnMap(id=""))
    with pytest.raises(DataError, match=r"texts.parquet: a join needs an id .*join.columns.id"):
        read_source(SourceConfig(path=photo_file, join=join), labelled=True)


def test_join_without_a_category_anywhere(photo_file: str, text_file: str) -> None:
    join = JoinConfig(path=text_file, columns=ColumnMap(category_id=""))
    with pytest.raises(DataError, match="no column of categories"):
        read_source(SourceConfig(path=photo_file, join=join), labelled=True)


def test_a_broken_row_of_the_joined_file_is_an_error_of_its_match(tmp_path: Path, photo_file: str) -> None:
    paths = ["a > b", "a > > b", "a"]
    joined = table(tmp_path / "j.parquet", id=[3, 1, 9], title=["x", "y", "z"], category_path=paths)
    items = list(read_source(SourceConfig(path=photo_file, join=JoinConfig(path=joined)), labelled=True))
    assert [p.category_id for p in products(items)] == ["a > b", "a"]
    assert [(e.id, e.row, e.code) for e in errors(items)] == [(1, 1, "category_path")]


def test_repeated_rows_of_the_joined_file(tmp_path: Path, photo_file: str) -> None:
    joined = table(tmp_path / "j.parquet", id=[3, 3], title=["first", "second"], label=["a", "b"])
    tally = SourceTally()
    source = SourceConfig(path=photo_file, join=JoinConfig(path=joined))
    items = list(read_source(source, labelled=True, tally=tally))
    assert [p.title for p in products(items)] == ["first"]
    assert tally.join_repeated == 1


def labelled_source(folder: Path, category_map: Any) -> SourceConfig:
    path = table(folder / "rows.parquet", id=range(5), title=list("abcde"), label=["hat", "shirt", "hut", None, "hat"])
    return SourceConfig(path=path, category_map=category_map)


def test_category_map_of_the_config(tmp_path: Path) -> None:
    tally = SourceTally()
    source = labelled_source(tmp_path, {"hat": "1033", "shirt": "1129"})
    items = list(read_source(source, labelled=True, tally=tally))
    assert [p.category_id for p in products(items)] == ["1033", "1129", None, "1033"]
    error = errors(items)[0]
    assert (error.id, error.row, error.stage, error.code) == (2, 2, "label", "unknown_category")
    assert "'hut'" in error.message
    assert "Did you mean 'hat'" in error.message
    assert isinstance(items[2], RowError)
    assert tally.errors == {"unknown_category": 1}


def test_category_map_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("label,category_id\nhat,1\nshirt,2\nshirt,3\nhut,1\n", encoding="utf-8")
    items = list(read_source(labelled_source(tmp_path, str(tmp_path / "map.csv")), labelled=True))
    assert [p.category_id for p in products(items)] == ["1", "1", None, "1"]
    assert [(e.id, e.code) for e in errors(items)] == [(1, "inner_or_many")]
    assert "(2, 3)" in errors(items)[0].message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file"),
        ("lable,category_id\nhat,1\n", "'lable'"),
        ("label,category_id\nhat,\n", "line 2"),
        ('label,category_id\nhat,1\n"cap,1\nshirt,2\n', "line 3 is no CSV .a quote opens and does not close"),
    ],
)
def test_category_maps_that_are_none(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "map.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_source(labelled_source(tmp_path, str(tmp_path / "map.csv")), labelled=True)


def test_duplicates_are_errors_unless_each_row_wants_an_answer(tmp_path: Path) -> None:
    path = table(tmp_path / "rows.parquet", id=[1, 1], title=["a", "b"])
    codes = [[e.code for e in errors(list(read_source(SourceConfig(path=path), labelled=False, unique=u)))]
             for u in (True, False)]  # fmt: skip
    assert codes == [["duplicate_id"], []]


def test_several_sources_follow_each_other(tmp_path: Path) -> None:
    first = table(tmp_path / "a.parquet", id=[1, 2], title=["a", "b"])
    second = table(tmp_path / "b.parquet", id=[2, 3], title=["c", "d"])
    sources = [SourceConfig(path=first), SourceConfig(path=second)]
    items = list(read_sources(sources, labelled=False))
    assert [p.title for p in products(items)] == ["a", "b", "c", "d"]
    with pytest.raises(DataError, match="no such file"):
        read_sources([*sources, SourceConfig(path=str(tmp_path / "gone.parquet"))], labelled=False)


def share_of(folder: Path, share: float, seed: int = 0, *, backwards: bool = False) -> list[Product]:
    rows = list(range(2000))[:: -1 if backwards else 1]
    groups = [f"g{i // 4}" for i in rows]
    path = table(folder / "rows.parquet", id=rows, title=["x"] * len(rows), group=groups)
    return products(list(read_source(SourceConfig(path=path, share=share, seed=seed), labelled=False)))


def test_share_takes_whole_groups_whatever_the_order(tmp_path: Path) -> None:
    taken = share_of(tmp_path, 0.3)
    assert 450 < len(taken) < 750
    assert set(Counter(p.group for p in taken).values()) == {4}
    assert {p.id for p in share_of(tmp_path, 0.3, backwards=True)} == {p.id for p in taken}
    assert {p.id for p in share_of(tmp_path, 0.5)} > {p.id for p in taken}
    assert {p.id for p in share_of(tmp_path, 0.3, seed=1)} != {p.id for p in taken}
    assert len(share_of(tmp_path, 1.0)) == 2000


def test_halves_are_about_half_and_keep_groups() -> None:
    rows = [Product(id=i, title="x", group=f"g{i // 3}") for i in range(3000)]
    halves = [split_half(product, row) for row, product in enumerate(rows)]
    assert 0.45 < halves.count("select") / len(halves) < 0.55
    assert all(len(set(halves[i : i + 3])) == 1 for i in range(0, 3000, 3))
    # these are written down: a bundle's thresholds must not move when the code does
    names = [split_half(Product(group=g), 0) for g in ("c00d61a6", "522b3cbd", "92f0859e", "9dd1d7bd")]
    assert names == ["select", "select", "calibrate", "select"]


@given(st.none() | st.integers() | st.text(max_size=5), st.none() | st.text(max_size=5), st.integers(0, 99))
def test_group_decides_before_id_before_row(id: int | str | None, group: str | None, row: int) -> None:
    product = Product(id=id, title="x", group=group)
    if group is not None:
        assert split_half(product, row) == split_half(replace(product, id="other"), row + 1)
    elif id is not None:
        assert split_half(product, row) == split_half(product, row + 1)
    assert in_share(product, row, 1.0, 0)


def test_share_is_independent_of_the_halves() -> None:
    rows = [Product(id=i, title="x") for i in range(3000)]
    taken = [split_half(p, 0) for p in rows if in_share(p, 0, 0.4, 0)]
    assert 0.44 < taken.count("select") / len(taken) < 0.56


NAMES = {"1": "Apparel", "11": "Shirts", "12": "Hats", "1.0": "Odd"}


def checked(label: str | None, **options: Any) -> Item:
    return next(check_labels([Product(id="a", title="x", category_id=label)], ["11", "12"], ["1"], **options))


def labelled(label: str, **options: Any) -> Product:
    passed = checked(label, **options)
    assert isinstance(passed, Product), passed
    return passed


def test_labels_on_leaves_pass() -> None:
    assert isinstance(checked("11"), Product)
    given_error = RowError("b", 4, "read", "x", "y")
    assert list(check_labels([given_error], ["11"], [])) == [given_error]


def test_labels_that_went_through_floats() -> None:
    assert labelled("12.0").category_id == "12"
    product = Product(title="x", category_id="1.0")
    assert next(check_labels([product], ["1.0"], ["1"])) == product  # an id of its own stays


@pytest.mark.parametrize(
    ("label", "code", "parts"),
    [
        (None, "unlabelled", ["no category"]),
        ("1", "inner_category", ["'1' (Apparel)", "only training rows may stop there", "choose a category below"]),
        ("111", "unknown_category", ["'111'", "2 leaves", "Did you mean '11'"]),
        ("shirt", "unknown_category", ["By name: 11 (Shirts)"]),
    ],
)
def test_labels_that_do_not_fit_the_tree(label: str | None, code: str, parts: list[str]) -> None:
    error = checked(label, names=NAMES)
    assert isinstance(error, RowError)
    assert (error.id, error.row, error.stage, error.code) == ("a", 0, "label", code)
    for part in (*parts, "expected"):
        assert part in error.message


def test_inner_labels_pass_where_they_are_allowed_and_tell_something() -> None:
    assert checked("1", allowed=["1"]) == Product(id="a", title="x", category_id="1")
    assert labelled("1.0", allowed=["1"]).category_id == "1"
    refused = next(check_labels([Product(title="x", category_id="0")], ["11", "12"], ["0", "1"], allowed=["1"]))
    assert isinstance(refused, RowError)
    assert refused.code == "inner_category"
    assert "every leaf lies below it" in refused.message


def test_drawings_are_mapped_to_fashion_ids() -> None:
    from multimodal.data.sample import FASHION_IDS

    source = SourceConfig(format="drawings", products=30, seed=7)
    plain = products(list(read_source(source, labelled=True)))
    mapped = products(list(read_source(source.model_copy(update={"category_map": "drawings"}), labelled=True)))
    assert len(plain) == len(mapped) == source_count(source) == 30
    expected = [FASHION_IDS[p.category_id] for p in plain if p.category_id is not None]
    assert [p.category_id for p in mapped if p.category_id is not None] == expected
    assert expected


def public_data() -> Path:
    given_path = os.environ.get("MULTIMODAL_DATA")
    return Path(given_path) if given_path else Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.data
@pytest.mark.skipif(not public_data().is_dir(), reason="no public data: set MULTIMODAL_DATA")
def test_the_public_sets_read_as_the_configs_name_them() -> None:
    fashion, phone = public_data() / "fashion_products", public_data() / "clothes_phone"
    train = str(fashion / "train.parquet")
    larger = SourceConfig(path=str(fashion / "photos_168x224.parquet"), join=JoinConfig(path=train))
    tally = SourceTally()
    first = list(islice(read_source(SourceConfig(path=train), labelled=True), 50))
    joined = list(islice(read_source(larger, labelled=True, tally=tally), 200))
    labelled_map = str(phone / "label_to_nodes.csv")
    home = SourceConfig(path=str(phone / "val.parquet"), category_map=labelled_map)
    clothes = list(read_source(home, labelled=True))
    assert len(products(first)) == 50
    for p in products(joined):
        assert p.title is not None
        assert p.image is not None
        assert p.category_id is not None
        assert p.group is not None
    assert tally.unmatched > 0
    assert len(clothes) == 468
    assert {p.category_id for p in products(clothes)} == {"1033", "1085", "1093", "1129", "1145"}
    assert {e.code for e in errors(clothes)} == {"inner_or_many"}
