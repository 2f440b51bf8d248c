"""The built-in sample catalog: the same by seed, true to its specifications, written so that it can be trained on."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from multimodal.config import load_config
from multimodal.data.sample import FASHION_IDS, SAMPLE_TREE, SampleRow, draw_products, draw_rows, write_sample
from multimodal.data.sample.fabrics import TAGS
from multimodal.data.sample.palette import inflect
from multimodal.data.sample.photo import draw_image
from multimodal.data.sample.tree import LEAVES, Leaf
from multimodal.data.sample.words import CUTS, MATERIALS, NOUNS
from multimodal.data.sample.writer import as_record
from multimodal.errors import DataError, InputError

ROWS = 420


@pytest.fixture(scope="module")
def rows() -> list[SampleRow]:
    return list(draw_rows(ROWS, seed=3))


def _opened(row: SampleRow) -> Image.Image:
    assert row.product.image is not None
    assert row.product.image.data is not None
    return Image.open(BytesIO(row.product.image.data))


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    first, again, other = (list(draw_products(12, seed)) for seed in (5, 5, 6))
    assert first == again
    assert [p.image for p in first] != [p.image for p in other]
    assert [p.title for p in first] != [p.title for p in other]


def test_row_does_not_depend_on_the_number_asked_for(rows: list[SampleRow]) -> None:
    assert list(draw_rows(9, seed=3)) == rows[:9]


def test_ids_are_unique_and_name_the_seed(rows: list[SampleRow]) -> None:
    assert [row.product.id for row in rows] == [f"s3-{i:06d}" for i in range(ROWS)]


def test_negative_number_is_refused() -> None:
    with pytest.raises(InputError, match=r"products: got -1, expected 0 or more; ask for"):
        draw_products(-1, seed=1)


def test_every_leaf_occurs_and_none_is_over_fifteen_percent(rows: list[SampleRow]) -> None:
    counts = Counter(row.product.category_id for row in rows)
    assert set(counts) == {leaf.id for leaf in LEAVES}
    assert max(counts.values()) <= 0.15 * ROWS
    assert max(counts.values()) >= 3 * min(counts.values())
    total = sum(leaf.share for leaf in LEAVES)
    assert max(leaf.share for leaf in LEAVES) / total <= 0.15


def test_tree_has_three_levels_and_hangs_together() -> None:
    parents = {id_: parent for id_, _, parent in SAMPLE_TREE}
    assert len(parents) == len(SAMPLE_TREE)
    leaves = set(parents) - set(parents.values())
    assert leaves == {leaf.id for leaf in LEAVES}
    for leaf in leaves:
        middle = parents[leaf]
        assert middle is not None
        root = parents[middle]
        assert root is not None
        assert parents[root] is None


def test_every_leaf_has_a_fashion_category() -> None:
    assert set(FASHION_IDS) == {leaf.id for leaf in LEAVES}


@pytest.mark.data
def test_fashion_categories_exist_under_the_names_given() -> None:
    root = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    file = root / "fashion_products" / "categories_tree.csv"
    if not file.exists():
        pytest.skip(f"{file} is not here; set MULTIMODAL_DATA to the folder of the public data")
    with file.open(encoding="utf-8") as handle:
        nodes = {row["id"]: row for row in csv.DictReader(handle)}
    inner = {row["parent_id"] for row in nodes.values()}

    def path(id_: str) -> str:
        node = nodes[id_]
        above = node["parent_id"]
        return (path(above) + " > " if above in nodes else "") + node["title"]

    committed = Path(__file__).parents[1] / "src/multimodal/data/sample/fashion_ids.csv"
    with committed.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            assert row["category_id"] not in inner
            assert path(row["category_id"]) == row["name"]


def test_every_cut_material_and_leaf_has_words() -> None:
    for leaf in LEAVES:
        assert leaf.key in NOUNS
        assert set(leaf.cuts) <= set(CUTS)
        assert set(leaf.materials) <= set(MATERIALS)


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.key)
def test_every_cut_can_be_drawn(leaf: Leaf, rows: list[SampleRow]) -> None:
    spec = next(row.spec for row in rows if row.spec.leaf == leaf.key)
    seen = set()
    for cut in leaf.cuts:
        small = replace(spec, cut=cut, size=(60, 80), trouble="none", backdrop="studio")
        pixels = np.asarray(draw_image(small, Random("cut")))
        assert pixels.shape == (80, 60, 3)
        assert (pixels.astype(int).max(2) < 235).mean() > 0.03 or pixels.std() > 8, cut
        seen.add(pixels.tobytes())
    assert len(seen) == len(leaf.cuts)


def test_titles_are_in_both_languages(rows: list[SampleRow]) -> None:
    titles = [row.product.title for row in rows if row.product.title]
    russian = sum(bool(re.search("[а-яё]{4}", title.casefold())) for title in titles)
    assert 0.35 < russian / len(titles) < 0.7


def test_some_titles_do_not_say_the_category(rows: list[SampleRow]) -> None:
    nouns = {key: [*n.en, *(ru for ru, _ in n.ru)] for key, n in NOUNS.items()}
    titled = [row for row in rows if row.product.title]
    silent = [r for r in titled if not any(n.casefold() in r.product.title.casefold() for n in nouns[r.spec.leaf])]  # type: ignore[union-attr]
    assert 0.03 < len(silent) / len(titled) < 0.2


def test_characteristics_follow_the_grammar(rows: list[SampleRow]) -> None:
    names = set()
    for row in rows:
        about = row.product.characteristics
        if about is None:
            continue
        assert isinstance(about, str)
        for pair in about.split(" / "):
            name, _, values = pair.partition(": ")
            assert all(value.strip() for value in values.split(" | "))
            names.add(name)
    assert names == {
        *("colour", "material", "gender", "season", "year", "pattern"),
        *("цвет", "материал", "пол", "сезон", "год", "рисунок"),
    }


def test_some_lack_a_photo_some_lack_text_none_lack_both(rows: list[SampleRow]) -> None:
    blind = [r for r in rows if r.product.image is None]
    mute = [r for r in rows if r.product.title is None]
    assert 0.01 < len(blind) / ROWS < 0.07
    assert 0.01 < len(mute) / ROWS < 0.07
    assert all(r.product.characteristics is None for r in mute)
    assert all(r.product.title or r.product.image for r in rows)


def test_rows_that_share_a_title_or_a_photo_share_a_group(rows: list[SampleRow]) -> None:
    by_title: dict[str, set[str | None]] = defaultdict(set)
    by_photo: dict[bytes | None, set[str | None]] = defaultdict(set)
    for row in rows:
        if row.product.title:
            by_title[row.product.title.casefold()].add(row.product.group)
        if row.product.image:
            by_photo[row.product.image.data].add(row.product.group)
    assert all(len(groups) == 1 for groups in (*by_title.values(), *by_photo.values()))
    assert len(by_photo) < sum(row.product.image is not None for row in rows)
    assert len(by_title) < sum(row.product.title is not None for row in rows)


def test_photos_are_jpeg_of_the_size_planned(rows: list[SampleRow]) -> None:
    pictured = [row for row in rows if row.product.image]
    sizes = Counter(row.spec.size for row in pictured)
    assert set(sizes) == {(180, 240), (60, 80), (200, 200)}
    assert sizes.most_common(1)[0][0] == (180, 240)
    for row in pictured:
        with _opened(row) as photo:
            assert photo.format == "JPEG"
            assert photo.size == row.spec.size
            assert np.asarray(photo).std() > 3


def test_tags_are_what_was_drawn(rows: list[SampleRow]) -> None:
    seen: Counter[str] = Counter()
    for row in rows:
        record = as_record(row)
        assert [tag for tag in TAGS if record[tag]] == [p for p in (row.spec.pattern,) if p in TAGS]
        seen[row.spec.pattern] += 1
    assert set(seen) == {"solid", "striped", *TAGS}


def test_the_pattern_reaches_the_pixels(rows: list[SampleRow]) -> None:
    for pattern in ("striped", *TAGS):
        spec = next(row.spec for row in rows if row.spec.pattern == pattern)
        spec = replace(spec, size=(180, 240), trouble="none", backdrop="studio")
        patterned, plain = (
            np.asarray(draw_image(s, Random("same")), int) for s in (spec, replace(spec, pattern="solid"))
        )
        assert (np.abs(patterned - plain).max(2) > 24).mean() > 0.01, spec


@pytest.mark.parametrize(
    ("word", "form", "expected"),
    [
        ("чёрный", "f", "чёрная"), ("синий", "n", "синее"), ("рыжий", "pl", "рыжие"), ("голубой", "pl", "голубые"),
        ("мужской", "pl", "мужские"), ("женский", "f", "женская"), ("хаки", "f", "хаки"),
    ],
)  # fmt: skip
def test_russian_adjectives_agree(word: str, form: str, expected: str) -> None:
    assert inflect(word, form) == expected  # type: ignore[arg-type]


def test_files_are_written_and_readable(tmp_path: Path) -> None:
    seen: list[int] = []
    files = write_sample(tmp_path / "out", 60, seed=1, on_progress=seen.append)
    assert seen == list(range(1, 61))
    groups: dict[str, set[str]] = {}
    for split in ("train", "val", "test"):
        table = pq.read_table(tmp_path / "out" / f"{split}.parquet")
        assert table.num_rows == files.rows[split] > 0
        assert table.column_names == [
            *("id", "title", "characteristics", "category_id", "group", "image"),
            *("gender", "season", "year", "color1", "polka dot", "floral", "checker"),
        ]
        groups[split] = set(table["group"].to_pylist())
        for image in table["image"].to_pylist():
            if image is not None:
                Image.open(BytesIO(image["bytes"])).load()
                assert image["path"].endswith(".jpg")
    assert sum(files.rows.values()) == 60
    assert not groups["train"] & groups["val"]
    assert not (groups["train"] | groups["val"]) & groups["test"]
    with files.tree.open(encoding="utf-8") as handle:
        nodes = list(csv.DictReader(handle))
    assert [tuple(node.values()) for node in nodes] == [(i, name, parent or "0") for i, name, parent in SAMPLE_TREE]
    shown = sorted(path.name for path in files.photos.glob("*.jpg"))
    assert len(shown) == 25
    with Image.open(files.contact_sheet) as sheet:
        assert sheet.width > 6 * 180


def test_photos_of_an_earlier_catalog_give_way_and_other_files_stay(tmp_path: Path) -> None:
    files = write_sample(tmp_path, 30, seed=1)
    (files.photos / "my-own.jpg").write_bytes(b"kept")
    write_sample(tmp_path, 30, seed=2)
    names = {path.name for path in files.photos.iterdir()}
    assert "my-own.jpg" in names
    assert not [name for name in names if "-s1-" in name]


def test_config_is_valid_and_points_at_the_files(tmp_path: Path) -> None:
    files = write_sample(tmp_path / 'a "quoted" folder', 20, seed=2)
    config = load_config(files.config)
    assert config.tree.path == str(files.tree)
    assert [source.path for source in config.data.train] == [str(files.train)]
    assert [source.path for source in config.data.val] == [str(files.val)]
    assert 10 <= len(files.config.read_text().splitlines()) <= 20


def test_places_that_cannot_be_written_to_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file: is a file, expected a folder .* name another one"):
        write_sample(tmp_path / "file", 60, seed=1)
    with pytest.raises(DataError, match=r"products: got 3, expected at least 20 .* ask for 500"):
        write_sample(tmp_path / "few", 3, seed=1)
