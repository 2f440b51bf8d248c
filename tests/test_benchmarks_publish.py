"""Publishing a bundle's figures and comparing it with peers, for real on a drawn catalog read as text alone."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import multimodal
from multimodal.artifact import bundle_sha256, read_manifest
from multimodal.config import RunConfig
from multimodal.config.models import SourceConfig
from multimodal.data import read_source
from multimodal.data.sample import SampleFiles
from multimodal.errors import DataError
from multimodal.serving.evaluate import evaluate
from multimodal.types import InputName, Product

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import accuracy
import pages
import publish
from bundle_figures import measure, read_evaluation
from shipped import SHIPPED, Case, Shipped, default_data, shipped_as
from tables import FIGURES

TITLE, ALL = Case(frozenset({"title"}), bar=0.01), Case(frozenset({"title", "characteristics"}), bar=1.01)
MASKED = Case(frozenset({"title"}), masked=True)
README = "# Shop\n<!-- figures:words -->\nNot measured yet.\n<!-- /figures:words -->\nThe end.\n"


def entry_of(catalog: SampleFiles, *cases: Case) -> Shipped:
    return Shipped("words", catalog.folder.name, cases, "words", "words-peers", (1.0,), "drawings", ("All are drawn.",))


@pytest.fixture(scope="module")
def words(configure: Callable[..., RunConfig], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that reads text alone."""
    from multimodal.export.run import train

    return train(configure(tmp_path_factory.mktemp("words"), "image=null", "name=words"))


@pytest.fixture
def own_words(words: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(words, tmp_path / "words"))


def products(file: Path) -> list[Product]:
    items = read_source(SourceConfig(path=str(file)), labelled=True)
    return [item for item in items if isinstance(item, Product)]


def render(entry: Shipped, bundle: Path, folder: Path) -> tuple[str, str]:
    """The README and the card that are written."""
    readme = folder / "README.md"
    readme.write_text(README, encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    blocks = publish.readme_blocks([(entry, bundle)])
    (bundle / "MODEL_CARD.md").write_text(publish.card_of(entry, bundle), encoding="utf-8")
    readme.write_text(pages.replace_block(text, entry.block, blocks[entry.block]), encoding="utf-8")
    return readme.read_text(encoding="utf-8"), (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_table_of_a_bundle_has_its_cases_figures_and_bars(
    own_words: Path, catalog: SampleFiles, tmp_path: Path
) -> None:
    entry = entry_of(catalog, TITLE, ALL)
    measure(entry, own_words, catalog.folder, ("val",), 1, "python benchmarks/publish.py")
    readme, card = render(entry, own_words, tmp_path)
    predictor = multimodal.load(own_words, threads=1)
    seen: dict[str, frozenset[InputName]] = {case.name: case.inputs for case in entry.cases}
    top1 = {}
    for name, inputs in seen.items():
        wanted = evaluate(predictor, products(catalog.val), inputs=inputs).heads["fused"].to_dict()
        top1[name] = wanted["top1"]
        printed = [f"{wanted[key]:.4f}" if wanted[key] is not None else "–" for key in FIGURES]
        line = f"| {name} | {wanted['rows']:,} | {' | '.join(printed)} |"
        assert line in readme
        assert line.removesuffix(" |") in card, "the card has one figure more"
    assert f"title {top1['title']:.4f}, bar 0.010, met; title + characteristics" in readme
    assert re.search(r"bar 1\.010, short by \d+\.\d\d points\.", readme)
    assert "The test split is not measured yet." in readme
    assert bundle_sha256(read_manifest(own_words))[:12] in readme
    assert readme.startswith("# Shop\n<!--"), "nothing around the block changes"
    assert readme.endswith("-->\nThe end.\n")


def test_the_card_of_text_alone_says_nothing_of_photos_or_masked_titles(
    own_words: Path, catalog: SampleFiles, tmp_path: Path
) -> None:
    entry = entry_of(catalog, TITLE, ALL)
    document = measure(entry, own_words, catalog.folder, ("val",), 1, "python benchmarks/publish.py")
    assert not {"phone_photos", "larger_photos"} & set(document)
    _, card = render(entry, own_words, tmp_path)
    manifest = read_manifest(own_words)
    assert manifest.text is not None
    for told in ("ngrams", f"stored as {manifest.text.storage}", "lemmas: none", "- All are drawn.", "| seed | 1 |"):
        assert told in card
    assert not re.search(r"photo tower|\*\*Photo|fusion|[Mm]asked|studio|MobileNet", card)
    masked = entry_of(catalog, TITLE, MASKED)
    measure(masked, own_words, catalog.folder, ("val",), 1, "python benchmarks/publish.py")
    assert "*Masked* titles lose every word" in render(masked, own_words, tmp_path)[1]


def test_a_test_split_stays_until_the_bundle_is_another_one(
    own_words: Path, catalog: SampleFiles, tmp_path: Path
) -> None:
    entry = entry_of(catalog, TITLE)
    measure(entry, own_words, catalog.folder, ("val", "test"), 1, "python benchmarks/publish.py --test")
    test = read_evaluation(own_words)["splits"]["test"]
    measure(entry, own_words, catalog.folder, ("val",), 1, "python benchmarks/publish.py")
    assert read_evaluation(own_words)["splits"]["test"] == test
    figures = test["cases"]["title"]["heads"]["fused"]
    assert f" / {figures['top1']:.4f} |" in render(entry, own_words, tmp_path)[0]
    file = own_words / "evaluation.json"
    saved = json.loads(file.read_text(encoding="utf-8"))
    saved["bundle"]["sha256"] = "0" * 64
    file.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(DataError, match=r"got figures of the bundle 0{12}…, expected .*measure this bundle"):
        publish.card_of(entry, own_words)
    measure(entry, own_words, catalog.folder, ("val",), 1, "python benchmarks/publish.py")
    assert set(read_evaluation(own_words)["splits"]) == {"val"}


def test_bundles_and_data_that_are_not_known_are_refused(
    own_words: Path, catalog: SampleFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish.main(["--bundle", str(own_words)]) == 2
    assert "bundle 'words': expected one of the shipped bundles, fashion, grocery-ru" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        publish.main(["--data", str(catalog.folder)])
    assert end.value.code == 2
    assert "expected --bundle beside it" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"val\.parquet: no such file; expected the splits of .* as --data"):
        measure(entry_of(catalog, TITLE), own_words, tmp_path / "nowhere", ("val",), 1, "")


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.name)
def test_a_shipped_bundle_is_found_by_its_name(entry: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMODAL_DATA", str(tmp_path))
    assert shipped_as(entry.name) is entry
    assert default_data(entry) == tmp_path / entry.data
    assert entry.full.inputs == frozenset().union(*(case.inputs for case in entry.cases))
    names = [case.name for case in entry.cases]
    assert len(set(names)) == len(names)


def test_names_of_cases_say_what_is_seen() -> None:
    assert Case(frozenset({"image", "title"})).name == "title + photo"
    assert Case(frozenset({"characteristics", "description", "title"})).name == "title + description + characteristics"
    assert MASKED.name == "masked title"


@pytest.fixture(scope="module")
def compared(words: Path, catalog: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``accuracy.py`` saves of the bundle beside the peers."""
    pytest.importorskip("sklearn", reason="the peers want the extra [bench]")
    pytest.importorskip("fasttext", reason="the peers want the extra [bench]")
    file = tmp_path_factory.mktemp("compared") / "accuracy.json"
    given = ["--bundle", str(words), "--data", str(catalog.folder), "--json", str(file)]
    assert accuracy.main([*given, "--fasttext-rate", "1", "4"]) == 0
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_peers_see_one_string_and_fields_apart_and_ours_stands_beside(
    compared: dict[str, Any], words: Path, catalog: SampleFiles
) -> None:
    assert compared["bundle"]["sha256"] == bundle_sha256(read_manifest(words))
    cases = {case["name"]: case for case in compared["cases"]}
    assert list(cases) == ["title", "title + characteristics", "masked title"]
    peers = {"TF-IDF + LinearSVC", "fastText, rate 1", "fastText, rate 4"}
    for name, case in cases.items():
        wanted = peers | {"TF-IDF by field + LinearSVC"} if "+" in name else peers
        assert set(case["ours_less"]) == wanted
        assert set(case["systems"]) == wanted | {accuracy.OURS}
        assert all("macro_f1_10" in figures for figures in case["systems"].values())
    ours = evaluate(multimodal.load(words, threads=1), products(catalog.val), inputs={"title"}).heads["text"]
    assert cases["title"]["systems"][accuracy.OURS]["top1"] == pytest.approx(ours.top1)
    assert cases["title"]["systems"][accuracy.OURS]["macro_f1_10"] == pytest.approx(ours.macro_f1_10)
    less = cases["title"]["ours_less"]["fastText, rate 1"]
    assert less["low"] <= less["difference"] <= less["high"]


def test_the_table_of_peers_has_every_system_of_every_case(compared: dict[str, Any]) -> None:
    table = pages.peers_block(compared)
    for case in compared["cases"]:
        for name, figures in case["systems"].items():
            line = next(row for row in table.splitlines() if row.startswith(f"| {case['name']} | {name} |"))
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert cells[2].startswith(f"{figures['top1']:.4f} [")
            assert (cells[-1] == "–") == (name == accuracy.OURS)
            assert cells[5] == ("–" if figures["macro_f1_10"] is None else f"{figures['macro_f1_10']:.4f}")


def test_of_a_shipped_bundles_data_the_cases_are_those_of_its_tables() -> None:
    for entry in SHIPPED:
        found = [case.name for case in accuracy.cases_of([], entry.data)]
        assert found == [case.name for case in entry.cases if "photo" not in case.name]
    seen = Product(id=1, title="a", description="b")
    names = [case.name for case in accuracy.cases_of([seen], "another")]
    assert names == ["title", "title + description", "masked title"]
