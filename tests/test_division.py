"""Rows without splits of their own: near-duplicates stay together, every category gives its share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal.config.models import Likeness
from multimodal.data.division import Division, RowKeys, divide
from multimodal.data.groups import Groups, key_of
from multimodal.data.stratify import draw_groups
from multimodal.errors import DataError
from multimodal.image.caps import read_photo
from multimodal.text.alike import title_key
from multimodal.types import ImageRef, Product, RowError

BROKEN = RowError(None, 0, "read", "ragged_row", "broken")


def _divide(
    items: Sequence[Product | RowError], val: float = 0.2, seed: int = 0, by: Sequence[Likeness] = ("title", "photo")
) -> Division:
    return divide(items, RowKeys(by, title_key, read_photo), {"val": val}, seed)


def _photo(number: int | None) -> ImageRef | None:
    return None if number is None else ImageRef(data=bytes([number]))


@st.composite
def _catalogs(draw: st.DrawFn) -> list[Product]:
    """Products with few titles, photos and groups, so that they chain."""
    made = st.builds(
        lambda title, photo, group, label: Product(
            title=None if title is None else f"Dress {title}",
            image=_photo(photo),
            group=None if group is None else str(group),
            category_id=label,
        ),
        st.none() | st.integers(0, 12),
        st.none() | st.integers(0, 12),
        st.none() | st.none() | st.integers(0, 4),
        st.none() | st.sampled_from("abcd"),
    )
    return [replace(p, id=i) for i, p in enumerate(draw(st.lists(made, max_size=60)))]


@settings(max_examples=80, deadline=None)
@given(items=_catalogs(), val=st.floats(0.05, 0.5), seed=st.integers(0, 3))
def test_no_likeness_stands_on_both_sides_and_every_row_on_one(items: list[Product], val: float, seed: int) -> None:
    division = _divide(items, val, seed)
    taken = {name: dict(division.take(enumerate(items), name)) for name in division.names}
    assert sorted([*taken["train"], *taken["val"]]) == list(range(len(items)))
    sides: dict[object, set[str]] = defaultdict(set)
    for name, rows in taken.items():
        for row, product in rows.items():
            assert isinstance(product, Product)
            sides[product.group].add(name)
            own = items[row]
            if own.group is None:
                sides["title", own.title if own.title else row].add(name)
                sides["photo", own.image.data if own.image else row].add(name)
    assert all(len(on) == 1 for on in sides.values())


@settings(max_examples=60, deadline=None)
@given(items=_catalogs(), seed=st.integers(0, 3), data=st.data())
def test_neither_order_nor_repetition_changes_a_rows_side(
    items: list[Product], seed: int, data: st.DataObject
) -> None:
    division = _divide(items, seed=seed)
    order = data.draw(st.permutations(range(len(items))))
    other = _divide([items[i] for i in order], seed=seed)
    assert other.split.tolist() == [division.split[i] for i in order]
    assert other.groups.tolist() == [division.groups[i] for i in order]
    assert _divide(items, seed=seed).split.tolist() == division.split.tolist()


@settings(max_examples=120, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=30), min_size=1, max_size=6),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 5),
)
def test_each_category_gives_its_share(sizes: list[list[int]], share: float, seed: int) -> None:
    """Groups of one category each: off by half of the largest one and a row of rounding at most."""
    cells = [(c, g, n) for c, many in enumerate(sizes) for g, n in enumerate(many)]
    rows = [(key_of("g", f"{c} {g}"), str(c)) for c, g, n in cells for _ in range(n)]
    drawn = draw_groups(np.array([key for key, _ in rows], np.uint64), [c for _, c in rows], share, seed)
    found = Counter(c for (_, c), on in zip(rows, drawn.tolist(), strict=True) if on)
    for c, many in enumerate(sizes):
        if len(many) == 1:
            assert found[str(c)] == 0, "the only group of a category stays"
        else:
            assert abs(found[str(c)] - share * sum(many)) <= max(many) / 2 + 1
            assert found[str(c)] < sum(many)


def test_single_rows_add_up_to_the_share_though_categories_are_tiny() -> None:
    rows = [(key_of("g", f"{c} {i}"), f"{c}") for c in range(100) for i in range(3)]
    drawn = draw_groups(np.array([k for k, _ in rows], np.uint64), [c for _, c in rows], 0.15, 1)
    assert drawn.sum() == 45


def test_another_seed_draws_others_and_as_many() -> None:
    items = [Product(title=f"dress {i}", category_id=str(i % 3)) for i in range(300)]
    first, second = _divide(items, seed=0), _divide(items, seed=1)
    assert first.rows("val") == second.rows("val") == 60
    assert 0 < (first.split & second.split).sum() < 40


@pytest.mark.parametrize(
    ("one", "two", "alike"),
    [
        (Product(title="Red Dress!"), Product(title="  red\tdress"), True),
        (Product(title="Red dress"), Product(title="Red dresses"), False),
        (Product(title="Ｒｅｄ dress"), Product(title="red DRESS"), True),
        (Product(title="😀", id=1), Product(title="😀", id=2), False),
        (Product(title="a", image=_photo(1)), Product(title="b", image=_photo(1)), True),
        (Product(title="a", group="x"), Product(title="a", group="y"), False),
        (Product(title="a", group="x"), Product(title="b", group="x"), True),
        (Product(id=1), Product(id=2), False),
        (Product(id=1), Product(id=1), True),
        (Product(image=ImageRef(path="gone 1")), Product(image=ImageRef(path="gone 2")), False),
        (Product(title="a", id=1), Product(title="b", id=1), False),
    ],
)
def test_what_is_alike(one: Product, two: Product, alike: bool) -> None:
    groups = _divide([one, two]).groups
    assert (groups[0] == groups[1]) == alike


def test_ids_join_where_they_are_asked_to() -> None:
    small, large = Product(id=7, image=_photo(1)), Product(id="7", image=_photo(2))
    assert len(set(_divide([small, large], by=("id", "photo")).groups.tolist())) == 1


def test_photos_of_files_are_compared_by_their_bytes(tmp_path: Path) -> None:
    for name, data in (("a.jpg", b"one"), ("b.png", b"one"), ("c.jpg", b"two")):
        (tmp_path / name).write_bytes(data)
    rows = [Product(id=n, image=ImageRef(path=str(tmp_path / n))) for n in ("a.jpg", "b.png", "c.jpg")]
    a, b, c = _divide(rows).groups.tolist()
    assert a == b != c
    a, b, c = _divide(rows, by=("title",)).groups.tolist()
    assert len({a, b, c}) == 3


def test_chains_of_likeness_are_one_group() -> None:
    rows = [Product(title=f"t{i // 2}", image=_photo((i + 1) // 2)) for i in range(40)]
    assert len(set(_divide(rows).groups.tolist())) == 1
    assert _divide(rows).rows("val") == 0


def test_groups_take_the_least_key_of_all_that_were_joined() -> None:
    groups = Groups()
    for keys in ([9, 5], [7], [5, 3], [7, 8], [9]):
        groups.add(keys)
    assert groups.of_rows().tolist() == [3, 7, 3, 7, 3]
    assert len(groups) == 5


def test_rows_that_are_errors_stay_in_train_once() -> None:
    items: list[Product | RowError] = [BROKEN if i % 5 == 0 else Product(title=f"t{i}") for i in range(100)]
    division = _divide(items)
    train = dict(division.take(enumerate(items), "train"))
    val = dict(division.take(enumerate(items), "val"))
    assert sum(item is BROKEN for item in train.values()) == 20
    assert all(isinstance(item, Product) for item in val.values())
    assert (division.rows("val"), division.group_count("train")) == (16, 64)


def test_three_splits_share_no_group() -> None:
    items = [Product(title=f"t{i // 2}", category_id=str(i % 7)) for i in range(700)]
    division = divide(items, RowKeys(("title",), title_key, read_photo), {"val": 0.1, "test": 0.2})
    assert division.names == ("train", "val", "test")
    assert division.rows("val") == pytest.approx(70, abs=8)
    assert division.rows("test") == pytest.approx(140, abs=8)
    halves = [set(division.groups[division.split == n].tolist()) for n in range(3)]
    assert sum(map(len, halves)) == len(set().union(*halves))


@pytest.mark.parametrize("shares", [{"val": 0.0}, {"val": 1.0}, {"val": 0.5, "test": 0.5}, {"val": -0.1}])
def test_shares_that_leave_nothing_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="add up to less than 1"):
        divide([], RowKeys(("title",), title_key, read_photo), shares)


@pytest.mark.parametrize("rows", [3, 5])
def test_sources_that_change_in_between_are_refused(rows: int) -> None:
    division = _divide([Product(title=str(i)) for i in range(4)])
    later = enumerate(Product(title=str(i)) for i in range(rows))
    with pytest.raises(DataError, match=r"data: got (3|more) rows, expected 4"):
        list(division.take(later, "train"))


def test_nothing_is_divided_into_nothing() -> None:
    division = _divide([])
    assert (division.rows("train"), division.rows("val"), list(division.take(enumerate([]), "val"))) == (0, 0, [])
