"""Maps the labels of a source to category ids of the tree."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from multimodal.csv_reading import CsvRows
from multimodal.errors import DataError, nearest
from multimodal.types import Product, RowError

DRAWINGS = "drawings"
_COLUMNS = ("label", "category_id")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Label -> the ids it may stand for.

    Attributes:
        origin: what messages call the map.
    """

    origin: str
    ids: Mapping[str, tuple[str, ...]]

    def apply(self, item: Product, row: int) -> Product | RowError:
        """``item`` with its category id, or the error of its row. Unlabelled products stay as they are."""
        label = item.category_id
        if label is None:
            return item
        ids = self.ids.get(label, ())
        if len(ids) == 1:
            return replace(item, category_id=ids[0])
        if ids:
            return RowError(item.id, row, "label", "inner_or_many", self._many(label, ids))
        return RowError(
            item.id, row, "label", "unknown_category",
            f"label {label!r} is not in {self.origin}; expected one of its {len(self.ids)} labels."
            f"{nearest(label, self.ids)} Add it there, or correct the row.",
        )  # fmt: skip

    def _many(self, label: str, ids: tuple[str, ...]) -> str:
        shown = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
        return (
            f"label {label!r} stands for several categories in {self.origin} ({shown}), expected one; rows "
            "of such labels are left out of training, keep one line for the label to use them"
        )


def load_label_map(category_map: Mapping[str, str] | str | None) -> LabelMap | None:
    """The map of a source: a mapping, the path of a CSV with columns label, category_id, or ``drawings``.

    Raises:
        DataError: the file is missing, is no CSV in UTF-8, or lacks a column.
    """
    if category_map is None:
        return None
    if not isinstance(category_map, str):
        return LabelMap("category_map", {label: (id,) for label, id in category_map.items()})
    if category_map == DRAWINGS:
        from multimodal.data.sample import FASHION_IDS

        return LabelMap("the map of drawings", {label: (id,) for label, id in FASHION_IDS.items()})
    return LabelMap(category_map, _read(Path(category_map)))


def _read(file: Path) -> dict[str, tuple[str, ...]]:
    ids: dict[str, dict[str, None]] = {}
    for line, (label, id) in enumerate(_pairs(file), start=2):
        if not (label and id):
            raise DataError(f"{file}: line {line} has an empty cell; expected a label and a category_id, fill it in")
        ids.setdefault(label, {})[id] = None
    return {label: tuple(several) for label, several in ids.items()}


def _pairs(file: Path) -> list[tuple[str, str]]:
    """The label and the category id of each row."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            table = CsvRows(stream, ",")
            found = [name.strip() for name in table.header()]
            missing = [name for name in _COLUMNS if name not in found]
            if missing:
                hints = "".join(nearest(name, found) for name in missing)
                raise DataError(
                    f"{file}: a map of categories expected the columns label and category_id, found "
                    f"{', '.join(found) or 'none'}.{hints} Rename them."
                )
            at = [found.index(name) for name in _COLUMNS]
            pairs: list[tuple[str, str]] = []
            for cells in table.rows(len(found)):
                if isinstance(cells, csv.Error):
                    raise DataError(
                        f"{file}: line {len(pairs) + 2} is no CSV ({cells}); expected quotes in pairs, close them"
                    )
                label, id = (cells[i].strip() if i < len(cells) else "" for i in at)
                pairs.append((label, id))
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; category_map expected a mapping or a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not readable as CSV in UTF-8 ({error}); save it again as that") from error
    return pairs
