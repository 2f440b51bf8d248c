"""Which function draws which leaf, and how its photos are taken."""

# fmt: off
# Outlines read better as rows of points than as one point a line.
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from multimodal.data.sample.shapes import accessories, bags, bottoms, dresses, jackets, knitwear, sandals, shoes, tops
from multimodal.data.sample.sketch import Sketch
from multimodal.data.sample.spec import Spec

Draw = Callable[[Sketch, Spec, Random], None]

_DRAW: dict[str, Draw] = {
    "tshirts": tops.draw_tshirt, "shirts": tops.draw_shirt, "tops": tops.draw_top, "sweaters": knitwear.draw_sweater,
    "sweatshirts": knitwear.draw_sweatshirt, "jackets": jackets.draw_jacket, "dresses": dresses.draw_dress,
    "jeans": bottoms.draw_jeans, "trousers": bottoms.draw_trousers, "shorts": bottoms.draw_shorts,
    "skirts": bottoms.draw_skirt,
    "handbags": bags.draw_handbag, "backpacks": bags.draw_backpack, "wallets": bags.draw_wallet,
    "watches": accessories.draw_watch, "sunglasses": accessories.draw_sunglasses, "caps": accessories.draw_cap,
    "belts": accessories.draw_belt,
    "sneakers": partial(shoes.paired, shoes.draw_sneaker), "formal": partial(shoes.paired, shoes.draw_formal),
    "heels": partial(shoes.paired, shoes.draw_heels), "boots": partial(shoes.paired, shoes.draw_boots),
    "sandals": sandals.draw_sandal, "flipflops": sandals.draw_flipflops,
}

STANDING = frozenset({"handbags", "backpacks", "sneakers", "formal", "heels", "boots", "sandals"})
"""Leaves whose products stand on the ground and cast their shadow there."""

MIRRORED = STANDING | {"caps", "belts", "wallets"}
"""Leaves that face either way."""


def draw(spec: Spec, rng: Random) -> Sketch:
    """The sketch of ``spec``; what it leaves open (emblems, buckles, faces) comes from ``rng``."""
    sketch = Sketch()
    _DRAW[spec.leaf](sketch, spec, rng)
    return sketch
