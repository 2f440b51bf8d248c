"""Where photos come from: columns, folders, zips, data URLs and addresses."""

from __future__ import annotations

import base64
import os
import struct
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile

import numpy as np
import pytest

import photos
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import open_reader
from multimodal.errors import DataError, ImageError
from multimodal.image import ImageCaps, ImageKitchen, decode_image
from multimodal.serving.slices import column_values
from multimodal.types import ImageRef, Product
from reader_sources import data_url, write_csv, write_lines, write_parquet, zip_of

KITCHEN = ImageKitchen(16, 12)
GOOD = KITCHEN.prepare(ImageRef(data=photos.encoded()))


def outcome(ref: ImageRef | None, caps: ImageCaps | None = None) -> str:
    """``ok`` for the good photo, ``absent``, or the code of what is wrong."""
    if ref is None:
        return "absent"
    try:
        if caps is not None:
            decode_image(ref, caps=caps)
        return "ok" if np.array_equal(KITCHEN.prepare(ref), GOOD) else "another photo"
    except ImageError as error:
        return error.code if "expected" in error.message else error.message


def images(source: SourceConfig) -> list[ImageRef | None]:
    items = list(open_reader(source, labelled=False))
    assert all(isinstance(item, Product) for item in items), items
    return [item.image for item in items if isinstance(item, Product)]


def named(folder: Path, values: list[Any], root: Path | None = None) -> list[ImageRef | None]:
    """The photos of an image column that holds ``values``."""
    source = write_lines(folder / "rows.jsonl", [{"title": "a", "image": value} for value in values])
    return images(source.model_copy(update={"images_root": None if root is None else str(root)}))


def refusal(ref: ImageRef | None) -> str:
    assert ref is not None
    with pytest.raises(ImageError) as caught:
        KITCHEN.prepare(ref)
    return caught.value.message


def test_absent_photos_are_not_unreadable_ones(tmp_path: Path) -> None:
    structs = [{"bytes": None, "path": None}, {"bytes": b"", "path": None}, {"bytes": None, "path": "x.jpg"}, None]
    found = images(write_parquet(tmp_path, image=structs))
    assert found[0] is None
    assert found[3] is None
    assert found[1] is not None
    assert found[1].data == b""
    assert found[2] is not None
    assert found[2].path == str(tmp_path / "x.jpg")


def test_images_root(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, image=["x.jpg", "/abs/y.jpg", " ", None, "https://a.b/c.jpg"])
    root = tmp_path / "photos"
    root.mkdir()
    refs = images(source.model_copy(update={"images_root": str(root)}))
    paths = [None if ref is None else ref.path for ref in refs]
    assert paths == [str(root / "x.jpg"), "/abs/y.jpg", None, None, "https://a.b/c.jpg"]


def test_a_folder_of_photos_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = write_parquet(tmp_path, image=["x.jpg"]).model_copy(update={"images_root": str(tmp_path / "fotos")})
    with pytest.raises(DataError, match=r"images_root: .*fotos: no such folder; expected a folder or a zip"):
        images(source)


def test_photos_in_cells_cost_nothing_where_they_are_not_asked_for(tmp_path: Path) -> None:
    url = "data:image/jpeg;base64," + "A" * 200_000  # beyond the csv module's own limit of a cell
    source = write_csv(tmp_path / "rows.csv", [{"id": 1, "title": "Red shirt", "image": url, "brand": "Ada"}])
    without = source.model_copy(update={"columns": ColumnMap(image="")})
    [product] = list(open_reader(without, labelled=False))
    assert isinstance(product, Product)
    assert (product.title, product.image) == ("Red shirt", None)
    assert list(column_values(source, "brand")) == ["Ada"]


@pytest.mark.parametrize("url", ["https://shop.example/a.jpg?w=200", "http://shop.example/a.jpg", "s3://b/a.jpg"])
def test_addresses_are_not_fetched_and_say_what_to_do(url: str, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "rows.csv", [{"title": "a", "image_url": url}, {"title": "b", "image_url": ""}])
    first, second = images(source)
    assert (outcome(first), second) == ("image_missing", None)
    message = refusal(first)
    for part in (url, "expected the path of a file", "not fetched", "download", "images_root"):
        assert part in message


def test_a_name_without_suffix_is_tried_with_each(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.PNG", "c.d.webp"):
        (tmp_path / name).write_bytes(photos.encoded())
    found = named(tmp_path, ["a", "b", "c.d", "e", "a.png"])
    assert [outcome(ref) for ref in found] == ["ok", "ok", "ok", "image_missing", "image_missing"]


def test_objects_hold_photos_under_known_names(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photos.encoded())
    plain = base64.b64encode(photos.encoded()).decode()
    asked: list[tuple[Any, str]] = [
        ({"path": "a.jpg"}, "ok"),
        ({"src": "a.jpg", "alt": "a shirt"}, "ok"),
        ({"url": "a.jpg"}, "ok"),
        ({"file_name": "a", "width": 3}, "ok"),
        ({"bytes": plain, "path": "b.jpg"}, "ok"),
        ({"bytes": None, "path": "", "src": "a.jpg"}, "ok"),
        ({"src": {"path": "a.jpg"}}, "ok"),
        ({"src": data_url(photos.encoded())}, "ok"),
        ({"src": "https://shop.example/a.jpg"}, "image_missing"),
        ({"url": "https://shop.example/a.jpg"}, "image_missing"),
        ({"src": None}, "absent"),
        ({"bytes": "", "url": "nan"}, "absent"),
        ({}, "absent"),
        ({"alt": None}, "absent"),
        ({"large": "a.jpg", "alt": "a shirt"}, "not_an_image"),
        ({"bytes": [255, 216]}, "not_an_image"),
    ]
    found = named(tmp_path, [value for value, _ in asked])
    assert [outcome(ref) for ref in found] == [code for _, code in asked]
    assert "not fetched" in refusal(found[8])
    assert "an object with large, alt, expected a photo under bytes, path, src, url, file_name" in refusal(found[14])


def test_structs_of_parquet_are_such_objects(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photos.encoded())
    found = images(write_parquet(tmp_path, image=[{"src": "a.jpg", "width": 3}, {"src": None, "width": 4}]))
    assert [outcome(ref) for ref in found] == ["ok", "not_an_image"]


@pytest.mark.data
@pytest.mark.parametrize("name", ["product_data.json", "product_data_b.json"])
def test_a_real_catalog_of_addresses_gives_its_texts(name: str) -> None:
    root = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    file = root / "product_data" / name
    if not file.exists():
        pytest.skip(f"{file} is not here; set MULTIMODAL_DATA to the folder of the public data")
    items = list(open_reader(SourceConfig(path=str(file)), labelled=False))
    assert len(items) == 1000
    found = [item for item in items if isinstance(item, Product)]
    assert len(found) == 1000
    assert sum(item.description is not None for item in found) > 900
    assert {outcome(item.image) for item in found} <= {"image_missing", "absent"}
    assert sum(item.image is not None for item in found) > 900


# --- zips ------------------------------------------------------------------------------------------------------------


def test_photos_of_a_zip_by_path_and_by_name(tmp_path: Path) -> None:
    names = ["photos/1.jpg", "photos/2.PNG", "x/3.jpg", "y/3.jpg", "x/4.jpg", "x/4.png", "5.v2.webp", "notes.txt"]
    zip_of(tmp_path / "p.zip", [*names, "__MACOSX/photos/._6.jpg", "photos/.7.jpg"])
    asked = {
        "photos/1.jpg": "ok", "./photos/1.jpg": "ok", "photos\\1.jpg": "ok", "1.jpg": "ok", "photos/1": "ok", "1": "ok",
        "2": "ok", "2.png": "image_missing", "x/3.jpg": "ok", "y/3": "ok", "3.jpg": "image_ambiguous",
        "3": "image_ambiguous", "x/4": "image_ambiguous", "x/4.png": "ok", "5.v2": "ok", "notes": "image_missing",
        "z/1.jpg": "image_missing", "../p.zip": "image_missing", "6": "image_missing", "7": "image_missing",
        "photos/": "image_missing", " ": "absent",
    }  # fmt: skip
    found = named(tmp_path, list(asked), tmp_path / "p.zip")
    assert dict(zip(asked, [outcome(ref) for ref in found], strict=True)) == asked
    assert "fits 2 photos (x/3.jpg, y/3.jpg), expected one" in refusal(found[list(asked).index("3")])
    assert "no photo 'z/1.jpg' inside" in refusal(found[list(asked).index("z/1.jpg")])


def test_numbers_name_photos_of_a_zip(tmp_path: Path) -> None:
    zip_of(tmp_path / "p.zip", ["12.jpg", "7.jpg"])
    found = named(tmp_path, [12, 7.0, "007", float("nan"), None], tmp_path / "p.zip")
    assert [outcome(ref) for ref in found] == ["ok", "ok", "image_missing", "absent", "absent"]


def test_a_column_may_name_the_zip_too(tmp_path: Path) -> None:
    zip_of(tmp_path / "p.zip", ["in/1.jpg"])
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    values = ["p.zip/in/1.jpg", "p.zip/1", "p.zip/2", "broken.zip/1", "gone.zip/1", str(tmp_path / "p.zip" / "1.jpg")]
    found = named(tmp_path, values)
    codes = [outcome(ref) for ref in found]
    assert codes == ["ok", "ok", "image_missing", "image_missing", "image_missing", "ok"]
    assert "not readable as a zip" in refusal(found[3])


@pytest.mark.parametrize("where", ["folder", "zip"])
def test_photos_by_id(where: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("1.jpg", "a b.png", "3.5.jpg"):
        (tmp_path / "photos" / name).write_bytes(photos.encoded())
    zip_of(tmp_path / "photos.zip", ["1.jpg", "a b.png", "3.5.jpg"])
    ids = [1, "a b", "3.5", 2, None, "../photos/1", "https://x.y/1"]
    source = write_lines(tmp_path / "rows.jsonl", [{"id": id, "title": "t"} for id in ids])
    root = tmp_path / ("photos.zip" if where == "zip" else "photos")
    found = images(source.model_copy(update={"images_root": str(root)}))
    assert [outcome(ref) for ref in found] == ["ok", "ok", "ok", "absent", "absent", "absent", "absent"]


def test_ids_alone_are_input_enough_with_photos_beside(tmp_path: Path) -> None:
    zip_of(tmp_path / "p.zip", ["1.jpg"])
    source = write_parquet(tmp_path, id=[1], category_id=["x"])
    (item,) = open_reader(source.model_copy(update={"images_root": str(tmp_path / "p.zip")}), labelled=True)
    assert isinstance(item, Product)
    assert outcome(item.image) == "ok"


@pytest.mark.parametrize(
    ("columns", "names", "message"),
    [
        ({"id": [8, 9], "title": ["a", "b"]}, ["1.jpg"], r"none of the first 2 ids has a photo in .*such as 8.jpg"),
        ({"title": ["a"]}, ["1.jpg"], "neither a column of photos nor one of ids"),
        ({"id": [1], "title": ["a"]}, ["notes.txt"], "a zip without photos; expected files such as .jpg"),
        ({"id": [1], "title": ["a"]}, None, "not readable as a zip"),
    ],
)
def test_a_zip_that_cannot_be_the_one_meant(
    columns: dict[str, Any], names: list[str] | None, message: str, tmp_path: Path
) -> None:
    if names is not None:
        zip_of(tmp_path / "p.zip", names)
    source = write_parquet(tmp_path, **columns).model_copy(update={"images_root": str(tmp_path / "p.zip")})
    with pytest.raises(DataError, match=message):
        open_reader(source, labelled=False)
    without = source.model_copy(update={"columns": ColumnMap(image=""), "images_root": str(tmp_path)})
    assert images(without) == [None] * len(columns["title"])


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "p.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("1.jpg", bytes(50_000_000))
        archive.writestr("2.jpg", photos.encoded())
    assert (tmp_path / "p.zip").stat().st_size < 100_000
    found = named(tmp_path, ["1", "2"], tmp_path / "p.zip")
    assert [outcome(ref) for ref in found] == ["image_too_large_bytes", "ok"]
    assert "50,000,000 bytes as declared, expected at most 10,000,000" in refusal(found[0])


def test_a_zip_that_declares_too_little_gives_no_more_than_that(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "p.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("1.jpg", photos.encoded() + bytes(5_000_000))
    raw = (tmp_path / "p.zip").read_bytes()
    true_size = struct.pack("<I", len(photos.encoded()) + 5_000_000)
    assert raw.count(true_size) == 2  # in the entry's own head and in the list at the end
    (tmp_path / "p.zip").write_bytes(raw.replace(true_size, struct.pack("<I", 1000)))
    (found,) = named(tmp_path, ["1"], tmp_path / "p.zip")
    assert found is not None
    assert found.source is not None
    with pytest.raises(ImageError, match=r"damaged entry .*CRC"):
        found.source.read(10_000_000)


def test_the_cap_holds_whatever_was_declared(tmp_path: Path) -> None:
    zip_of(tmp_path / "p.zip", ["1.jpg"])
    (found,) = named(tmp_path, ["1"], tmp_path / "p.zip")
    size = len(photos.encoded())
    assert outcome(found, ImageCaps(max_bytes=size)) == "ok"
    assert outcome(found, ImageCaps(max_bytes=size - 1)) == "image_too_large_bytes"


def test_encrypted_packed_strangely_and_damaged_entries_cost_themselves(tmp_path: Path) -> None:
    photo = photos.encoded(photos.noise(64, 48))
    with ZipFile(tmp_path / "p.zip", "w", ZIP_DEFLATED) as archive:
        for name in ("good", "locked", "cut", "head"):
            archive.writestr(f"{name}.jpg", photo if name != "good" else photos.encoded())
        archive.writestr("bz.jpg", photo, ZIP_BZIP2)
        places = {info.filename: info.header_offset for info in archive.infolist()}
        listed = archive.start_dir
    raw = bytearray((tmp_path / "p.zip").read_bytes())
    raw[raw.index(b"locked.jpg", listed) - 46 + 8] |= 1  # the flag of encryption, in the list at the end
    at = places["cut.jpg"] + 30 + len("cut.jpg") + 100
    raw[at : at + 50] = b"\xff" * 50
    raw[places["head.jpg"] : places["head.jpg"] + 4] = b"gone"
    (tmp_path / "p.zip").write_bytes(raw)
    found = named(tmp_path, ["good", "locked", "cut", "head", "bz"], tmp_path / "p.zip")
    codes = [outcome(ref) for ref in found]
    assert codes == ["ok", "image_encrypted", "image_truncated", "image_truncated", "image_unreadable"]
    assert "without a password" in refusal(found[1])
    assert "expected stored or deflated" in refusal(found[4])


# --- photos in the text itself ---------------------------------------------------------------------------------------


def test_data_urls(tmp_path: Path) -> None:
    photo = photos.encoded()
    plain = base64.b64encode(photo).decode()
    lined = "\r\n".join(plain[i : i + 76] for i in range(0, len(plain), 76))
    asked = {
        data_url(photo): "ok",
        f"DATA:image/png;BASE64,{plain}": "ok",  # the content decides what it is
        f"data:;base64,{plain.rstrip('=')}": "ok",
        f"data:image/jpeg;charset=x;base64,{lined}": "ok",
        f"data:image/jpeg;base64,{plain.replace('+', '%2B').replace('/', '%2F')}": "ok",
        plain: "ok",
        lined: "ok",
        base64.b64encode(photos.encoded(kind="PNG")).decode(): "another photo",
        "data:image/jpeg;base64,": "image_empty",
        "data:image/jpeg;base64": "image_unreadable",
        "data:image/jpeg,%FF%D8": "image_unreadable",
        "data:text/html;base64,aGVsbG8=": "image_unreadable",
        data_url(photo)[:-300]: "image_truncated",
        f"data:image/jpeg;base64,{plain[:200]}$$$$": "image_truncated",
        "/9j/photo.jpg": "image_missing",  # short, or with a dot: a path
        f"/9j/{'a' * 80}.jpg": "image_missing",
    }
    found = named(tmp_path, list(asked))
    assert dict(zip(asked, [outcome(ref) for ref in found], strict=True)) == asked


def test_a_data_url_over_the_cap_is_refused(tmp_path: Path) -> None:
    huge = "data:image/jpeg;base64," + "A" * 28_000_000
    (found,) = named(tmp_path, [huge])
    assert outcome(found) == "image_too_large_bytes"
    (small,) = named(tmp_path, [data_url(photos.encoded())])
    assert outcome(small, ImageCaps(max_bytes=100)) == "image_too_large_bytes"


def test_text_columns_of_parquet_hold_data_urls_too(tmp_path: Path) -> None:
    found = images(write_parquet(tmp_path, image=[data_url(photos.encoded()), None]))
    assert [outcome(ref) for ref in found] == ["ok", "absent"]


def test_an_image_ref_has_one_origin() -> None:
    with pytest.raises(ValueError, match="exactly one of data, path and source"):
        ImageRef(data=b"x", path="y")
    with pytest.raises(ValueError, match="exactly one of data, path and source"):
        ImageRef(name="z")


def test_a_folder_of_table_parts_is_no_folder_of_photos(tmp_path: Path) -> None:
    write_parquet(tmp_path, title=["Red shirt"])
    with pytest.raises(DataError, match=r"a folder with rows.parquet in it, expected photos; .*\*\.parquet"):
        open_reader(SourceConfig(path=str(tmp_path)), labelled=False)


def test_class_folders_below_folders_of_splits_are_told(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / "shirts").mkdir(parents=True)
        (tmp_path / split / "shirts" / "1.jpg").write_bytes(photos.encoded())
    with pytest.raises(DataError, match=r"holds several splits \(test, train\), expected one; name its folder"):
        open_reader(SourceConfig(path=str(tmp_path)), labelled=True)
    assert [p.category_id for p in open_reader(SourceConfig(path=str(tmp_path / "test")), labelled=True)] == ["shirts"]
