"""Assembles the sample catalog row by row; every row depends on the seed and its own number alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random
from typing import TypeVar

from multimodal.data.sample.fabrics import Pattern
from multimodal.data.sample.palette import BY_NAME, COLOURS, DENIMS, LEATHERS, Colour, Rgb, mix, vary
from multimodal.data.sample.photo import draw_photo
from multimodal.data.sample.spec import Backdrop, Season, Spec, Stage, Trouble
from multimodal.data.sample.titles import Text, write_text
from multimodal.data.sample.tree import LEAF, LEAVES, PATTERNS, Leaf
from multimodal.data.sample.words import BRANDS
from multimodal.errors import InputError
from multimodal.types import ImageRef, Product

_T = TypeVar("_T", bound=str)

TWINS = 0.05
"""Share of rows that repeat the title, or the photo, of the row before them."""
NO_PHOTO = 0.03
NO_TEXT = 0.03

_SEASONS: Mapping[Season, float] = {"summer": 4, "winter": 2, "spring/autumn": 2, "all-season": 3}
_BACKDROPS: Mapping[Backdrop, float] = {
    "studio": 50, "plain": 15, "gradient": 7, "wood": 6, "tiles": 4, "carpet": 5, "blurred": 6, "bricks": 3, "cloth": 4,
}  # fmt: skip
_TROUBLES: Mapping[Trouble, float] = {"none": 66, "crop": 11, "blur": 7, "badge": 6, "covered": 5, "dark": 3, "far": 2}
_ARTICLES = 999_983  # a prime: the numbers of that many rows differ


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A product beside the specification that it was drawn from."""

    product: Product
    spec: Spec


def draw_products(products: int, seed: int, several: float = 0.0) -> Iterator[Product]:
    """Draws a catalog; the same numbers give the same bytes, and row i does not depend on ``products``.

    Raises:
        InputError: when ``products`` is negative.
    """
    return (row.product for row in draw_rows(products, seed, several))


def draw_rows(products: int, seed: int, several: float = 0.0) -> Iterator[SampleRow]:
    """The same with the specification of each product.

    Args:
        several: share of the clothes whose fabric has two or three patterns; above 0, every pattern that a product
            has can be seen on its photo.
    """
    if products < 0:
        raise InputError(f"products: got {products}, expected 0 or more; ask for 500, say", code="products")
    return (draw_row(row, seed, several) for row in range(products))


def draw_row(row: int, seed: int, several: float = 0.0) -> SampleRow:
    """One row of the catalog, counted from 0."""
    origin = _origin(row, seed)
    first = _draft(origin, seed, several)
    if origin == row:
        return _assemble(row, seed, first, first.spec, first.photo_of, first.text)
    rng = _rng(seed, row, "twin-kind")
    again = _seen(replace(_view(first.spec, rng), article=first.spec.article), several)
    if first.photo_of is None or (first.text is not None and rng.random() < 0.5):
        return _assemble(row, seed, first, again, row, first.text)
    renamed = replace(first.spec, article=_article(first.spec.brand, row, seed))
    text = write_text(renamed, _rng(seed, row, "text"), unique=True)
    return _assemble(row, seed, first, first.spec, origin, text)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A row before its photo is drawn; ``photo_of`` is the row whose chance draws the photo."""

    spec: Spec
    photo_of: int | None
    text: Text | None
    group: str


def _rng(seed: int, row: int, purpose: str) -> Random:
    return Random(f"{seed}/{row}/{purpose}")


def _origin(row: int, seed: int) -> int:
    """The row itself, or the one before it for a twin; twins have no twins."""
    if row == 0 or _rng(seed, row, "twin").random() >= TWINS or _origin(row - 1, seed) != row - 1:
        return row
    return row - 1


def _draft(row: int, seed: int, several: float) -> _Draft:
    rng = _rng(seed, row, "spec")
    chance = rng.random()
    spec = _seen(_mixed(_spec(rng, row, seed), _rng(seed, row, "several"), several), several)
    text = write_text(spec, _rng(seed, row, "text"))
    key = text.title.casefold() if chance >= NO_TEXT else f"{seed}/{row}"
    group = "g" + sha256(key.encode()).hexdigest()[:12]
    if chance < NO_TEXT:
        return _Draft(spec, row, None, group)
    return _Draft(spec, None if chance < NO_TEXT + NO_PHOTO else row, text, group)


def _assemble(row: int, seed: int, first: _Draft, spec: Spec, photo_of: int | None, text: Text | None) -> SampleRow:
    name = f"s{seed}-{row:06d}"
    image = None
    if photo_of is not None:
        image = ImageRef(data=draw_photo(spec, _rng(seed, photo_of, "photo")), name=f"{name}.jpg")
    leaf = LEAF[spec.leaf]
    product = Product(
        id=name,
        title=text.title if text else None,
        characteristics=text.characteristics if text else None,
        image=image,
        category_id=leaf.id,
        group=first.group,
    )
    return SampleRow(product, spec)


def _spec(rng: Random, row: int, seed: int) -> Spec:
    leaf = rng.choices(LEAVES, [leaf.share for leaf in LEAVES])[0]
    cut = _pick(leaf.cuts, rng)
    pattern: Pattern = _pick(PATTERNS, rng) if rng.random() < leaf.patterned else "solid"
    colour, tone = _dye(leaf, cut, pattern, rng)
    brand = rng.choice(BRANDS)
    spec = Spec(
        leaf=leaf.key,
        cut=cut,
        colour=colour,
        tone=tone,
        pattern=pattern,
        material="denim" if cut == "denim" else _pick(leaf.materials, rng),
        gender=_pick(leaf.genders, rng),
        season=_season(leaf, rng),
        year=rng.choices(range(2016, 2026), range(1, 11))[0],
        brand=brand,
        article=_article(brand, row, seed),
        stage="flat",
        backdrop="studio",
        size=(180, 240),
        trouble="none",
    )
    return _view(spec, rng)


def _mixed(spec: Spec, rng: Random, several: float) -> Spec:
    """The same product, with two or three patterns by the chance ``several`` where it may have one at all."""
    if LEAF[spec.leaf].patterned == 0 or rng.random() >= several:
        return spec
    patterns = rng.sample(list(PATTERNS), rng.choice((2, 2, 3)))
    return replace(spec, pattern=patterns[0], beside=tuple(patterns[1:]))


def _seen(spec: Spec, several: float) -> Spec:
    """The same, sharp and large enough to see its patterns where these are what is asked for."""
    if several == 0 or not any(spec.tags.values()):
        return spec
    sharp: Trouble = "none" if spec.trouble == "blur" else spec.trouble
    return replace(spec, trouble=sharp, size=(180, 240) if spec.size == (60, 80) else spec.size)


def _view(spec: Spec, rng: Random) -> Spec:
    """The same product, photographed anew."""
    leaf = LEAF[spec.leaf]
    stage: Stage = "flat"
    if rng.random() < leaf.worn:
        stage = "model"
    elif leaf.parent in ("s110", "s130") and rng.random() < 0.4:
        stage = "hanger"
    chance = rng.random()
    size = (60, 80) if chance < 0.08 else (200, 200) if chance < 0.14 else (180, 240)
    return replace(spec, stage=stage, backdrop=_pick(_BACKDROPS, rng), size=size, trouble=_pick(_TROUBLES, rng))


def _dye(leaf: Leaf, cut: str, pattern: Pattern, rng: Random) -> tuple[Colour, Rgb]:
    if leaf.dyes == "denim" or (cut == "denim" and pattern == "solid"):
        names = ("blue", "light blue", "navy", "blue", "black", "grey", "white")
        colour = BY_NAME[rng.choices(names, (6, 5, 4, 3, 3, 2, 1))[0]]
        washed = rng.choice(DENIMS[:4]) if colour.en in ("blue", "light blue", "navy") else colour.rgb
        return colour, vary(mix(colour.rgb, washed, 0.55), rng)
    choices = [BY_NAME[name] for name in LEATHERS] if leaf.dyes == "leather" else COLOURS
    colour = rng.choices(choices, [c.share for c in choices])[0]
    return colour, vary(colour.rgb, rng)


def _season(leaf: Leaf, rng: Random) -> Season:
    if leaf.key in ("shorts", "sandals", "flipflops", "sunglasses") and rng.random() < 0.85:
        return "summer"
    if leaf.key in ("sweaters", "boots", "jackets") and rng.random() < 0.75:
        return rng.choice(("winter", "spring/autumn"))
    return _pick(_SEASONS, rng)


def _article(brand: str, row: int, seed: int) -> str:
    number = (row * 48_271 + seed * 7_919 + 12_345) % _ARTICLES
    return f"{brand[:2].upper()}{number:06d}"


def _pick(weights: Mapping[_T, float], rng: Random) -> _T:
    return rng.choices(list(weights), list(weights.values()))[0]
