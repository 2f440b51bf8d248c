"""What the report says, section by section, in words for whoever keeps the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multimodal.report.blocks import Block, Heading, Picture, Text
from multimodal.report.details import Details
from multimodal.report.tables import (
    against_table,
    confusion_table,
    coverage_table,
    ece_table,
    head_table,
    level_table,
    mistake_table,
    percent,
    reliability_rows,
    size_table,
    slice_table,
    weakest_table,
)
from multimodal.taxonomy import Tree

__all__ = ["Pictures", "label_page", "page"]

_DAY = len("2026-01-31")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The plots on disk; None for those there is nothing to draw for."""

    blocks: Path
    leaves: Path | None
    reliability: Path
    coverage: Path
    sizes: Path
    curves: Path | None


def page(
    document: Mapping[str, Any],
    details: Details,
    tree: Tree,
    pictures: Pictures,
    data: str,
    labels: Sequence[Block] = (),
) -> list[Block]:
    """The whole page.

    Args:
        document: what ``multimodal evaluate --json`` prints.
        data: how the page calls the rows.
        labels: what it tells of tags and attributes.
    """
    return [
        *_summary(document, details, data),
        *_figures(document, details),
        *_comparisons(document),
        *_confusions(details, tree, pictures),
        *_mistakes(details),
        *_reliability(details, pictures),
        *_coverage(details, pictures),
        *_sizes(details, tree, pictures),
        *labels,
        *_curves(pictures.curves),
    ]


def label_page(document: Mapping[str, Any], labels: Sequence[Block], curves: Path | None, data: str) -> list[Block]:
    """The page of data that tells tags and attributes, and no categories."""
    return [*_bundle(document, data), *labels, *_curves(curves)]


def _bundle(document: Mapping[str, Any], data: str) -> Iterator[Block]:
    model = document["model"]
    half = f", {document['split_half']} half" if "split_half" in document else ""
    yield Heading(f"{model['name']} {model['version']} on {data}{half}", 1)
    yield Text(
        f"Bundle {model['name']}, version {model['version']}, made {model['created'][:_DAY]}; its category tree is "
        f"{model['tree_version']}, the sha256 of its files {model['sha256']}."
    )


def _summary(document: Mapping[str, Any], details: Details, data: str) -> Iterator[Block]:
    fused = document["heads"]["fused"]
    seen = ", ".join({"image": "photo"}.get(name, name) for name in document["inputs"])
    masked = " Words of category names were taken out of the titles." if document["mask_title_words"] else ""
    yield from _bundle(document, data)
    yield Text(f"{document['rows']:,} products; the model saw: {seen}.{masked}")
    top1, hf1 = details.top1, details.hf1
    yield Text(
        f"{percent(top1.mean)} of them are put into exactly the right category (95 % interval {percent(top1.low)} "
        f"to {percent(top1.high)}). Counted along the path, where a near miss earns part of the mark, it is "
        f"{percent(hf1.mean)} ({percent(hf1.low)} to {percent(hf1.high)})."
    )
    if details.second is not None:
        yield Text(
            f"Where the first suggestion is wrong, the second is right in {percent(details.second)}. Answers whose "
            f"category has the right name in another branch would make it {percent(fused['name_top1'])}. "
            f"The stated probability is off by {100 * fused['ece']:.1f} points on average."
        )
    for key, what in (
        ("errors", "rows could not be measured and are not in these figures"),
        ("photos_left_out", "photos could not be read, so that the text of their rows stands alone"),
    ):
        lost = document.get(key) or {"rows": 0}
        if lost["rows"]:
            reasons = ", ".join(f"{code} {count:,}" for code, count in lost["by_code"].items())
            yield Text(f"{lost['rows']:,} {what}: {reasons}.")


def _figures(document: Mapping[str, Any], details: Details) -> Iterator[Block]:
    yield Heading("Figures")
    yield Text(
        "“The answer” is what the product gives from the inputs that are there. Text alone and photo alone are its "
        "single heads on the same products, less those without that input."
    )
    yield head_table(document["heads"])
    yield Heading("Level by level")
    yield Text(
        "The same answers with the tree cut at each level. A category that ends higher up counts at the levels "
        "below as itself, so every level has all rows."
    )
    yield level_table(details.levels["fused"])


def _comparisons(document: Mapping[str, Any]) -> Iterator[Block]:
    against, by = document.get("against"), document.get("by")
    if against is not None:
        yield Heading(f"Compared with {against['name']}")
        yield Text(
            f"The same {against['rows']:,} products. A difference whose interval leaves out 0 is more than chance "
            "(95 %, paired bootstrap over groups of like products)."
        )
        yield against_table(against)
        if against["unanswered"]:
            yield Text(f"{against['unanswered']:,} rows it did not answer; they count as wrong.")
    if by is not None:
        yield Heading(f"By {by['column']}")
        yield slice_table(by)


def _confusions(details: Details, tree: Tree, pictures: Pictures) -> Iterator[Block]:
    yield Heading("Where the answers go")
    yield Text(
        "Each line is a category of the data and shows where its products were put: blue is right, red is wrong, "
        "darker is a larger share of the line. Boxes are the branches of the tree: red outside of them is a "
        "product in another branch."
    )
    yield Picture(pictures.blocks, "Heat map of categories against answers, in blocks of the tree's branches")
    if pictures.leaves is not None:
        yield Picture(pictures.leaves, "The same for the finest categories")
    if details.confusions:
        yield Heading("Costliest confusions")
        yield Text("Ordered by rows times distance: 2 is a sibling, more is further away in the tree.")
        yield confusion_table(details.confusions, tree)


def _mistakes(details: Details) -> Iterator[Block]:
    if details.mistakes:
        yield Heading("Mistakes made with most confidence")
        yield Text("Worth a look first: often the category in the data is the wrong one.")
        yield mistake_table(details.mistakes)


def _reliability(details: Details, pictures: Pictures) -> Iterator[Block]:
    yield Heading("Does the probability mean what it says?")
    yield Text(
        "Answers are put into 15 bins of about as many rows by their probability. A line along the diagonal means "
        "that of the answers at 80 %, 80 of 100 are right; below it the model is too sure of itself. "
        "A category's probability is the sum of those below it."
    )
    yield Picture(pictures.reliability, "Share of right answers beside their probability, for each level")
    yield Text(
        "How far the probability is from the share that is right, on average (ECE), at each level. The text and the "
        "photo alone are measured on the products that have them."
    )
    yield ece_table(details.levels)
    yield Text("The answers' finest categories, bin by bin:")
    yield reliability_rows(details.answers["fused"][-1])


def _coverage(details: Details, pictures: Pictures) -> Iterator[Block]:
    yield Heading("How many answers at which accuracy")
    yield Text(
        "The least sure answers are left out first. An answer that may go up the tree (right if the product belongs at "
        "or below it) is there for more rows than one that is a leaf or nothing."
    )
    yield Picture(pictures.coverage, "Share of right answers by the share of rows that are answered")
    yield coverage_table(details.coverage)


def _sizes(details: Details, tree: Tree, pictures: Pictures) -> Iterator[Block]:
    yield Heading("Large and small categories")
    yield Picture(pictures.sizes, "Share of right answers by number of rows of the category")
    yield size_table(details.sizes)
    weakest = weakest_table(details.classes, tree)
    if weakest.rows:
        yield Heading("Weakest categories with at least 10 rows")
        yield Text("All categories are in classes.csv.")
        yield weakest


def _curves(curves: Path | None) -> Iterator[Block]:
    if curves is not None:
        yield Heading("Training")
        yield Text(
            "Epoch by epoch. Grey is the loss that a stage learns by, over the training rows as it sees them, with "
            "words hidden and photos changed at random: for the text tower the squared hinge of one support vector "
            "machine a category, for the photo tower and the fusion cross-entropy with smoothed labels, and what they "
            "learn on the side. In colour is the select half of the validation rows, on which the epoch is chosen: "
            "above its negative log-likelihood (NLL), below the share of it that is right, with a circle at the epoch "
            "that was kept. Where training hides the words of category names from the text tower, these rows count "
            "twice there, with and without. Grey and colour are different measures of different rows: the course of "
            "each tells something, the space between them does not."
        )
        yield Picture(curves, "Training curves of each stage")
