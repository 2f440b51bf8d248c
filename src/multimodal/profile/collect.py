"""One pass over the sources of each split; photos go as soon as they were seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, combinations_with_replacement
from typing import Any

from multimodal.config.data import SourceConfig
from multimodal.config.models import RunConfig
from multimodal.data import open_reader, read_source
from multimodal.errors import DataError, InputError
from multimodal.profile.leaks import KINDS, Leak, Marks, find_leaks
from multimodal.profile.photos import PhotoProfile
from multimodal.profile.texts import TextProfile, quantile
from multimodal.taxonomy import Tree, read_tree
from multimodal.text.characteristics import parse_characteristics
from multimodal.types import INPUTS, Product, RowError

UNLABELLED = "(no category)"
UNKNOWN = "(not in the tree)"


@dataclass(slots=True)
class SplitProfile:
    """What one split holds.

    Attributes:
        rows: products read; ``errors`` are rows that were not, by code.
        inputs: input -> products that have it.
        labels: category id -> products; of unlabelled ones under None.
        texts, photos, marks: see there.
        names: name of a characteristic -> products that have it.
        tags: (tag, tag) -> photos that show both; a pair of one tag is that tag alone. Names in order.
        told: tag -> products that say whether they show it.
    """

    rows: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    inputs: Counter[str] = field(default_factory=Counter)
    labels: Counter[str | None] = field(default_factory=Counter)
    texts: TextProfile = field(default_factory=TextProfile)
    photos: PhotoProfile = field(default_factory=PhotoProfile)
    marks: Marks = field(default_factory=Marks)
    names: Counter[str] = field(default_factory=Counter)
    tags: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)

    def add(self, product: Product, group: str) -> None:
        """Counts one product; ``group`` is what mean pictures are made by."""
        self.rows += 1
        self.labels[product.category_id] += 1
        self.inputs.update(name for name in INPUTS if getattr(product, name))
        if product.title and product.title.strip():
            self.texts.add(product.title)
        if product.characteristics:
            with suppress(InputError):  # nested too deep to be read; training says so
                self.names.update({name for name, _ in parse_characteristics(product.characteristics)})
        if product.tags:
            self.told.update(product.tags.keys())
            shown = sorted(tag for tag, there in product.tags.items() if there)
            self.tags.update(combinations_with_replacement(shown, 2))
        photo = None if product.image is None else self.photos.add(product.image, group)
        self.marks.add(product, photo)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values: counts and quantiles, nothing of a single row but frequent words."""
        titles = {
            kind: {str(share): quantile(counts, share) for share in (0.05, 0.5, 0.95, 1.0)}
            for kind, counts in (("words", self.texts.words), ("characters", self.texts.characters))
        }
        photos = self.photos
        return {
            "rows": self.rows,
            "errors": dict(self.errors),
            "inputs": {name: self.inputs[name] for name in INPUTS},
            "labels": {str(label): count for label, count in self.labels.most_common()},
            "titles": {**titles, "scripts": dict(self.texts.scripts.most_common())},
            "photos": {
                "sizes": {f"{w}x{h}": count for (w, h), count in photos.sizes.most_common(50)},
                "formats": dict(photos.formats),
                "modes": dict(photos.modes),
                "kilobytes": {str(share): quantile(photos.kilobytes, share) for share in (0.05, 0.5, 0.95, 1.0)},
                "unreadable": dict(photos.unreadable),
            },
            "characteristics": dict(self.names.most_common(100)),
            "tags": {" + ".join(dict.fromkeys(pair)): count for pair, count in sorted(self.tags.items())},
            "repeated": {
                kind: dict(zip(("rows", "relabelled"), self.marks.repeated(kind), strict=True)) for kind in KINDS
            },
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """All splits, and what they share.

    Attributes:
        splits: in the order they were given.
        tree: None where the labels are a plain list.
    """

    splits: Mapping[str, SplitProfile]
    leaks: tuple[Leak, ...]
    tree: Tree | None = None

    def group_of(self, label: str | None) -> str:
        """What mean pictures and bars are made by: the root of the tree above a label, or the label."""
        return _group(self.tree, label)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        leaks = [
            {"kind": k.kind, "known": k.known, "rows_of": k.rows_of, "rows": k.rows, "relabelled": k.relabelled}
            for k in self.leaks
        ]
        return {"splits": {name: split.to_dict() for name, split in self.splits.items()}, "leaks": leaks}


def profile_sources(
    splits: Mapping[str, Sequence[SourceConfig]],
    tree: Tree | None = None,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Profile:
    """Reads every row once and counts; memory grows with the number of rows by some hundred bytes each.

    Args:
        splits: name -> sources, the training split first: leaks are counted in later ones.
        on_progress: called now and then with the number of rows done.

    Raises:
        DataError: a source that cannot be read as described, or not one row in it.
    """
    found: dict[str, SplitProfile] = {}
    done = 0
    for name, sources in splits.items():
        split = found[name] = SplitProfile()
        for item in chain.from_iterable(read_source(source, labelled=_is_labelled(source)) for source in sources):
            if isinstance(item, RowError):
                split.errors[item.code] += 1
            else:
                split.add(item, _group(tree, item.category_id))
            done += 1
            if on_progress is not None and done % 64 == 0:
                on_progress(done)
        if not split.rows:
            told = ", ".join(f"{count:,} x {code}" for code, count in split.errors.most_common(3))
            raise DataError(f"{name}: got no usable row ({told or 'it is empty'}), expected products")
    if on_progress is not None:
        on_progress(done)
    return Profile(found, find_leaks({name: split.marks for name, split in found.items()}), tree)


def profile_config(config: RunConfig, *, on_progress: Callable[[int], None] | None = None) -> Profile:
    """The splits of a training configuration and its tree; labels are a plain list where the tree is made of them.

    Raises:
        DataError, TreeError: the data or the tree cannot be read as described.
    """
    tree = None
    if config.tree.path is not None:
        how = config.tree
        tree = read_tree(how.path or "", id=how.id, name=how.name, parent_id=how.parent_id, format=how.format)
    splits = {"train": config.data.train, "val": config.data.val}
    return profile_sources({name: own for name, own in splits.items() if own}, tree, on_progress=on_progress)


def _is_labelled(source: SourceConfig) -> bool:
    try:
        open_reader(source, labelled=True)
    except DataError:  # without labels then; another trouble comes up again
        return False
    return True


def _group(tree: Tree | None, label: str | None) -> str:
    if label is None:
        return UNLABELLED
    if tree is None:
        return label
    return tree.path(label)[0].name if label in tree else UNKNOWN
