"""Accuracy against coverage: by hand, and its laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation_support import TREE, leaves, sure_of
from multimodal.evaluation.coverage import Coverage, flat_coverage, tree_coverage
from multimodal.report.coverage import plot_coverage
from multimodal.report.tables import coverage_table


def test_the_surest_come_first_and_equals_together() -> None:
    curve = flat_coverage(np.array([0.5, 0.9, 0.5, 0.7]), np.array([False, True, True, True]))
    assert curve.answered.tolist() == [0.25, 0.5, 1.0]
    assert curve.accuracy.tolist() == [1.0, 1.0, 0.75]
    assert (curve.at(0.9), curve.at(0.75), curve.at(1.1)) == (0.5, 1.0, 0.0)


def test_rows_without_an_answer_are_never_covered() -> None:
    curve = flat_coverage(np.array([np.nan, 2.0, -3.0]), np.array([True, True, False]))
    assert curve.answered.tolist() == pytest.approx([1 / 3, 2 / 3])
    nothing = flat_coverage(np.full(3, np.nan), np.ones(3, np.bool_))
    assert len(nothing.answered) == 0
    assert nothing.at(0.5) == 0.0


def test_up_the_tree_by_hand() -> None:
    # Sure of a2a and right; torn between a2a and a2b, so a2, which is above the truth; torn between roots.
    probs = sure_of(("a2a", "a2a", "c"), (0.96, 0.5, 0.3))
    probs[1] = [0.02, 0.5, 0.44, 0.02, 0.02]
    probs[2] = [0.2, 0.1, 0.1, 0.3, 0.3]
    curve = tree_coverage(probs, leaves("a2a", "a2b", "b3"), TREE)
    assert curve.answered[0] == pytest.approx(1 / 3)
    assert curve.at(1.0) >= 2 / 3
    # At the mildest threshold each row is a leaf: a2a, a2a for a2b, and the first of the equals.
    assert curve.answered[-1] == 1.0


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=1, max_size=600))
def test_all_rows_have_the_overall_accuracy(rows: list[tuple[float, bool]]) -> None:
    sure, right = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    curve = flat_coverage(sure, right)
    assert curve.answered[-1] == 1.0
    assert curve.accuracy[-1] == pytest.approx(right.mean())
    assert (np.diff(curve.answered) > 0).all()
    assert len(curve.answered) <= 200


def test_picture_and_table(tmp_path: Path) -> None:
    curves = {"ours": Coverage(np.array([0.5, 1.0]), np.array([1.0, 0.92])), "none": Coverage(np.zeros(0), np.zeros(0))}
    assert plot_coverage(curves, tmp_path / "c.png").stat().st_size > 5000
    assert coverage_table(curves).rows == (
        ("ours", "100.0 %", "50.0 %", "50.0 %"),
        ("none", "0.0 %", "0.0 %", "0.0 %"),
    )
