"""Ids seen before are found again, whatever runs they have moved to."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multimodal.data import seen
from multimodal.data.seen import SeenIds


@given(ids=st.lists(st.text(max_size=3), max_size=80), recent=st.integers(1, 9))
def test_the_first_row_of_an_id_is_told(ids: list[str], recent: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seen, "_RECENT", recent)
        found = SeenIds()
        told = [found.first(key, row) for row, key in enumerate(ids)]
    assert told == [None if ids.index(key) == row else ids.index(key) for row, key in enumerate(ids)]


def test_ids_take_little_memory() -> None:
    found = SeenIds()
    for row in range(70_000):
        found.first(f"product-{row}", row)
    tracemalloc.start()
    try:
        for row in range(70_000, 600_000):
            found.first(f"product-{row}", row)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert found.first("product-123456", 0) == 123_456
    assert held < 530_000 * 32, "a set of strings takes five times as much"
