"""A catalog's profile as a page: numbers, pictures and what to look at first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal.errors import InputError
from multimodal.profile import Profile
from multimodal.profile.leaks import KINDS
from multimodal.profile.texts import quantile
from multimodal.report.blocks import Block, Heading, Picture, Table, Text, to_html, to_markdown
from multimodal.report.profile_plots import (
    branch_figure,
    imbalance_figure,
    mean_figure,
    photo_figure,
    tag_figure,
    title_figure,
)
from multimodal.report.style import require_matplotlib, save
from multimodal.types import INPUTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST = 20
_FEW = 10


def write_profile(folder: Path, profile: Profile, title: str) -> Path:
    """Writes ``index.html``, ``profile.md``, ``profile.json`` and ``plots/``; returns the page.

    Raises:
        MissingExtraError: matplotlib is not installed.
        InputError: the folder cannot be written.
    """
    require_matplotlib()
    try:
        plots = folder / "plots"
        plots.mkdir(parents=True, exist_ok=True)
        blocks = list(_page(profile, title, plots))
        told = json.dumps(profile.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        folder.joinpath("profile.json").write_text(told + "\n", encoding="utf-8")
        folder.joinpath("profile.md").write_text(to_markdown(blocks, folder), encoding="utf-8")
        index = folder / "index.html"
        index.write_text(to_html(blocks), encoding="utf-8", errors="xmlcharrefreplace")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    return index


def _page(profile: Profile, title: str, plots: Path) -> Iterator[Block]:
    def drawn(figure: Figure, name: str, alt: str) -> Picture:
        return Picture(save(figure, plots / f"{name}.png"), alt)

    yield Heading(f"Profile of {title}", 1)
    yield split_table(profile)
    for name, split in profile.splits.items():
        if split.errors:
            told = ", ".join(f"{code} {count:,}" for code, count in split.errors.most_common(5))
            yield Text(f"Rows of {name} that could not be read: {told}.")
    if any(label is not None for split in profile.splits.values() for label in split.labels):
        yield Heading("Categories")
        yield drawn(branch_figure(profile), "branches", "Products by branch of the tree")
        yield drawn(imbalance_figure(profile), "imbalance", "Products of each category, largest first")
        yield category_table(profile)
    if any(split.texts.words for split in profile.splits.values()):
        yield Heading("Titles")
        yield drawn(title_figure(profile), "titles", "Lengths and writing systems of titles")
        yield title_table(profile)
        yield _frequent(profile)
    if any(split.names for split in profile.splits.values()):
        yield Heading("Characteristics")
        yield _characteristics(profile)
    with_photos = [(name, split) for name, split in profile.splits.items() if split.photos.sizes]
    if with_photos:
        yield Heading("Photos")
        yield drawn(photo_figure(profile), "photos", "Sizes and channels of photos")
        yield photo_table(profile)
        name, split = with_photos[0]
        yield Text(f"The mean and the median of some photos of each of the largest groups of {name}.")
        yield drawn(mean_figure(split), "means", "Mean and median photo by group")
    tagged = next(((name, split) for name, split in profile.splits.items() if split.told), None)
    if tagged is not None:
        yield Heading("Tags")
        yield Text(f"Photos of {tagged[0]} that show two tags; on the diagonal, one.")
        yield drawn(tag_figure(tagged[1]), "tags", "How often two tags come together")
    yield Heading("Duplicates")
    yield Text(
        "Rows that share something with another row of their split. Where their categories differ, at most one of them "
        "is right."
    )
    yield duplicate_table(profile)
    if len(profile.splits) > 1:
        yield Heading("Leaks between splits")
        yield Text(
            "Rows of a split that an earlier one holds too: figures measured on them tell what is known by heart. "
            "`multimodal data split` keeps rows that share a title or a photo together."
        )
        yield leak_table(profile)


def split_table(profile: Profile) -> Table:
    """Rows of each split, and the share that has each input and a category."""
    rows = []
    for name, split in profile.splits.items():
        labels = sum(count for label, count in split.labels.items() if label is not None)
        shares = (f"{100 * count / split.rows:.1f} %" for count in (*(split.inputs[i] for i in INPUTS), labels))
        rows.append((name, f"{split.rows:,}", f"{split.errors.total():,}", *shares))
    head = ("", "rows", "unreadable", "title", "description", "characteristics", "photo", "category")
    return Table(head, tuple(rows))


def category_table(profile: Profile) -> Table:
    """How many categories there are, and how unequal."""
    rows = []
    for name, split in profile.splits.items():
        sizes = sorted((count for label, count in split.labels.items() if label is not None), reverse=True)
        if not sizes:
            continue
        tenth = sum(sizes[: max(1, len(sizes) // 10)]) / sum(sizes)
        empty = strange = "–"
        if (tree := profile.tree) is not None:
            empty = f"{len(set(tree.leaves) - set(split.labels)):,}"
            strange = f"{sum(count for label, count in split.labels.items() if label and label not in tree):,}"
        few = sum(size < _FEW for size in sizes)
        rows.append((name, f"{len(sizes):,}", f"{sizes[0]:,}", f"{sizes[len(sizes) // 2]:,}", f"{few:,}", empty,
                     f"{100 * tenth:.1f} %", strange))  # fmt: skip
    head = ("", "categories", "largest", "median", f"below {_FEW} rows", "leaves without rows", "in the largest tenth",
            "rows not in the tree")  # fmt: skip
    return Table(head, tuple(rows))


def title_table(profile: Profile) -> Table:
    """Quantiles of lengths."""
    rows = []
    for name, split in profile.splits.items():
        for kind, counts in (("words", split.texts.words), ("characters", split.texts.characters)):
            rows.append((name, kind, *(f"{quantile(counts, share):,}" for share in (0.05, 0.5, 0.95, 1.0))))
    return Table(("", "", "5 %", "median", "95 %", "longest"), tuple(rows), numbers=2)


def _frequent(profile: Profile) -> Table:
    rows = []
    for name, split in profile.splits.items():
        rows.append((name, ", ".join(word for word, _ in split.texts.frequent.most_common(_MOST))))
    return Table(("", "most frequent words"), tuple(rows), numbers=2)


def _characteristics(profile: Profile) -> Table:
    rows = []
    for name, split in profile.splits.items():
        for characteristic, count in split.names.most_common(_MOST):
            rows.append((name, characteristic or "(no name)", f"{count:,}", f"{100 * count / split.rows:.1f} %"))
    return Table(("", "characteristic", "products", "share"), tuple(rows), numbers=2)


def photo_table(profile: Profile) -> Table:
    """Photos read, their commonest size and how large their files are."""
    rows = []
    for name, split in profile.splits.items():
        photos = split.photos
        common = photos.sizes.most_common(1)
        size = "–"
        for (width, height), count in common:
            size = f"{width}x{height} ({100 * count / photos.sizes.total():.1f} %)"
        formats = ", ".join(f"{form} {count:,}" for form, count in photos.formats.most_common(3))
        rows.append((name, f"{photos.sizes.total():,}", f"{photos.unreadable.total():,}", size, formats or "–",
                     f"{quantile(photos.kilobytes, 0.5):,} kB", f"{quantile(photos.kilobytes, 1.0):,} kB"))  # fmt: skip
    return Table(("", "photos", "unreadable", "commonest size", "formats", "median", "largest"), tuple(rows))


def duplicate_table(profile: Profile) -> Table:
    """Rows that share an id, a title or a photo within their split."""
    rows = []
    for name, split in profile.splits.items():
        for kind in KINDS[1:3]:
            repeated, relabelled = split.marks.repeated(kind)
            rows.append((name, kind, f"{repeated:,}", f"{100 * repeated / split.rows:.1f} %", f"{relabelled:,}"))
    return Table(("", "same", "rows", "share", "of another category"), tuple(rows), numbers=2)


def leak_table(profile: Profile) -> Table:
    """Rows that splits share; "none" where there are none."""
    rows: list[tuple[str, ...]] = [
        (leak.rows_of, leak.known, leak.kind, f"{leak.rows:,}", f"{leak.relabelled:,}") for leak in profile.leaks
    ]
    if not rows:
        rows = [("none", "", "", "0", "0")]
    return Table(("rows of", "known to", "by", "rows", "of another category"), tuple(rows), numbers=3)
