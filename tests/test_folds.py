"""Out-of-fold text: no product's text vector comes from a tower that has seen the product."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import Tiny
from encoder_support import save_transformer
from multimodal.config import RunConfig
from multimodal.models.bag import Bag
from multimodal.models.sentence import SentenceEncoder, find_sentence_model
from multimodal.models.text import TextTower
from multimodal.training.batches import Dropout, TextBatcher
from multimodal.training.folds import Folds, fold_of, train_folds
from multimodal.training.run import Run, start_run


@given(st.lists(st.text(max_size=8), max_size=40), st.integers(2, 5))
def test_a_group_is_never_divided(groups: list[str], folds: int) -> None:
    fold = fold_of(groups, folds)
    assert len(fold) == len(groups)
    assert ((fold >= 0) & (fold < folds)).all()
    assert len({(g, f) for g, f in zip(groups, fold, strict=True)}) == len(set(groups))


@pytest.fixture(scope="module")
def run(tiny: Tiny, tiny_config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Run:
    assert tiny_config.text is not None
    work = tmp_path_factory.mktemp("folds")
    config = tiny_config.model_copy(update={"work_dir": str(work), "image": None})
    return start_run(config, "cpu", resume=True)


@pytest.fixture(scope="module")
def folds(tiny: Tiny, run: Run) -> Folds:
    made = train_folds(run, tiny.text, 2)
    assert made is not None
    return made


def test_a_tower_knows_nothing_of_its_own_fold(tiny: Tiny, run: Run, folds: Folds) -> None:
    """N-grams of a fold's rows alone are still as the machines of the other rows left them: of no weight."""
    known = TextBatcher(run.train, tiny.text.feeds).plain["ngrams"]
    ids, owner = known.ids, np.repeat(np.arange(len(run.train)), np.diff(known.features.offsets))
    for number, tower in enumerate(folds.towers):
        inside, outside = (set(ids[np.isin(owner, np.flatnonzero(folds.fold == f))]) for f in (number, 1 - number))
        alone = sorted(inside - outside - {0})
        assert alone, "the catalog is large enough for n-grams of one fold alone"
        table = _table(tower)
        assert not table[alone].any()
        assert table[sorted(outside - {0})].any()


def _table(tower: TextTower) -> torch.Tensor:
    bag = tower.parts["ngrams"]
    assert isinstance(bag, Bag)
    return bag.table.weight


def test_each_row_is_answered_by_the_tower_that_has_not_seen_it(tiny: Tiny, run: Run, folds: Folds) -> None:
    rows = np.arange(12)
    text = TextBatcher(run.train, tiny.text.feeds).batch(rows, Dropout(), np.random.default_rng(0))
    fold = torch.from_numpy(folds.fold[rows])
    assert len(set(fold.tolist())) == 2
    vectors = folds.vector(text, fold)
    for row, own in enumerate(fold.tolist()):
        torch.testing.assert_close(vectors[row], folds.towers[own].vector(text)[row])


def test_towers_share_the_final_head(tiny: Tiny, folds: Folds) -> None:
    final = tiny.text.tower
    for tower in folds.towers:
        assert torch.equal(tower.head.weight, final.head.weight)
        assert torch.equal(tower.head.bias, final.head.bias)
        assert not torch.equal(_table(tower), _table(final))


def test_a_frozen_transformer_alone_needs_no_folds(
    tiny: Tiny, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """There is nothing in it that has seen a product, and nothing for a fold to learn."""
    encoder = SentenceEncoder(find_sentence_model(str(save_transformer(tmp_path))), fine_tune=False)
    alone = replace(tiny.text, tower=TextTower({"sentence": encoder}, len(run.tree.leaves)))
    assert train_folds(run, alone, 2) is None
    assert "folds are not needed" in capsys.readouterr().err.replace("\n", " ")


def test_too_few_groups_fall_back_to_the_final_tower(
    tiny: Tiny, run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    train = replace(run.train, groups=["one"] * len(run.train))
    alone = Run(run.config, run.tree, train, run.val, tmp_path, "cpu", True)
    assert train_folds(alone, tiny.text, 2) is None
    assert "too few groups" in capsys.readouterr().err.replace("\n", " ")
