"""Drawn clothes with several patterns at once, and what drawings tell as a source: tags and attributes."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import open_reader, read_source, source_count
from multimodal.data.sample import SampleRow, draw_products, draw_rows, fabrics
from multimodal.data.sample.fabrics import TAGS
from multimodal.data.sample.spec import Spec
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


def _view_aside(spec: Spec) -> Spec:
    """What is photographed, without what spoils the photo: patterns that are asked for must be seen."""
    return replace(spec, trouble="none", size=(180, 240))


def test_products_that_keep_one_pattern_stay_as_they_are(plain: list[SampleRow], mixed: list[SampleRow]) -> None:
    alike = [(a, b) for a, b in zip(plain, mixed, strict=True) if not b.spec.beside]
    assert len(alike) > ROWS / 3
    assert all(_view_aside(a.spec) == _view_aside(b.spec) for a, b in alike)
    assert all(a.spec == b.spec for a, b in alike if not any(b.spec.tags.values()))
    changed = [(a, b) for a, b in zip(plain, mixed, strict=True) if b.spec.beside]
    for a, b in changed:
        same = replace(b.spec, pattern=a.spec.pattern, beside=())  # the same thing in another cloth
        assert _view_aside(same) == _view_aside(a.spec)
        assert (a.product.id, a.product.category_id) == (b.product.id, b.product.category_id)


def test_tags_say_what_the_cloth_shows(mixed: list[SampleRow]) -> None:
    for row in mixed:
        shown = {row.spec.pattern, *row.spec.beside}
        assert row.spec.tags == {tag: tag in shown for tag in TAGS}
        record = as_record(row)
        assert {tag: record[tag] for tag in TAGS} == {tag: int(tag in shown) for tag in TAGS}
    assert {2, 3} <= {sum(row.spec.tags.values()) for row in mixed}


def test_every_pattern_of_a_product_is_on_its_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pattern is drawn as one colour of its own, which must then be found on the photo."""
    inks = dict(zip(PATTERNS, ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255)), strict=False))
    monkeypatch.setattr(fabrics, "_printed", lambda cloth, pattern, *_: Image.new("RGB", cloth.size, inks[pattern]))
    seen = 0
    for row in draw_rows(ROWS, SEED, several=1.0):
        if not row.spec.beside or row.product.image is None or row.product.image.data is None:
            continue
        pixels = np.asarray(Image.open(BytesIO(row.product.image.data)).convert("RGB"), np.float32)
        bright = np.linalg.norm(pixels, axis=2)
        for pattern in (row.spec.pattern, *row.spec.beside):
            ink = np.array(inks[pattern], np.float32)
            alike = pixels @ ink / np.linalg.norm(ink) > 0.9 * bright
            assert (alike & (bright > 60)).mean() > 0.002, (row.product.id, row.spec)
            seen += 1
    assert seen > ROWS


def test_photos_show_their_tags_sharp_and_large(mixed: list[SampleRow]) -> None:
    tagged = [row.spec for row in mixed if any(row.spec.tags.values())]
    assert not {"blur"} & {spec.trouble for spec in tagged}
    assert (60, 80) not in {spec.size for spec in tagged}
    rest = [row.spec for row in mixed if not any(row.spec.tags.values())]
    assert (60, 80) in {spec.size for spec in rest}
    assert "blur" in {spec.trouble for spec in rest}


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
