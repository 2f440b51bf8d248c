"""What one drawn product is, decided before anything is drawn or written about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from multimodal.data.sample.fabrics import TAGS, Pattern
from multimodal.data.sample.palette import Colour, Rgb

Gender = Literal["men", "women", "unisex"]
Season = Literal["summer", "winter", "all-season", "spring/autumn"]
Stage = Literal["model", "flat", "hanger"]
Backdrop = Literal["studio", "plain", "gradient", "wood", "tiles", "carpet", "blurred", "bricks", "cloth"]
Trouble = Literal["none", "crop", "blur", "badge", "covered", "dark", "far"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One product and one way to photograph it.

    Attributes:
        leaf: key of the leaf in ``tree.LEAVES``.
        cut: the variant of that leaf's shape, one of ``Leaf.cuts``.
        tone: the colour as this product's dye, denim or leather shows it.
        article: the maker's number, unique for every row.
        stage: worn, lying flat, or on a hanger; things other than garments always lie flat.
        size: width and height of the photo in pixels.
        trouble: what makes this photo hard, if anything.
        beside: other patterns that parts of its fabric have.
    """

    leaf: str
    cut: str
    colour: Colour
    tone: Rgb
    pattern: Pattern
    material: str
    gender: Gender
    season: Season
    year: int
    brand: str
    article: str
    stage: Stage
    backdrop: Backdrop
    size: tuple[int, int]
    trouble: Trouble
    beside: tuple[Pattern, ...] = ()

    @property
    def tags(self) -> dict[str, bool]:
        """Which of the tags its fabric shows."""
        return {tag: tag == self.pattern or tag in self.beside for tag in TAGS}
