"""What a configuration leaves open is decided by the number of products and of categories, and by nothing else."""

from __future__ import annotations

import pytest

from multimodal.config.models import NavecConfig, NgramsConfig, TextConfig
from multimodal.training.settle import FEW_ROWS, MANY_ROWS, settle


@pytest.mark.parametrize(
    ("rows", "categories", "expected"),
    [
        (50, 12, (1, 32, 0.001)),
        (1_000, 183, (1, 192, 0.001)),
        (1_000, 900, (1, 256, 0.001)),
        (FEW_ROWS - 1, 96, (1, 96, 0.001)),
        (FEW_ROWS, 183, (2, 192, 0.001)),
        (MANY_ROWS, 183, (2, 128, 0.003)),
        (30_000, 20, (2, 32, 0.003)),
    ],
)
def test_left_open(rows: int, categories: int, expected: tuple[int, int, float]) -> None:
    text = settle(TextConfig(), rows, categories, photos=True)
    assert text.ngrams is not None
    assert (text.ngrams.min_count, text.ngrams.dim, text.learning_rate) == expected


@pytest.mark.parametrize(("photos", "expected"), [(True, 0.25), (False, 0.0)])
def test_names_are_hidden_where_photos_can_make_up_for_them(photos: bool, expected: float) -> None:
    assert settle(TextConfig(), 1_000, 10, photos=photos).mask_names == expected
    assert settle(TextConfig(mask_names=0.1), 1_000, 10, photos=photos).mask_names == 0.1


def test_what_is_set_stays_and_the_rest_of_the_section_too() -> None:
    ngrams = NgramsConfig(min_count=3, dim=48)
    asked = TextConfig(ngrams=ngrams, svm_cost=0.2, learning_rate=0.5, mask_names=0.4, epochs=9)
    assert settle(asked, 10, 500, photos=False) == asked


def test_without_ngrams_there_is_nothing_of_theirs_to_settle() -> None:
    text = settle(TextConfig(ngrams=None, navec=NavecConfig()), 1_000, 10, photos=False)
    assert (text.encoders, text.ngrams, text.learning_rate, text.mask_names) == (("navec",), None, 0.001, 0.0)


def test_a_random_start_takes_larger_steps() -> None:
    random = TextConfig(start="random")
    assert {settle(random, rows, 10, photos=True).learning_rate for rows in (500, 50_000)} == {0.01}
