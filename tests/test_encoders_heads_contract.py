"""What every tower owes the rest: shapes, finite scores, rows of their own, gradients, nothing from what is absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.text import NgramTower

LEAVES, N = 5, 7
CLOSE = {"atol": 1e-5, "rtol": 1e-4}
TITLE, DESCRIPTION, CHARACTERISTICS = 0, 1, 2


def _text_tower() -> NgramTower:
    torch.manual_seed(1)
    tower = NgramTower(30, 6, LEAVES)
    tower.idf.copy_(torch.linspace(0, 4, 31))
    tower.field.copy_(torch.arange(31) % 3)
    return tower.eval()


def _image_tower(backbone: str, size: tuple[int, int] = (48, 36)) -> ImageTower:
    torch.manual_seed(1)
    return ImageTower(ImageConfig(backbone=backbone, size=size), LEAVES).eval()


@dataclass(frozen=True)
class Case:
    """A tower and its inputs row by row; ``ask`` scores the rows picked."""

    module: nn.Module
    ask: Callable[[list[int]], tuple[Tensor, Tensor]]


def _text_case() -> Case:
    tower = _text_tower()
    rows = [torch.randint(1, 31, (n,), generator=torch.Generator().manual_seed(n)) for n in (3, 1, 0, 9, 40, 2, 5)]

    def ask(picked: list[int]) -> tuple[Tensor, Tensor]:
        some = [rows[i] for i in picked]
        lengths = torch.tensor([0] + [len(r) for r in some])
        found: tuple[Tensor, Tensor] = tower(torch.cat(some), lengths.cumsum(0)[:-1])
        return found

    return Case(tower, ask)


def _image_case(backbone: str) -> Case:
    tower = _image_tower(backbone)
    pixels = torch.randint(0, 256, (N, 48, 36, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))

    def ask(picked: list[int]) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = tower(pixels[picked])
        return found

    return Case(tower, ask)


def _fusion_case() -> Case:
    torch.manual_seed(1)
    mlp = FusionMLP(6, 8, 16, LEAVES, 0.3).eval()
    with torch.no_grad():
        mlp.no_text.normal_()
        mlp.no_image.normal_()
        mlp.gate.weight.normal_()
        mlp.head.weight.normal_()
    text, image = torch.randn(N, 6), torch.randn(N, 8)
    has_text, has_image = torch.tensor([1, 1, 0, 1, 0, 1, 1]).bool(), torch.tensor([1, 0, 1, 1, 0, 1, 0]).bool()

    def ask(picked: list[int]) -> tuple[Tensor, Tensor]:
        said = _logits(text[picked]), _logits(image[picked])
        logits = mlp(text[picked], image[picked], *said, has_text[picked], has_image[picked])
        return logits, logits

    return Case(mlp, ask)


CASES: dict[str, Callable[[], Case]] = {
    "ngrams": _text_case,
    "mobilenetv3_small_050": lambda: _image_case("mobilenetv3_small_050"),
    "test_resnet": lambda: _image_case("test_resnet"),
    "test_efficientnet": lambda: _image_case("test_efficientnet"),
    "fusion": _fusion_case,
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


def test_scores_have_a_row_a_product_and_a_column_a_leaf(case: Case) -> None:
    with torch.no_grad():
        vector, logits = case.ask(list(range(N)))
    assert logits.shape == (N, LEAVES)
    assert vector.shape == (N, getattr(case.module, "dim", LEAVES))
    assert vector.isfinite().all()
    assert logits.isfinite().all()
    assert vector.dtype == logits.dtype == torch.float32


def test_rows_are_their_own(case: Case) -> None:
    with torch.no_grad():
        together = case.ask(list(range(N)))
        turned = case.ask(list(range(N))[::-1])
        for i in range(N):
            for whole, alone in zip(together, case.ask([i]), strict=True):
                torch.testing.assert_close(alone[0], whole[i], **CLOSE)
    torch.testing.assert_close(turned[1].flip(0), together[1], **CLOSE)


def test_same_input_same_scores(case: Case) -> None:
    with torch.no_grad():
        assert torch.equal(case.ask([0, 3])[1], case.ask([0, 3])[1]), "dropout is at work though the tower answers"


def test_every_parameter_learns(case: Case) -> None:
    case.module.zero_grad()
    case.ask(list(range(N)))[1].logsumexp(dim=1).sum().backward()
    for name, parameter in case.module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    case.module.zero_grad()


# --- text


def test_padding_row_of_the_text_table_stays_zero() -> None:
    tower = _text_tower()
    assert not tower.table.weight[0].any()
    ids = torch.tensor([0, 4, 0, 9, 0])
    with torch.no_grad():
        plain = tower(torch.tensor([4, 9]), torch.tensor([0]))[1]
        torch.testing.assert_close(tower(ids, torch.tensor([0]))[1], plain)
    tower.train()
    tower(ids, torch.tensor([0]))[1].sum().backward()
    assert tower.table.weight.grad is not None
    assert not tower.table.weight.grad[0].any()


def test_text_without_features_scores_the_bias() -> None:
    tower = _text_tower()
    with torch.no_grad():
        vector, logits = tower(torch.zeros(0, dtype=torch.int64), torch.zeros(3, dtype=torch.int64))
    assert not vector.any()
    assert torch.equal(logits, tower.head.bias.expand(3, LEAVES))


def test_many_characteristics_do_not_drown_the_title() -> None:
    """Each field's weights have its own length, however many n-grams it holds."""
    tower = _text_tower()
    by_field = [torch.arange(31)[torch.arange(31) % 3 == f] for f in range(3)]
    title, others = by_field[TITLE][1:4], by_field[CHARACTERISTICS]
    for many in (1, 5, 100):
        ids = torch.cat([title, others.repeat(many)])
        weights = tower.weights(ids, torch.tensor([0]))
        torch.testing.assert_close(weights[:3].norm(), torch.tensor(1.0))
        torch.testing.assert_close(weights[3:].norm(), torch.tensor(0.5))


def test_rare_ngrams_weigh_more() -> None:
    tower = _text_tower()
    weights = tower.weights(torch.tensor([3, 9, 27]), torch.tensor([0]))
    assert weights[0] < weights[1] < weights[2]


# --- photos


def test_unknown_backbone_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no model 'mobilenetv2_10'.*Did you mean .*mobilenetv2_100") as told:
        _image_tower("mobilenetv2_10")
    assert "timm.list_models" in told.value.message


def test_backbone_takes_arguments() -> None:
    config = ImageConfig(backbone="test_resnet", size=(48, 36))
    deep = ImageTower(config.model_copy(update={"backbone_args": {"output_stride": 8}}), LEAVES)
    x = torch.zeros(1, 3, 48, 36)
    with torch.no_grad():
        shapes = [t.eval().backbone.forward_features(x).shape[-1] for t in (ImageTower(config, LEAVES), deep)]
    assert shapes[1] > shapes[0]


def test_arguments_the_backbone_does_not_take_are_refused() -> None:
    config = ImageConfig(backbone="mobilenetv3_small_050", backbone_args={"depht": 8})
    with pytest.raises(ConfigError, match=r"image.backbone_args: got {'depht': 8}.*unexpected keyword argument"):
        ImageTower(config, LEAVES)


def test_size_the_backbone_does_not_take_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"image.size: got \[48, 36\], expected a size that the backbone takes"):
        _image_tower("test_vit")


def test_normalisation_is_inside_the_tower() -> None:
    torch.manual_seed(1)
    config = ImageConfig(backbone="test_resnet", size=(48, 36), mean=(0.2, 0.4, 0.6), std=(0.1, 0.2, 0.3))
    tower = ImageTower(config, LEAVES).eval()
    pixels = torch.randint(0, 256, (2, 48, 36, 3), dtype=torch.uint8)
    by_hand = (pixels.float() / 255 - torch.tensor(config.mean)) / torch.tensor(config.std)
    with torch.no_grad():
        torch.testing.assert_close(tower.vector(pixels), tower.backbone(by_hand.permute(0, 3, 1, 2)), **CLOSE)
        torch.testing.assert_close(tower.vector(pixels.float()), tower.vector(pixels))


def test_a_mirrored_tower_answers_a_photo_and_its_mirror_image_alike() -> None:
    torch.manual_seed(1)
    config = ImageConfig(backbone="test_resnet", size=(48, 36))
    plain = ImageTower(config, LEAVES).eval()
    tower = ImageTower(config.model_copy(update={"mirror": True}), LEAVES).eval()
    tower.load_state_dict(plain.state_dict())
    pixels = torch.randint(0, 256, (3, 48, 36, 3), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(tower(pixels), tower(pixels.flip(2)), **CLOSE)
        torch.testing.assert_close(tower(pixels)[1], (plain(pixels)[1] + plain(pixels.flip(2))[1]) / 2, **CLOSE)


# --- fusion


def _logits(vector: Tensor) -> Tensor:
    """What a tower's head might make of its vectors."""
    return vector[:, :LEAVES] @ torch.eye(min(vector.shape[1], LEAVES), LEAVES)


def _fusion_answer(mlp: FusionMLP, text: Tensor, image: Tensor, has_text: bool, has_image: bool) -> Tensor:
    n = len(text)
    with torch.no_grad():
        said = _logits(text), _logits(image)
        logits: Tensor = mlp(text, image, *said, torch.full((n,), has_text), torch.full((n,), has_image))
    return logits


def test_what_is_absent_has_no_say() -> None:
    mlp = _fusion_case().module
    assert isinstance(mlp, FusionMLP)
    text, image, other = torch.randn(3, 6), torch.randn(3, 8), torch.randn(3, 8) * 100
    assert torch.equal(_fusion_answer(mlp, text, image, True, False), _fusion_answer(mlp, text, other, True, False))
    assert not torch.equal(_fusion_answer(mlp, text, image, True, True), _fusion_answer(mlp, text, other, True, True))
    nothing = _fusion_answer(mlp, text, image, False, False)
    torch.testing.assert_close(nothing, nothing[:1].expand_as(nothing))


def test_absent_vectors_learn() -> None:
    mlp = FusionMLP(6, 8, 16, LEAVES, 0.0)
    no, yes = torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)
    text, image = torch.randn(4, 6), torch.randn(4, 8)
    optimizer = torch.optim.SGD(mlp.parameters(), lr=0.1)
    # It starts as the plain mix, so what stands for the absent is heard of only after the first step.
    for _ in range(2):
        optimizer.zero_grad()
        scores = mlp(text, image, _logits(text), _logits(image), no, yes)
        torch.nn.functional.cross_entropy(scores, torch.arange(4) % LEAVES).backward()
        optimizer.step()
    assert mlp.no_text.grad is not None
    assert mlp.no_text.grad.any()
    assert mlp.no_image.grad is not None
    assert not mlp.no_image.grad.any()
