"""Checks that a folder is the download it should be, before any work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from multimodal.errors import DataError

_SHOWN = 8


def check_download(folder: Path, needed: Sequence[str], origin: str) -> None:
    """Raises DataError naming the files that ``folder`` lacks, what it has, and where to get them.

    Args:
        needed: names of files; those that end in ``/`` are folders.
        origin: where the download comes from, for the message.
    """
    if not folder.is_dir():
        what = "a file, expected the folder it was unpacked to" if folder.exists() else "no such folder"
        raise DataError(f"{folder}: {what}; download {origin} and unpack it there")
    missing = _missing(folder, needed)
    if not missing:
        return
    inner = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and not _missing(sub, needed)]
    found = _found(folder)
    hint = f" They are all in {inner[0]}: give that folder." if inner else f" Download {origin}."
    raise DataError(f"{folder}: missing {', '.join(missing)}; expected {', '.join(needed)}, found {found}.{hint}")


def check_out(out: Path, download: Path) -> None:
    """Raises DataError when ``out`` is a file, or the download itself, whose files would be overwritten."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: got a file, expected a folder to write to; name another one")
    if out.exists() and out.samefile(download):
        raise DataError(f"{out}: got the download itself, whose files would be overwritten; name another folder")


def _missing(folder: Path, needed: Sequence[str]) -> list[str]:
    return [n for n in needed if not ((folder / n).is_dir() if n.endswith("/") else (folder / n).is_file())]


def _found(folder: Path) -> str:
    names = sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nothing") + more
