"""The sample catalog's category tree, what its leaves look like, and their places in fashion_products' tree."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from multimodal.data.sample.fabrics import Pattern
from multimodal.data.sample.spec import Gender


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf: where it hangs, how common it is, which variants it has.

    Attributes:
        share: weight among all products, in percent.
        cuts: variant -> weight; the shape and the title both follow it.
        worn: chance that a model wears it (garments only).
        patterned: chance of a fabric that is not solid.
        dyes: "any", "leather" or "denim": which colours it comes in.
    """

    key: str
    id: str
    name: str
    parent: str
    share: float
    cuts: Mapping[str, float]
    genders: Mapping[Gender, float]
    materials: Mapping[str, float]
    worn: float = 0.0
    patterned: float = 0.0
    dyes: str = "any"


_WOMEN: Mapping[Gender, float] = {"women": 1.0}
_BOTH: Mapping[Gender, float] = {"women": 0.45, "men": 0.45, "unisex": 0.1}
_ALIKE: Mapping[Gender, float] = {"women": 0.3, "men": 0.3, "unisex": 0.4}
_KNIT = {"wool": 3.0, "acrylic": 2.0, "cotton": 1.0}
_HIDE: Mapping[str, float] = {"leather": 3.0, "faux leather": 3.0, "suede": 1.0}
_COTTON = {"cotton": 5.0, "polyester": 2.0, "viscose": 2.0, "linen": 1.0}

_MEN_MORE: Mapping[Gender, float] = {"men": 0.6, "women": 0.35, "unisex": 0.05}

# fmt: off
LEAVES: tuple[Leaf, ...] = (
    Leaf("tshirts", "s111", "Tshirts", "s110", 11.5,
         {"crew": 5, "v-neck": 2, "polo": 2.5, "long sleeve": 1.2, "ringer": 1},
         _BOTH, _COTTON, 0.42, 0.3),
    Leaf("shirts", "s112", "Shirts", "s110", 8.0,
         {"classic": 5, "short sleeve": 3, "denim": 1},
         _MEN_MORE, _COTTON, 0.45, 0.6),
    Leaf("tops", "s113", "Tops", "s110", 6.0,
         {"camisole": 2, "sleeveless": 2, "peplum": 1.4, "off shoulder": 1.4, "bell sleeve": 1.4, "fitted": 2},
         _WOMEN, _COTTON, 0.45, 0.55),
    Leaf("sweaters", "s114", "Sweaters", "s110", 4.2,
         {"crew": 3, "v-neck": 2, "turtleneck": 2, "cardigan": 2},
         _BOTH, _KNIT, 0.42, 0.15),
    Leaf("sweatshirts", "s115", "Sweatshirts", "s110", 3.8,
         {"crew": 3, "hoodie": 4, "zip hoodie": 2},
         _ALIKE, {"cotton": 3, "fleece": 3, "polyester": 1}, 0.42, 0.06),
    Leaf("jackets", "s116", "Jackets", "s110", 4.4,
         {"bomber": 3, "denim": 2, "blazer": 2, "puffer": 2, "parka": 2},
         _BOTH, {"polyester": 3, "nylon": 3, "cotton": 2}, 0.42, 0.06),
    Leaf("jeans", "s121", "Jeans", "s120", 5.2,
         {"slim": 4, "straight": 3, "flared": 1.5, "ripped": 2, "wide": 1.5},
         _BOTH, {"denim": 1.0}, 0.55, 0.0, "denim"),
    Leaf("trousers", "s122", "Trousers", "s120", 4.3,
         {"classic": 3, "chino": 3, "wide": 1.5, "cargo": 1.5, "jogger": 2},
         _BOTH, {"cotton": 3, "polyester": 2, "wool": 1, "linen": 1}, 0.55, 0.2),
    Leaf("shorts", "s123", "Shorts", "s120", 3.6,
         {"denim": 2, "chino": 3, "sport": 2, "skort": 1.6, "bermuda": 1.4},
         _BOTH, _COTTON, 0.45, 0.35),
    Leaf("skirts", "s124", "Skirts", "s120", 3.3,
         {"pencil": 2, "a-line": 3, "pleated": 2, "maxi": 1.5, "tiered": 1.5, "mini": 2},
         _WOMEN, _COTTON, 0.45, 0.5),
    Leaf("dresses", "s131", "Dresses", "s130", 6.8,
         {"a-line": 4, "sheath": 2, "maxi": 2, "slip": 2, "shirt dress": 1.5, "long sleeve": 1.5},
         _WOMEN, _COTTON, 0.5, 0.6),
    Leaf("handbags", "s211", "Handbags", "s210", 6.2,
         {"tote": 3, "satchel": 3, "hobo": 2, "crossbody": 2, "evening": 1.5},
         _WOMEN, _HIDE, 0, 0.2),
    Leaf("backpacks", "s212", "Backpacks", "s210", 4.0,
         {"school": 3, "city": 3, "hiking": 2, "roll-top": 2},
         _ALIKE, {"nylon": 3, "polyester": 3, "canvas": 2}, 0, 0.25),
    Leaf("wallets", "s213", "Wallets", "s210", 3.4,
         {"bifold": 3, "zip": 2, "long": 2, "cards": 1.5},
         _BOTH, _HIDE, 0, 0.12, "leather"),
    Leaf("watches", "s221", "Watches", "s220", 5.0,
         {"leather": 3, "bracelet": 3, "square": 1.5, "chronograph": 2, "digital": 1.5},
         _BOTH, {"steel": 3, "leather": 2, "silicone": 1}),
    Leaf("sunglasses", "s231", "Sunglasses", "s230", 3.4,
         {"aviator": 3, "square": 3, "round": 2, "cat eye": 2, "sport": 1.5},
         _ALIKE, {"plastic": 3, "metal": 2}),
    Leaf("caps", "s241", "Caps", "s240", 2.8,
         {"baseball": 4, "trucker": 2, "flat peak": 2, "beanie": 1},
         _ALIKE, {"cotton": 3, "polyester": 2}, 0, 0.18),
    Leaf("belts", "s251", "Belts", "s250", 2.6,
         {"classic": 4, "wide": 2, "braided": 1.5, "thin": 2},
         _BOTH, _HIDE, 0, 0, "leather"),
    Leaf("sneakers", "s311", "Sneakers", "s310", 7.6,
         {"low": 4, "high-top": 2, "running": 4, "slip-on": 1.4},
         _BOTH, {"textile": 3, "leather": 2, "faux leather": 2}, 0, 0.12),
    Leaf("formal", "s312", "Formal Shoes", "s310", 2.6,
         {"oxford": 3, "derby": 2, "loafer": 2, "monk strap": 1},
         {"men": 1.0}, _HIDE, 0, 0, "leather"),
    Leaf("heels", "s313", "Heels", "s310", 4.2,
         {"stiletto": 3, "pump": 3, "ankle strap": 2, "platform": 2, "kitten": 1},
         _WOMEN, _HIDE, 0, 0.1),
    Leaf("boots", "s314", "Boots", "s310", 3.2,
         {"ankle": 3, "chelsea": 2, "lace-up": 2, "knee-high": 2, "heeled": 2, "rubber": 1},
         _BOTH, {**_HIDE, "rubber": 1.0}, 0, 0.05, "leather"),
    Leaf("sandals", "s321", "Sandals", "s320", 3.2,
         {"flat": 3, "wedge": 2, "sport": 2, "gladiator": 1.5, "slide": 1.5},
         _BOTH, _HIDE, 0, 0.08),
    Leaf("flipflops", "s322", "Flip Flops", "s320", 2.6,
         {"classic": 4, "beach": 2, "slide": 1.5},
         _ALIKE, {"rubber": 3, "eva": 2}, 0, 0.3),
)
# fmt: on

LEAF = MappingProxyType({leaf.key: leaf for leaf in LEAVES})

_INNER: tuple[tuple[str, str, str | None], ...] = (
    ("s100", "Apparel", None),
    ("s110", "Topwear", "s100"),
    ("s120", "Bottomwear", "s100"),
    ("s130", "Dress", "s100"),
    ("s200", "Accessories", None),
    ("s210", "Bags", "s200"),
    ("s220", "Watches", "s200"),
    ("s230", "Eyewear", "s200"),
    ("s240", "Headwear", "s200"),
    ("s250", "Belts", "s200"),
    ("s300", "Footwear", None),
    ("s310", "Shoes", "s300"),
    ("s320", "Sandal", "s300"),
)

SAMPLE_TREE: tuple[tuple[str, str, str | None], ...] = tuple(
    sorted((*_INNER, *((leaf.id, leaf.name, leaf.parent) for leaf in LEAVES)), key=lambda row: row[0])
)
"""Rows (id, name, parent id); the parents of the three roots are None. "Watches" and "Belts" stand at two levels."""

PATTERNS: Mapping[Pattern, float] = {"striped": 3.0, "polka dot": 2.2, "floral": 2.8, "checker": 2.4}


def _read_fashion_ids() -> Mapping[str, str]:
    text = files(__package__).joinpath("fashion_ids.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["label"]: row["category_id"] for row in csv.DictReader(text.splitlines())})


FASHION_IDS: Mapping[str, str] = _read_fashion_ids()
"""Sample leaf id -> id of the nearest leaf of fashion_products' tree, from the file beside this module."""
