"""Titles that name no category: told apart, scored, given a route of their own where that answers better."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_support import renamed
from conftest import Tiny
from multimodal.artifact import mix_name, open_bundle, read_manifest
from multimodal.artifact.engine import Engine
from multimodal.artifact.manifest import Calibration, HeadMix
from multimodal.config.models import TextConfig
from multimodal.evaluation import nll
from multimodal.export.calibrate import answers, calibrate, routed
from multimodal.export.scorer import Inputs, MixScores, Scorer
from multimodal.serving import Predictor
from multimodal.taxonomy import Node, Tree
from multimodal.text.masking import category_words, mask_title, names_category
from multimodal.training.arrays import Split
from multimodal.training.prepare import text_kitchen
from multimodal.types import FloatArray, HeadName, InputName, Prediction, Product, RaggedIds
from predictor_support import answer_of, only

TREE = Tree([Node("1", "Wear", None), *(Node(str(n), name, "1") for n, name in ((10, "Shirts"), (11, "Hats")))])
WORDS = category_words(TREE)
SEEN: tuple[Inputs, ...] = (("title",), ("image",), ("title", "image"))


@given(st.text() | st.lists(st.sampled_from(["red", "shirt", "SHIRTS", "hat-box", "wear", "ß"])).map(" ".join))
def test_a_title_names_a_category_where_masking_takes_something(title: str) -> None:
    assert names_category([title], WORDS) == (mask_title(title, WORDS) != " ".join(title.split()))


@pytest.mark.parametrize("title", ["ＳＨＩＲＴ 42", "blue_shirt", "sh\u00adirt blue", "<b>Shirt</b>", "Shirts,hats"])
def test_what_is_read_is_what_counts(title: str) -> None:
    kitchen = text_kitchen(TextConfig())
    assert names_category(kitchen.fields(Product(title=title)).title_words, WORDS)


@pytest.fixture(scope="module")
def scorer(tiny: Tiny) -> Scorer:
    return Scorer(Engine(open_bundle(tiny.bundle), threads=1), tiny.export.val)


@pytest.mark.parametrize("mix", [("title", "image"), ("title", "characteristics", "image")])
def test_rows_without_names_are_scored_as_products_without_names(
    tiny: Tiny, scorer: Scorer, predictor: Predictor, val_products: list[Product], mix: Inputs
) -> None:
    words = category_words(predictor.tree)
    scored = scorer.score(mix, unnamed=True)
    assert len(scored.rows) > 80
    assert not scored.named.any()
    ids = {id: row for row, id in enumerate(tiny.export.val.ids)}
    masked = [replace(only(p, frozenset(mix)), title=mask_title(p.title or "", words)) for p in val_products]
    theirs = {
        ids[s.id]: {head: values[i] for head, values in scores.logits.items()}
        for samples, scores in predictor._scored(masked, frozenset(mix))
        for i, s in enumerate(samples)
        if s.present == frozenset(mix)
    }
    assert set(scored.rows) == set(theirs)
    for head, values in scored.logits.items():
        np.testing.assert_allclose(values, [theirs[row][head] for row in scored.rows], atol=2e-3)


def test_the_split_tells_which_titles_name_a_category(
    tiny: Tiny, predictor: Predictor, val_products: list[Product]
) -> None:
    words, val = category_words(predictor.tree), tiny.export.val
    titles = {p.id: p.title for p in val_products}
    expected = [titles[id] is None or names_category([titles[id] or ""], words) for id in val.ids]
    assert val.named.tolist() == expected
    assert 0 < val.named.mean() < 1


class Drawn(Scorer):
    """Two leaves, 800 rows: the photo is right four times in five; the title nearly always, if it names its leaf."""

    def __init__(self, *, helpless: bool) -> None:
        """``helpless``: titles without names tell nothing; else they tell as much as those with."""
        n = 800
        chance = np.random.default_rng(3)
        labels = chance.integers(0, 2, n)
        half, every = np.where(np.arange(n) % 2 == 0, "select", "calibrate"), np.ones(n, np.bool_)
        self.split = Split(
            ids=range(n), groups=[str(row) for row in range(n)], labels=labels, has_field=np.ones((n, 3), np.bool_),
            text=None, masked=None, pixels=None, has_image=every, half=half, named=every, rejected=(),
        )  # fmt: skip
        self.rest = {"ngrams": RaggedIds(np.ones(n, np.int32), np.arange(n + 1))}
        self._image_says = _said(labels, chance.random(n) < 0.8, 1.4)
        self._title_says = _said(labels, chance.random(n) < 0.97, 3.0)
        self._rest_says = _said(labels, chance.random(n) < 0.5, 3.0) if helpless else self._title_says

    def available(self) -> list[Inputs]:
        return list(SEEN)

    def score(self, mix: Inputs, *, unnamed: bool = False) -> MixScores:
        text, image = self._rest_says if unnamed else self._title_says, self._image_says
        by_mix: dict[str, dict[HeadName, FloatArray]] = {
            "title": {"text": text},
            "image": {"image": image},
            "title+image": {"text": text, "image": image, "fused": text + image},
        }
        rows = np.arange(len(self.split))
        return MixScores(mix, rows, by_mix[mix_name(mix)], np.full(len(rows), not unnamed))


def _said(labels: np.ndarray, right: np.ndarray, sure: float) -> np.ndarray:
    said = np.where(right, labels, 1 - labels)
    return (np.eye(2)[said] * sure).astype(np.float32)


def test_beside_titles_that_tell_less_the_photo_counts_for_more() -> None:
    calibration, _ = calibrate(Drawn(helpless=True), TREE)
    assert list(calibration.unnamed) == ["title", "title+image"]
    usual, other = calibration.mixes["title+image"], calibration.unnamed["title+image"]
    assert _share_of_photo(other) > 0.7 > _share_of_photo(usual)
    assert other.candidates
    assert other.conflict is not None
    assert list(calibration.by_name()) == [
        "title", "image", "title + image", "title without category names", "title without category names + image"
    ]  # fmt: skip


class OftenNameless(Drawn):
    """Half of the titles name nothing, and tell nothing: no title has to be spoiled for their sake."""

    def score(self, mix: Inputs, *, unnamed: bool = False) -> MixScores:
        assert not unnamed
        whole, rest = super().score(mix), super().score(mix, unnamed=True)
        named = np.arange(len(whole.rows)) % 4 < 2 if "title" in mix else np.ones(len(whole.rows), np.bool_)
        logits = {h: np.where(named[:, None], whole.logits[h], rest.logits[h]) for h in whole.logits}
        return MixScores(mix, whole.rows, logits, named)


def test_titles_that_name_nothing_of_themselves_are_what_is_fitted_on() -> None:
    calibration, scores = calibrate(OftenNameless(helpless=True), TREE)
    assert list(calibration.unnamed) == ["title", "title+image"]
    assert _share_of_photo(calibration.unnamed["title+image"]) > 0.7
    scored = scores["title", "image"]
    labels = OftenNameless(helpless=True).split.labels
    ours, usual = routed(scored, calibration, TREE), answers(scored, calibration.mixes["title+image"], None, TREE)
    assert (ours[scored.named] == usual[scored.named]).all()
    nameless = ~scored.named
    assert nll(ours[nameless], labels[nameless]) < nll(usual[nameless], labels[nameless]) - 0.01


def test_titles_that_tell_as_much_keep_the_usual_route() -> None:
    calibration, _ = calibrate(Drawn(helpless=False), TREE)
    assert calibration.unnamed == {}


def _share_of_photo(mix: HeadMix) -> float:
    """Of the weights, where the fused head is the sum of both."""
    both = mix.weights.get("fused", 0.0)
    text, image = mix.weights.get("text", 0.0) + both, mix.weights.get("image", 0.0) + both
    return image / (text + image)


@pytest.fixture(scope="module")
def photo_first(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """The tiny bundle, which asks the photo alone where the title names nothing."""
    calibration = read_manifest(tiny_bundle).calibration
    photo = calibration.mixes["image"].model_copy(update={"promises": ()})
    told = Calibration(mixes=calibration.mixes, unnamed={"title+image": photo})
    folder = tmp_path_factory.mktemp("routed") / "bundle"
    return Predictor(renamed(tiny_bundle, folder, calibration=told.model_dump(mode="json")), threads=1)


def test_only_titles_without_names_go_the_other_way(
    photo_first: Predictor, predictor: Predictor, full: list[Product]
) -> None:
    words = category_words(predictor.tree)
    product = next(
        p for p in full if names_category([p.title or ""], words) and len(mask_title(p.title or "", words)) > 9
    )
    named = only(product, frozenset({"title", "image"}))
    bare = replace(named, title=mask_title(named.title or "", words))
    photo = only(product, frozenset({"image"}))
    assert answer_of(photo_first, named).suggestions == answer_of(predictor, named).suggestions
    alone, beside = answer_of(photo_first, photo), answer_of(photo_first, bare)
    assert beside.used == "fused"
    assert [s.id for s in beside.suggestions] == [s.id for s in alone.suggestions]
    np.testing.assert_allclose(
        [s.probability for s in beside.suggestions], [s.probability for s in alone.suggestions], atol=1e-5
    )
    assert answer_of(predictor, bare).suggestions[0].probability != beside.suggestions[0].probability


def test_neighbours_do_not_change_the_route(photo_first: Predictor, full: list[Product]) -> None:
    words = category_words(photo_first.tree)
    mixed = [only(p, frozenset({"title", "image"})) for p in full[:20]]
    mixed[1::2] = [replace(p, title=mask_title(p.title or "", words)) for p in mixed[1::2]]
    inputs: frozenset[InputName] = frozenset({"title", "image"})
    together = photo_first.leaf_probabilities(mixed, inputs)
    alone = np.concatenate([photo_first.leaf_probabilities([p], inputs) for p in mixed])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_explanations_go_the_way_of_the_answer(tiny_bundle: Path, tmp_path: Path, full: list[Product]) -> None:
    calibration = read_manifest(tiny_bundle).calibration
    usual = calibration.mixes["title"].model_copy(update={"promises": (), "top": None})
    own = usual.model_copy(update={"temperature": 4 * usual.temperature})
    told = calibration.model_copy(update={"mixes": {**calibration.mixes, "title": usual}, "unnamed": {"title": own}})
    one = Predictor(renamed(tiny_bundle, tmp_path / "own", calibration=told.model_dump(mode="json")), threads=1)
    told = told.model_copy(update={"unnamed": {}})
    other = Predictor(renamed(tiny_bundle, tmp_path / "other", calibration=told.model_dump(mode="json")), threads=1)
    words = category_words(one.tree)
    bare = next(p for p in (Product(title=mask_title(p.title or "", words)) for p in full) if len(p.title or "") > 9)
    effects = []
    for predictor in (one, other):
        [answer] = predictor.classify([bare], explain=True)
        assert isinstance(answer, Prediction)
        assert answer.explanation
        effects.append({effect.text: effect.effect for effect in answer.explanation})
    for text in effects[0].keys() & effects[1].keys():
        assert abs(effects[0][text]) < abs(effects[1][text])
    assert effects[0].keys() & effects[1].keys()


def test_a_mix_without_a_route_of_its_own_answers_as_usual(photo_first: Predictor, predictor: Predictor) -> None:
    bare = Product(title="red 42")
    assert not names_category(["red 42"], category_words(predictor.tree))
    assert answer_of(photo_first, bare) == answer_of(predictor, bare)
