"""Tables of embeddings in codes: what is summed up often errs least, rows of nothing stay nothing."""

from __future__ import annotations

import pytest
import torch

from multimodal.models.bag import Bag
from multimodal.models.codes import encode_rows

ROWS, WIDTH, PARTS = 3000, 32, 8


@pytest.fixture
def table() -> torch.Tensor:
    return torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(1))


def error(table: torch.Tensor, coded: torch.Tensor, weight: torch.Tensor) -> float:
    squares = (table - coded).square().sum(dim=1)
    return float((squares * weight).sum() / (table.square().sum(dim=1) * weight).sum())


def test_rows_that_are_summed_up_often_are_met_more_closely(table: torch.Tensor) -> None:
    often = torch.ones(ROWS)
    often[:100] = 1000
    alike, told = encode_rows(table, PARTS, 3).table(), encode_rows(table, PARTS, 3, often).table()
    assert error(table, told, often) < 0.7 * error(table, alike, often)
    rare = 1 - torch.isclose(often, torch.tensor(1000.0)).float()
    assert error(table, told, rare) < 0.6, "the others are still told apart"


def test_fewer_rows_than_codes_and_rows_of_nothing() -> None:
    few = torch.randn(40, WIDTH, generator=torch.Generator().manual_seed(2))
    few[7] = 0
    coded = encode_rows(few, PARTS, 1, torch.ones(40)).table()
    assert not coded[7].any()
    assert error(few, coded, torch.ones(40)) < 0.2


def test_a_bag_tells_how_often_its_rows_are_used(table: torch.Tensor) -> None:
    bag = Bag(ROWS, WIDTH)
    with torch.no_grad():
        bag.table.weight[1:].copy_(table)
    documents = torch.ones(ROWS + 1)
    documents[1:101] = 2000
    bag.idf.copy_(torch.log(4000 / (1 + documents)) + 1)
    bag.idf[0] = 0
    before = bag.table.weight.detach().clone()
    bag.to_codes(PARTS, 1)
    lost = (bag.table.weight - before).norm(dim=1) / before.norm(dim=1).clamp_min(1e-9)
    assert lost[1:101].mean() < 0.3 * lost[101:].mean()
    assert not bag.table.weight[0].any()
