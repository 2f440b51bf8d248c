"""The export: what the bundle answers is what torch answers, or there is no bundle."""

from __future__ import annotations

import json
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

import multimodal
from api_support import renamed
from conftest import Tiny
from export_support import exported_again
from multimodal.artifact import LAYOUT, open_bundle, read_manifest
from multimodal.artifact.engine import Engine, mix_heads
from multimodal.artifact.manifest import Calibration
from multimodal.artifact.top_label import apply_top_label
from multimodal.export.parity import FLOAT_BOUND, STORED_BOUND
from multimodal.export.storage import store_integers
from multimodal.export.write import Export, write_bundle
from multimodal.models.text import TextInputs
from multimodal.serving import Predictor
from multimodal.serving.core import STRANGER
from multimodal.serving.evaluate import evaluate
from multimodal.serving.scoring import mix_for
from multimodal.training.encoders import tensors_of
from multimodal.training.prepare import image_kitchen, text_kitchen
from multimodal.types import HeadName, InputName, Prediction, Product, RaggedIds
from predictor_support import only

TRAINED: tuple[InputName, ...] = ("title", "characteristics", "image")
MIXES = [frozenset(c) for k in (1, 2, 3) for c in combinations(TRAINED, k)]
TEXT_MIXES = [mix for mix in MIXES if "image" not in mix]
BOUNDS = {"float32": FLOAT_BOUND, **dict.fromkeys(("float16", "int8", "auto", "int16"), STORED_BOUND)}


@pytest.fixture(scope="module")
def wide(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """The same run stored in float32."""
    folder = tmp_path_factory.mktemp("wide")
    export = exported_again(tiny.export, folder, text_storage="float32", image_storage="float32")
    return Tiny(write_bundle(export, folder / "work"), export)


@pytest.fixture(scope="module")
def full(val_products: list[Product]) -> list[Product]:
    return [p for p in val_products if p.title and p.characteristics and p.image]


class Torch:
    """What the trained modules answer, without any of the exported graphs."""

    def __init__(self, export: Export, predictor: Predictor) -> None:
        self.export, self.calibration = export, predictor.manifest.calibration
        assert export.config.text is not None
        self.text_kitchen = text_kitchen(export.config.text)
        self.image_kitchen = image_kitchen(export.config.image) if export.config.image is not None else None

    def probabilities(self, products: list[Product], inputs: frozenset[InputName]) -> np.ndarray:
        mix = mix_for(self.calibration, inputs)
        logits = {head: values.numpy() for head, values in self.logits(products, inputs).items()}
        return mix_heads(logits, mix, self.export.tree.branches)

    def logits(self, products: list[Product], inputs: frozenset[InputName]) -> dict[HeadName, torch.Tensor]:
        towers, found, vectors = self.export.towers, {}, {}
        with torch.no_grad():
            if inputs - {"image"}:
                assert towers.text is not None
                vectors["text"], found["text"] = towers.text.tower(self._text(products, inputs))
            if "image" in inputs:
                assert towers.image is not None
                assert self.image_kitchen is not None
                pixels = np.stack([self.image_kitchen.prepare(p.image) for p in products if p.image])
                vectors["image"], found["image"] = towers.image(torch.from_numpy(pixels))
            if len(vectors) == 2:
                assert towers.fusion is not None
                both = torch.ones(len(products), dtype=torch.bool)
                found["fused"] = towers.fusion(
                    vectors["text"], vectors["image"], found["text"], found["image"], both, both
                )
        return found

    def _text(self, products: list[Product], inputs: frozenset[InputName]) -> TextInputs:
        seen = [
            Product(
                title=p.title if "title" in inputs else None,
                characteristics=p.characteristics if "characteristics" in inputs else None,
            )
            for p in products
        ]
        encoded = self.text_kitchen.encode([self.text_kitchen.fields(p) for p in seen])
        part = self.export.towers.text
        assert part is not None
        known = {n: RaggedIds(v.ids(encoded[n]), encoded[n].offsets) for n, v in part.vocabularies().items()}
        return {name: tensors_of(part, name, ids) for name, ids in known.items()}


def _familiar(predictor: Predictor, products: list[Product]) -> list[Product]:
    """Those without strange photos, which count for less in what is served than the towers' own answers."""
    photos = predictor.classify([only(p, frozenset({"image"})) for p in products])
    strange = [isinstance(a, Prediction) and STRANGER in a.warnings for a in photos]
    return [product for product, other in zip(products, strange, strict=True) if not other]


def _once_calibrated(bundle: Path, folder: Path) -> Path:
    """A copy without the second step of calibration, which may sharpen what a stored type has moved."""
    calibration = read_manifest(bundle).calibration
    mixes = {name: mix.model_copy(update={"top": None}) for name, mix in calibration.mixes.items()}
    return renamed(bundle, folder, calibration=json.loads(Calibration(mixes=mixes).model_dump_json()))


def _check_parity(export: Export, bundle: Path, full: list[Product], mixes: list[frozenset[InputName]]) -> None:
    predictor = multimodal.load(bundle, threads=1)
    theirs = Torch(export, predictor)
    full = _familiar(predictor, full)
    stored = export.config.export
    for mix in mixes:
        bound = max(
            BOUNDS[stored.text_storage] if mix - {"image"} else 0, BOUNDS[stored.image_storage] if "image" in mix else 0
        )
        for products in (full[:1], full[1:8], full[8:40]):
            ours = predictor.leaf_probabilities(products, mix)
            wanted = theirs.probabilities(products, mix)
            difference = np.abs(ours - wanted).max()
            assert difference <= bound, f"{'+'.join(mix)}, {len(products)} rows: {difference:.1e}"


@pytest.mark.parametrize("storage", ["float32", "float16", "int8"])
def test_text_answers_as_torch_does(tiny: Tiny, full: list[Product], tmp_path: Path, storage: str) -> None:
    export = exported_again(tiny.export, tmp_path, image=False, text_storage=storage)
    bundle = write_bundle(export, tmp_path / "work")
    manifest = read_manifest(bundle)
    assert manifest.text is not None
    assert (manifest.heads, manifest.image, manifest.fusion) == (("text",), None, False)
    assert (manifest.inputs, manifest.text.storage) == (("title", "characteristics"), storage)
    assert manifest.provenance["parity"]["text"]["bound"] == BOUNDS[storage]
    _check_parity(export, _once_calibrated(bundle, tmp_path / "once"), full, TEXT_MIXES)
    if storage == "float32":
        _check_parity(export, bundle, full, TEXT_MIXES)
    photo_only = multimodal.load(bundle).classify([Product(image=full[0].image)])[0]
    assert "does not use the image" in getattr(photo_only, "message", "")


def test_every_mix_answers_as_torch_does_in_float32(wide: Tiny, full: list[Product]) -> None:
    _check_parity(wide.export, wide.bundle, full, MIXES)
    parity = read_manifest(wide.bundle).provenance["parity"]
    assert {head["bound"] for head in parity.values()} == {FLOAT_BOUND}
    assert {head["same_top1"] for head in parity.values()} == {1.0}


def test_every_mix_answers_as_torch_does_in_int8_and_int16(tiny: Tiny, full: list[Product], tmp_path: Path) -> None:
    stored = tiny.export.config.export
    text = read_manifest(tiny.bundle).text
    assert text is not None
    assert (stored.text_storage, text.storage, stored.image_storage) == ("auto", "int8", "auto")
    _check_parity(tiny.export, _once_calibrated(tiny.bundle, tmp_path / "once"), full, MIXES)


@pytest.mark.parametrize("run", ["tiny", "wide"])
def test_the_second_step_of_calibration_follows_the_first(
    run: str, full: list[Product], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bundle = request.getfixturevalue(run).bundle
    whole, first = multimodal.load(bundle), multimodal.load(_once_calibrated(bundle, tmp_path / "once"))
    products, sharpened = _familiar(whole, full)[:40], 0
    for mix in MIXES:
        top = mix_for(whole.manifest.calibration, mix).top
        before, after = (predictor.leaf_probabilities(products, mix) for predictor in (first, whole))
        wanted = before if top is None else apply_top_label(before, top, whole.tree.branches)
        np.testing.assert_allclose(after, wanted, atol=1e-6)
        assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
        sharpened += top is not None
    assert sharpened, "no mix of this bundle has a second step"


def test_int16_halves_a_graph_and_keeps_what_it_says(tiny: Tiny, wide: Tiny, tmp_path: Path) -> None:
    config, tower = tiny.export.config.image, tiny.export.towers.image
    assert config is not None
    assert tower is not None
    small = Path(shutil.copy(wide.bundle / LAYOUT.image, tmp_path / "small.onnx"))
    before = small.stat().st_size
    store_integers(small)
    assert small.read_bytes() == (tiny.bundle / LAYOUT.image).read_bytes(), "an export is not the same twice"
    assert small.stat().st_size < 0.62 * before
    pixels = np.random.default_rng(0).integers(0, 256, (7, *config.size, 3), dtype=np.uint8)
    with torch.no_grad():
        vector, logits = tower(torch.from_numpy(pixels))
    for run, close in ((wide, 1e-4), (tiny, 2e-3)):
        ours_vector, ours = Engine(open_bundle(run.bundle), threads=1).image(pixels)
        np.testing.assert_allclose(ours_vector, vector.numpy(), atol=close * float(vector.abs().max()))
        np.testing.assert_allclose(ours, logits.numpy(), atol=close * float(logits.abs().max()))


def test_parity_is_kept_in_the_manifest(tiny: Tiny) -> None:
    parity = read_manifest(tiny.bundle).provenance["parity"]
    assert set(parity) == {"text", "image", "fused"}
    for head in parity.values():
        assert head["rows"] >= 60
        assert 0 <= head["probability"] <= head["bound"] == STORED_BOUND
        # Half a percent of so few rows is none: one that falls the other way is allowed.
        assert round((1 - head["same_top1"]) * head["rows"]) <= 1
        assert {"vector", "logits"} <= set(head)


# --- what the manifest says of the validation rows


def test_figures_of_the_manifest_are_what_serving_measures(
    tiny: Tiny, predictor: Predictor, val_products: list[Product]
) -> None:
    metrics = read_manifest(tiny.bundle).metrics["val"]
    for mix in (("title",), ("image",), TRAINED):
        rows = [p for p in val_products if all(getattr(p, name) for name in mix)]
        found = evaluate(predictor, rows, inputs=mix).heads["fused"].to_dict()
        told = metrics["+".join(mix)]["answer"]
        assert told["rows"] == found["rows"]
        for figure in ("top1", "top2", "nll", "hf1"):
            assert told[figure] == pytest.approx(found[figure], abs=2e-4), (mix, figure)


def test_what_answers_was_chosen_among_the_three_ways(tiny: Tiny) -> None:
    manifest = read_manifest(tiny.bundle)
    for name, mix in manifest.calibration.mixes.items():
        both = "image" in name and "+" in name
        assert mix.chosen in ({"mlp", "log_mix", "blend"} if both else {"text", "image"})
        assert (name in manifest.calibration.mlp) == (name in manifest.calibration.log_mix) == both
        expected = {"answer", "calibration"}
        assert set(manifest.metrics["val"][name]) == (expected | {"mlp", "log_mix"} if both else expected)
        assert json.loads(mix.model_dump_json())["temperature"] > 0
