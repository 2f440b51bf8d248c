"""Results that a killed run leaves behind and the next one goes on from: one JSON file, a record at a time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from multimodal.errors import DataError


class Records:
    """Records by their keys, kept in a file (or in memory alone), under settings that all of them share."""

    def __init__(self, file: Path | None, settings: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        """Reads what an earlier run has left.

        Args:
            settings: what every record was measured under, as JSON values.
            keys: the fields that tell records apart.

        Raises:
            DataError: the file holds results of other settings, or something else.
        """
        self.file, self.keys = file, keys
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.rows: list[dict[str, Any]] = []
        if file is not None and file.exists():
            self.rows = self._read(file)

    def find(self, **key: object) -> dict[str, Any] | None:
        """The record of these keys, where there is one."""
        return next((row for row in self.rows if all(row[k] == key[k] for k in self.keys)), None)

    def add(self, row: Mapping[str, Any]) -> None:
        """Keeps one more record; a kill while writing leaves the file as it was before."""
        self.rows.append(json.loads(json.dumps(row, allow_nan=False)))
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            new = self.file.with_name(self.file.name + ".new")
            new.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")
            new.replace(self.file)

    def measured(self, names: Sequence[str], measure: Callable[[str], Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The record of each name, in order; what is lacking is measured and kept. For records told apart by a name."""
        (key,) = self.keys
        rows = []
        for number, name in enumerate(names, 1):
            found = self.find(**{key: name})
            known = "" if found is None else ": measured before"
            print(f"[{number}/{len(names)}] {name}{known}", file=sys.stderr, flush=True)
            if found is None:
                self.add({key: name, **measure(name)})
                found = self.rows[-1]
            rows.append(found)
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Settings and records as JSON values."""
        return {"settings": self.settings, "rows": self.rows}

    def _read(self, file: Path) -> list[dict[str, Any]]:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            settings, rows = found["settings"], list(found["rows"])
            complete = all(key in row for row in rows for key in self.keys)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file}: not results of this benchmark ({error!r}); name another file") from error
        if not complete:
            raise DataError(f"{file}: a record lacks one of {', '.join(self.keys)}; name another file")
        other = sorted(k for k in {*settings, *self.settings} if settings.get(k) != self.settings.get(k))
        if other:
            raise DataError(
                f"{file}: its results are of another {' and '.join(other)}, expected those asked for now; "
                "ask as before, or name another file"
            )
        return rows


def portable(source: str) -> str:
    """A weights setting less the folders of this machine: its file's or its bundle's name, or the word itself."""
    bundle = "bundle:" if source.startswith("bundle:") else ""
    return bundle + Path(source.removeprefix("bundle:")).name
