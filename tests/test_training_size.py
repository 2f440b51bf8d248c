"""At which size photos are seen: in training by epoch, and in answers."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch

from multimodal.config.models import AugmentConfig, ImageConfig
from multimodal.models.image import ImageTower
from multimodal.training.augment import Augment
from multimodal.training.image_stage import ImageStage, scale_in
from multimodal.training.labels import UNKNOWN
from multimodal.training.stage import Batch, Recipe

SIZE = (64, 48)


def config_of(**given: object) -> ImageConfig:
    return ImageConfig.model_validate(
        {"backbone": "mobilenetv3_small_050", "size": SIZE, "augment": AugmentConfig(strength=0), **given}
    )


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({}, [1, 1, 1]),
        ({"train_scale": 0.75}, [0.75, 0.75, 0.75]),
        ({"early_epochs": 2, "early_scale": 0.5}, [0.5, 0.5, 1]),
        ({"early_epochs": 1, "early_scale": 0.5, "train_scale": 0.75}, [0.5, 0.75, 0.75]),
        ({"early_epochs": 1, "early_scale": 0.9, "train_scale": 0.75}, [0.75, 0.75, 0.75]),
    ],
)
def test_early_epochs_see_no_more_than_later_ones(given: dict[str, object], seen: list[float]) -> None:
    assert [scale_in(config_of(**given), epoch) for epoch in range(3)] == seen


@pytest.mark.parametrize(("scale", "trained"), [(1.0, SIZE), (0.75, (48, 36)), (0.1, (16, 16))])
def test_training_sees_photos_smaller_and_answers_see_them_whole(scale: float, trained: tuple[int, int]) -> None:
    config = config_of(train_scale=scale)
    stage = ImageStage(
        ImageTower(config, 3), Recipe(epochs=1, steps_per_epoch=1, learning_rate=0.001), lambda epoch: iter(()),
        lambda: iter(()), config=config, augment=Augment(config.augment, config.pad),
    )  # fmt: skip
    pixels = torch.randint(0, 256, (4, *SIZE, 3), dtype=torch.uint8)
    batch: Batch = {"pixels": pixels, "labels": torch.tensor([0, 1, 2, 0]), "allowed": torch.full((4,), UNKNOWN)}
    sizes = []
    whole = stage.network.vector

    def noted(photos: torch.Tensor) -> torch.Tensor:
        sizes.append(tuple(photos.shape[1:3]))
        return whole(photos)

    with patch.object(stage.network, "vector", noted):
        stage.loss(batch).backward()
        stage.eval().network(pixels)
    assert sizes == [trained, SIZE]
