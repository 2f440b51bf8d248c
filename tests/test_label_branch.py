"""The branch that tags and attributes have to themselves, and learning them on the tower of a finished bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from torch import nn

from conftest import Tiny
from multimodal.artifact import open_bundle
from multimodal.artifact.engine import Engine
from multimodal.config.models import AttributeConfig, AugmentConfig, ImageConfig, RunConfig, TagsConfig
from multimodal.errors import ConfigError
from multimodal.export.photo import export_image
from multimodal.models.from_bundle import load_labels, read_state
from multimodal.models.image import ImageTower
from multimodal.models.label_head import LabelHead, map_for_branch
from multimodal.models.rounding import bake, round_weights
from multimodal.taxonomy import Node, Tree
from multimodal.training.augment import Augment
from multimodal.training.label_stage import LabelLoss, LabelStage
from multimodal.training.labels import UNKNOWN, LabelSpace
from multimodal.training.photo_check import check_kept
from multimodal.training.stage import Recipe

LEAVES, WIDTH = 5, 7
SMALL = ImageConfig(backbone="mobilenetv3_small_050", size=(48, 36), label_branch=16)
SPACE = LabelSpace(("dots", "floral"), {"colour": ("navy", "red", "white"), "season": ("summer", "winter")})
TAGS = TagsConfig(names=("dots", "floral"))
ATTRIBUTES = {"colour": AttributeConfig(), "season": AttributeConfig()}


def tower_of(**changes: object) -> ImageTower:
    """A tower whose branch has something to say."""
    torch.manual_seed(0)
    tower = ImageTower(SMALL.model_copy(update=changes), LEAVES, WIDTH).eval()
    if tower.labels is not None and tower.labels.branch is not None:
        nn.init.normal_(tower.labels.branch.get_parameter("scores.weight"), std=50)
    return tower


def head_of(tower: ImageTower) -> LabelHead:
    assert tower.labels is not None
    return tower.labels


def photos(n: int) -> torch.Tensor:
    drawn = np.random.default_rng(n).integers(0, 256, (n, *SMALL.size, 3), dtype=np.uint8)
    return torch.from_numpy(drawn)


@pytest.mark.parametrize("backbone", ["mobilenetv3_small_050", "mobilenetv2_035", "resnet10t"])
@torch.no_grad()
def test_one_pass_tells_what_two_would(backbone: str) -> None:
    tower = tower_of(backbone=backbone)
    vector, scores = tower.told(photos(3), head_of(tower))
    torch.testing.assert_close(vector, tower.vector(photos(3)))
    plain = nn.functional.linear(vector, head_of(tower).weight, head_of(tower).bias)
    assert (scores - plain).abs().max() > 0.01, "the branch said nothing"
    without = LabelHead(tower.dim, WIDTH)
    without.load_state_dict({"weight": head_of(tower).weight, "bias": head_of(tower).bias})
    torch.testing.assert_close(tower.told(photos(3), without)[1], plain)


@torch.no_grad()
def test_a_new_branch_changes_nothing() -> None:
    torch.manual_seed(0)
    tower = ImageTower(SMALL, LEAVES, WIDTH).eval()
    vector, scores = tower.told(photos(2), head_of(tower))
    torch.testing.assert_close(scores, nn.functional.linear(vector, head_of(tower).weight, head_of(tower).bias))


@torch.no_grad()
def test_a_mirrored_tower_tells_labels_from_both_views() -> None:
    plain, both = tower_of(), tower_of(mirror=True)
    both.load_state_dict(plain.state_dict())
    views = [plain.told(p, head_of(plain))[1] for p in (photos(3), photos(3).flip(2))]
    torch.testing.assert_close(both.told(photos(3), head_of(both))[1], torch.stack(views).mean(dim=0))


@pytest.mark.parametrize("mirror", [False, True])
def test_the_graph_tells_the_outputs_that_are_kept(mirror: bool, tmp_path: Path) -> None:
    tower = tower_of(mirror=mirror)
    export_image(tower, SMALL.size, tmp_path / "photo.onnx", "float32", [0, 1, 4])
    session = ort.InferenceSession(str(tmp_path / "photo.onnx"))
    for n in (1, 5):
        with torch.no_grad():
            vector, scores = tower.told(photos(n), head_of(tower))
            wanted = (vector, tower.head(vector), scores[:, [0, 1, 4]])
        for ours, theirs in zip(session.run(None, {"pixels": photos(n).numpy()}), wanted, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)
    assert head_of(tower).out_features == WIDTH, "the tower keeps all its outputs"


def test_the_branch_can_be_rounded_and_its_names_are_those_of_the_bundle(tmp_path: Path) -> None:
    tower = tower_of()
    before = set(tower.state_dict())
    assert round_weights(head_of(tower)) > 0
    bake(tower)
    assert set(tower.state_dict()) == before
    export_image(tower, SMALL.size, tmp_path / "photo.onnx", "int16", list(range(WIDTH)))
    session = ort.InferenceSession(str(tmp_path / "photo.onnx"))
    with torch.no_grad():
        wanted = tower.told(photos(4), head_of(tower))[1].numpy()
    np.testing.assert_allclose(session.run(None, {"pixels": photos(4).numpy()})[2], wanted, atol=5e-3)


def test_a_backbone_without_a_fine_map_is_refused() -> None:
    coarse = nn.Module()
    coarse.feature_info = [{"reduction": 32, "num_chs": 8}]  # type: ignore[assignment]
    coarse.forward_intermediates = None  # type: ignore[assignment]
    for backbone in (coarse, nn.Linear(2, 2)):
        with pytest.raises(ConfigError, match=r"image.label_branch: the backbone 'net' gives no map .* set it to 0"):
            map_for_branch(backbone, "net")


def batch(n: int) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(n)
    codes = np.stack([rng.integers(-1, 3, n), rng.integers(-1, 2, n)], axis=1)
    return {
        "pixels": photos(n), "labels": torch.zeros(n, dtype=torch.int64), "codes": torch.from_numpy(codes),
        "tags": torch.from_numpy(rng.integers(-1, 2, (n, 2)).astype(np.int8)),
    }  # fmt: skip


def stage_of(tower: ImageTower, attributes: Mapping[str, AttributeConfig] = ATTRIBUTES) -> LabelStage:
    recipe = Recipe(epochs=1, steps_per_epoch=1, learning_rate=0.01)
    return LabelStage(
        tower, recipe, lambda epoch: iter(()), lambda: iter(()), config=SMALL,
        augment=Augment(AugmentConfig(strength=0), (255, 255, 255)), labels=LabelLoss(SPACE, TAGS, attributes),
        judged=LabelLoss(SPACE, TAGS, attributes),
    )  # fmt: skip


def test_only_the_head_of_labels_learns_and_it_does() -> None:
    torch.manual_seed(0)
    tower = ImageTower(SMALL.model_copy(update={"dropout": 0.0}), LEAVES, WIDTH)
    before = deepcopy(tower.state_dict())
    stage = stage_of(tower)
    optimizer = stage.configure_optimizers()["optimizer"]
    stage.train()
    stage.on_train_epoch_start()
    losses = []
    for _ in range(30):
        loss = stage.loss(batch(16))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    changed = {name for name, value in tower.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("labels.") for name in changed), sorted(changed)


def test_right_labels_are_counted_by_hand() -> None:
    scores = torch.tensor([[2.0, -1.0, 0.0, 3.0, 1.0, 5.0, 4.0], [-2.0, 0.5, 9.0, 0.0, 0.0, 0.0, 1.0]])
    tags = torch.tensor([[1, 1], [UNKNOWN, 1]], dtype=torch.int8)
    codes = torch.tensor([[1, UNKNOWN], [1, 1]])
    found = LabelLoss(SPACE, TAGS, ATTRIBUTES).right(scores, tags, codes)
    assert found.tolist() == [True, False, True, True, False, True]  # three tags, two colours, one season


def test_learning_labels_takes_a_bundle_and_labels() -> None:
    with pytest.raises(ValueError, match="learn: got labels with weights 'none', expected weights: bundle:PATH"):
        ImageConfig(learn="labels")
    shop = {
        "name": "shop", "output": "out", "tree": {"from_labels": True}, "data": {"train": [{"path": "a.parquet"}]},
        "text": None, "image": {"learn": "labels", "weights": "bundle:artifacts/shop"},
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"image.learn: labels without 'tags' or 'attributes'"):
        RunConfig.model_validate(shop)
    asked = {**shop, "tags": {"names": ["dots"]}}
    RunConfig.model_validate(asked)
    with pytest.raises(ValueError, match=r"beside training.init_from, expected one of them"):
        RunConfig.model_validate({**asked, "training": {"init_from": "artifacts/shop"}})


def test_a_bundle_of_another_tree_is_refused(tiny: Tiny) -> None:
    kept = ImageConfig(learn="labels", weights=f"bundle:{tiny.bundle}")
    check_kept(kept, tiny.export.tree)
    other = Tree([Node("x", "Another", None)])
    with pytest.raises(ConfigError, match=r"image.weights: .* its tree has version .*its categories are kept"):
        check_kept(kept, other)
    check_kept(ImageConfig(), other)


def test_what_has_no_weight_stays_as_it_is() -> None:
    torch.manual_seed(0)
    tower = ImageTower(SMALL, LEAVES, WIDTH)
    before = deepcopy(head_of(tower).state_dict())
    stage = stage_of(tower, {**ATTRIBUTES, "season": AttributeConfig(weight=0)})
    optimizer = stage.configure_optimizers()["optimizer"]
    stage.train()
    for _ in range(3):
        loss = stage.loss(batch(8))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    after = head_of(tower).state_dict()
    for name in ("weight", "bias", "branch.scores.weight", "branch.scores.bias"):
        assert torch.equal(after[name][5:], before[name][5:]), f"{name}: seasons moved"
        assert not torch.equal(after[name][:5], before[name][:5]), f"{name}: the others did not"
    assert not after["weight"][:5].any(), "what is learned is read from the branch alone"
    scores, known = torch.zeros(1, WIDTH), torch.tensor([[UNKNOWN, 1]])
    assert len(stage.labels.right(scores, torch.full((1, 2), UNKNOWN, dtype=torch.int8), known)) == 0


def test_no_weight_is_for_labels_that_a_bundle_answers() -> None:
    shop = {
        "name": "shop", "output": "out", "tree": {"from_labels": True}, "data": {"train": [{"path": "a.parquet"}]},
        "text": None, "attributes": {"season": {"weight": 0}},
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"attributes.season.weight: got 0, expected more"):
        RunConfig.model_validate(shop)
    RunConfig.model_validate({**shop, "image": {"learn": "labels", "weights": "bundle:artifacts/shop"}})


@pytest.fixture(scope="module")
def told(
    tiny: Tiny, configure: Callable[..., RunConfig], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RunConfig]:
    """A bundle whose seasons were learned on the tower of the tiny one, and its configuration."""
    from multimodal.export.run import train

    config = configure(
        tmp_path_factory.mktemp("told"), "name=told", "text=null", f"image.weights=bundle:{tiny.bundle}",
        "image.learn=labels", "image.label_branch=16", "image.epochs=2",
        "attributes={season: {characteristic: season}}",
    )  # fmt: skip
    return train(config), config


def test_categories_of_the_bundle_stay_while_labels_are_learned(tiny: Tiny, told: tuple[Path, RunConfig]) -> None:
    bundle = open_bundle(told[0])
    pixels = np.random.default_rng(0).integers(0, 256, (6, *SMALL.size, 3), dtype=np.uint8)
    ours, before = (Engine(open_bundle(one), threads=1) for one in (told[0], tiny.bundle))
    for new, old in zip(ours.image(pixels), before.image(pixels), strict=True):
        np.testing.assert_allclose(new, old, atol=2e-3, rtol=1e-3)
    assert [spec.name for spec in bundle.manifest.attributes] == ["season"]
    assert "bundle" in str(bundle.manifest.provenance["image_weights"])


def test_labels_go_on_from_what_a_bundle_answers_under_their_names(told: tuple[Path, RunConfig]) -> None:
    folder, config = told
    assert config.image is not None
    values = open_bundle(folder).manifest.attributes[0].values
    state = read_state(folder, "image")
    tower = ImageTower(config.image, 3, 4)
    head, before = head_of(tower), deepcopy(head_of(tower).state_dict())
    names = [("season", values[2]), (None, "dots"), ("season", "never"), ("season", values[0])]
    assert load_labels(head, folder, names) == [names[0], names[3]]
    after = head.state_dict()
    for name in ("weight", "bias", "branch.scores.weight", "branch.scores.bias"):
        assert torch.equal(after[name][[0, 3]], state[f"labels.{name}"][[2, 0]])
        assert torch.equal(after[name][1:3], before[name][1:3])
    assert torch.equal(after["branch.widened.0.weight"], state["labels.branch.widened.0.weight"])
    assert load_labels(head, folder, [("colour", values[0])]) == []
    wider = ImageTower(config.image.model_copy(update={"label_branch": 32}), 3, 4)
    assert len(load_labels(head_of(wider), folder, names)) == 2, "rows go on though the branch is another"
    assert torch.equal(head_of(wider).weight[0], state["labels.weight"][2])
    assert not head_of(wider).branch.get_parameter("scores.weight").any()  # type: ignore[union-attr]


def test_an_attribute_that_is_kept_must_be_answered_by_the_bundle(
    tiny: Tiny, configure: Callable[..., RunConfig], tmp_path: Path
) -> None:
    from multimodal.export.run import train

    config = configure(
        tmp_path, "name=kept", "text=null", f"image.weights=bundle:{tiny.bundle}", "image.learn=labels",
        "attributes={season: {characteristic: season, weight: 0}}",
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"attributes.season.weight: got 0, and .* does not answer 4 of its 4 values"):
        train(config)
