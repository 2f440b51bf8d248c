"""Tags and attributes in training: what rows tell, what is learned of it, and the losses worked by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from multimodal.config.models import AttributeConfig, AugmentConfig, ImageConfig, RunConfig, TagsConfig
from multimodal.errors import DataError
from multimodal.models.image import ImageTower
from multimodal.training.augment import Augment
from multimodal.training.image_stage import ImageStage
from multimodal.training.label_stage import LabelLoss
from multimodal.training.labels import UNKNOWN, LabelSpace, Teller, Told, check_validation, joined, label_space
from multimodal.training.stage import Batch, Recipe
from multimodal.types import Product

SPACE = LabelSpace(("dots", "floral"), {"colour": ("navy", "red", "white"), "season": ("summer", "winter")})


def config(**changes: Any) -> RunConfig:
    values: dict[str, Any] = {
        "name": "shop", "output": "out", "tree": {"from_labels": True}, "data": {"train": [{"path": "a.parquet"}]},
        "text": None, "tags": {"names": ["dots", "floral"]},
        "attributes": {"colour": {"min_count": 2, "characteristic": "Colour"}},
    }  # fmt: skip
    return RunConfig.model_validate({**values, **changes})


def told(tags: Sequence[Sequence[int]], **values: Sequence[str]) -> Told:
    return Told(np.array(tags, np.int8).reshape(-1, 2), {name: np.array(v) for name, v in values.items()})


def test_outputs_of_the_head_follow_one_another() -> None:
    assert SPACE.width == 7
    assert SPACE.slices() == {"colour": slice(2, 5), "season": slice(5, 7)}
    assert (LabelSpace().width, LabelSpace().slices()) == (0, {})


def test_codes_are_places_among_the_values_that_are_learned() -> None:
    codes = SPACE.codes(told([[0, 0]] * 4, colour=["white", "", "beige", "navy"], season=["winter", "summer", "", ""]))
    assert codes.tolist() == [[2, 1], [UNKNOWN, 0], [UNKNOWN, UNKNOWN], [0, UNKNOWN]]
    assert LabelSpace(("dots",)).codes(told([[0, 0]] * 4)).shape == (4, 0)


def test_the_teller_reads_columns_first_and_characteristics_after() -> None:
    teller = Teller(config())
    found = teller.told(
        [
            Product(tags={"dots": True, "striped": True}, attributes={"colour": "navy"}, characteristics="Colour: red"),
            Product(tags={"floral": False}, characteristics="Colour: red / Colour: blue"),  # which of them is not known
            Product(characteristics={"Colour": "red"}),
            Product(),
        ]
    )
    assert found.tags.tolist() == [[1, UNKNOWN], [UNKNOWN, 0], [UNKNOWN, UNKNOWN], [UNKNOWN, UNKNOWN]]
    assert found.tags.dtype == np.int8
    assert found.values["colour"].tolist() == ["navy", "", "red", ""]
    assert (len(found), len(teller.told([]))) == (4, 0)
    nothing = Teller(config(tags=None, attributes={})).told([Product(tags={"dots": True})])
    assert (nothing.tags.shape, dict(nothing.values)) == ((1, 0), {})


def test_parts_are_joined_in_order_whatever_the_length_of_their_values() -> None:
    parts = [told([[0, 1]], colour=["red"]), told([], colour=[]), told([[1, 0], [1, 1]], colour=["turquoise", ""])]
    whole = joined(parts)
    assert whole.tags.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert whole.values["colour"].tolist() == ["red", "turquoise", ""]


def test_values_told_often_enough_are_learned_the_most_frequent_first() -> None:
    values = ["red", "navy", "red", "white", "white", "white", "beige", "navy", ""]
    space = label_space(config(), told([[0, 1], [1, 0], *[[UNKNOWN] * 2] * 7], colour=values))
    assert space == LabelSpace(("dots", "floral"), {"colour": ("white", "navy", "red")})


def test_a_tag_without_both_kinds_of_photos_is_refused() -> None:
    rows = told([[1, UNKNOWN], [0, 1], [1, 1]], colour=["a", "a", "b"])
    with pytest.raises(DataError) as caught:
        label_space(config(), rows)
    for words in ("tags: floral: got 2 photos with it and 0 without", "expected dozens", "columns.tags of a source"):
        assert words in caught.value.message


def test_an_attribute_without_a_choice_is_refused() -> None:
    rows = told([[0, 1], [1, 0], [1, 0]], colour=["red", "red", "navy"])
    with pytest.raises(DataError) as caught:
        label_space(config(), rows)
    for words in ("attributes: colour: got 1 values told by 2 photos or more (of 2 values)", "lower min_count"):
        assert words in caught.value.message


def test_validation_photos_must_show_and_lack_each_tag() -> None:
    enough = np.array([[1, 1], [1, 1], [1, 1], [0, 0], [0, 0], [0, 0], [UNKNOWN] * 2], np.int8)
    codes = np.array([[0, 1], [1, 0], [0, 1], *[[UNKNOWN] * 2] * 4])
    check_validation(SPACE, enough, codes)
    few = enough.copy()
    few[3, 1] = UNKNOWN
    with pytest.raises(DataError, match=r"tags: floral: got 3 validation photos with it and 2 without, expected .* 3"):
        check_validation(SPACE, few, codes)
    rare = codes.copy()
    rare[0, 1] = UNKNOWN
    with pytest.raises(DataError, match=r"attributes: season: got 2 validation photos that tell it, .* data.photos"):
        check_validation(SPACE, enough, rare)


TAGS = TagsConfig(names=("dots", "floral"), weight=2.0, noise=0.1)
ATTRIBUTES = {"colour": AttributeConfig(weight=0.5), "season": AttributeConfig(weight=0.25)}


def scores(rows: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(rows, 7)).astype(np.float32)).requires_grad_()


def test_the_loss_of_tags_and_attributes_by_hand() -> None:
    given = scores(2)
    tags = torch.tensor([[1, UNKNOWN], [0, 1]], dtype=torch.int8)
    codes = torch.tensor([[2, UNKNOWN], [UNKNOWN, 0]])
    found = LabelLoss(SPACE, TAGS, ATTRIBUTES)(given, tags, codes)
    s = given.detach().numpy().astype(np.float64)

    def binary(score: float, target: float) -> float:
        p = 1 / (1 + np.exp(-score))
        return float(-target * np.log(p) - (1 - target) * np.log(1 - p))

    def choice(values: np.ndarray, right: int) -> float:
        logs = values - np.log(np.exp(values).sum())
        return float(-0.95 * logs[right] - 0.05 * logs.mean())

    of_tags = (binary(s[0, 0], 0.9) + binary(s[1, 0], 0.1) + binary(s[1, 1], 0.9)) / 2  # two tags
    of_attributes = 0.5 * choice(s[0, 2:5], 2) + 0.25 * choice(s[1, 5:7], 0)
    assert float(found.detach()) == pytest.approx((2.0 * of_tags + of_attributes) / 2, rel=1e-5)  # two rows


def test_what_is_not_known_gives_no_loss_and_no_gradient() -> None:
    given = scores(3)
    tags = torch.full((3, 2), UNKNOWN, dtype=torch.int8)
    codes = torch.full((3, 2), UNKNOWN)
    loss = LabelLoss(SPACE, TAGS, ATTRIBUTES)
    silent = loss(given, tags, codes)
    silent.backward()  # type: ignore[no-untyped-call]
    assert float(silent.detach()) == 0.0
    assert given.grad is not None
    assert given.grad.abs().max() == 0
    tags[1, 0], codes[1, 1] = 1, 0
    given.grad = None
    loss(given, tags, codes).backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert torch.nonzero(given.grad).tolist() == [[1, 0], [1, 5], [1, 6]]  # the tag, and the values of the season


def test_loss_without_tags_is_that_of_attributes_alone() -> None:
    space = LabelSpace((), {"colour": ("navy", "red")})
    loss = LabelLoss(space, None, {"colour": AttributeConfig(weight=1.0)})
    found = loss(torch.zeros(4, 2), torch.zeros((4, 0), dtype=torch.int8), torch.tensor([[0], [1], [-1], [-1]]))
    assert float(found) == pytest.approx(2 * np.log(2) / 4)


LEAVES = 5
SETS = np.array([[True, True, False, False, False], [False, False, False, True, False], [True] * 5])


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    torch.manual_seed(1)
    return ImageTower(ImageConfig(backbone="mobilenetv3_small_050", size=(32, 24), dropout=0.0), LEAVES, SPACE.width)


def stage(tower: ImageTower, sets: np.ndarray | None, labels: LabelLoss | None = None) -> ImageStage:
    recipe = Recipe(epochs=1, steps_per_epoch=1, learning_rate=0.001, label_smoothing=0.1)
    return ImageStage(
        tower, recipe, lambda epoch: iter(()), lambda: iter(()), config=ImageConfig(size=(32, 24)),
        augment=Augment(AugmentConfig(strength=0), (255, 255, 255)), sets=sets, labels=labels,
    )  # fmt: skip


def batch(labels: Sequence[int], allowed: Sequence[int]) -> dict[str, torch.Tensor]:
    return {"labels": torch.tensor(labels), "allowed": torch.tensor(allowed)}


def test_the_loss_of_several_leaves_is_that_of_their_probability_together(tower: ImageTower) -> None:
    logits = scores(4)[:, :LEAVES]
    p = torch.softmax(logits.detach().double(), dim=1).numpy()
    found = stage(tower, SETS).of_categories(logits, batch([UNKNOWN] * 4, [0, 1, 2, UNKNOWN]))
    by_hand = -np.log(p[0, :2].sum()) - np.log(p[1, 3]) - np.log(1.0)  # all leaves: nothing was said
    assert float(found.detach()) == pytest.approx(by_hand / 4, rel=1e-5)


def test_several_leaves_are_pushed_up_by_the_share_they_have(tower: ImageTower) -> None:
    """Gradient of -log(p1 + p2) in the logits: p, less p / (p1 + p2) of those two."""
    logits = scores(1)
    part = logits[:, :LEAVES]
    stage(tower, SETS).of_categories(part, batch([UNKNOWN], [0])).backward()  # type: ignore[no-untyped-call]
    p = torch.softmax(logits.detach()[:, :LEAVES], dim=1)[0]
    expected = p - torch.tensor([1.0, 1.0, 0, 0, 0]) * p / (p[0] + p[1])
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad[0, :LEAVES], expected, atol=1e-6, rtol=1e-4)
    assert logits.grad[0, LEAVES:].abs().max() == 0


def test_known_and_several_share_a_batch(tower: ImageTower) -> None:
    logits = scores(4)[:, :LEAVES]
    one = stage(tower, SETS)
    both = one.of_categories(logits, batch([2, UNKNOWN, 4, UNKNOWN], [UNKNOWN, 0, UNKNOWN, UNKNOWN]))
    known = one.criterion(logits[[0, 2]], torch.tensor([2, 4]))
    several = one.of_categories(logits[[1]], batch([UNKNOWN], [0]))
    assert float(both.detach()) == pytest.approx(float((known * 2 + several).detach()) / 4, rel=1e-5)
    whole = one.of_categories(logits, batch([2, 1, 4, 0], [UNKNOWN] * 4))
    assert float(whole.detach()) == pytest.approx(float(one.criterion(logits, torch.tensor([2, 1, 4, 0])).detach()))


@pytest.mark.parametrize("sets", [None, np.zeros((0, LEAVES), np.bool_)])
def test_photos_without_a_category_teach_none(tower: ImageTower, sets: np.ndarray | None) -> None:
    found = stage(tower, sets).of_categories(scores(2)[:, :LEAVES], batch([UNKNOWN] * 2, [UNKNOWN] * 2))
    assert float(found.detach()) == 0.0


def test_the_stage_adds_up_what_a_photo_teaches(tower: ImageTower) -> None:
    """Through the network: a photo of which nothing is known moves nothing, one with a tag moves the tower."""
    one = stage(tower, SETS, LabelLoss(SPACE, TAGS, ATTRIBUTES))
    pixels = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (4, 32, 24, 3), dtype=np.uint8))
    silent: Batch = {
        "pixels": pixels, **batch([UNKNOWN] * 4, [UNKNOWN] * 4),
        "tags": torch.full((4, 2), UNKNOWN, dtype=torch.int8), "codes": torch.full((4, 2), UNKNOWN),
    }  # fmt: skip
    tower.train()
    assert moved(one, silent) == set()
    tags = silent["tags"].clone()
    tags[0, 1] = 1
    assert moved(one, {**silent, "tags": tags}) == {"backbone", "labels"}
    assert moved(one, {**silent, "allowed": torch.tensor([0, UNKNOWN, UNKNOWN, UNKNOWN])}) == {"backbone", "head"}


def moved(one: ImageStage, some: Batch) -> set[str]:
    """The parts of the tower that a batch's loss has a gradient in."""
    one.network.zero_grad()
    one.loss(some).backward()  # type: ignore[no-untyped-call]

    def touched() -> Iterator[str]:
        for name, parameter in one.network.named_parameters():
            if parameter.grad is not None and parameter.grad.abs().max() > 0:
                yield name.partition(".")[0]

    return set(touched())


def test_a_precision_is_asked_of_a_tag_that_there_is() -> None:
    from pydantic import ValidationError

    from multimodal.config.models import TagsConfig

    assert TagsConfig(names=("floral",), precision={"floral": 0.9}).precision == {"floral": 0.9}
    with pytest.raises(ValidationError, match="florall, expected names of tags, floral"):
        TagsConfig(names=("floral",), precision={"florall": 0.9})


def test_characteristics_that_cannot_be_read_tell_nothing() -> None:
    from multimodal.text.characteristics import attribute_value

    deep: dict[str, object] = {"colour": "red"}
    for _ in range(11):
        deep = {"colour": deep}
    assert attribute_value(Product(characteristics=deep), "colour", "colour") is None
    assert attribute_value(Product(attributes={"colour": "x" * 10_000}), "colour", None) == "x" * 200
