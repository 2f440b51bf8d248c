"""Which blocks of a backbone learn, how fast, and that those that do not stay as they are to the last number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from multimodal.config.models import AugmentConfig, ImageConfig
from multimodal.models.image import ImageTower, create_backbone
from multimodal.models.layers import blocks_of, freeze, hold_statistics, rates
from multimodal.models.rounding import round_weights
from multimodal.training.augment import Augment
from multimodal.training.image_stage import ImageStage
from multimodal.training.stage import Batch, Recipe
from multimodal.training.stages import recipe_of

SIZE = (32, 24)
CONFIG = ImageConfig(backbone="mobilenetv3_small_050", size=SIZE, batch_size=4, epochs=1)


@pytest.fixture(params=[False, True], ids=["plain", "rounded"])
def backbone(request: pytest.FixtureRequest) -> nn.Module:
    """Also as it is while it learns to be stored in 8 bits, when its convolutions' weights are called otherwise."""
    torch.manual_seed(1)
    made = create_backbone(CONFIG)
    if request.param:
        assert round_weights(made) > 0
    return made


def learning(backbone: nn.Module) -> set[str]:
    return {name for name, parameter in backbone.named_parameters() if parameter.requires_grad}


def test_blocks_are_numbered_from_the_photo_to_the_head(backbone: nn.Module) -> None:
    blocks = blocks_of(backbone)
    assert set(blocks) == {name for name, _ in backbone.named_parameters()}
    numbers = list(blocks.values())
    assert numbers == sorted(numbers)  # parameters stand in the order of the layers
    assert set(numbers) == set(range(max(numbers) + 1))
    assert next(iter(blocks)).startswith("conv_stem.")
    assert {name.partition(".")[0] for name, number in blocks.items() if number == max(numbers)} == {"conv_head"}


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_blocks_is_frozen_from_the_photo_on(backbone: nn.Module, share: float) -> None:
    freeze(backbone, share)
    blocks = blocks_of(backbone)
    count = max(blocks.values()) + 1
    expected = {name for name, number in blocks.items() if number >= share * count}
    assert learning(backbone) == (set() if share == 1 else expected)
    frozen = {number for name, number in blocks.items() if name not in learning(backbone)}
    assert len(frozen) == round(share * count)


def test_freezing_can_be_taken_back(backbone: nn.Module) -> None:
    freeze(backbone, 1.0)
    freeze(backbone, 0.0)
    assert learning(backbone) == set(blocks_of(backbone))


def test_rates_grow_towards_the_head_by_the_same_share(backbone: nn.Module) -> None:
    blocks, found = blocks_of(backbone), rates(backbone, 0.8)
    assert set(found) == set(blocks)
    last = max(blocks.values())
    for name, rate in found.items():
        assert rate == pytest.approx(0.8 ** (last - blocks[name]))
    assert list(found.values()) == sorted(found.values())
    assert set(rates(backbone, 1.0).values()) == {1.0}


def norms(network: nn.Module) -> Iterator[tuple[str, nn.BatchNorm2d]]:
    return ((name, m) for name, m in network.named_modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_frozen_batch_norms_keep_their_statistics(backbone: nn.Module, share: float) -> None:
    freeze(backbone, share)
    backbone.train()
    hold_statistics(backbone)
    before = {name: m.running_mean.clone() for name, m in norms(backbone) if m.running_mean is not None}
    backbone(torch.rand(4, 3, *SIZE) * 3)
    kept = {name for name, m in norms(backbone) if torch.equal(before[name], m.running_mean)}  # type: ignore[arg-type]
    assert kept == {name for name in before if f"{name}.weight" not in learning(backbone)}
    assert bool(kept) == (share > 0)
    assert (kept == set(before)) == (share == 1)


def test_below_a_frozen_module_the_learning_ones_stay_in_training() -> None:
    """A transformer's tokens are parameters of the whole network: frozen, they must not stop dropout further on."""
    arguments: dict[str, str | int | float | bool] = {"img_size": 32, "proj_drop_rate": 0.5}
    made: Any = create_backbone(ImageConfig(backbone="vit_tiny_patch16_224", size=(32, 32), backbone_args=arguments))
    freeze(made, 0.5)
    made.train()
    hold_statistics(made)
    assert not made.cls_token.requires_grad
    blocks = list(made.blocks)
    assert blocks[-1].training
    assert all(m.training for m in blocks[-1].modules() if isinstance(m, nn.Dropout))
    assert not blocks[0].norm1.training
    assert blocks[-1].norm1.training


class Watched(ImageStage):
    """Runs its own steps, as a trainer would."""

    def step(self, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        self.loss(batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def stage(config: ImageConfig) -> Watched:
    torch.manual_seed(2)
    tower = ImageTower(config, 3)
    if config.frozen:
        freeze(tower.backbone, config.frozen)
    shares = {f"backbone.{name}": rate for name, rate in rates(tower.backbone, config.layer_decay).items()}
    recipe: Recipe = replace(recipe_of(config, np.arange(8), None), rates=shares)
    augment = Augment(AugmentConfig(strength=0), (255, 255, 255))
    return Watched(tower, recipe, lambda epoch: iter(()), lambda: iter(()), config=config, augment=augment)


def photos() -> Batch:
    pixels = np.random.default_rng(3).integers(0, 256, (4, *SIZE, 3), dtype=np.uint8)
    return {"pixels": torch.from_numpy(pixels), "labels": torch.tensor([0, 1, 2, 0])}


def test_each_parameter_learns_at_its_own_rate() -> None:
    made = stage(CONFIG.model_copy(update={"layer_decay": 0.7}))
    groups = made.configure_optimizers()["optimizer"].param_groups
    rate = {id(p): group["initial_lr"] for group in groups for p in group["params"]}
    blocks = blocks_of(made.network.backbone)
    last = max(blocks.values())
    for name, parameter in made.network.named_parameters():
        expected = 0.7 ** (last - blocks[name.removeprefix("backbone.")]) if name.startswith("backbone.") else 1.0
        assert rate[id(parameter)] == pytest.approx(CONFIG.learning_rate * expected), name


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_step_of_training_leaves_the_frozen_part_untouched(share: float) -> None:
    made = stage(CONFIG.model_copy(update={"frozen": share, "learning_rate": 0.1}))
    made.train()
    made.on_train_epoch_start()
    before = {name: value.clone() for name, value in made.network.state_dict().items()}
    optimizer = made.configure_optimizers()["optimizer"]
    for _ in range(2):
        made.step(photos(), optimizer)
    after = made.network.state_dict()
    changed = {name for name, value in after.items() if not torch.equal(before[name], value)}
    blocks = blocks_of(made.network.backbone)
    still = {f"backbone.{name}" for name, number in blocks.items() if number < share * (max(blocks.values()) + 1)}
    modules = {name.rpartition(".")[0] for name in still}
    assert not {name for name in changed if name in still or name.rpartition(".")[0] in modules}
    assert {"head.weight", "head.bias"} <= changed
    assert any(name.startswith("backbone.") for name in changed) == (share < 1)
