"""Which column of a file holds what: as asked in the config, guessed from well-known names otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from multimodal.config.models import ColumnMap
from multimodal.errors import DataError, nearest

FieldName = Literal["id", "title", "description", "characteristics", "image", "category_id", "category_path", "group"]
FIELDS: tuple[FieldName, ...] = get_args(FieldName)
INPUT_FIELDS: tuple[FieldName, ...] = ("title", "description", "characteristics", "image")
LABEL_FIELDS: tuple[FieldName, ...] = ("category_id", "category_path")

# best guess first, English before Russian; compared in lower case without spaces, dashes and underscores
GUESSES: dict[FieldName, tuple[str, ...]] = {
    "id": ("id", "uuid", "sku", "productid", "itemid", "offerid", "article", "артикул", "кодтовара", "idтовара"),
    "title": (
        "title", "name", "productname", "productdisplayname", "producttitle", "itemname", "text",
        "название", "наименование", "названиетовара", "наименованиетовара", "заголовок",
    ),
    "description": (
        "description", "shortdescription", "productdescription", "longdescription", "описание", "описаниетовара",
    ),
    "characteristics": (
        "characteristics", "namevaluecharacteristics", "attributes", "properties", "specifications", "specs",
        "характеристики", "атрибуты", "свойства", "параметры",
    ),
    "image": (
        "image", "photo", "picture", "img", "imagebytes", "imagepath", "photopath", "filename", "file",
        "imageurl", "imagesurl", "photourl", "pictureurl",
        "фото", "фотография", "изображение", "картинка", "ссылканафото", "ссылканаизображение",
    ),
    "category_id": (
        "categoryid", "label", "category", "cc3", "class", "target", "idкатегории", "кодкатегории", "категория",
    ),
    "category_path": ("categorypath", "categories", "path", "путькатегории", "категории"),
    "group": ("group", "groupid"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResolvedColumns:
    """The name of the column that holds each field, or None where the source has none.

    At most one of ``category_id`` and ``category_path`` is set.
    """

    id: str | None = None
    title: str | None = None
    description: str | None = None
    characteristics: str | None = None
    image: str | None = None
    category_id: str | None = None
    category_path: str | None = None
    group: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    """Names and columns of the tags, and so for the attributes."""
    attributes: tuple[tuple[str, str], ...] = ()

    def present(self) -> dict[str, str]:
        """Field -> column of the fields that the source has, in a fixed order; tags and attributes by ``keyed``."""
        named: dict[str, str | None] = {name: getattr(self, name) for name in FIELDS}
        found = {name: column for name, column in named.items() if column is not None}
        found |= {keyed("tags", name): column for name, column in self.tags}
        return found | {keyed("attributes", name): column for name, column in self.attributes}

    def column(self, field: str) -> str | None:
        """The column of a field of ``present``."""
        return self.present().get(field)

    @property
    def has_input(self) -> bool:
        return any(getattr(self, name) is not None for name in INPUT_FIELDS)

    @property
    def has_label(self) -> bool:
        return any(getattr(self, name) is not None for name in LABEL_FIELDS)


def keyed(kind: Literal["tags", "attributes"], name: str) -> str:
    """The key of a tag or an attribute among the fields of a row, which it cannot be taken for."""
    return f"{kind}:{name}"


def guess_columns(found: Sequence[str], asked: ColumnMap) -> ResolvedColumns:
    """Resolves a column map against the columns a file has.

    A name in ``asked`` must be there, up to case; ``""`` means there is none; None is guessed. A column
    serves one guess only, and none when it is asked for elsewhere. A category path is used where it is
    asked for, or where there is no category id.

    Raises:
        DataError: an asked-for column is not there, or both kinds of category are asked for.
    """
    chosen: dict[FieldName, str | None] = {}
    for name in FIELDS:
        wanted = getattr(asked, name)
        if wanted is not None:
            otherwise = f'leave {name} out to have it guessed, or set it to "" for none'
            chosen[name] = _exact(name, wanted, found, otherwise) if wanted else None
    _one_label(asked, chosen)
    tags, attributes = _named("tags", asked.tags, found), _named("attributes", asked.attributes, found)
    taken = {column for column in chosen.values() if column is not None}
    taken |= {column for _, column in (*tags, *attributes)}
    for name in FIELDS:
        if name not in chosen:
            chosen[name] = _guess(name, [column for column in found if column not in taken])
            taken.update({chosen[name]} - {None})  # type: ignore[arg-type]
    if chosen["category_id"] is not None:
        chosen["category_path"] = None
    return ResolvedColumns(**chosen, tags=tags, attributes=attributes)


def check_once(file: Path, names: Sequence[str]) -> None:
    """Raises DataError for columns of one name, of which none would be the right one; nameless ones may be many."""
    repeated = [f"{name!r} {count} times" for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise DataError(f"{file}: got the column {' and '.join(repeated)}, expected each name once; rename the others")


def _named(kind: str, asked: Mapping[str, str], found: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names and columns of tags, or of attributes, which are never guessed."""
    return tuple((name, _exact(f"{kind}.{name}", column, found, "or leave it out")) for name, column in asked.items())


def _exact(field: str, wanted: str, found: Sequence[str], otherwise: str) -> str:
    if wanted in found:
        return wanted
    alike = [column for column in found if column.casefold().strip() == wanted.casefold().strip()]
    if len(alike) == 1:
        return alike[0]
    raise DataError(
        f"columns.{field}: expected a column {wanted!r}, found {_listed(found)}.{nearest(wanted, found)} "
        f"Name one of these, {otherwise}."
    )


def _one_label(asked: ColumnMap, chosen: dict[FieldName, str | None]) -> None:
    if asked.category_id and asked.category_path:
        raise DataError(
            f"columns: got category_id: {asked.category_id} and category_path: {asked.category_path}, "
            "expected one of them; leave the other out"
        )
    if asked.category_path:
        chosen["category_id"] = None


def _guess(field: FieldName, free: Sequence[str]) -> str | None:
    plain = {_plain(column): column for column in reversed(free)}
    return next((plain[name] for name in GUESSES[field] if name in plain), None)


def _plain(column: str) -> str:
    return column.casefold().translate({ord(sign): None for sign in " _-"})


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns) or "no columns"


def refuse_columns(path: Path, asked: ColumnMap, own: ResolvedColumns) -> None:
    """For photos without a table.

    Raises:
        DataError: a column is asked for, which they cannot have.
    """
    fields = asked.model_dump(exclude_defaults=True)
    given = {f"columns.{name}": value for name, value in fields.items() if isinstance(value, str)}
    for kind in ("tags", "attributes"):
        given |= {f"columns.{kind}.{name}": column for name, column in fields.get(kind, {}).items()}
    for name, column in given.items():
        if column not in {"", getattr(own, name.removeprefix("columns."), None)}:
            raise DataError(
                f"{path}: {name}: got {column!r}, but photos without a table have no columns; leave it out, or give a "
                f"table of the photos with that column, as a metadata.csv beside them"
            )
