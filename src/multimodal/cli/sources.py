"""Options that describe a data source, shared by the commands that read one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from multimodal.cli.console import stderr
from multimodal.errors import InputError
from multimodal.types import ImageRef

if TYPE_CHECKING:
    from multimodal.config.models import SourceConfig

_LEFT_OUT = 8
"""Columns that are not read and still named."""

ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=COLUMN",
        help="Which column holds a field, where its name is not a well-known one; may be repeated.",
    ),
]
ImagesRootOption = Annotated[
    Path | None,
    typer.Option(help="Folder or zip that paths in the photo column start from; else the file's own folder."),
]
CategoryMapOption = Annotated[
    Path | None, typer.Option(help="CSV with columns label, category_id: labels to ids of the tree.")
]


def source_of(
    path: Path, columns: Sequence[str] | None, images_root: Path | None, category_map: Path | None = None
) -> SourceConfig:
    """Builds the description of a source from a command's options.

    Raises:
        InputError: the path does not exist.
        DataError: a pattern that matches no file.
        ConfigError: a ``--column`` that is not ``field=column`` with a known field.
    """
    from multimodal.config.load import validate
    from multimodal.config.models import ColumnMap, SourceConfig
    from multimodal.data import files_of

    if not files_of(str(path))[0].exists():
        raise InputError(f"{path}: no such file or folder; expected parquet, CSV, JSON or a folder of photos")
    pairs = _pairs(columns or ())
    raw = {
        "path": str(path),
        "columns": validate(ColumnMap, pairs, "--column"),
        "images_root": None if images_root is None else str(images_root),
        "category_map": None if category_map is None else str(category_map),
    }
    return validate(SourceConfig, raw, str(path))


def photo_of(image: Path) -> ImageRef:
    """The photo that ``--image`` names; InputError where there is no such file."""
    expected = "expected a photo (JPEG, PNG, WebP, …)"
    if image.is_dir():
        raise InputError(f"--image {image}: got a folder, {expected}; a folder goes to --input")
    if not image.is_file():
        raise InputError(f"--image {image}: no such file; {expected}")
    return ImageRef(path=str(image), name=image.name)


def tell_columns(source: SourceConfig, *, labelled: bool = False) -> None:
    """Says on standard error which column of a table is taken for what, and which are not read.

    Args:
        labelled: whether categories are read, too.
    """
    from multimodal.data import open_reader

    reader = open_reader(source, labelled=labelled)
    found = reader.rules.found
    if not found:  # photos without a table
        return
    taken = {field: column for field, column in reader.columns.present().items() if column in found}
    said = [field if field == column else f"{field} from {column!r}" for field, column in taken.items()]
    left = [repr(column) for column in found if column not in taken.values()]
    more = f" and {len(left) - _LEFT_OUT} more" if len(left) > _LEFT_OUT else ""
    not_read = f"; not read: {', '.join(left[:_LEFT_OUT])}{more}" if left else ""
    stderr().print(f"{source.path}: reads {', '.join(said)}{not_read}", markup=False, soft_wrap=True)


def plain_name(path: Path) -> str:
    """A name for files about an input: its own without suffix; of a pattern, what can stand in a file's name."""
    return "".join(sign for sign in path.stem if sign not in "*?[]") or path.parent.name or "rows"


def _pairs(items: Sequence[str]) -> dict[str, object]:
    """``title=name`` as it is; ``tags.floral=column`` and ``attributes.colour=column`` below their section."""
    found: dict[str, object] = {}
    for item in items:
        field, column = _pair(item)
        section, dot, name = field.partition(".")
        if dot and section in ("tags", "attributes"):
            inner = found.setdefault(section, {})
            assert isinstance(inner, dict)
            inner[name] = column
        else:
            found[field] = column
    return found


def _pair(item: str) -> tuple[str, str]:
    field, sign, column = item.partition("=")
    if not sign or not field:
        raise InputError(f"--column {item!r}: expected FIELD=COLUMN, for example title=product_name")
    return field.strip(), column.strip()
