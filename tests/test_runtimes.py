"""Runtimes of the photo graph: OpenVINO where it answers as ONNX Runtime does, and a refusal where not."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from api_support import BUNDLE
from multimodal import load
from multimodal.artifact import open_bundle, runtimes
from multimodal.artifact.runtimes import OpenVinoSession, open_photo, open_session
from multimodal.data.sample import draw_products
from multimodal.errors import BundleError, MissingExtraError
from multimodal.types import Prediction

pytestmark = pytest.mark.skipif(not (BUNDLE / "manifest.json").exists(), reason="artifacts/fashion is not here")


@pytest.fixture(scope="module")
def graph() -> Path:
    bundle = open_bundle(BUNDLE)
    return bundle.file(bundle.layout.image)


@pytest.fixture(scope="module")
def pixels() -> Any:
    return np.random.default_rng(0).integers(0, 256, (5, 160, 120, 3), dtype=np.uint8)


def test_openvino_gives_what_onnx_runtime_gives(graph: Path, pixels: Any) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed: it is part of [dev]")
    plain, other = open_session(graph, 1), OpenVinoSession(openvino.Core(), graph, 1, "f32")
    expected, found = plain.run(None, {"pixels": pixels}), other.run(None, {"pixels": pixels})
    assert [o.shape for o in found] == [o.shape for o in expected]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-3 * float(np.abs(theirs).max()))
    assert [one.name for one in plain.get_inputs()] == [one.get_any_name() for one in other.get_inputs()]


def test_outputs_of_one_run_outlive_the_next(graph: Path, pixels: Any) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed: it is part of [dev]")
    session = OpenVinoSession(openvino.Core(), graph, 1, "f32")
    first = session.run(None, {"pixels": pixels[:1]})[1]
    kept = first.copy()
    session.run(None, {"pixels": pixels[1:2]})
    np.testing.assert_array_equal(first, kept)


def test_several_threads_get_what_one_gets(graph: Path, pixels: Any) -> None:
    openvino = pytest.importorskip("openvino", reason="openvino is not installed: it is part of [dev]")
    session = OpenVinoSession(openvino.Core(), graph, 1, "f32")
    alone = [session.run(None, {"pixels": pixels[i : i + 1]})[1] for i in range(5)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: session.run(None, {"pixels": pixels[i % 5 : i % 5 + 1]})[1], range(60)))
    for i, found in enumerate(together):
        np.testing.assert_array_equal(found, alone[i % 5])


def test_a_bundle_answers_alike_under_both() -> None:
    pytest.importorskip("openvino", reason="openvino is not installed: it is part of [dev]")
    products = list(draw_products(40, seed=3))
    both = [load(BUNDLE, threads=1, runtime=runtime).classify(products) for runtime in ("onnxruntime", "openvino")]
    pairs = list(zip(*both, strict=True))
    assert len(pairs) == 40
    apart = []
    for ours, theirs in pairs:
        assert isinstance(ours, Prediction) == isinstance(theirs, Prediction)
        if isinstance(ours, Prediction) and isinstance(theirs, Prediction):
            assert ours.used == theirs.used
            apart.append(abs(ours.suggestions[0].probability - theirs.suggestions[0].probability))
    assert np.mean(apart) < 0.03
    best = [[a.suggestions[0].id if isinstance(a, Prediction) else a for a in answers] for answers in both]
    assert np.mean([a == b for a, b in zip(*best, strict=True)]) >= 0.95


def test_a_precision_that_changes_answers_is_not_taken(
    graph: Path, pixels: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed: it is part of [dev]")
    run = OpenVinoSession.run

    def wrong(session: OpenVinoSession, names: Any, feeds: Any) -> Any:
        vector, logits, *more = run(session, names, feeds)
        return [vector, logits if session.precision == "f32" else -logits, *more]

    monkeypatch.setattr(OpenVinoSession, "run", wrong)
    monkeypatch.setattr(runtimes, "_PRECISIONS", (("bf16", "FP32"), ("f32", "FP32")))
    taken = open_photo(graph, 1, "openvino", pixels)
    assert isinstance(taken, OpenVinoSession)
    assert taken.precision == "f32"
    monkeypatch.setattr(runtimes, "_PRECISIONS", (("bf16", "FP32"),))
    with pytest.raises(BundleError, match=r"under OpenVINO probabilities differ by .* on average.*runtime onnxruntime"):
        open_photo(graph, 1, "openvino", pixels)


def test_without_it_the_extra_is_named(graph: Path, pixels: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"The runtime openvino needs .*\[openvino\]"):
        open_photo(graph, 1, "openvino", pixels)
