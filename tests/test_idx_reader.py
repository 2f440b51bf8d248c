"""IDX files as a source: pairs of photos and labels, plain or gzipped, and what is told where they do not fit."""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from multimodal.config.models import ColumnMap, JoinConfig, SourceConfig
from multimodal.data import open_reader, read_source, source_count
from multimodal.data.idx_file import is_idx
from multimodal.errors import DataError
from multimodal.types import Product
from public_downloads import write_idx
from reader_sources import write_csv

LABELS = bytes([3, 0, 9, 3])
SIDES = (2, 3)  # height, width


def write_pair(folder: Path, *, photos_zipped: bool = True, labels_zipped: bool = True, name: str = "train") -> Path:
    """Four photos, the pixels of which count on from photo to photo, beside their labels."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = bytes(range(len(LABELS) * SIDES[0] * SIDES[1]))
    write_idx(folder / f"{name}-labels-idx1-ubyte", (len(LABELS),), LABELS, labels_zipped)
    return write_idx(folder / f"{name}-images-idx3-ubyte", (len(LABELS), *SIDES), pixels, photos_zipped)


def read(path: Path | str, *, labelled: bool = True, **options: object) -> list[Product]:
    items = list(read_source(SourceConfig(path=str(path), **options), labelled=labelled))
    assert all(isinstance(item, Product) for item in items), items
    return [item for item in items if isinstance(item, Product)]


def pixels_of(product: Product) -> bytes:
    assert product.image is not None
    assert product.image.data is not None
    with Image.open(BytesIO(product.image.data)) as photo:
        assert (photo.mode, photo.size) == ("L", (SIDES[1], SIDES[0]))
        return photo.tobytes()


@pytest.mark.parametrize("photos_zipped", [True, False])
@pytest.mark.parametrize("labels_zipped", [True, False])
def test_photos_and_labels_belong_together_zipped_or_not(
    tmp_path: Path, photos_zipped: bool, labels_zipped: bool
) -> None:
    found = read(write_pair(tmp_path, photos_zipped=photos_zipped, labels_zipped=labels_zipped))
    assert [(p.id, p.category_id) for p in found] == [(0, "3"), (1, "0"), (2, "9"), (3, "3")]
    assert [pixels_of(p) for p in found] == [bytes(range(i * 6, i * 6 + 6)) for i in range(4)]
    assert [(p.title, p.tags) for p in found] == [(None, None)] * 4


def test_the_name_tells_the_format_and_any_name_can_be_told(tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "TRAIN-IMAGES-IDX3-UBYTE.gz", "t10k-images.idx3-ubyte"):
        assert is_idx(Path(name))
    for name in ("train-labels-idx1-ubyte", "train-images-idx3-ubyte.parquet", "idx3-ubyte.zip"):
        assert not is_idx(Path(name))
    photos = write_pair(tmp_path).rename(tmp_path / "my-images-idx3.bin")
    (tmp_path / "train-labels-idx1-ubyte.gz").rename(tmp_path / "my-labels-idx1.bin")
    assert [p.category_id for p in read(photos, format="idx")] == ["3", "0", "9", "3"]
    with pytest.raises(DataError, match=r"got the suffix '.bin', expected one of"):
        read(photos)


def test_unlabelled_reading_needs_no_labels(tmp_path: Path) -> None:
    photos = write_pair(tmp_path)
    assert [p.category_id for p in read(photos, labelled=False)] == [None] * 4
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    assert [p.id for p in read(photos, labelled=False)] == [0, 1, 2, 3]
    assert source_count(SourceConfig(path=str(photos))) == 4


def test_labels_that_are_missing_or_not_as_many_are_told_before_the_first_photo(tmp_path: Path) -> None:
    photos = write_pair(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.unlink()
    with pytest.raises(DataError) as missing:
        read(photos)
    for words in (str(photos), "labels are not beside it", "expected train-labels-idx1-ubyte.gz", "download them"):
        assert words in missing.value.message
    write_idx(tmp_path / "train-labels-idx1-ubyte", (3,), LABELS[:3], zipped=True)
    with pytest.raises(DataError, match=r"got 4 photos, and 3 labels in train-labels-idx1-ubyte.gz; download both"):
        read(photos)


def test_a_name_that_leads_to_no_labels_says_what_to_rename(tmp_path: Path) -> None:
    photos = write_pair(tmp_path, photos_zipped=False).rename(tmp_path / "train-images.idx3-ubyte")
    assert len(read(photos, labelled=False)) == 4
    with pytest.raises(DataError, match=r"expected a name such as train-images-idx3-ubyte.gz.*; rename both"):
        read(photos)


def test_without_a_label_column_there_is_no_category_to_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column of categories; expected one such as category_id"):
        read(write_pair(tmp_path), columns=ColumnMap(category_id=""))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it begins with nothing, expected 00000803"),
        (b"\x00\x00\x08\x01\x00\x00\x00\x04", "it begins with 00000801"),
        (b"\x89PNG" + bytes(20), "it begins with 89504e47"),
        (gzip.compress(bytes(40))[:-20], "damaged"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    photos = write_pair(tmp_path)
    photos.write_bytes(data)
    with pytest.raises(DataError) as caught:
        open_reader(SourceConfig(path=str(photos)), labelled=False)
    assert message in caught.value.message
    assert "download it again" in caught.value.message


def test_a_file_that_ends_early_says_after_how_many_photos(tmp_path: Path) -> None:
    photos = write_pair(tmp_path, photos_zipped=False)
    photos.write_bytes(photos.read_bytes()[:-7])
    items = iter(open_reader(SourceConfig(path=str(photos)), labelled=True))
    assert [next(items).id, next(items).id] == [0, 1]
    with pytest.raises(DataError, match="ends after 2 of 4 items; download it again"):
        next(items)


def test_a_map_of_categories_gives_the_digits_ids(tmp_path: Path) -> None:
    photos = write_pair(tmp_path)
    known = {"3": "dress", "0": "shirt", "9": "boot"}
    assert [p.category_id for p in read(photos, category_map=known)] == ["dress", "shirt", "boot", "dress"]
    items = list(read_source(SourceConfig(path=str(photos), category_map={"3": "dress"}), labelled=True))
    assert [item.category_id if isinstance(item, Product) else item.code for item in items] == [
        "dress", "unknown_category", "unknown_category", "dress",
    ]  # fmt: skip


def test_photos_of_several_files_are_numbered_on(tmp_path: Path) -> None:
    write_pair(tmp_path, name="a")
    write_pair(tmp_path, name="b", photos_zipped=False)
    found = read(tmp_path / "*-images-idx3-ubyte*")
    assert [p.id for p in found] == list(range(8))  # no id stands twice, or the second file's rows would be refused
    assert [p.category_id for p in found] == ["3", "0", "9", "3"] * 2
    assert pixels_of(found[4]) == pixels_of(found[0]) != pixels_of(found[1])


def test_titles_by_number_are_joined(tmp_path: Path) -> None:
    photos = write_pair(tmp_path)
    titles = write_csv(tmp_path / "titles.csv", [{"id": 2, "title": "boot"}, {"id": 0, "title": "dress"}])
    found = read(photos, join=JoinConfig(path=str(titles.path)))
    assert [(p.id, p.title, p.category_id) for p in found] == [(0, "dress", "3"), (2, "boot", "9")]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"tags": {"dots": "is_dotted"}}, r"columns\.tags\.dots: got 'is_dotted'"),
        ({"attributes": ["colour"]}, r"columns\.attributes\.colour: got 'colour'"),
        ({"title": "name"}, r"columns\.title: got 'name'"),
    ],
)
@pytest.mark.parametrize("kind", ["idx", "folder"])
def test_columns_that_photos_without_a_table_cannot_have_are_refused(
    tmp_path: Path, kind: str, columns: dict[str, object], said: str
) -> None:
    path = write_pair(tmp_path)
    if kind == "folder":
        path = tmp_path / "photos"
        (path / "shirt").mkdir(parents=True)
        (path / "shirt" / "1.png").write_bytes(b"a photo")
    with pytest.raises(DataError, match=f"{said}, but photos without a table have no columns; leave it out"):
        read(path, columns=ColumnMap.model_validate(columns))
    assert read(path, columns=ColumnMap(title="", description=""))
