"""docs/data.md: each form is written, its configuration read, and its test rows classified, all as the page shows."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from multimodal.cli.sources import source_of
from multimodal.config import load_config
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import LAYOUTS, SampleFiles, rewrite_sample, write_sample
from multimodal.image import ImageKitchen
from multimodal.serving import Predictor
from multimodal.serving.files import classify_file
from multimodal.text.characteristics import parse_characteristics
from multimodal.types import Product

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
MAX_LINES = 10


def shown() -> dict[str, tuple[str, list[str]]]:
    """Layout -> the configuration of its section, and the words of the command that classifies."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        blocks = dict(re.findall(r"^```(yaml|sh)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE))
        if "yaml" in blocks:  # one section tells of another command
            sample, _, classify = (shlex.split(line) for line in blocks["sh"].splitlines())
            layout = sample[sample.index("--layout") + 1] if "--layout" in sample else "parquet"
            found[layout] = (blocks["yaml"], classify)
    return found


SHOWN = shown()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """A catalog in ``out``, in every form."""
    folder = tmp_path_factory.mktemp("forms")
    files = write_sample(folder / "out", 60, seed=1)
    for layout in LAYOUTS:
        rewrite_sample(files, layout)
    return files


@pytest.fixture
def beside(written: SampleFiles, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory in which the page's paths are right."""
    monkeypatch.chdir(written.folder.parent)
    return written.folder.parent


def products(source: SourceConfig, *, labelled: bool) -> dict[str, Product]:
    items = list(read_source(source, labelled=labelled))
    assert all(isinstance(item, Product) for item in items)
    return {Path(str(item.id)).stem: item for item in items if isinstance(item, Product)}


def test_the_page_shows_every_layout_there_is() -> None:
    assert set(SHOWN) == {"parquet", *LAYOUTS}


@pytest.mark.parametrize("layout", SHOWN)
def test_its_configuration_is_short_and_reads_the_same_products(layout: str, beside: Path, tmp_path: Path) -> None:
    text, _ = SHOWN[layout]
    assert len(text.splitlines()) <= MAX_LINES
    (tmp_path / "shop.yaml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "shop.yaml")
    kitchen = ImageKitchen(32, 24)
    for split in ("train", "val"):
        (source,) = getattr(config.data, split)
        found = products(source, labelled=True)
        expected = products(SourceConfig(path=f"out/{split}.parquet"), labelled=True)
        if config.text is None:
            expected = {id: item for id, item in expected.items() if item.image is not None}
        assert sorted(found) == sorted(expected)
        assert layout == "classes" or list(found) == list(expected)  # classes come one after another
        for id, item in found.items():
            assert item.category_id == expected[id].category_id
            if config.text is not None:
                assert (item.title, item.group) == (expected[id].title, expected[id].group)
                pairs = [parse_characteristics(one.characteristics) for one in (item, expected[id])]
                assert pairs[0] == pairs[1]
            pixels = [None if one.image is None else kitchen.prepare(one.image) for one in (item, expected[id])]
            assert np.array_equal(*pixels)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", SHOWN)
def test_its_test_rows_are_classified_as_those_of_parquet(
    layout: str, beside: Path, predictor: Predictor, tmp_path: Path
) -> None:
    _, words = SHOWN[layout]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    root = options.get("--images-root")
    source = source_of(Path(options["--input"]), None, None if root is None else Path(root))
    report = classify_file(predictor, source, tmp_path / options["--output"])
    seen = ColumnMap(title="", characteristics="") if layout == "classes" else ColumnMap()
    plain = classify_file(predictor, SourceConfig(path="out/test.parquet", columns=seen), tmp_path / "plain.jsonl")
    found, expected = answers(report.output), answers(plain.output)
    assert report.errors == 0
    assert found == {id: category for id, category in expected.items() if category is not None}


def answers(file: Path) -> dict[str, str]:
    if file.suffix == ".parquet":
        rows = pq.read_table(file).to_pylist()
    elif file.suffix == ".jsonl":
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    else:
        rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    return {Path(next(iter(row.values()))).stem: row["category_id"] for row in rows}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_configuration_that_is_written_names_the_layout(layout: str, tmp_path: Path) -> None:
    files = rewrite_sample(write_sample(tmp_path / "out", 40, seed=2), layout)
    config = load_config(files.config)
    assert [source.path for source in config.data.train] == [str(files.train)]
    assert [source.images_root for source in config.data.val] == [files.images_root and str(files.images_root)]
    assert (config.text is None) == (layout == "classes")
