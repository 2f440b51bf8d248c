"""Photos mixed in pairs: what is seen, and what is learned of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from multimodal.config.models import AugmentConfig, ImageConfig
from multimodal.models.image import ImageTower
from multimodal.training.augment import Augment
from multimodal.training.image_stage import ImageStage
from multimodal.training.labels import UNKNOWN
from multimodal.training.mixing import mix
from multimodal.training.stage import Batch, Recipe

SIZE = (48, 36)


def greys(n: int) -> torch.Tensor:
    """Photos of one grey each."""
    return torch.arange(n).float().view(n, 1, 1, 1).expand(n, *SIZE, 3).contiguous()


@given(st.integers(0, 10_000), st.lists(st.booleans(), min_size=1, max_size=9))
def test_a_share_of_each_photo_is_of_its_partner(seed: int, whole: list[bool]) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
    pixels, kept = greys(len(whole)), torch.tensor(whole)
    mixed = mix(pixels, kept)
    assert 0 <= mixed.share <= 1
    assert sorted(mixed.partner.tolist()) == list(range(len(whole)))
    assert torch.equal(mixed.partner[kept], torch.arange(len(whole))[kept])
    assert not kept[mixed.partner[~kept]].any(), "what stays whole goes into no other"
    mean = mixed.pixels.mean(dim=(1, 2, 3))
    own, others = torch.arange(len(whole)).float(), mixed.partner.float()
    torch.testing.assert_close(mean, mixed.share * own + (1 - mixed.share) * others, rtol=0, atol=1e-3)
    assert torch.equal(pixels, greys(len(whole))), "the photos themselves are as they were"


def test_both_ways_of_mixing_come_up() -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    kinds = set()
    for _ in range(40):
        mixed = mix(greys(2), torch.tensor([False, False]))
        if mixed.partner.tolist() == [1, 0] and 0 < mixed.share < 1:
            kinds.add(len(mixed.pixels[0].unique()))
    assert kinds == {1, 2}, "faded: one grey between; cut: both"


def stage(chance: float) -> ImageStage:
    config = ImageConfig(
        backbone="mobilenetv3_small_050", size=SIZE, dropout=0.0, augment=AugmentConfig(strength=0, mix=chance)
    )
    torch.manual_seed(0)
    made = ImageStage(
        ImageTower(config, 3), Recipe(epochs=1, steps_per_epoch=1, learning_rate=0.001), lambda epoch: iter(()),
        lambda: iter(()), config=config, augment=Augment(config.augment, (255, 255, 255)),
    )  # fmt: skip
    made.eval()
    return made


@pytest.fixture
def batch() -> Batch:
    pixels = np.random.default_rng(3).integers(0, 256, (4, *SIZE, 3), dtype=np.uint8)
    return {
        "pixels": torch.from_numpy(pixels),
        "labels": torch.tensor([0, 1, 2, 0]),
        "allowed": torch.full((4,), UNKNOWN),
    }


def test_a_mixed_photo_is_learned_as_both(batch: Batch) -> None:
    made = stage(1.0)
    for seed in range(6):
        torch.manual_seed(seed)
        np.random.seed(seed)
        found = float(made.loss(batch).detach())
        torch.manual_seed(seed)
        np.random.seed(seed)
        torch.rand(())  # whether to mix
        mixed = mix(batch["pixels"].float(), torch.zeros(4, dtype=torch.bool))
        logits = made.network(mixed.pixels)[1]
        own, others = (
            float(torch.nn.functional.cross_entropy(logits, labels).detach())
            for labels in (batch["labels"], batch["labels"][mixed.partner])
        )
        assert found == pytest.approx(mixed.share * own + (1 - mixed.share) * others, rel=1e-5)


def test_photos_whose_tags_are_known_stay_whole(batch: Batch) -> None:
    tagged = {**batch, "tags": torch.tensor([[0], [1], [0], [1]])}
    torch.manual_seed(1)
    assert float(stage(1.0).loss(tagged).detach()) == pytest.approx(float(stage(0.0).loss(tagged).detach()), rel=1e-6)
