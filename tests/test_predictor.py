"""The predictor: one answer for each product, in order, its own, from whatever of it can be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import multimodal
from multimodal.artifact import Calibration, HeadMix
from multimodal.errors import InputError
from multimodal.serving import Predictor
from multimodal.serving.scoring import mix_for
from multimodal.types import INPUTS, Answer, CategoryScore, HeadName, ImageRef, InputName, Prediction, Product, RowError

BROKEN = ImageRef(data=b"\xff\xd8\xff not a photo", name="broken.jpg")
UNKNOWN = "ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺ"
"""Runes: words, but not one n-gram of theirs is in a vocabulary of Russian and English titles."""
TRAINED: tuple[InputName, ...] = ("title", "characteristics", "image")
USED: dict[frozenset[str], HeadName] = {
    frozenset({"title"}): "text",
    frozenset({"characteristics"}): "text",
    frozenset({"title", "characteristics"}): "text",
    frozenset({"image"}): "image",
    frozenset({"title", "image"}): "fused",
    frozenset({"characteristics", "image"}): "fused",
    frozenset({"title", "characteristics", "image"}): "fused",
}


@pytest.fixture(scope="module")
def full(val_products: list[Product]) -> list[Product]:
    """Products with a title, characteristics and a photo."""
    found = [p for p in val_products if p.title and p.characteristics and p.image]
    assert len(found) >= 40
    return found


def _only(product: Product, inputs: frozenset[str]) -> Product:
    return replace(product, **{name: None for name in INPUTS if name not in inputs})


def _one(predictor: Predictor, product: Product, **options: float) -> Prediction:
    answer = predictor.classify([product], **options)[0]  # type: ignore[arg-type]
    assert isinstance(answer, Prediction), answer
    return answer


def _error(predictor: Predictor, product: Product) -> RowError:
    answer = predictor.classify([product])[0]
    assert isinstance(answer, RowError), answer
    return answer


@pytest.mark.parametrize("inputs", list(USED), ids="+".join)
def test_head_follows_from_the_inputs(predictor: Predictor, full: list[Product], inputs: frozenset[str]) -> None:
    answers = predictor.classify([_only(p, inputs) for p in full[:3]])
    for answer, product in zip(answers, full, strict=False):
        assert isinstance(answer, Prediction)
        assert answer.used == USED[inputs]
        assert set(answer.missing) == set(TRAINED) - inputs
        assert (answer.id, answer.decision, answer.needs_review) == (product.id, "leaf", False)
        assert answer.warnings == ()
        assert answer.candidates is answer.conflict is None
        assert answer.tags == answer.attributes == ()


def test_answer_of_a_head_is_that_of_its_inputs_alone(predictor: Predictor, full: list[Product]) -> None:
    """No text: the photo answers, and the other way round; the head that is not asked has no say."""
    for head, inputs in (("image", frozenset({"image"})), ("text", frozenset({"title", "characteristics"}))):
        direct = predictor.leaf_probabilities(full[:8], head=head)  # type: ignore[arg-type]
        alone = predictor.leaf_probabilities([_only(p, inputs) for p in full[:8]])
        np.testing.assert_allclose(direct, alone, atol=1e-6)
    fused = predictor.leaf_probabilities(full[:8])
    assert np.abs(fused - predictor.leaf_probabilities(full[:8], head="image")).max() > 0.01


def test_inputs_may_be_hidden(predictor: Predictor, full: list[Product]) -> None:
    hidden = predictor.leaf_probabilities(full[:8], frozenset({"title"}))
    np.testing.assert_allclose(
        hidden, predictor.leaf_probabilities([_only(p, frozenset({"title"})) for p in full[:8]]), atol=1e-6
    )
    assert np.isnan(predictor.leaf_probabilities(full[:2], frozenset({"title"}), head="image")).all()


def test_leaf_probabilities_are_probabilities(predictor: Predictor, full: list[Product]) -> None:
    rows = [full[0], Product(id="nothing"), _only(full[1], frozenset({"image"})), Product(title=UNKNOWN), full[2]]
    probs = predictor.leaf_probabilities(rows)
    assert probs.shape == (5, len(predictor.tree.leaves))
    assert probs.dtype == np.float32
    assert np.isnan(probs).all(axis=1).tolist() == [False, True, False, True, False]
    kept = probs[[0, 2, 4]]
    assert (kept >= 0).all()
    np.testing.assert_allclose(kept.sum(axis=1), 1, atol=1e-5)
    assert predictor.leaf_probabilities([]).shape == (0, len(predictor.tree.leaves))


def test_suggestions_are_the_best_leaves_with_their_paths(predictor: Predictor, full: list[Product]) -> None:
    probs = predictor.leaf_probabilities(full[:6])
    tree = predictor.tree
    for row, answer in zip(probs, predictor.classify(full[:6], top_k=10), strict=True):
        assert isinstance(answer, Prediction)
        assert len(answer.suggestions) == 10
        assert answer.category == answer.suggestions[0]
        wanted = np.sort(row)[::-1][:10]
        np.testing.assert_allclose([s.probability for s in answer.suggestions], wanted, atol=1e-6)
        for suggestion in answer.suggestions:
            assert suggestion.is_leaf
            assert row[tree.leaf_index[suggestion.id]] == pytest.approx(suggestion.probability, abs=1e-6)
            _check_path(predictor, row, suggestion)


def _check_path(predictor: Predictor, leaves: np.ndarray, category: CategoryScore) -> None:
    tree = predictor.tree
    nodes = tree.path(category.id)
    assert [(s.id, s.name) for s in category.path] == [(n.id, n.name) for n in nodes]
    assert tree.node(category.path[0].id).parent_id is None
    assert (category.path[-1].id, category.path[-1].probability) == (category.id, category.probability)
    for step in category.path:
        below = leaves[tree.leaf_matrix[tree.node_index[step.id]]].sum()
        assert step.probability == pytest.approx(float(below), abs=1e-5)
        assert 0 <= step.probability <= 1
    sums = [step.probability for step in category.path]
    assert sums == sorted(sums, reverse=True) or max(np.diff(sums)) < 1e-6


def test_unreadable_photo_beside_text_is_left_out_and_said(predictor: Predictor, full: list[Product]) -> None:
    text = _only(full[0], frozenset({"title", "characteristics"}))
    answer, plain = predictor.classify([replace(text, image=BROKEN), text])
    assert isinstance(answer, Prediction)
    assert isinstance(plain, Prediction)
    assert answer.used == "text"
    assert answer.missing == ("image",)
    assert len(answer.warnings) == 1
    assert answer.warnings[0].startswith("the photo was left out: ")
    assert "broken.jpg" in answer.warnings[0]
    _same(answer, replace(plain, row=0, warnings=answer.warnings))


def test_title_without_a_word_beside_a_photo_counts_as_absent_and_is_said(
    predictor: Predictor, full: list[Product]
) -> None:
    photo = _only(full[0], frozenset({"image"}))
    for title in ("!!! ---", "\x00\x07\x1b"):
        answer = _one(predictor, replace(photo, title=title))
        assert answer.used == "image"
        assert answer.missing == ("title", "characteristics")
        assert any("the title has no word" in w for w in answer.warnings)


@pytest.mark.parametrize("title", [UNKNOWN, "ꙮꙮꙮꙮ", "ሀሁሂሃ ለሉሊ"])
def test_text_of_which_nothing_is_known_counts_as_absent(
    predictor: Predictor, full: list[Product], title: str
) -> None:
    photo = _only(full[0], frozenset({"image"}))
    answer, plain = predictor.classify([replace(photo, title=title), photo])
    assert isinstance(answer, Prediction)
    assert isinstance(plain, Prediction)
    assert answer.used == "image"
    assert answer.missing == ("title", "characteristics")
    assert answer.warnings == ("nothing in the text is known to this bundle, so it counts as absent",)
    _same(answer, replace(plain, row=0, warnings=answer.warnings))
    alone = _error(predictor, Product(id=7, title=title))
    assert (alone.id, alone.stage, alone.code) == (7, "predict", "nothing_usable")
    assert "Nothing in the text is known to this bundle" in alone.message


def test_known_words_beside_unknown_ones_are_enough(predictor: Predictor, full: list[Product]) -> None:
    answer = _one(predictor, Product(title=f"{UNKNOWN} {full[0].title} 😀"))
    assert (answer.used, answer.warnings) == ("text", ())


@pytest.mark.parametrize(
    ("product", "stage", "code", "said"),
    [
        (Product(id="a"), "predict", "nothing_usable", "expected at least one of: title, characteristics, image"),
        (Product(id="a", title="", characteristics=""), "predict", "nothing_usable", "Add a title"),
        (Product(id="a", title="😀 !!"), "predict", "nothing_usable", "The title has no word or number"),
        (Product(id="a", image=BROKEN), "image", "image_truncated", "broken.jpg"),
        (Product(id="a", title=UNKNOWN, image=BROKEN), "predict", "nothing_usable", "The photo was left out"),
        (Product(id="a", title="x" * 1001), "text", "title_too_long", "got 1,001 characters, expected at most 1,000"),
        (Product(id="a", title="x", characteristics="a: b / " * 3000), "text", "characteristics_too_long", "20,000"),
        (Product(id="a", description="a long story"), "predict", "nothing_usable", "does not use the description"),
    ],
)
def test_product_that_cannot_be_used(
    predictor: Predictor, product: Product, stage: str, code: str, said: str
) -> None:
    error = _error(predictor, product)
    assert (error.id, error.row, error.stage, error.code) == ("a", 0, stage, code)
    assert said in error.message


def test_missing_photo_file_costs_its_row_alone(predictor: Predictor, full: list[Product], tmp_path: Path) -> None:
    gone = Product(id="gone", image=ImageRef(path=str(tmp_path / "gone.jpg")))
    first, error, last = predictor.classify([full[0], gone, full[1]])
    assert isinstance(error, RowError)
    assert (error.id, error.row, error.stage) == ("gone", 1, "image")
    assert "gone.jpg" in error.message
    _same(first, _one(predictor, full[0]))
    _same(last, replace(_one(predictor, full[1]), row=2))


def test_missing_values_of_tables_are_absent(predictor: Predictor, full: list[Product]) -> None:
    nan = float("nan")
    plain = _one(predictor, _only(full[0], frozenset({"title"})))
    odd = replace(_only(full[0], frozenset({"title"})), characteristics=nan, description=nan)  # type: ignore[arg-type]
    assert _one(predictor, odd) == plain
    assert _one(predictor, Product(title=501)).used == "text"  # type: ignore[arg-type]


def test_input_the_bundle_was_not_trained_on_is_said(predictor: Predictor, full: list[Product]) -> None:
    answer = _one(predictor, replace(full[0], description="Made of fine cotton"))
    assert answer.warnings == ("this bundle does not use the description",)
    _same(answer, replace(_one(predictor, full[0]), warnings=answer.warnings))


def test_rows_come_out_in_order_with_errors_in_their_places(predictor: Predictor, full: list[Product]) -> None:
    given_error = RowError("read", 99, "read", "columns", "row 99 could not be read")
    rows: list[Product | RowError] = []
    for i, product in enumerate(full[:40]):
        inputs = list(USED)[i % len(USED)]
        rows.append(_only(product, inputs))
        rows.append([Product(id=f"none {i}"), given_error, Product(id=i, image=BROKEN), product][i % 4])
    order = np.random.default_rng(2).permutation(len(rows))
    shuffled = [rows[i] for i in order]
    answers = predictor.classify(shuffled)
    assert len(answers) == len(rows) == 80
    for row, (item, answer) in enumerate(zip(shuffled, answers, strict=True)):
        assert (answer.row, answer.id) == (row, item.id)
        if item is given_error:
            assert answer == replace(given_error, row=row)
    straight = predictor.classify(rows)
    for place, answer in zip(order, answers, strict=True):
        _same(answer, replace(straight[place], row=answer.row))


def test_ids_keep_their_type_and_may_repeat(predictor: Predictor, full: list[Product]) -> None:
    ids = [5, "5", None, 5, None, "", 0]
    answers = predictor.classify([replace(_only(full[0], frozenset({"title"})), id=i) for i in ids])
    assert [(type(a.id), a.id) for a in answers] == [(type(i), i) for i in ids]
    assert [a.row for a in answers] == list(range(7))


def _pool(full: Sequence[Product]) -> list[Product | RowError]:
    made: list[Product | RowError] = [_only(p, inputs) for p, inputs in zip(full, USED, strict=False)]
    made += [
        full[9],
        full[10],
        Product(id="empty"),
        Product(id="broken", image=BROKEN),
        replace(full[11], image=BROKEN),
        replace(_only(full[12], frozenset({"image"})), title=UNKNOWN),
        Product(id="long", title="x" * 2000),
        RowError("unread", 3, "read", "columns", "could not be read"),
        Product(id="wordy", title=" ".join(str(p.title) for p in full[:12])[:1000]),
    ]
    return made


@settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_neither_order_nor_neighbours_nor_batches_change_an_answer(
    predictor: Predictor, alone: list[Answer], pool: list[Product | RowError], data: st.DataObject
) -> None:
    picked = data.draw(st.lists(st.integers(0, len(pool) - 1), max_size=24))
    batch = data.draw(st.integers(1, 9))
    answers = list(predictor.stream((pool[i] for i in picked), batch_size=batch))
    assert len(answers) == len(picked)
    for row, (i, answer) in enumerate(zip(picked, answers, strict=True)):
        _same(answer, replace(alone[i], row=row))


@pytest.fixture(scope="module")
def pool(full: list[Product]) -> list[Product | RowError]:
    return _pool(full)


@pytest.fixture(scope="module")
def alone(predictor: Predictor, pool: list[Product | RowError]) -> list[Answer]:
    """The answer to each item of the pool, asked by itself."""
    return [predictor.classify([item])[0] for item in pool]


def test_threads_get_the_same_answers(
    predictor: Predictor, alone: list[Answer], pool: list[Product | RowError]
) -> None:
    def ask(start: int) -> list[Answer]:
        return predictor.classify([*pool[start:], *pool[:start]])

    with ThreadPoolExecutor(8) as threads:
        for start, answers in enumerate(threads.map(ask, range(len(pool)))):
            for row, answer in enumerate(answers):
                _same(answer, replace(alone[(row + start) % len(pool)], row=row))


def _same(answer: Answer, expected: Answer) -> None:
    """Alike but for float32 sums in another order; near ties may change places."""
    if isinstance(expected, RowError) or isinstance(answer, RowError):
        assert answer == expected
        return
    for name in ("id", "row", "decision", "used", "missing", "needs_review", "warnings"):
        assert getattr(answer, name) == getattr(expected, name), name
    ours, theirs = ([s.probability for s in a.suggestions] for a in (answer, expected))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    if min(-np.diff([*theirs, 0.0])[:-1], default=1) > 1e-4:
        assert [s.id for s in answer.suggestions][:-1] == [s.id for s in expected.suggestions][:-1]


def test_min_confidence_walks_up_until_it_is_reached(predictor: Predictor, full: list[Product]) -> None:
    decisions = set()
    for product in full[:12]:
        leaf = _one(predictor, product).category
        assert leaf is not None
        for step, above in zip(leaf.path[::-1], [*leaf.path[::-1][1:], None], strict=True):
            answer = _one(predictor, product, min_confidence=max(0.0, step.probability - 1e-4))
            assert answer.category is not None
            assert answer.category.probability >= step.probability - 1e-4
            if above is not None and above.probability > step.probability + 1e-3:
                middle = (above.probability + step.probability) / 2
                higher = _one(predictor, product, min_confidence=middle)
                assert higher.category is not None
                assert (higher.decision, higher.category.id) == ("ancestor", above.id)
                assert not higher.category.is_leaf
                assert higher.needs_review
                assert higher.category.path == leaf.path[: len(higher.category.path)]
                assert higher.suggestions[0].id == leaf.id
                decisions.add("ancestor")
        if leaf.path[0].probability < 0.999:
            top = _one(predictor, product, min_confidence=1.0)
            assert (top.decision, top.category, top.needs_review) == ("abstain", None, True)
            assert top.suggestions[0].id == leaf.id
            decisions.add("abstain")
        assert _one(predictor, product, min_confidence=0).decision == "leaf"
    assert decisions == {"ancestor", "abstain"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top_k": 0}, "top_k: got 0, expected 1 to 10"),
        ({"top_k": 11}, "top_k: got 11, expected 1 to 10"),
        ({"min_confidence": -0.1}, "min_confidence: got -0.1, expected a probability from 0 to 1"),
        ({"min_confidence": 1.1}, "min_confidence: got 1.1, expected"),
        ({"min_confidence": float("nan")}, "min_confidence: got nan, expected"),
    ],
)
def test_options_out_of_range_are_refused(predictor: Predictor, options: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        predictor.classify([Product(title="x")], **options)  # type: ignore[arg-type]


def test_batch_size_below_one_is_refused(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="batch_size: got 0, expected 1 or more"):
        list(predictor.stream([Product(title="x")], batch_size=0))


def test_top_k_gives_as_many_suggestions(predictor: Predictor, full: list[Product]) -> None:
    ten = _one(predictor, full[0], top_k=10).suggestions
    for k in (1, 2, 5):
        assert _one(predictor, full[0], top_k=k).suggestions == ten[:k]
    assert len(predictor.classify(full[:1])[0].suggestions) == 2  # type: ignore[union-attr]


def test_stream_takes_one_batch_at_a_time(predictor: Predictor, full: list[Product]) -> None:
    taken = 0

    def rows() -> Iterator[Product]:
        nonlocal taken
        for product in full[:12]:
            taken += 1
            yield product

    stream = predictor.stream(rows(), batch_size=4)
    for _ in range(5):
        next(stream)
    assert taken == 8
    assert len(list(stream)) == 7


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.classify([]) == []


def test_a_loaded_predictor_knows_its_bundle(tiny_bundle: Path) -> None:
    loaded = multimodal.load(tiny_bundle, threads=1)
    loaded.warm_up()
    assert (loaded.name, loaded.version) == ("tiny", "1")
    assert loaded.heads == ("fused", "text", "image")
    assert loaded.inputs == TRAINED


def test_every_mix_of_inputs_that_validation_has_is_calibrated(predictor: Predictor) -> None:
    mixes = [c for k in (1, 2, 3) for c in combinations(TRAINED, k)]
    assert set(predictor.manifest.calibration.mixes) == {"+".join(mix) for mix in mixes}


def test_a_mix_that_was_never_seen_borrows_from_the_most_alike() -> None:
    def mix(chosen: str) -> HeadMix:
        return HeadMix(weights={"fused": 1.0}, temperature=1.0, chosen=chosen)

    calibration = Calibration(
        mixes={"title+image": mix("a"), "title+characteristics+image": mix("b"), "image": mix("c"), "title": mix("d")}
    )
    assert mix_for(calibration, frozenset({"title", "image"})).chosen == "a"
    assert mix_for(calibration, frozenset({"characteristics", "image"})).chosen == "b"
    assert mix_for(calibration, frozenset({"description"})).chosen == "d"
    alone = mix_for(Calibration(mixes={}), frozenset({"image"}))
    assert (alone.weights, alone.chosen) == ({"image": 1.0}, "uncalibrated")
