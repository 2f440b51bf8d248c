"""Which format a file is in: as asked, by its name otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from multimodal.data.idx_file import is_idx
from multimodal.data.json_file import has_object_lines
from multimodal.errors import DataError

Format = Literal["parquet", "csv", "json", "jsonl", "folder", "idx"]

SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".json": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json.gz": "json", ".jsonl.gz": "jsonl", ".ndjson.gz": "jsonl",
}  # fmt: skip
_SHEETS = frozenset({".xlsx", ".xls", ".ods"})
EXPECTED = "a parquet, CSV, JSON, JSON Lines or IDX file, or a folder of photos"


def format_of(file: Path, asked: str) -> Format:
    """The format of a file that is there.

    Raises:
        DataError: a file where a folder was expected or the other way round, or an unknown suffix.
    """
    if asked == "folder" or (asked == "auto" and file.is_dir()):
        if not file.is_dir():
            raise DataError(f"{file}: got a file, expected a folder of photos; give its format as parquet or csv")
        return "folder"
    if file.is_dir():
        raise DataError(f"{file}: got a folder, expected a {asked} file; for its parts write {file}/*.{asked}")
    if asked == "idx" or (asked == "auto" and is_idx(file)):
        return "idx"
    if asked != "auto":
        return next(known for known in SUFFIXES.values() if known == asked)
    known = next((kind for suffix, kind in SUFFIXES.items() if file.name.casefold().endswith(suffix)), None)
    if known is None:
        raise DataError(_unknown(file))
    return "jsonl" if known == "json" and has_object_lines(file) else known


def _unknown(file: Path) -> str:
    message = f"{file}: got the suffix {file.suffix!r}, expected one of {', '.join(SUFFIXES)} or a folder; "
    if file.suffix.casefold() == ".zip":
        return f"{message}a zip holds photos alone: name the table here, and the zip as images_root"
    if file.suffix.casefold() in _SHEETS:
        return f"{message}save the sheet as CSV in UTF-8"
    return f"{message}rename it, or name its format in a configuration: parquet, csv, json or jsonl"
