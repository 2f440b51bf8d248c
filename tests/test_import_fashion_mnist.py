"""``multimodal data import fashion-mnist``: from IDX files to PNG photos in parquet or folders."""

from __future__ import annotations

import gzip
import os
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.idx import idx_items
from multimodal.data.imports import import_fashion_mnist
from multimodal.data.imports.fashion_mnist import LABELS, category_id
from multimodal.errors import DataError
from multimodal.taxonomy import read_tree
from multimodal.types import Product
from public_downloads import write_fashion_mnist, write_idx

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
FILES = [f"{name}-{kind}-ubyte.gz" for name in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


def shade(data: bytes) -> int:
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (28, 28))
        (only,) = set(image.tobytes())
        return only


@pytest.mark.parametrize("zipped", [True, False])
def test_parquet(tmp_path: Path, zipped: bool) -> None:
    download = write_fashion_mnist(tmp_path / "download", zipped=zipped)
    report = import_fashion_mnist(download, tmp_path / "out", val=15)
    assert report.rows == {"train": 45, "val": 15, "test": 20}
    tree = read_tree(report.tree)
    seen: list[str] = []
    for split, file in report.files.items():
        for row in pq.read_table(file).to_pylist():
            source, _, number = row["id"].partition("-")
            assert source == ("test" if split == "test" else "train")
            assert shade(row["image"]["bytes"]) == int(number)
            assert row["label"] == LABELS[int(number) % 10] == tree.node(row["category_id"]).name
            seen.append(row["id"])
    assert len(set(seen)) == 80


def test_the_tree_has_the_five_published_groups(tmp_path: Path) -> None:
    report = import_fashion_mnist(write_fashion_mnist(tmp_path / "download"), tmp_path / "out", val=5)
    tree = read_tree(report.tree)
    assert {tree.node(root).name: len(tree.children(root)) for root in tree.roots} == {
        "Upper part": 4, "Bottom part": 1, "One piece": 1, "Footwear": 3, "Bags": 1,
    }  # fmt: skip
    assert set(tree.leaves) == {category_id(label) for label in LABELS}
    assert (report.categories, report.leaves) == (15, 10)


def test_folders_are_what_the_reader_of_folders_reads(tmp_path: Path) -> None:
    download = write_fashion_mnist(tmp_path / "download")
    report = import_fashion_mnist(download, tmp_path / "out", layout="folder", val=15)
    items = list(read_source(SourceConfig(path=str(report.files["val"])), labelled=True))
    parquet = import_fashion_mnist(download, tmp_path / "parquet", val=15).files["val"]
    expected = {(row["category_id"], shade(row["image"]["bytes"])) for row in pq.read_table(parquet).to_pylist()}
    found = set()
    for item in items:
        assert isinstance(item, Product)
        assert item.image is not None
        found.add((item.category_id, shade(Path(str(item.image.path)).read_bytes())))
    assert found == expected
    with pytest.raises(DataError, match="has files in it already"):
        import_fashion_mnist(download, tmp_path / "out", layout="folder", val=15)


def test_val_depends_on_numbers_alone(tmp_path: Path) -> None:
    first = import_fashion_mnist(write_fashion_mnist(tmp_path / "a"), tmp_path / "first", val=15)
    again = import_fashion_mnist(write_fashion_mnist(tmp_path / "b", zipped=False), tmp_path / "again", val=15)
    fewer = import_fashion_mnist(tmp_path / "a", tmp_path / "fewer", val=5)
    ids = [set(pq.read_table(r.files["val"], columns=["id"])["id"].to_pylist()) for r in (first, again, fewer)]
    assert ids[0] == ids[1] > ids[2]


def test_what_is_no_download(tmp_path: Path) -> None:
    download, out = write_fashion_mnist(tmp_path / "download"), tmp_path / "out"
    with pytest.raises(DataError, match="val: got 60, expected at least 1 and fewer than the 60 photos"):
        import_fashion_mnist(download, out, val=60)
    labels = download / "t10k-labels-idx1-ubyte.gz"
    for damaged, message in [
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x13" + b"\0" * 19), "got 20 photos, and 19 labels"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x14" + b"\0" * 19), "ends after 19 of 20 items"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x14" + b"\x0a" * 20), "item 0 has the label 10"),
        (b"\0\0\x08\x03\0\0\0\x14", "begins with 00000803, expected 00000801"),
        (labels.read_bytes()[:-9], "damaged"),
    ]:
        labels.write_bytes(damaged)
        with pytest.raises(DataError, match=message):
            import_fashion_mnist(download, out, val=5)
        assert not list(tmp_path.glob("out/*.parquet*"))  # no half of a set is left
    labels.unlink()
    with pytest.raises(DataError, match=r"missing t10k-labels-idx1-ubyte\.gz; .*github\.com/zalandoresearch"):
        import_fashion_mnist(download, out, val=5)


@pytest.mark.data
def test_the_first_rows_of_the_public_files(tmp_path: Path) -> None:
    folder = DATA / "fashion_mnist"
    if not all((folder / name).is_file() for name in FILES):
        pytest.skip(f"{folder} lacks its four files; set MULTIMODAL_DATA to the folder of public data")
    (tmp_path / "few").mkdir()
    pixels: dict[str, list[bytes]] = {}
    for name, count in zip(FILES, (300, 300, 60, 60), strict=True):
        dimensions = int(name[name.index("idx") + 3])
        items = idx_items(folder / name, dimensions)
        pixels[name] = [next(items) for _ in range(count)]
        write_idx(tmp_path / "few" / name[:-3], (count, 28, 28)[:dimensions], b"".join(pixels[name]), zipped=True)
    report = import_fashion_mnist(tmp_path / "few", tmp_path / "out", val=50)
    assert report.rows == {"train": 250, "val": 50, "test": 60}
    for row in pq.read_table(report.files["val"]).to_pylist():
        number = int(row["id"].partition("-")[2])
        with Image.open(BytesIO(row["image"]["bytes"])) as image:
            assert image.tobytes() == pixels[FILES[0]][number]
        assert row["label"] == LABELS[pixels[FILES[1]][number][0]]
