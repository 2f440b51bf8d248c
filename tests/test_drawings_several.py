"""Drawn clothes with several patterns at once, and what drawings tell as a source: tags and attributes."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import open_reader, read_source, source_count
from multimodal.data.sample import SampleRow, draw_products, draw_rows
from multimodal.data.sample.fabrics import TAGS
from multimodal.data.sample.photo import draw_image
from multimodal.data.sample.tree import LEAF, PATTERNS
from multimodal.data.sample.writer import as_record
from multimodal.errors import DataError
from multimodal.types import Product

ROWS, SEED = 160, 4
ASKED = 12
TOLD = ("id", "title", "characteristics", "category_id", "group")


@pytest.fixture(scope="module")
def plain() -> list[SampleRow]:
    return list(draw_rows(ROWS, SEED))


@pytest.fixture(scope="module")
def mixed() -> list[SampleRow]:
    return list(draw_rows(ROWS, SEED, several=0.5))


def source(**columns: object) -> SourceConfig:
    return SourceConfig(
        format="drawings", products=ASKED, seed=SEED, several=0.5, columns=ColumnMap.model_validate(columns)
    )


def products(described: SourceConfig) -> list[Product]:
    return [item for item in read_source(described, labelled=True) if isinstance(item, Product)]


def test_without_several_the_catalog_is_what_it_always_was() -> None:
    """Catalogs are drawn anew by their seed wherever they are needed: bundles were trained on these very rows."""
    texts = [[getattr(product, name) for name in TOLD] for product in draw_products(40, seed=1)]
    assert hashlib.sha256(repr(texts).encode()).hexdigest()[:16] == "4899d804b061a4da"


def test_no_share_draws_no_second_pattern(plain: list[SampleRow]) -> None:
    assert plain[:ASKED] == list(draw_rows(ASKED, SEED, several=0.0))
    assert {row.spec.beside for row in plain} == {()}


def test_the_same_numbers_draw_the_same_bytes(mixed: list[SampleRow]) -> None:
    again, other = (list(draw_rows(ASKED, seed, several=0.5)) for seed in (SEED, SEED + 1))
    assert mixed[:ASKED] == again
    assert [row.spec.beside for row in again] != [row.spec.beside for row in other]


def test_a_share_of_the_clothes_has_two_or_three_patterns(mixed: list[SampleRow]) -> None:
    may = [row.spec for row in mixed if LEAF[row.spec.leaf].patterned > 0]
    counts = Counter(len({spec.pattern, *spec.beside}) for spec in may)
    assert set(counts) == {1, 2, 3}
    assert counts[2] > counts[3] > 0
    assert 0.4 < (counts[2] + counts[3]) / len(may) < 0.6
    for spec in may:
        if spec.beside:
            several = [spec.pattern, *spec.beside]
            assert len(set(several)) == len(several)  # none twice
            assert set(several) <= set(PATTERNS)  # and no plain cloth among them
    assert {row.spec.beside for row in mixed if LEAF[row.spec.leaf].patterned == 0} == {()}


def test_the_whole_share_leaves_no_plain_cloth() -> None:
    rows = [row.spec for row in draw_rows(ASKED, SEED, several=1.0)]
    assert {bool(spec.beside) for spec in rows if LEAF[spec.leaf].patterned > 0} == {True}


def test_products_that_keep_one_pattern_stay_as_they_are(plain: list[SampleRow], mixed: list[SampleRow]) -> None:
    alike = [(a, b) for a, b in zip(plain, mixed, strict=True) if not b.spec.beside]
    assert len(alike) > ROWS / 3
    assert all(a.spec == b.spec for a, b in alike)
    changed = [(a, b) for a, b in zip(plain, mixed, strict=True) if b.spec.beside]
    for a, b in changed:
        assert replace(b.spec, pattern=a.spec.pattern, beside=()) == a.spec  # the same thing in another cloth
        assert (a.product.id, a.product.category_id) == (b.product.id, b.product.category_id)


def test_tags_say_what_the_cloth_shows(mixed: list[SampleRow]) -> None:
    for row in mixed:
        shown = {row.spec.pattern, *row.spec.beside}
        assert row.spec.tags == {tag: tag in shown for tag in TAGS}
        record = as_record(row)
        assert {tag: record[tag] for tag in TAGS} == {tag: int(tag in shown) for tag in TAGS}
    assert {2, 3} <= {sum(row.spec.tags.values()) for row in mixed}


def test_each_pattern_is_on_the_photo(mixed: list[SampleRow]) -> None:
    """Taking one away changes a part of the picture, and not all of it."""
    specs = [row.spec for row in mixed if len(row.spec.beside) == 2 and row.spec.trouble == "none"][:3]
    assert len(specs) == 3
    for spec in specs:
        spec = replace(spec, backdrop="studio", size=(180, 240))
        whole = np.asarray(draw_image(spec, Random("photo")), np.int16)
        for fewer in ((), spec.beside[:1]):
            other = np.asarray(draw_image(replace(spec, beside=fewer), Random("photo")), np.int16)
            differs = (np.abs(whole - other).max(axis=2) > 24).mean()
            assert 0.005 < differs < 0.9


def test_a_source_of_drawings_tells_what_is_asked_for(mixed: list[SampleRow]) -> None:
    asked = source(tags={"dots": "polka dot", "checker": "checker"}, attributes={"hue": "color1", "for": "gender"})
    found = products(asked)
    specs = [row.spec for row in mixed[:ASKED]]
    for product, spec in zip(found, specs, strict=True):
        assert product.tags == {"dots": spec.tags["polka dot"], "checker": spec.tags["checker"]}
        assert product.attributes == {"hue": spec.colour.en, "for": spec.gender}
    assert any(sum(spec.tags.values()) > 1 for spec in specs)
    plain = [replace(product, tags=None, attributes=None) for product in found]
    assert plain == products(source()) == [row.product for row in mixed[:ASKED]]


def test_every_attribute_of_a_drawing_can_be_asked_for(mixed: list[SampleRow]) -> None:
    found = products(source(attributes=["color1", "pattern", "gender", "season"]))
    specs = [row.spec for row in mixed[:ASKED]]
    told = [tuple((product.attributes or {}).values()) for product in found]
    assert told == [(spec.colour.en, spec.pattern, spec.gender, spec.season) for spec in specs]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"tags": ["striped"]}, ("columns.tags: got 'striped'", "expected one of polka dot, floral, checker")),
        ({"tags": {"dots": "polkadot"}}, ("columns.tags: got 'polkadot'", "Did you mean 'polka dot'?")),
        ({"attributes": {"c": "colour"}}, ("columns.attributes: got 'colour'", "color1, pattern, gender, season")),
    ],
)
def test_names_that_drawings_do_not_tell_are_refused(columns: dict[str, object], words: tuple[str, str]) -> None:
    with pytest.raises(DataError) as caught:
        open_reader(source(**columns), labelled=False)
    assert all(part in caught.value.message for part in words)


def test_drawings_can_be_counted_and_held_out() -> None:
    assert source_count(source()) == ASKED
    held = products(source().model_copy(update={"held_out": 4, "take": "held_out"}))
    assert len(held) == 4
    with pytest.raises(DataError, match=f"drawings: held_out: got {ASKED} of {ASKED} rows"):
        read_source(source().model_copy(update={"held_out": ASKED}), labelled=True)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="several"):
        SourceConfig(format="drawings", products=5, several=share)
