"""Drift: the stability index against values worked by hand, and what tallies forget."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multimodal
from multimodal.artifact import read_manifest
from multimodal.evaluation.drift import Tally, drift, stability_index
from multimodal.types import Product


def test_the_index_worked_by_hand() -> None:
    """(0.6 - 0.5) ln(0.6 / 0.5) + (0.4 - 0.5) ln(0.4 / 0.5) = 0.1 ln 1.5 = 0.04055."""
    assert stability_index({"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4}) == pytest.approx(0.0405465)
    assert stability_index({"a": 1.0}, {"a": 1.0}) == 0
    gone = stability_index({"a": 1.0}, {"b": 1.0})
    assert gone == pytest.approx(2 * (1 - 1e-4) * math.log(1e4))


SHARES = st.lists(st.floats(0.01, 1), min_size=2, max_size=6)


@given(SHARES, SHARES)
def test_the_index_is_symmetric_and_never_negative(one: list[float], other: list[float]) -> None:
    first, second = ({str(i): share / sum(some) for i, share in enumerate(some)} for some in (one, other))
    assert stability_index(first, second) == pytest.approx(stability_index(second, first))
    assert stability_index(first, second) >= 0
    assert stability_index(first, first) == 0


def test_a_tally_counts() -> None:
    tally = Tally()
    for inputs, branch, sure in (("title", "1", 0.05), ("title", "2", 0.95), ("image", "2", 1.0), ("title", "2", 0.99)):
        tally.add(inputs, branch, sure)
    shares = tally.shares()
    assert shares.inputs == {"title": 0.75, "image": 0.25}
    assert shares.branches == {"1": 0.25, "2": 0.75}
    assert shares.confidence == (0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0.75)
    assert set(drift(shares, shares).values()) == {0}
    assert tally.rows == 4


def test_old_products_count_half_after_the_half_life() -> None:
    tally = Tally(half_life=10)
    tally.add("title", "1", 0.5)
    for _ in range(10):
        tally.add("title", "2", 0.5)
    weights = [2 ** (-age / 10) for age in range(11)]
    assert tally.shares().branches["1"] == pytest.approx(weights[10] / sum(weights))
    for _ in range(5000):  # past where the weights are brought down again
        tally.add("image", "3", 0.5)
    assert tally.shares().branches["3"] == pytest.approx(1)
    assert sum(tally.shares().confidence) == pytest.approx(1)


def test_the_profile_of_an_export_is_what_the_predictor_answers(tiny_bundle: Path, val_products: list[Product]) -> None:
    from multimodal.serving.usual import profile_answers

    told = read_manifest(tiny_bundle).profile
    assert told is not None
    predictor = multimodal.load(tiny_bundle, threads=1)
    found = profile_answers(predictor.classify(val_products), predictor.inputs)
    assert abs(told.rows - found.rows) <= 0.05 * found.rows  # mixes too rare to be calibrated have none
    assert found.inputs == pytest.approx(told.inputs, abs=0.03)
    for branch, share in found.branches.items():
        assert told.branches.get(branch, 0) == pytest.approx(share, abs=0.03)
    assert sum(told.confidence) == pytest.approx(1)
    assert found.confidence == pytest.approx(told.confidence, abs=0.05)
