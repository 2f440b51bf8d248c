"""The report's part about tags and attributes: what the photo shows, in words for whoever keeps the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.report.blocks import Block, Heading, Picture, Table, Text
from multimodal.report.photo_sheet import RowPhoto, draw_sheet, read_photos
from multimodal.report.tables import percent
from multimodal.report.tag_curves import MOST, plot_tags
from multimodal.report.tag_mistakes import TagMistakes, find_tag_mistakes
from multimodal.serving.label_figures import LabelFigures

SHEETS = 24
"""Most tags whose mistakes are shown: those with most of them. Their thumbnails are in memory together, 38 MB."""
_CURVES, _SHEETS = "tags.png", "tag_mistakes_{}.png"


@dataclass(frozen=True, slots=True)
class Shown:
    """What an evaluation found photos to show.

    Attributes:
        source: the rows measured, as they were read: its photos are read once more for the sheets of mistakes.
    """

    figures: LabelFigures
    source: SourceConfig


@dataclass(frozen=True, slots=True)
class LabelDetails:
    """What the part shows.

    Attributes:
        mistakes: of the tags whose sheets are drawn.
        left_out: other tags with mistakes.
        photos: row -> its photo, of all rows in ``mistakes``.
    """

    figures: LabelFigures
    mistakes: Sequence[TagMistakes]
    left_out: int
    photos: Mapping[int, RowPhoto]


def collect_labels(shown: Shown, on_progress: Callable[[int], None] | None = None) -> LabelDetails:
    """Finds the mistakes and reads their photos; without mistakes nothing is read.

    Args:
        on_progress: called now and then with the number of rows passed.

    Raises:
        DataError: the source cannot be read any more.
    """
    every = find_tag_mistakes(shown.figures)
    most = sorted(every, key=lambda m: -(m.false_alarms + m.missed))[:SHEETS]
    found = sorted(most, key=lambda m: m.number)
    wanted = {row for m in found for row, _ in (*m.alarms, *m.misses)}
    items = read_source(shown.source, labelled=False) if wanted else ()
    return LabelDetails(shown.figures, found, len(every) - len(found), read_photos(wanted, items, on_progress))


def clear_labels(plots: Path) -> None:
    """Takes away the pictures of an earlier report: photos of other data must not stay behind."""
    for file in (plots / _CURVES, *plots.glob(_SHEETS.format("*"))):
        file.unlink(missing_ok=True)


def label_blocks(document: Mapping[str, Any], details: LabelDetails, plots: Path) -> list[Block]:
    """Draws the pictures into ``plots`` and tells of them.

    Args:
        document: what ``multimodal evaluate --json`` prints.
    """
    tags, attributes = document.get("tags") or {}, document.get("attributes") or {}
    told = [*_tags(tags, details, plots), *_attributes(attributes), *_mistakes(details, plots)]
    return [
        Heading("What the photo shows"),
        Text(
            f"Tags and attributes are read from the photo alone. Of {len(details.figures.rows):,} photos the data "
            "tells some of them; a line of the tables counts the photos of which it tells that one."
            if told
            else "The data tells no tag and no value of an attribute that this bundle answers."
        ),
        *told,
    ]


def tag_table(tags: Mapping[str, Mapping[str, Any]], thresholds: Mapping[str, float]) -> Table:
    """A line for each tag."""
    header = (
        "tag", "photos", "that show it", "answered from", "precision", "recall", "F1", "average precision",
    )  # fmt: skip
    rows = tuple(
        (
            name, f"{f['rows']:,}", f"{f['positives']:,}", percent(thresholds[name]),
            *(percent(f[key]) for key in ("precision", "recall", "f1", "average_precision")),
        )
        for name, f in tags.items()
    )  # fmt: skip
    return Table(header, rows)


def attribute_table(attributes: Mapping[str, Mapping[str, Any]]) -> Table:
    """A line for each attribute."""
    header = (
        "attribute", "photos", "values", "right (top-1)", "right one among 2 (top-2)", "F1, every value alike",
        "the commonest value would be right", "NLL",
    )  # fmt: skip
    rows = tuple(
        (
            name, f"{f['rows']:,}", f"{f['values']:,}",
            *(percent(f[key]) for key in ("top1", "top2", "macro_f1", "majority")), f"{f['nll']:.4f}",
        )
        for name, f in attributes.items()
    )  # fmt: skip
    return Table(header, rows)


def _tags(tags: Mapping[str, Any], details: LabelDetails, plots: Path) -> Iterator[Block]:
    if not tags:
        return
    yield Text(
        "A photo may show none of the tags, one or several. A tag is answered where its probability reaches the one "
        "under “answered from”. Precision: of the photos answered with the tag, the share that show it. Recall: of "
        "the photos that show it, the share answered with it. F1 is high only where both are."
    )
    means = f"F1, every tag alike: {percent(tags['macro_f1'])}."
    if "exact_match" in tags:
        means += f" All tags at once are right in {percent(tags['exact_match'])} of the photos of which all are known."
    yield Text(means)
    yield tag_table(tags["by_tag"], details.figures.thresholds)
    curves = plot_tags(details.figures, plots / _CURVES)
    if curves is not None:
        first = f" Of {len(tags['by_tag']):,} tags the first {MOST} are drawn." if len(tags["by_tag"]) > MOST else ""
        yield Text(
            "Each line shows what could be had from a tag: at a lower threshold it is found more often (further "
            "right) and wrong more often (further down). The dot is the threshold that is answered now; the area "
            f"below the line is the average precision.{first}"
        )
        yield Picture(curves, "Precision over recall of each tag, with the threshold that is answered")


def _attributes(attributes: Mapping[str, Mapping[str, Any]]) -> Iterator[Block]:
    if attributes:
        yield Text(
            "Of an attribute one value is answered, the most probable. How often the commonest value would be right "
            "on every photo stands beside it: an attribute is read as far as it is above that. Photos with a value "
            "that the bundle does not know are not counted."
        )
        yield attribute_table(attributes)


def _mistakes(details: LabelDetails, plots: Path) -> Iterator[Block]:
    if not details.mistakes:
        return
    yield Heading("Tags: mistakes made with most confidence")
    others = f" {details.left_out:,} more tags with fewer mistakes are left out." if details.left_out else ""
    yield Text(
        "Under each photo stand the probability of the tag and the row's id, or its number, from 0, where it has "
        "none. Worth a look first: often the data is wrong, or a tag means another thing to those who fill it in."
        f"{others} These are photos of the data: whoever gets this report sees them."
    )
    for found in details.mistakes:
        picture = draw_sheet(found, details.photos, plots / _SHEETS.format(found.number))
        counts = f"{found.false_alarms:,} false alarms and {found.missed:,} misses"
        yield Picture(picture, f"Photos of the most confident mistakes about {found.tag}: of {counts}")
