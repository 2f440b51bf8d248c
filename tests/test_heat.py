"""Where in the photo an answer comes from: covered parts, the map's laws, and what draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import multimodal
from conftest import Tiny
from multimodal.cli.heat import draw_heat
from multimodal.errors import InputError
from multimodal.image import ImageKitchen
from multimodal.numeric import log_softmax
from multimodal.serving.heat import COLUMNS, ROWS, covered, overlay
from multimodal.types import HeatMap, ImageRef, Prediction, Product


def _with_photo(products: list[Product], n: int = 3) -> list[Product]:
    return [p for p in products if p.image is not None and p.title][:n]


def test_every_part_is_covered_once_or_more() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 36, 3), dtype=np.uint8)
    photos = covered(pixels)
    assert len(photos) == ROWS * COLUMNS
    changed = np.stack([(photo != pixels).any(axis=2) for photo in photos])
    assert changed.any(axis=0).all(), "some part of the photo is never covered"
    assert (changed.mean(axis=(1, 2)) < 0.5).all(), "a cover that hides most of the photo says nothing of its place"
    # The first cover lies in the upper left corner, the last in the lower right one.
    assert changed[0, 0, 0]
    assert changed[-1, -1, -1]
    assert not changed[0, -1, -1]


def test_effects_are_what_covering_does_to_the_odds(tiny: Tiny, val_products: list[Product]) -> None:
    predictor = multimodal.load(tiny.bundle, threads=1)
    (product,) = _with_photo(val_products, 1)
    (answer,) = predictor.classify([Product(image=product.image)], explain=True)
    assert isinstance(answer, Prediction)
    heat = answer.heat_map
    assert heat is not None
    assert answer.category is not None
    assert heat.category_id == answer.category.id
    assert np.shape(heat.effects) == (ROWS, COLUMNS)
    core = predictor._core
    assert core.kitchens.image is not None
    assert product.image is not None
    pixels = core.kitchens.image.prepare(product.image)
    mix = predictor.manifest.calibration.mixes["image"]
    logits = core.engine.image(np.stack([pixels, covered(pixels)[10]]))[1]
    scaled = log_softmax(logits * mix.weights["image"])
    if mix.slope == 0:
        p = np.exp(log_softmax(scaled, mix.temperature))[:, predictor.tree.leaf_index[heat.category_id]]
        odds = np.log(p / (1 - p))
        assert heat.effects[10 // COLUMNS][10 % COLUMNS] == pytest.approx(odds[0] - odds[1], abs=2e-3)


def test_only_where_it_is_asked_for_and_there_is_a_photo(tiny: Tiny, val_products: list[Product]) -> None:
    predictor = multimodal.load(tiny.bundle, threads=1)
    (product,) = _with_photo(val_products, 1)
    asked = [product, Product(title=product.title), Product(), Product(image=ImageRef(data=b"?"), title=product.title)]
    answers = predictor.classify(asked, explain=True)
    maps = [getattr(answer, "heat_map", "error") for answer in answers]
    assert [m is not None and m != "error" for m in maps] == [True, False, False, False]
    assert maps[2] == "error"
    (plain,) = predictor.classify([product])
    assert isinstance(plain, Prediction)
    assert plain.heat_map is None


def test_colours_follow_the_effects() -> None:
    effects = np.zeros((ROWS, COLUMNS))
    effects[0, 0], effects[-1, -1] = 3.0, -3.0
    painted = overlay(np.full((160, 120, 3), 128, np.uint8), HeatMap("x", tuple(map(tuple, effects.tolist()))))
    warm, cold, nothing = painted[4, 4].astype(int), painted[-4, -4].astype(int), painted[80, 60].astype(int)
    assert warm[0] > warm[2] + 60
    assert cold[2] > cold[0] + 60
    assert np.ptp(nothing) < 12


def test_the_picture(tiny: Tiny, val_products: list[Product], tmp_path: Path) -> None:
    predictor = multimodal.load(tiny.bundle, threads=1)
    (product,) = _with_photo(val_products, 1)
    (answer,) = predictor.classify([product], explain=True)
    assert isinstance(answer, Prediction)
    file = tmp_path / "new" / "heat.png"
    draw_heat(file, product, answer, ImageKitchen(96, 72))
    with Image.open(file) as picture:
        assert picture.size == (960, 640)
    draw_heat(file, product, answer, ImageKitchen(64, 64, (0, 0, 0)))  # the picture has the frame of the bundle
    with Image.open(file) as picture:
        assert picture.size == (1280, 640)
        assert picture.getpixel((2, 320)) == (0, 0, 0), "what a tall photo leaves of the frame is the bundle's own"
    with pytest.raises(InputError, match=r"got the suffix '\.jpg', expected \.png"):
        draw_heat(tmp_path / "heat.jpg", product, answer, ImageKitchen(96, 72))
    with pytest.raises(InputError, match="no photo"):
        draw_heat(file, Product(title="x"), answer, ImageKitchen(96, 72))
