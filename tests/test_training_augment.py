"""Augmentation: photos keep shape and range, each part does something, none without strength."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from multimodal.config.models import AugmentConfig
from multimodal.training.augment import Augment

WHITE = (255, 255, 255)
STILL = AugmentConfig(
    flip=False, zoom=0, shift=0, rotate_degrees=0, colour=0, resolution=0, background=0, erase=0
)  # fmt: skip


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).integers(0, 256, (16, 48, 36, 3), dtype=np.uint8))


def _augmented(config: AugmentConfig, pixels: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return Augment(config, WHITE)(pixels)


@pytest.mark.parametrize("strength", [0.1, 1.0, 2.0])
def test_augmented_photos_keep_shape_and_range(pixels: torch.Tensor, strength: float) -> None:
    config = AugmentConfig(strength=strength, resolution=1, background=1, erase=1, colour=1)
    before = pixels.clone()
    for given_pixels in (pixels, pixels.float()):
        out = _augmented(config, given_pixels)
        assert out.shape == pixels.shape
        assert out.dtype == torch.float32
        assert out.isfinite().all()
        assert out.min() >= 0
        assert out.max() <= 255
        assert (given_pixels == before).all(), "the batch itself was changed"
    assert not torch.equal(out, pixels.float())


def test_strength_zero_changes_nothing(pixels: torch.Tensor) -> None:
    assert torch.equal(_augmented(AugmentConfig(strength=0), pixels), pixels.float())


def test_augmentation_follows_torchs_seed(pixels: torch.Tensor) -> None:
    config = AugmentConfig()
    assert torch.equal(_augmented(config, pixels, 3), _augmented(config, pixels, 3))
    assert not torch.equal(_augmented(config, pixels, 3), _augmented(config, pixels, 4))


def test_everything_off_is_as_good_as_nothing(pixels: torch.Tensor) -> None:
    torch.testing.assert_close(_augmented(STILL, pixels), pixels.float(), atol=0.01, rtol=0)


def test_flip_mirrors_about_half_of_the_photos(pixels: torch.Tensor) -> None:
    many = pixels.repeat(8, 1, 1, 1)
    out = _augmented(STILL.model_copy(update={"flip": True}), many)
    plain = (out - many.float()).abs().amax(dim=(1, 2, 3)) < 0.01
    mirrored = (out - many.float().flip(2)).abs().amax(dim=(1, 2, 3)) < 0.01
    assert (plain ^ mirrored).all()
    assert 0.3 < mirrored.float().mean() < 0.7


@pytest.mark.parametrize("part", ["zoom", "shift", "rotate_degrees", "colour", "resolution", "background", "erase"])
def test_each_part_does_something_by_itself(part: str) -> None:
    photo = torch.full((8, 48, 36, 3), 255, dtype=torch.uint8)
    photo[:, 12:30, 9:24] = torch.tensor([200, 40, 90], dtype=torch.uint8)
    out = _augmented(STILL.model_copy(update={part: 1.0}), photo)
    assert (out - photo.float()).abs().max() > 5


def test_what_comes_in_from_outside_is_the_pad_colour() -> None:
    dark = torch.zeros(32, 48, 36, 3, dtype=torch.uint8)
    config = STILL.model_copy(update={"shift": 0.5})
    torch.manual_seed(0)
    out = Augment(config, (10, 200, 30))(dark)
    moved = out.sum(dim=3) > 200
    assert moved.any()
    # At its edge the pad is mixed with the photo, so a wide tolerance.
    pad = torch.tensor([10.0, 200.0, 30.0]).expand(int(moved.sum()), 3)
    torch.testing.assert_close(out[moved], pad, atol=40, rtol=0)
