"""The shipped bundles: what each is measured on, what is said of it, and where its figures stand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from multimodal.artifact import LAYOUT, read_manifest
from multimodal.errors import DataError
from multimodal.types import INPUTS, InputName

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table: what may be seen of each product.

    Attributes:
        masked: titles lose every word of a category name.
        bar: top-1 on val that it is held to.
    """

    inputs: frozenset[InputName]
    masked: bool = False
    bar: float | None = None

    @property
    def name(self) -> str:
        """As the tables call it."""
        words = " + ".join("photo" if name == "image" else name for name in INPUTS if name in self.inputs)
        return f"masked {words}" if self.masked else words


def _case(*inputs: InputName, masked: bool = False, bar: float | None = None) -> Case:
    return Case(frozenset(inputs), masked, bar)


@dataclass(frozen=True, slots=True)
class Shipped:
    """What differs from one shipped bundle to the next.

    Attributes:
        name: of the manifest, of its folder in ``artifacts/`` and of its configuration.
        data: folder of its data set in ``MULTIMODAL_DATA``.
        block, peers_block: of the README.
        fasttext_rates: learning rates of fastText that suit this data set, each a peer; see ``FastTextPeer``.
        products: what it knows, as in "leaves of …".
        limits: sentences of its card; those that hold for every bundle are the card's own.
    """

    name: str
    data: str
    cases: tuple[Case, ...]
    block: str
    peers_block: str
    fasttext_rates: tuple[float, ...]
    products: str
    limits: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it lies in the repository, or will lie once it is there."""
        return ROOT / "artifacts" / self.name

    @property
    def full(self) -> Case:
        """The case that sees most."""
        return max((case for case in self.cases if not case.masked), key=lambda case: len(case.inputs))

    @property
    def peers(self) -> Path:
        """What ``accuracy.py`` saved of it."""
        return RESULTS / f"accuracy-{self.block}.json"

    def missing(self, *, figures: bool = True) -> str | None:
        """What keeps its pages from being written, or None; without ``figures``, from being measured."""
        if not (self.folder / LAYOUT.manifest).is_file():
            return f"artifacts/{self.name} is not there; multimodal train configs/{self.name}.yaml makes it"
        if figures and not (self.folder / LAYOUT.evaluation).is_file():
            return f"no figures in artifacts/{self.name}; benchmarks/publish.py measures them"
        return None


SHIPPED = (
    Shipped(
        name="fashion",
        data="fashion_products",
        cases=(
            _case("title"),
            _case("title", "characteristics"),
            _case("image"),
            _case("title", "image"),
            _case("title", "characteristics", "image"),
            _case("title", masked=True),
            _case("title", "image", masked=True),
        ),
        block="fashion",
        peers_block="peers",
        fasttext_rates=(1.0,),
        products="fashion",
        limits=(
            "Titles are English. Of Russian ones it knows the few words that drawings have; other languages were not "
            "trained on. The photo still answers.",
            "Some categories of the tree share a name under different parents, and some titles stand under several "
            "categories: no model gets all of them right.",
        ),
    ),
    Shipped(
        name="grocery-ru",
        data="perekrestok_ru",
        cases=(
            _case("title", bar=0.948),
            _case("title", "description"),
            _case("title", "characteristics"),
            _case("title", "description", "characteristics", bar=0.955),
        ),
        block="grocery",
        peers_block="grocery-peers",
        fasttext_rates=(4.0,),
        products="groceries",
        limits=(
            "Titles are Russian and short, mostly a kind of product, a brand and an amount. Titles in other languages "
            "were not trained on.",
            "All rows are of one chain of grocery shops. Other shops word their titles and divide their shelves in "
            "other ways, and no figure here says how much that costs.",
            "It reads text alone: photos are not looked at, and a product without text gets no answer.",
        ),
    ),
)


def shipped_as(name: str, among: Sequence[Shipped] = SHIPPED) -> Shipped:
    """The entry of a bundle by the name in its manifest.

    Raises:
        DataError: none of the shipped bundles has this name.
    """
    for entry in among:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in among)
    raise DataError(
        f"bundle {name!r}: expected one of the shipped bundles, {names}, whose data sets are known; measure another "
        "one with `multimodal evaluate`"
    )


def shipped_in(folder: Path) -> Shipped:
    """The entry of the bundle in a folder; DataError where it is none of them."""
    return shipped_as(read_manifest(folder).name)


def default_data(entry: Shipped) -> Path:
    """Where a bundle's data set is looked for: in ``MULTIMODAL_DATA``, or in ``../shared/data`` without it."""
    return Path(os.environ.get("MULTIMODAL_DATA", "../shared/data")) / entry.data
