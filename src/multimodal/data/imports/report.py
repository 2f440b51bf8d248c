"""What an import tells: its progress while it works, its summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Steps(Protocol):
    """Opens one step of the work, such as a progress bar; what it yields takes how many are done so far."""

    def __call__(
        self, label: str, total: int | None, unit: str = "rows", /
    ) -> AbstractContextManager[Callable[[int], None]]: ...


@contextmanager
def silent(label: str, total: int | None, unit: str = "rows", /) -> Iterator[Callable[[int], None]]:
    """Steps that nobody watches."""
    yield lambda done: None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was written.

    Attributes:
        name: of the public set.
        folder: where it was written.
        tree: the file of the category tree.
        files: split -> the file, or folder of photos, that a source may name.
        rows: split -> number of rows.
        leaves: leaves of the tree; ``categories`` counts all its nodes.
        errors: rows that were left out; ``errors_file`` lists them, None without any.
        notes: other counts of the set, such as rows without a photo.
    """

    name: str
    folder: Path
    tree: Path
    files: dict[str, Path]
    rows: dict[str, int]
    categories: int
    leaves: int
    errors: int
    errors_file: Path | None
    notes: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """The report as it is printed in JSON."""
        return {
            "set": self.name,
            "folder": str(self.folder),
            "tree": str(self.tree),
            "files": {split: str(file) for split, file in self.files.items()},
            "rows": self.rows,
            "categories": self.categories,
            "leaves": self.leaves,
            "errors": self.errors,
            "errors_file": None if self.errors_file is None else str(self.errors_file),
            **self.notes,
        }
