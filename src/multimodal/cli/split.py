"""``multimodal data split``: one file into train, val and test, near-duplicates together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from multimodal.cli.console import ROWS_FAILED, print_json, progress, stderr, stdout
from multimodal.cli.sources import ColumnOption, ImagesRootOption, source_of
from multimodal.errors import InputError, nearest
from multimodal.types import RowError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from multimodal.config.models import Likeness, SourceConfig
    from multimodal.data.division import Division
    from multimodal.types import Product


@dataclass(slots=True)
class _Seen:
    """What came by while a file was read."""

    errors: list[RowError] = field(default_factory=list)
    paths: bool = False


def split(
    file: Annotated[Path, typer.Argument(help="Parquet or CSV of products.")],
    out: Annotated[Path, typer.Option(help="Folder for train, val and test; created if missing.")],
    val: Annotated[float, typer.Option(help="Share of every category's rows that validate.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of every category's rows to test with; 0 for none.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Another seed draws other rows.")] = 0,
    by: Annotated[
        str, typer.Option(help="What near-duplicates share, comma between: title, photo, id.")
    ] = "title,photo,id",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    column: ColumnOption = None,
    images_root: ImagesRootOption = None,
) -> None:
    """Divides a file: rows that share a title or a photo stay together, every category gives the same share.

    Rows with a column of groups go by that instead. The same file and seed give the same splits, whatever
    the order of the rows.

    \b
    Example:
      multimodal data split products.parquet --val 0.1 --test 0.1 --out splits
    """
    from multimodal.data.split_file import check_splittable, write_splits

    shares = _shares(val, test)
    likenesses = _likenesses(by)
    source = source_of(file, column, images_root)
    files = check_splittable(file, out, ("train", *shares))
    seen = _Seen()
    division = _divide(source, shares, seed, likenesses, seen)
    write_splits(file, division, files)
    document = _document(division, files, seen.errors)
    if as_json:
        print_json(document)
    else:
        _table(document)
    if seen.paths and images_root is None and out.resolve() != file.parent.resolve():
        _say(f"Paths of photos start from {file.parent}: give it as images_root where these files are read")
    _finish(out, seen.errors)


def _shares(val: float, test: float) -> dict[str, float]:
    if not (val > 0 and test >= 0 and val + test < 1):
        raise InputError(
            f"--val {val:g} --test {test:g}: expected shares from 0 to 1, val above 0, that leave some rows to train on"
        )
    return {"val": val, **({"test": test} if test else {})}


def _likenesses(names: str) -> tuple[Likeness, ...]:
    from multimodal.config.models import Likeness

    known = get_args(Likeness)
    parts = [part.strip() for part in names.split(",") if part.strip()]
    for part in parts:
        if part not in known:
            raise InputError(f"--by {names!r}: unknown {part!r}.{nearest(part, known)} Known: {', '.join(known)}.")
    if not parts:
        raise InputError(f"--by {names!r}: got no name, expected one or more of {', '.join(known)}")
    return cast("tuple[Likeness, ...]", tuple(parts))


def _divide(
    source: SourceConfig, shares: dict[str, float], seed: int, by: tuple[Likeness, ...], seen: _Seen
) -> Division:
    from multimodal.data import guess_columns, open_reader, read_source, source_count
    from multimodal.data.division import RowKeys, divide
    from multimodal.image.caps import read_photo
    from multimodal.text.alike import title_key

    found = open_reader(source, labelled=False).rules.found
    # Without a column of categories, rows are drawn as if all were of one.
    labelled = guess_columns(found, source.columns).has_label
    with progress("Reading", source_count(source)) as advance:
        items = read_source(source, labelled=labelled, unique=False)
        return divide(_watched(items, seen, advance), RowKeys(by, title_key, read_photo), shares, seed)


def _watched(items: Iterable[Product | RowError], seen: _Seen, advance: Any) -> Iterator[Product | RowError]:
    for done, item in enumerate(items, 1):
        if isinstance(item, RowError):
            seen.errors.append(item)
        elif item.image is not None and item.image.path is not None:
            seen.paths = True
        yield item
        if done % 256 == 0:
            advance(done)


def _document(division: Division, files: dict[str, Path], errors: list[RowError]) -> dict[str, object]:
    labels = {name: Counter[str]() for name in division.names}
    for category, at, group in zip(division.categories, division.split.tolist(), division.groups.tolist(), strict=True):
        if group and category:
            labels[division.names[at]][category] += 1
    known = set().union(*labels.values())
    splits = {
        name: {
            "file": str(files[name]),
            "rows": division.rows(name),
            "groups": division.group_count(name),
            "categories": len(labels[name]),
        }
        for name in division.names
    }
    return {"splits": splits, "categories": len(known), "errors": len(errors)}


def _table(document: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("", "rows", "groups", "categories", "file")
    for name, figures in document["splits"].items():
        counts = (f"{figures[key]:,}" for key in ("rows", "groups", "categories"))
        table.add_row(name, *counts, figures["file"])
    stdout().print(table)


def _finish(out: Path, errors: list[RowError]) -> None:
    if not errors:
        return
    from multimodal.data.errors_file import write_errors

    write_errors(errors, out / "errors.csv")
    _say(f"{len(errors):,} rows could not be read and are in no split; {out / 'errors.csv'} lists them")
    raise typer.Exit(ROWS_FAILED)


def _say(line: str) -> None:
    stderr().print(line, style="yellow", markup=False, soft_wrap=True)
