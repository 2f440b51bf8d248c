"""Photos beside the products: what is known of each, what is left out and why, and how they stand beside the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import photos
from multimodal.config.models import RunConfig, SourceConfig
from multimodal.errors import DataError
from multimodal.image import ImageKitchen
from multimodal.training.arrays import Split
from multimodal.training.content import photos_hash
from multimodal.training.labels import UNKNOWN, LabelSpace, Teller, Told
from multimodal.training.photo_rows import PhotoRows, read_photos
from multimodal.training.photo_table import PhotoTable, photo_batches
from training_support import TREE

KITCHEN = ImageKitchen(16, 12)
LEAVES = list(TREE.leaves)
COLUMNS = {"tags": ["floral"], "attributes": ["colour"]}
Known = Sequence[Mapping[str, Any]]


def shade(i: int) -> bytes:
    """A photo that can be told from others by its colour."""
    return photos.encoded(Image.new("RGB", (12, 16), (i * 20, 255 - i * 20, 128)), "PNG")


def teller(**changes: Any) -> Teller:
    values: dict[str, Any] = {
        "name": "shop", "output": "out", "tree": {"from_labels": True}, "data": {"train": [{"path": "a.parquet"}]},
        "text": None, "tags": {"names": ["floral"]}, "attributes": {"colour": {}},
    }  # fmt: skip
    return Teller(RunConfig.model_validate({**values, **changes}))


def source(file: Path, rows: Known, **more: Any) -> SourceConfig:
    """Rows as a parquet file; a photo of its own shade for each row that does not say otherwise."""
    names = dict.fromkeys(["id", "image", *(name for row in rows for name in row)])
    filled = [{"id": f"p{i}", "image": shade(i), **row} for i, row in enumerate(rows)]
    pq.write_table(pa.table({name: [row.get(name) for row in filled] for name in names}), file)
    return SourceConfig.model_validate({"path": str(file), **more})


def read(folder: Path, *sources: SourceConfig, how: Teller | None = None) -> PhotoRows:
    return read_photos(sources, TREE, KITCHEN, how or teller(), folder / "work" / "train.photos.pixels")


def sets_of(rows: PhotoRows) -> list[set[str] | None]:
    """The ids that each photo's category is one of."""
    return [None if at == UNKNOWN else {LEAVES[i] for i in np.flatnonzero(rows.sets[at])} for at in rows.allowed]


def why(rows: PhotoRows) -> list[tuple[object, int, str, str]]:
    return [(error.id, error.row, error.stage, error.code) for error in rows.rejected]


def write_map(file: Path, *pairs: tuple[str, str]) -> str:
    file.write_text("label,category_id\n" + "".join(f"{a},{b}\n" for a, b in pairs), encoding="utf-8")
    return str(file)


def test_labels_may_stand_for_a_leaf_several_nodes_or_an_inner_one(tmp_path: Path) -> None:
    known = write_map(tmp_path / "map.csv", ("shirt", "11"), ("thing", "12"), ("thing", "2"), ("wear", "1"))
    rows = [{"label": label} for label in ("shirt", "thing", "wear", "shirt", "thing")]
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, category_map=known))
    assert sets_of(found) == [{"11"}, {"12", "2"}, {"11", "12"}, {"11"}, {"12", "2"}]
    assert found.sets.shape == (3, len(LEAVES))  # each kind of label once
    assert found.rejected == ()


def test_labels_without_a_map_are_ids_of_nodes(tmp_path: Path) -> None:
    rows = [{"label": label, "floral": 1} for label in ("12", "1", "99", None)]
    asked = {**COLUMNS, "attributes": {}, "category_id": "label"}
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns=asked))
    assert sets_of(found) == [{"12"}, {"11", "12"}, None, None]  # of the others the tag alone is known
    assert found.told.tags.tolist() == [[1]] * 4


def test_a_label_that_nobody_asked_for_is_not_read(tmp_path: Path) -> None:
    rows = [{"label": "12", "floral": 1}]
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns={"tags": ["floral"]}))
    assert sets_of(found) == [None]


def test_a_photo_of_which_nothing_is_known_is_left_out(tmp_path: Path) -> None:
    rows: Known = [
        {"floral": 1, "colour": None}, {"floral": None, "colour": None}, {"floral": None, "colour": "red"},
        {"floral": 0, "colour": " "},
    ]  # fmt: skip
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns=COLUMNS))
    assert found.told.tags.tolist() == [[1], [UNKNOWN], [0]]
    assert found.told.values["colour"].tolist() == ["", "red", ""]
    assert why(found) == [("p1", 1, "label", "unlabelled")]
    assert "neither category, tag nor attribute is known, expected one of them" in found.rejected[0].message


def test_a_label_the_map_does_not_know_leaves_what_else_is_known(tmp_path: Path) -> None:
    rows: Known = [{"label": "hat", "floral": 1}, {"label": "hat", "floral": None}, {"label": "shirt", "floral": None}]
    asked = {"tags": ["floral"], "category_id": "label"}
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns=asked, category_map={"shirt": "11"}))
    assert sets_of(found) == [None, {"11"}]
    assert why(found) == [("p1", 1, "label", "unlabelled")]
    assert found.unmapped == {"hat": 1}  # and p1 is among the rejected


def test_a_map_that_names_no_node_of_the_tree_is_refused(tmp_path: Path) -> None:
    known = write_map(tmp_path / "map.csv", ("shirt", "11"), ("hat", "77"), ("hat", "12"), ("cap", "78"))
    with pytest.raises(DataError) as caught:
        read(tmp_path, source(tmp_path / "a.parquet", [{"label": "shirt"}], category_map=known))
    for words in ("a.parquet: category_map: got 77, 78", "expected ids of the tree's nodes", "correct the map"):
        assert words in caught.value.message


def test_photos_that_cannot_be_used_say_why_and_the_others_keep_their_pixels(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"floral": i % 2} for i in range(6)]
    rows[1]["image"], rows[2]["image"], rows[4]["id"] = b"\xff\xd8 broken", None, "p0"
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns={"tags": ["floral"]}))
    assert why(found) == [
        ("p1", 1, "image", "image_unreadable"), ("p2", 2, "image", "no_photo"), ("p0", 4, "read", "duplicate_id"),
    ]  # fmt: skip
    assert found.told.tags.tolist() == [[0], [1], [1]]
    assert len(found) == len(found.half) == len(found.allowed) == 3
    assert found.pixels.shape == (3, 16, 12, 3)
    assert [tuple(pixels[8, 6]) for pixels in found.pixels] == [(i * 20, 255 - i * 20, 128) for i in (0, 3, 5)]


def test_a_tag_that_is_junk_costs_its_row(tmp_path: Path) -> None:
    rows = [{"floral": "1"}, {"floral": "often"}]
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns={"tags": ["floral"]}))
    assert (len(found), why(found)) == (1, [("p1", 1, "read", "not_a_tag")])


def test_several_sources_share_what_labels_stand_for(tmp_path: Path) -> None:
    first = source(tmp_path / "a.parquet", [{"label": "x"}, {"label": "y"}], category_map={"x": "1", "y": "2"})
    second = source(tmp_path / "b.parquet", [{"label": "all"}, {"label": "bag"}], category_map={"all": "1", "bag": "2"})
    found = read(tmp_path, first, second)
    assert found.allowed.tolist() == [0, 1, 0, 1]
    assert [tuple(pixels[8, 6]) for pixels in found.pixels] == [(i * 20, 255 - i * 20, 128) for i in (0, 1, 0, 1)]


def test_no_photo_at_all_is_an_empty_table(tmp_path: Path) -> None:
    found = read(tmp_path, source(tmp_path / "a.parquet", [{"floral": None}], columns={"tags": ["floral"]}))
    assert (len(found), len(found.rejected)) == (0, 1)
    assert (found.pixels.shape, found.sets.shape, found.told.tags.shape) == ((0, 16, 12, 3), (0, 3), (0, 1))
    table = PhotoTable(products(2), SPACE, found)
    assert (len(table), table.half.tolist()) == (2, ["select", "calibrate"])


def test_halves_go_by_group_whatever_the_order(tmp_path: Path) -> None:
    rows = [{"id": f"n{i}", "floral": 1, "group": f"g{i % 9}"} for i in range(60)]
    columns = {"tags": ["floral"]}
    found = read(tmp_path, source(tmp_path / "a.parquet", rows, columns=columns))
    back = read(tmp_path, source(tmp_path / "b.parquet", rows[::-1], columns=columns))
    halves = dict(zip((row["group"] for row in rows), found.half.tolist(), strict=True))
    assert found.half.tolist() == [halves[row["group"]] for row in rows] == back.half.tolist()[::-1]
    assert set(halves.values()) == {"select", "calibrate"}


def test_the_hash_changes_with_whatever_is_known(tmp_path: Path) -> None:
    file = tmp_path / "work" / "train.photos.pixels"
    columns = {**COLUMNS, "category_id": "label"}
    base = [{"floral": 1, "colour": "red", "label": "11"}, {"floral": 0, "colour": "blue", "label": "12"}]
    changes: list[dict[str, Any]] = [{}, {"floral": 0}, {"colour": "navy"}, {"label": "2"}, {"image": shade(9)}]
    seen = set()
    for i, change in enumerate(changes):
        rows = [{**base[0], **change}, base[1]]
        seen.add(photos_hash(read(tmp_path, source(tmp_path / f"{i}.parquet", rows, columns=columns)), file))
    assert len(seen) == len(changes)
    assert photos_hash(read(tmp_path, source(tmp_path / "0.parquet", base, columns=columns)), file) in seen


SPACE = LabelSpace(("floral",), {"colour": ("red", "navy")})


def products(n: int) -> Split:
    """Rows of which every third has no photo; a photo is filled with the number of its row."""
    has_image = np.array([i % 3 != 2 for i in range(n)])
    pixels = np.repeat(np.arange(n, dtype=np.uint8), 16 * 12 * 3).reshape(n, 16, 12, 3)
    colours = np.array(["red", "beige", "", "navy", "", "red"] * n)[:n]
    return Split(
        ids=list(range(n)), groups=[str(i) for i in range(n)], labels=np.arange(n) % 3, text=None, masked=None,
        has_field=np.zeros((n, 3), np.bool_), pixels=pixels, has_image=has_image, rejected=(),
        half=np.array(["select", "calibrate"] * n)[:n],
        named=np.ones(n, np.bool_),
        told=Told(np.array([[i % 2] for i in range(n)], np.int8), {"colour": colours}),
    )  # fmt: skip


@pytest.fixture
def beside(tmp_path: Path) -> PhotoRows:
    rows: Known = [{"floral": 1, "colour": "navy"}, {"label": "1"}, {"floral": 0, "label": "12"}]
    return read(tmp_path, source(tmp_path / "a.parquet", rows, columns={**COLUMNS, "category_id": "label"}))


def test_the_table_numbers_products_with_photos_first_and_those_beside_after(beside: PhotoRows) -> None:
    table = PhotoTable(products(6), SPACE, beside)
    assert len(table) == 4 + 3
    assert table.labels.tolist() == [0, 1, 0, 1, UNKNOWN, UNKNOWN, UNKNOWN]
    assert table.tags.tolist() == [[0], [1], [1], [0], [1], [UNKNOWN], [0]]
    assert table.codes.tolist() == [[0], [UNKNOWN], [1], [UNKNOWN], [1], [UNKNOWN], [UNKNOWN]]
    assert table.allowed.tolist() == [UNKNOWN] * 5 + [0, 1]
    assert table.half.tolist()[:4] == ["select", "calibrate", "calibrate", "select"]
    assert table.half.tolist()[4:] == beside.half.tolist()
    assert table.has_labels.tolist() == [True, True, True, True, True, False, True]
    some = np.array([6, 0, 5, 3])
    assert [int(p[0, 0, 0]) for p in table.pixels(some)[[1, 3]]] == [0, 4]
    np.testing.assert_array_equal(table.pixels(some)[[0, 2]], beside.pixels[[2, 1]])


def test_the_table_of_products_alone() -> None:
    table = PhotoTable(products(6), SPACE, None)
    assert (len(table), table.sets.shape) == (4, (0, 0))
    assert [int(p[0, 0, 0]) for p in table.pixels(np.arange(4))] == [0, 1, 3, 4]
    quiet = PhotoTable(replace(products(6), told=None), LabelSpace(), None)
    assert (quiet.tags.shape, quiet.codes.shape, quiet.has_labels.tolist()) == ((4, 0), (4, 0), [False] * 4)


def test_an_epoch_shows_every_photo_once_with_what_is_known_of_it(beside: PhotoRows) -> None:
    table = PhotoTable(products(30), SPACE, beside)
    orders = []
    for epoch in (0, 0, 1):
        batches = list(photo_batches(table, np.arange(len(table)), 8, seed=1, epoch=epoch))
        assert [len(b["labels"]) for b in batches] == [8, 8, 7]
        seen: dict[bytes, tuple[int, ...]] = {}
        for b in batches:
            assert set(b) == {"pixels", "labels", "allowed", "tags", "codes"}
            for i in range(len(b["labels"])):
                told = (b["labels"][i], b["allowed"][i], b["tags"][i, 0], b["codes"][i, 0])
                seen[b["pixels"][i].numpy().tobytes()] = tuple(map(int, told))
        expected = {
            table.pixels(np.array([i]))[0].tobytes(): (
                int(table.labels[i]), int(table.allowed[i]), int(table.tags[i, 0]), int(table.codes[i, 0])
            )
            for i in range(len(table))
        }  # fmt: skip
        assert seen == expected
        orders.append(list(seen))
    assert orders[0] == orders[1] != orders[2]
