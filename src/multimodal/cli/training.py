"""What the commands that need torch share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from multimodal.cli.console import stderr
from multimodal.errors import MissingExtraError


@contextmanager
def needs_train_extra(command: str) -> Iterator[None]:
    """Imports within it that fail for want of a package name the extra that brings it.

    Raises:
        MissingExtraError: a package is missing that is not ours.
    """
    try:
        yield
    except MissingExtraError:
        raise  # it says already what is missing, and for what
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "multimodal":
            raise  # a fault of ours, not a missing dependency
        raise MissingExtraError("train", feature=f"`multimodal {command}`") from error


def tell_rejected(files: Mapping[str, int]) -> int:
    """Says where the rows are that could not be trained on; how many there are.

    Args:
        files: file -> how many of them it lists.
    """
    told = {file: rows for file, rows in files.items() if rows}
    if told:
        said = f"{sum(told.values()):,} rows could not be used; they are in {', '.join(told)}"
        stderr().print(said, style="yellow", markup=False, soft_wrap=True)
    return sum(told.values())
