"""Each class against the rest: values worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from multimodal.evaluation.one_versus_rest import BinaryMetrics, one_versus_rest


def test_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    pred = np.array([0, 0, 1, 1, 0, 1])
    zero, one, two, three = one_versus_rest(pred, labels, 4)
    # Class 0: answered 3 times, 2 of them right; of 3 rows 2 are found; of the 3 others answered, 2 are not of it.
    assert zero == BinaryMetrics(3, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert one == BinaryMetrics(2, 0.5, pytest.approx(1 / 3), pytest.approx(2 / 3))
    # Class 2 is never answered: no precision; of 6 answers that are not 2, 5 are right not to be.
    assert two == BinaryMetrics(1, 0.0, None, pytest.approx(5 / 6))
    assert three == BinaryMetrics(0, None, None, 1.0)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="expected the same"):
        one_versus_rest(np.zeros(3, np.int64), np.zeros(2, np.int64), 2)
