"""The bootstrap over groups: by hand where it can be, covering where it must, the same for a seed."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from multimodal.evaluation import group_interval, paired_group_bootstrap


def test_one_group_has_no_spread() -> None:
    a, b, groups = np.array([1, 1, 0, 1]), np.array([0, 1, 0, 0]), np.zeros(4, int)
    found = paired_group_bootstrap(a, b, groups)
    assert astuple(found) == pytest.approx((0.75, 0.25, 0.5, 0.5, 0.5, 1 / 2001))


def test_two_groups_give_the_three_means_by_hand() -> None:
    # group x has 1 row of score 1, group y 3 rows of score 0: resamples are xx 1, xy 1/4, yy 0
    score, groups = np.array([1, 0, 0, 0]), np.array(["x", "y", "y", "y"])
    found = group_interval(score, groups)
    assert (found.mean, found.low, found.high) == (0.25, 0.0, 1.0)


def test_equal_systems_do_not_differ_and_p_says_so() -> None:
    score = np.random.default_rng(0).random(50)
    found = paired_group_bootstrap(score, score, np.arange(50))
    assert (found.difference, found.low, found.high, found.p_one_sided) == (0.0, 0.0, 0.0, 1.0)


def test_swapping_the_systems_turns_the_interval_round() -> None:
    rng = np.random.default_rng(1)
    a, b, groups = rng.random(300) < 0.9, rng.random(300) < 0.85, rng.integers(0, 120, 300)
    forth, back = paired_group_bootstrap(a, b, groups), paired_group_bootstrap(b, a, groups)
    assert (forth.difference, forth.low, forth.high) == pytest.approx((-back.difference, -back.high, -back.low))
    assert forth.low < forth.difference < forth.high
    assert forth.p_one_sided + back.p_one_sided >= 1


def test_the_same_seed_gives_the_same_answer_in_any_order_of_rows() -> None:
    rng = np.random.default_rng(2)
    a, b, groups = rng.random(200), rng.random(200), rng.integers(0, 60, 200)
    rows = rng.permutation(200)
    first = paired_group_bootstrap(a, b, groups, seed=7)
    assert paired_group_bootstrap(a, b, groups, seed=7) == first
    assert astuple(paired_group_bootstrap(a[rows], b[rows], groups[rows], seed=7)) == pytest.approx(astuple(first))
    assert paired_group_bootstrap(a, b, groups, seed=8).low != first.low


def test_the_error_of_a_mean_is_the_textbooks() -> None:
    score = np.random.default_rng(3).normal(size=2000)
    found = group_interval(score, np.arange(2000), samples=4000)
    half = 1.96 * score.std() / np.sqrt(2000)
    assert (found.mean - found.low, found.high - found.mean) == pytest.approx((half, half), rel=0.08)


def test_copies_within_a_group_do_not_narrow_the_interval() -> None:
    score = np.random.default_rng(4).normal(size=300)
    alone = group_interval(score, np.arange(300))
    copied = group_interval(np.repeat(score, 10), np.repeat(np.arange(300), 10))
    naive = group_interval(np.repeat(score, 10), np.arange(3000))
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low)
    assert naive.high - naive.low < 0.5 * (copied.high - copied.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        shared = rng.normal(size=60).repeat(3)
        found = group_interval(shared + rng.normal(size=180), np.arange(60).repeat(3), samples=400)
        hits += found.low <= 0 <= found.high
    assert 0.88 <= hits / 200 <= 0.99


def test_many_groups_are_resampled_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    score, groups = np.random.default_rng(6).random(500), np.arange(500)
    whole = group_interval(score, groups)
    monkeypatch.setattr("multimodal.evaluation.bootstrap._CELLS", 1700)
    assert group_interval(score, groups) == whole


@pytest.mark.parametrize(
    ("a", "groups", "words"),
    [
        (np.zeros(0), np.zeros(0, int), "at least one row"),
        (np.zeros(3), np.zeros(2, int), r"scores \[3\] and groups \[2\], expected one of each"),
        (np.array([0.0, np.nan]), np.zeros(2, int), "NaN or infinity; leave those rows out"),
    ],
)
def test_bad_scores_are_refused(a: np.ndarray, groups: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        paired_group_bootstrap(a, a, groups)


def test_no_resamples_is_refused() -> None:
    with pytest.raises(ValueError, match="samples: got 0, expected 1 or more"):
        group_interval(np.ones(2), np.arange(2), samples=0)
