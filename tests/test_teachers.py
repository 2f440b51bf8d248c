"""Learning what other bundles answer: who may teach, what they say, and what a pupil makes of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Tiny
from multimodal.artifact import open_bundle
from multimodal.artifact.engine import Engine
from multimodal.config.models import AugmentConfig, ImageConfig
from multimodal.errors import ConfigError
from multimodal.models.image import ImageTower
from multimodal.models.teachers import Teachers, resized
from multimodal.numeric import softmax
from multimodal.taxonomy import Node, Tree
from multimodal.training.augment import Augment
from multimodal.training.image_stage import ImageStage
from multimodal.training.labels import UNKNOWN
from multimodal.training.stage import Recipe

SIZE = (48, 36)


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, *SIZE, 3), dtype=np.uint8))


def pupil(tiny: Tiny, teachers: Teachers | None, **changes: object) -> ImageStage:
    config = ImageConfig(backbone="mobilenetv3_small_050", size=SIZE, dropout=0.0).model_copy(update=changes)
    torch.manual_seed(0)
    network = ImageTower(config, len(tiny.export.tree.leaves))
    recipe = Recipe(epochs=1, steps_per_epoch=1, learning_rate=0.001)
    stage = ImageStage(
        network, recipe, lambda epoch: iter(()), lambda: iter(()), config=config,
        augment=Augment(AugmentConfig(strength=0), (255, 255, 255)), teachers=teachers,
    )  # fmt: skip
    stage.eval()
    return stage


def test_a_teacher_says_what_its_bundle_answers(tiny: Tiny, pixels: torch.Tensor) -> None:
    found = Teachers([str(tiny.bundle)], tiny.export.tree, SIZE)(pixels)
    expected = softmax(Engine(open_bundle(tiny.bundle), threads=1).image(pixels.numpy())[1])
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)
    twice = Teachers([str(tiny.bundle)] * 2, tiny.export.tree, SIZE)(pixels)
    torch.testing.assert_close(twice, found)  # the mean of one answer is that answer
    assert not found.requires_grad


def test_a_teacher_answers_in_the_pupils_order_of_leaves(tiny: Tiny, pixels: torch.Tensor) -> None:
    """The same tree may list its nodes otherwise, as when it is made from the paths of other rows."""
    turned = Tree(reversed(tiny.export.tree.nodes))
    assert turned.version == tiny.export.tree.version
    assert turned.leaves != tiny.export.tree.leaves
    ours, theirs = (Teachers([str(tiny.bundle)], tree, SIZE)(pixels) for tree in (turned, tiny.export.tree))
    at = [tiny.export.tree.leaf_index[leaf] for leaf in turned.leaves]
    torch.testing.assert_close(ours, theirs[:, at])


def test_a_teacher_of_another_shape_is_refused(tiny: Tiny) -> None:
    Teachers([str(tiny.bundle)], tiny.export.tree, (96, 72))
    with pytest.raises(ConfigError, match="sees photos of 48×36, the pupil of 64×64; expected the same proportions"):
        Teachers([str(tiny.bundle)], tiny.export.tree, (64, 64))


def test_a_teacher_sees_photos_at_its_own_size(tiny: Tiny, pixels: torch.Tensor) -> None:
    teachers = Teachers([str(tiny.bundle)], tiny.export.tree, SIZE)
    larger = resized(pixels, 96, 72)
    assert larger.shape == (4, 96, 72, 3)
    assert resized(pixels, *SIZE) is pixels
    torch.testing.assert_close(teachers(larger), teachers(resized(larger, *SIZE)))


def test_a_pupils_loss_is_shared_between_labels_and_teachers(tiny: Tiny, pixels: torch.Tensor) -> None:
    teachers = Teachers([str(tiny.bundle)], tiny.export.tree, SIZE)
    batch = {"pixels": pixels, "labels": torch.tensor([0, 1, 2, 3]), "allowed": torch.full((4,), UNKNOWN)}
    alone = float(pupil(tiny, None).loss(batch).detach())
    quarter = pupil(tiny, teachers, teacher_weight=0.25)
    logs = torch.log_softmax(quarter.network(pixels.float())[1], dim=1)
    told = float(-(teachers(pixels) * logs).sum(dim=1).mean().detach())
    assert float(quarter.loss(batch).detach()) == pytest.approx(0.75 * alone + 0.25 * told, rel=1e-5)
    unlabelled = {**batch, "labels": torch.full((4,), UNKNOWN)}
    assert float(quarter.loss(unlabelled).detach()) == pytest.approx(0.25 * told, rel=1e-5)


def test_teachers_are_neither_trained_nor_saved(tiny: Tiny) -> None:
    with_teachers = pupil(tiny, Teachers([str(tiny.bundle)], tiny.export.tree, SIZE))
    without = pupil(tiny, None)
    assert with_teachers.state_dict().keys() == without.state_dict().keys()
    assert len(list(with_teachers.parameters())) == len(list(without.parameters()))


def test_a_bundle_of_another_tree_cannot_teach(tiny: Tiny, tmp_path: Path) -> None:
    other = Tree([Node("x", "X", None), Node("y", "Y", None)])
    with pytest.raises(ConfigError, match=r"image\.teachers: .*expected that of 'tree'.*answer in the same categories"):
        Teachers([str(tiny.bundle)], other, SIZE)
