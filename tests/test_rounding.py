"""Weights learned on an 8-bit grid: rounded where they are judged, stored as int8 without another rounding."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto
from torch import nn

from multimodal.config.models import ImageConfig
from multimodal.export.photo import export_image
from multimodal.models.image import ImageTower
from multimodal.models.rounding import INT8_MAX, Rounded, bake, grid_step, round_weights, set_rounding

SMALL = ImageConfig(backbone="mobilenetv3_small_050", size=(48, 36))


def _on_grid(weight: torch.Tensor) -> bool:
    steps = weight / grid_step(weight)
    return bool((steps - steps.round()).abs().max() < 1e-3)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_rounding_is_within_half_a_step_and_changes_nothing_twice(seed: int, scale: float) -> None:
    weight = torch.randn(5, 7, generator=torch.Generator().manual_seed(seed)) * scale
    once = Rounded().eval()(weight)
    assert (once - weight).abs().max() <= 0.5001 * grid_step(weight).max()
    assert len(torch.unique((once / grid_step(weight)).round())) <= 2 * INT8_MAX + 1
    torch.testing.assert_close(Rounded().eval()(once), once)


def test_the_gradient_passes_as_if_nothing_were_rounded() -> None:
    weight = torch.randn(3, 4, requires_grad=True)
    part = Rounded()
    part.on = True
    (part(weight) * torch.arange(12.0).view(3, 4)).sum().backward()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, torch.arange(12.0).view(3, 4))


def test_training_sees_plain_weights_until_told_and_evaluation_never() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=8), nn.Flatten())
    plain = network[0].weight.detach().clone()  # type: ignore[union-attr]
    assert round_weights(network) == 1, "the depthwise convolution keeps its precision"
    network.train()
    torch.testing.assert_close(network[0].weight, plain)
    network.eval()
    assert _on_grid(network[0].weight)  # type: ignore[arg-type]
    assert not torch.equal(network[0].weight, plain)  # type: ignore[arg-type]
    network.train()
    set_rounding(network, True)
    assert _on_grid(network[0].weight)  # type: ignore[arg-type]
    set_rounding(network, False)
    torch.testing.assert_close(network[0].weight, plain)


def test_a_mirrored_tower_is_exported_for_any_batch(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tower = ImageTower(SMALL.model_copy(update={"mirror": True}), 5).eval()
    export_image(tower, SMALL.size, tmp_path / "mirror.onnx", "float32")
    import onnxruntime as ort

    session = ort.InferenceSession(str(tmp_path / "mirror.onnx"))
    for n in (1, 2, 7):
        pixels = torch.randint(0, 256, (n, 48, 36, 3), dtype=torch.uint8)
        with torch.no_grad():
            vector, logits = tower(pixels)
        for ours, theirs in zip(session.run(None, {"pixels": pixels.numpy()}), (vector, logits), strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_a_baked_tower_says_what_the_rounded_one_said_and_is_stored_as_int8(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tower = ImageTower(SMALL, 5)
    before = deepcopy(tower).eval()
    taken = round_weights(tower.backbone)
    tower.eval()
    pixels = torch.randint(0, 256, (4, 48, 36, 3), dtype=torch.uint8)
    with torch.no_grad():
        rounded = tower(pixels)[1]
        assert not torch.allclose(rounded, before(pixels)[1], atol=1e-6), "rounding changed nothing"
        bake(tower)
        torch.testing.assert_close(tower(pixels)[1], rounded)
    assert set(tower.state_dict()) == set(before.state_dict()), "the names are those of a plain tower again"
    export_image(tower, SMALL.size, tmp_path / "rounded.onnx", "int16")
    export_image(before, SMALL.size, tmp_path / "plain.onnx", "int16")
    types = [t.data_type for t in onnx.load(str(tmp_path / "rounded.onnx")).graph.initializer]
    assert types.count(TensorProto.INT8) == taken + 2, "mean and deviation of the pixels lie on any grid"
    assert (tmp_path / "rounded.onnx").stat().st_size < 0.75 * (tmp_path / "plain.onnx").stat().st_size
    import onnxruntime as ort

    (_, ours) = ort.InferenceSession(str(tmp_path / "rounded.onnx")).run(None, {"pixels": pixels.numpy()})
    np.testing.assert_allclose(ours, rounded.numpy(), atol=2e-3 * float(rounded.abs().max()))
