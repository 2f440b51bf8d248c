"""Figures of a bundle on labelled products: what the heads see, which rows count, where errors go."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pytest

from multimodal.errors import DataError, InputError
from multimodal.serving.evaluate import evaluate
from multimodal.taxonomy import Node, Tree
from multimodal.types import TEXT_INPUTS, HeadName, ImageRef, InputName, Product, RowError

TREE = Tree([Node("w", "Wear", None), Node("s", "Shirts", "w"), Node("h", "Hats", "w"), Node("b", "Bags", None)])
LEAVES = TREE.leaves


class KeywordScorer:
    """Answers from words: a text or a photo naming a leaf's id is 0.8 sure of it. Remembers what it saw."""

    tree = TREE
    heads: tuple[HeadName, ...] = ("fused", "text", "image")

    def __init__(self, inputs: tuple[InputName, ...] = ("title", "characteristics", "image")) -> None:
        self.inputs = inputs
        self.seen: list[Product] = []
        self.batches: list[int] = []

    def head_probabilities(
        self, products: Sequence[Product], inputs: frozenset[InputName] | None, heads: Collection[HeadName]
    ) -> dict[HeadName, np.ndarray]:
        allowed = set(self.inputs if inputs is None else inputs)
        self.seen += products
        self.batches.append(len(products))
        sees = {"fused": allowed, "text": allowed & set(TEXT_INPUTS), "image": allowed & {"image"}}
        return {head: np.array([self._one(p, sees[head]) for p in products], dtype=np.float32) for head in heads}

    def _one(self, product: Product, allowed: set[InputName]) -> list[float]:
        words: list[str] = []
        if "image" in allowed and product.image is not None and product.image.data != b"broken":
            words.append((product.image.data or b"").decode())
        if "title" in allowed and product.title:
            words += product.title.split()
        hits = [word for word in words if word in LEAVES]  # the photo's first
        if not words:
            return [float("nan")] * len(LEAVES)
        return [0.8 if leaf == (hits or [None])[0] else 0.1 for leaf in LEAVES]


def photo(word: str) -> ImageRef:
    return ImageRef(data=word.encode())


PRODUCTS = [
    Product(id=1, title="s cotton", image=photo("s"), category_id="s"),
    Product(id=2, title="s cotton", image=photo("h"), category_id="h"),
    Product(id=3, title="b", image=photo("b"), category_id="b"),
    Product(id=4, title="h", image=photo("b"), category_id="b"),
]


def test_every_head_is_measured_on_the_same_rows() -> None:
    found = evaluate(KeywordScorer(), PRODUCTS)
    assert found.rows == 4
    assert found.inputs == ("title", "characteristics", "image")
    assert {head: figures.top1 for head, figures in found.heads.items()} == {"fused": 1.0, "text": 0.5, "image": 1.0}
    # predicted paths w>s, w>s, b, w>h; true ones w>s, w>h, b, b; common steps 2, 1, 1, 0
    precision, recall = 4 / 7, 4 / 6
    assert found.heads["text"].hf1 == pytest.approx(2 * precision * recall / (precision + recall))


@pytest.mark.parametrize(
    ("inputs", "heads"),
    [
        (("title",), {"fused", "text"}),
        (("image",), {"fused", "image"}),
        (("image", "title"), {"fused", "text", "image"}),
    ],
)
def test_inputs_limit_what_the_heads_see(inputs: tuple[InputName, ...], heads: set[str]) -> None:
    found = evaluate(KeywordScorer(), PRODUCTS, inputs=inputs)
    assert set(found.heads) == heads
    assert set(found.inputs) == set(inputs)
    single = next(iter(heads - {"fused"}))
    if len(inputs) == 1:  # the product then answers with the only modality present
        assert found.heads["fused"] == found.heads[single]  # type: ignore[index]


def test_masking_hides_words_of_category_names_and_everything_that_repeats_them() -> None:
    scorer = KeywordScorer()
    product = Product(title="Shirt s hat blue", characteristics="type: Shirts", category_id="s", image=photo("s"))
    found = evaluate(scorer, [product], mask_title_words=True)
    assert scorer.seen[0].title == "s blue"
    assert found.inputs == ("title", "image")
    assert found.to_dict()["mask_title_words"] is True


def test_a_title_masked_away_leaves_the_photo_or_an_error() -> None:
    items = [
        Product(title="Shirts", image=photo("s"), category_id="s"),
        Product(id="bare", title="Shirts", category_id="s"),
    ]
    found = evaluate(KeywordScorer(), items, mask_title_words=True)
    assert found.rows == 1
    assert [(e.id, e.row, e.code) for e in found.errors] == [("bare", 1, "nothing_usable")]
    assert "text" not in found.heads


def test_rows_that_cannot_be_measured_are_errors_in_their_places() -> None:
    unread = RowError(None, 1, "read", "not_utf8", "got bytes")
    items = [
        PRODUCTS[0],
        unread,
        Product(id=7, title="s", category_id="w"),
        Product(id=8, title="s", category_id="zzz"),
        Product(id=9, title="s"),
        Product(id=10, category_id="s"),
        PRODUCTS[2],
    ]
    for batch_size in (1, 2, 100):
        found = evaluate(KeywordScorer(), items, batch_size=batch_size)
        assert found.rows == 2
        assert sorted((e.row, e.id, e.code) for e in found.errors if e is not unread) == [
            (2, 7, "inner_category"),
            (3, 8, "unknown_category"),
            (4, 9, "unlabelled"),
            (5, 10, "nothing_usable"),
        ]
        assert unread in found.errors
        assert found.to_dict()["errors"]["rows"] == 5


def test_a_head_is_measured_where_it_can_answer() -> None:
    items = [*PRODUCTS, Product(title="s", image=photo("broken"), category_id="s")]
    found = evaluate(KeywordScorer(), items)
    assert found.rows == found.heads["fused"].rows == 5
    assert found.heads["image"].rows == 4


def test_photos_that_cannot_be_read_beside_text_are_counted() -> None:
    lost = [Product(id=i, title="s", image=photo("broken"), category_id="s") for i in (5, 6)]
    found = evaluate(KeywordScorer(), [*PRODUCTS, *lost, Product(image=photo("broken"), category_id="s")])
    assert found.rows == 6
    assert [(e.id, e.row, e.stage, e.code) for e in found.photos_left_out] == [
        (5, 4, "image", "image_unreadable"),
        (6, 5, "image", "image_unreadable"),
    ]
    assert "expected one of JPEG" in found.photos_left_out[0].message
    assert found.to_dict()["photos_left_out"] == {"rows": 2, "by_code": {"image_unreadable": 2}}
    assert found.to_dict()["errors"] == {"rows": 1, "by_code": {"image_unreadable": 1}}, "its own reason"
    assert [(e.row, e.stage) for e in found.errors] == [(6, "image")]
    titles = evaluate(KeywordScorer(), [*PRODUCTS, *lost], inputs=("title",))
    assert titles.to_dict()["photos_left_out"] == {"rows": 0, "by_code": {}}


def test_it_works_in_batches_and_tells_how_far_it_is() -> None:
    scorer, done = KeywordScorer(), []
    evaluate(scorer, PRODUCTS * 3, batch_size=5, on_progress=done.append)
    assert scorer.batches == [5, 5, 2]
    assert done == [5, 10, 12]


def test_keep_chooses_rows_and_leaves_their_numbers() -> None:
    items = [*PRODUCTS, Product(id=5, category_id="s"), Product(id=6, category_id="s")]
    found = evaluate(KeywordScorer(), items, keep=lambda product, row: row % 2 == 1, batch_size=3)
    assert found.rows == 2
    assert [(e.id, e.row) for e in found.errors] == [(6, 5)]


def test_rows_are_numbered_only_where_not_one_of_the_data_has_an_id() -> None:
    items = [Product(title="s", category_id="s"), Product(id=0, title="h", category_id="h")]
    first = evaluate(KeywordScorer(), items, keep=lambda product, row: row == 0).measured
    assert (first.numbered, [row.key for row in first.rows]) == (False, [("row", "0")])
    both = evaluate(KeywordScorer(), items).measured
    assert [row.key for row in both.rows] == [("row", "0"), ("id", "0")]
    assert evaluate(KeywordScorer(), items[:1]).measured.numbered


def test_inputs_the_bundle_does_not_use_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"inputs image: this bundle does not use them; expected some of title"):
        evaluate(KeywordScorer(("title",)), PRODUCTS, inputs=("image",))
    with pytest.raises(InputError, match="masked titles are measured without"):
        evaluate(KeywordScorer(), PRODUCTS, inputs=("characteristics",), mask_title_words=True)


def test_no_row_at_all_is_an_error_with_the_first_reason() -> None:
    with pytest.raises(DataError, match=r"1 failed; expected rows with an input .*'zzz' is not in the tree"):
        evaluate(KeywordScorer(), [Product(title="s", category_id="zzz")])


def test_the_document_has_the_published_keys() -> None:
    document = evaluate(KeywordScorer(), PRODUCTS).to_dict()
    assert list(document["heads"]) == ["fused", "text", "image"]
    assert {"top1", "top2", "top5", "weighted_f1", "macro_f1", "hf1", "ece", "nll"} <= set(document["heads"]["text"])
    assert document["rows"] == 4
    assert document["inputs"] == ["title", "characteristics", "image"]
    assert document["tags"] == {}
