"""Masked titles."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.taxonomy import Node, Tree, read_tree
from multimodal.text import category_words, mask_title

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
NAMES = [
    "Watches",
    "Tshirts",
    "Accessory Gift Set",
    "Dress",
    "Flip-Flops",
    "Shoe",
    "Сумки",
    "Perfume and Body Mist",
]
WORDS = category_words(Tree(Node(str(i), name, None) for i, name in enumerate(NAMES)))


@pytest.mark.parametrize(
    ("title", "rest"),
    [
        ("Titan Men WATCH Black", "Titan Men Black"),
        ("Watches, watch & watchs!", ", & !"),
        ("Nike t-shirt tshirt Tshirts", "Nike t-shirt"),
        ("Accessories for dresses and dress", "for"),
        ("flip flops flop flips", ""),
        ("Shoes shoe shoebox", "shoebox"),
        ("СУМКИ сумка", "сумка"),
        ("sets gifts giftset bodies", "giftset"),
        ("", ""),
    ],
)
def test_singular_and_plural_both_ways(title: str, rest: str) -> None:
    assert mask_title(title, WORDS) == rest


@given(st.text() | st.lists(st.sampled_from([*WORDS, "red", "x-", "ß", "İ", "Dresses"])).map(" ".join))
def test_masking_twice_is_masking_once(title: str) -> None:
    once = mask_title(title, WORDS)
    assert mask_title(once, WORDS) == once
    assert not {w.casefold() for w in re.findall(r"\w+", once)} & WORDS


@pytest.mark.data
def test_public_titles_lose_their_category() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    folder = DATA / "fashion_products"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; set MULTIMODAL_DATA to the folder of public data")
    words = category_words(read_tree(folder / "categories_tree.csv"))
    titles = [t for t in pq.read_table(folder / "val.parquet", columns=["title"])["title"].to_pylist() if t]
    before = sum(len(t.split()) for t in titles)
    after = sum(len(mask_title(t, words).split()) for t in titles)
    assert 0.6 < after / before < 0.9
