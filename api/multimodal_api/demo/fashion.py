"""Questions about fashion: drawn products that no training ever saw, asked in every way there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from multimodal.data.sample import FASHION_IDS, draw_products
from multimodal.types import Product
from multimodal_api.demo.items import BOTH, BROKEN, PHOTO, TITLE, DemoError, Item

SEED = 20_240
"""Far from the seeds of any training data, so that no drawing of the demo was ever trained on."""
_DRAWN = 60
# the order turns, so that each kind meets several branches of the tree
_KINDS = (BOTH, PHOTO, TITLE, PHOTO, TITLE, BOTH, TITLE, BOTH, PHOTO, BROKEN)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")


def fashion_items(model: str, roots: Mapping[str, str]) -> list[Item]:
    """The questions for a model with these tops (category id -> id of the top of its path).

    Raises:
        DemoError: the model's tree is neither fashion's nor the sample catalog's.
    """
    return list(pick(list(draw_products(_DRAWN, SEED)), model, roots))


def pick(products: Sequence[Product], model: str, roots: Mapping[str, str]) -> Iterator[Item]:
    """One product for each kind of question, in turn over the branches so that none dominates.

    Raises:
        DemoError: too few drawn products have a photo, an English title and a category of the tree.
    """
    usable = [(p, r) for p in products if _asks_in_english(p) and (r := _root_of(p, roots)) is not None]
    if len(usable) < len(_KINDS):
        raise DemoError(
            f"{len(usable)} of {len(products)} drawn products fit the bundle's tree, expected {len(_KINDS)}; "
            "serve artifacts/fashion, or a bundle trained on the sample catalog"
        )
    for kind, (product, root) in zip(_KINDS, _spread(usable), strict=False):
        assert product.image is not None
        assert product.title is not None
        photo = None if kind == TITLE else product.image.data
        if kind == BROKEN and photo is not None:
            photo = photo[: len(photo) // 3]
        yield Item(kind, product.title, photo, root, model)


def _spread(usable: Sequence[tuple[Product, str]]) -> Iterator[tuple[Product, str]]:
    queues: dict[str, list[tuple[Product, str]]] = {}
    for pair in usable:
        queues.setdefault(pair[1], []).append(pair)
    while queues:
        for root in list(queues):
            yield queues[root].pop(0)
            if not queues[root]:
                del queues[root]


def _asks_in_english(product: Product) -> bool:
    has_photo = product.image is not None and product.image.data is not None
    return has_photo and bool(product.title) and not _CYRILLIC.search(product.title or "")


def _root_of(product: Product, roots: Mapping[str, str]) -> str | None:
    drawn = product.category_id or ""
    return roots.get(drawn) or roots.get(FASHION_IDS.get(drawn, ""))
