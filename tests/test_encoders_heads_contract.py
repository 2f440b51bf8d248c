"""What every tower owes the rest: shapes, finite scores, rows of their own, gradients, nothing from what is absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from encoder_support import save_transformer
from multimodal.artifact.vocabulary import wrapped
from multimodal.config.models import ImageConfig
from multimodal.errors import ConfigError
from multimodal.models.bag import Bag, WeightedRows, WordVectors
from multimodal.models.encoder import TextEncoder
from multimodal.models.fusion import FusionMLP
from multimodal.models.image import ImageTower
from multimodal.models.sentence import SentenceEncoder, find_sentence_model
from multimodal.models.text import TextInputs, TextTower
from multimodal.types import EncoderName, RaggedIds

LEAVES, N = 5, 7
CLOSE = {"atol": 1e-5, "rtol": 1e-4}
TITLE, DESCRIPTION, CHARACTERISTICS = 0, 1, 2


def _bag() -> Bag:
    bag = Bag(30, 6)
    bag.idf.copy_(torch.linspace(0, 4, 31))
    bag.field.copy_(torch.arange(31) % 3)
    return bag


def _word_vectors() -> WordVectors:
    """Invented vectors of 9 columns, brought to 6."""
    base = torch.randn(31, 9)
    base[0] = 0
    words = WordVectors(base, torch.linspace(0, 4, 31), 6)
    words.field.copy_(torch.arange(31) % 3)
    return words


@cache
def _transformer() -> Path:
    kept.append(folder := TemporaryDirectory(prefix="transformer"))
    return save_transformer(Path(folder.name))


kept: list[TemporaryDirectory[str]] = []
"""Folders that are removed at the end."""


def _sentence(fine_tune: bool) -> SentenceEncoder:
    return SentenceEncoder(find_sentence_model(str(_transformer())), fine_tune=fine_tune)


ENCODERS: dict[str, Callable[[], dict[EncoderName, TextEncoder]]] = {
    "ngrams": lambda: {"ngrams": _bag()},
    "navec": lambda: {"navec": _word_vectors()},
    "sentence, learning on": lambda: {"sentence": _sentence(True)},
    "sentence, frozen": lambda: {"sentence": _sentence(False)},
    "all three": lambda: {"ngrams": _bag(), "navec": _word_vectors(), "sentence": _sentence(True)},
}


def _text_tower(name: str = "ngrams") -> TextTower:
    torch.manual_seed(1)
    return TextTower(ENCODERS[name](), LEAVES).eval()


def _inputs(tower: TextTower, rows: list[Tensor]) -> TextInputs:
    """What each encoder takes of products with these ids."""
    flat = torch.cat([*rows, torch.zeros(0, dtype=torch.int64)])
    offsets = torch.tensor([0, *map(len, rows)]).cumsum(0)
    ragged = RaggedIds(flat.numpy().astype(np.int32), offsets.numpy())
    pieces = torch.from_numpy(wrapped(ragged, (3,), (4,), 20))
    return {name: (pieces,) if name == "sentence" else (flat, offsets[:-1]) for name in tower.parts}


def _image_tower(backbone: str, size: tuple[int, int] = (48, 36)) -> ImageTower:
    torch.manual_seed(1)
    return ImageTower(ImageConfig(backbone=backbone, size=size), LEAVES).eval()


@dataclass(frozen=True)
class Case:
    """A tower and its inputs row by row; ``ask`` scores the rows picked."""

    module: nn.Module
    ask: Callable[[list[int]], tuple[Tensor, Tensor]]


def _text_case(name: str) -> Case:
    tower = _text_tower(name)
    rows = [torch.randint(1, 31, (n,), generator=torch.Generator().manual_seed(n)) for n in (3, 1, 0, 9, 40, 2, 5)]

    def ask(picked: list[int]) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = tower(_inputs(tower, [rows[i] for i in picked]))
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
    **{name: partial(_text_case, name) for name in ENCODERS},
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
    learning = {name: p for name, p in case.module.named_parameters() if p.requires_grad}
    assert learning
    for name, parameter in learning.items():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    case.module.zero_grad()


# --- text


LOOKED_UP = pytest.mark.parametrize("make", [_bag, _word_vectors], ids=["ngrams", "navec"])


@LOOKED_UP
def test_padding_changes_nothing_and_learns_nothing(make: Callable[[], WeightedRows]) -> None:
    torch.manual_seed(1)
    encoder = make()
    assert not encoder.matrix()[0].any()
    ids, start = torch.tensor([0, 4, 0, 9, 0]), torch.tensor([0])
    with torch.no_grad():
        torch.testing.assert_close(encoder(ids, start), encoder(torch.tensor([4, 9]), start))
    encoder(ids, start).sum().backward()
    by_row = [p for p in encoder.parameters() if len(p) == 31]
    assert by_row
    for parameter in by_row:
        assert parameter.grad is not None
        assert not parameter.grad[0].any()
        assert parameter.grad[4].any()


@pytest.mark.parametrize("name", ["ngrams", "navec"])
def test_text_without_features_scores_the_bias(name: str) -> None:
    tower = _text_tower(name)
    with torch.no_grad():
        vector, logits = tower(_inputs(tower, [torch.zeros(0, dtype=torch.int64)] * 3))
    assert not vector.any()
    assert torch.equal(logits, tower.head.bias.expand(3, LEAVES))


@LOOKED_UP
def test_many_characteristics_do_not_drown_the_title(make: Callable[[], WeightedRows]) -> None:
    """Each field's weights have its own length, however many n-grams or words it holds."""
    encoder = make()
    by_field = [torch.arange(31)[torch.arange(31) % 3 == f] for f in range(3)]
    title, others = by_field[TITLE][1:4], by_field[CHARACTERISTICS]
    for many in (1, 5, 100):
        ids = torch.cat([title, others.repeat(many)])
        weights = encoder.weights(ids, torch.tensor([0]))
        torch.testing.assert_close(weights[:3].norm(), torch.tensor(1.0))
        torch.testing.assert_close(weights[3:].norm(), torch.tensor(0.5))


@LOOKED_UP
def test_rare_features_weigh_more(make: Callable[[], WeightedRows]) -> None:
    weights = make().weights(torch.tensor([3, 9, 27]), torch.tensor([0]))
    assert weights[0] < weights[1] < weights[2]


@pytest.mark.parametrize("name", ENCODERS)
def test_each_encoder_fills_columns_of_its_own(name: str) -> None:
    tower = _text_tower(name)
    text = _inputs(tower, [torch.tensor([4, 9]), torch.tensor([7])])
    with torch.no_grad():
        vector = tower.vector(text)
        for part, encoder in tower.parts.items():
            assert torch.equal(vector[:, tower.columns(part)], encoder(*text[part]))
    assert sum(tower.columns(part).stop - tower.columns(part).start for part in tower.parts) == tower.dim
    missing = next((part for part in ("ngrams", "navec", "sentence") if part not in tower.parts), None)
    if missing is not None:
        with pytest.raises(KeyError, match=missing):
            tower.columns(missing)


@pytest.mark.parametrize("name", ENCODERS)
def test_forgetting_takes_back_what_was_learned_and_keeps_what_was_pretrained(name: str) -> None:
    """Whatever was learned from the products, two encoders that have forgotten it are the same."""
    fresh, learned = _text_tower(name), _text_tower(name)
    with torch.no_grad():
        for parameter in learned.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter))
    for tower in (fresh, learned):
        for encoder in tower.parts.values():
            encoder.forget(torch.Generator().manual_seed(5))
    for part, encoder in learned.parts.items():
        assert encoder.state_dict()
        for key, value in encoder.state_dict().items():
            torch.testing.assert_close(value, fresh.parts[part].state_dict()[key], msg=lambda m, k=key: f"{k}: {m}")


# --- sentences


def test_a_sentence_vector_has_length_one_and_is_the_mean_of_what_is_there() -> None:
    encoder = _sentence(False).eval()
    pieces = torch.tensor([[3, 9, 12, 4, 0, 0], [3, 8, 4, 0, 0, 0]], dtype=torch.int32)
    with torch.no_grad():
        vectors = encoder(pieces)
        states = encoder.transformer(input_ids=pieces[:1, :4].long() - 1).last_hidden_state
        torch.testing.assert_close(vectors[0], nn.functional.normalize(states.mean(dim=1))[0], **CLOSE)
        first = encoder.transformer(input_ids=pieces[1:, :3].long() - 1).last_hidden_state[:, 0]
        encoder.pooling = "cls"
        torch.testing.assert_close(encoder(pieces)[1], nn.functional.normalize(first)[0], **CLOSE)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_vectors_made_before_pass_a_sentence_encoder_as_they_are() -> None:
    encoder, vectors = _sentence(False), torch.randn(3, 32)
    assert torch.equal(encoder(vectors), vectors)


def test_a_text_too_long_for_the_transformer_is_refused_at_once() -> None:
    encoder = _sentence(False)
    encoder.check_length(96)
    with pytest.raises(ConfigError, match=r"text.sentence.longest: got a text of 97 pieces .* reads 96 at most; lower"):
        encoder.check_length(97)


def test_a_frozen_transformer_learns_nothing() -> None:
    assert not any(p.requires_grad for p in _sentence(False).parameters())
    assert any(p.requires_grad for p in _sentence(True).parameters())


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
