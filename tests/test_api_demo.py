"""The demo end to end, about fashion alone and about groceries too."""

from __future__ import annotations

import csv
import os
import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from api_support import BUNDLE, ROOT, renamed
from multimodal.artifact import LAYOUT
from multimodal.bench.connection import Reply
from multimodal.data.sample import draw_products
from multimodal.taxonomy import read_tree
from multimodal.types import Product
from multimodal_api.demo import fashion, groceries, run
from multimodal_api.demo.items import DemoError, Item, is_hit

needs_bundle = pytest.mark.skipif(
    not (BUNDLE / "manifest.json").exists(), reason="artifacts/fashion is not in this checkout"
)

DATA = Path(os.environ.get("MULTIMODAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
SHELVES = {
    "1061": "молоко кефир сыр творог сметана",
    "1046": "чай кофе какао сахар капучино",
    "1184": "шоколад конфеты мармелад зефир карамель",
    "1031": "колбаса сосиски ветчина сардельки сервелат",
    "1052": "макароны гречка мука спагетти перловка",
    "1128": "вода сок лимонад морс компот",
    "1163": "хлеб батон лаваш булочка багет",
    "1146": "майонез кетчуп горчица аджика уксус",
    "1021": "пельмени вареники наггетсы хинкали чебуреки",
}
"""Top-level category -> what stands on its one shelf, for a bundle that learns in seconds."""
SAID = ("свежий", "домашний", "новый", "200 г", "1 л", "450 г", "особый", "фермерский")


@pytest.fixture(scope="module")
def grocery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text-only bundle in the branches that the demo asks about."""
    pytest.importorskip("torch", reason="training needs [train]")
    from multimodal.config import RunConfig
    from multimodal.export.run import train

    folder = tmp_path_factory.mktemp("groceries")
    nodes = [(top, f"Shelf {top}", "0") for top in SHELVES] + [(f"{top}0", f"On {top}", top) for top in SHELVES]
    write_csv(folder / "tree.csv", ("id", "title", "parent_id"), nodes)
    for name, count in (("train", 360), ("val", 120)):
        draw = random.Random(name)
        write_csv(folder / f"{name}.csv", ("title", "category_id"), [row(draw) for _ in range(count)])
    raw = {
        "name": "groceries",
        "output": str(folder / "bundle"),
        "work_dir": str(folder / "runs"),
        "tree": {"path": str(folder / "tree.csv")},
        "data": {split: [{"path": str(folder / f"{split}.csv")}] for split in ("train", "val")},
        "text": {"epochs": 6, "batch_size": 32},
        "image": None,
        "training": {"device": "cpu", "threads": 1},
    }
    return train(RunConfig.model_validate(raw))


def row(draw: random.Random) -> tuple[str, str]:
    top = draw.choice(list(SHELVES))
    return " ".join((draw.choice(SHELVES[top].split()), *draw.sample(SAID, 2))), f"{top}0"


def write_csv(file: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])


@pytest.fixture(scope="module")
def drawn() -> list[Product]:
    return list(draw_products(60, fashion.SEED))


# --- end to end ------------------------------------------------------------------------------------------------------


@needs_bundle
def test_it_passes_with_what_is_shipped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert run.main([]) == 0
    out = capsys.readouterr().out
    assert "broken photo" in out
    assert "expected branch" in out
    assert "multimodal serve artifacts/fashion" in out
    both = Path(run.GROCERY, LAYOUT.manifest).is_file()
    assert ("asking about fashion alone" in out) is not both
    assert ("of 20 answers" in out) is both


@needs_bundle
def test_groceries_are_asked_where_their_bundle_is(
    grocery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts/fashion").symlink_to(BUNDLE)
    (tmp_path / run.GROCERY).symlink_to(grocery)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MULTIMODAL_DEFAULT_MODEL", "of another service")
    assert run.main([]) == 0
    out = capsys.readouterr().out
    assert "asked of fashion" in out
    assert "asked of groceries" in out
    assert "Молоко" in out
    assert "Shelf 1061" in out
    assert "of 20 answers are in the expected branch" in out
    assert f"multimodal serve artifacts/fashion {run.GROCERY}" in out.replace("\n", " ")


@needs_bundle
def test_too_many_misses_among_all_answers_fail(
    grocery: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tops = list(SHELVES)
    turned = {top: tops[i - 1] for i, top in enumerate(tops)}
    monkeypatch.setattr(groceries, "TITLES", [(title, turned[root]) for title, root in groceries.TITLES])
    assert run.main(["--bundle", str(BUNDLE), "--grocery", str(grocery)]) == 1
    out = capsys.readouterr().out
    assert "✗" in out
    assert "of 20 answers" in out


@pytest.mark.parametrize("option", ["--bundle", "--grocery"])
def test_a_bundle_that_was_asked_for_must_be_there(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main([option, f"{tmp_path}/absent"]) == 2
    assert "absent: got no manifest.json" in " ".join(capsys.readouterr().err.split())


def test_a_grocery_bundle_that_cannot_be_opened_here_is_left_out(
    grocery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = renamed(grocery, tmp_path / run.GROCERY, requires=["an_extra"])
    monkeypatch.chdir(tmp_path)
    assert run.beside(None, run.Console()) == []
    told = " ".join(capsys.readouterr().out.split())
    assert "pip install 'multimodal[an_extra]'" in told
    assert "asking about fashion alone" in told
    assert run.beside(str(folder), run.Console()) == [str(folder)]
    (folder / LAYOUT.manifest).write_text("{", encoding="utf-8")
    assert run.main([]) == 2
    assert "not readable as JSON" in " ".join(capsys.readouterr().err.split())


# --- its questions ---------------------------------------------------------------------------------------------------


def test_fashion_is_asked_in_every_way_about_several_branches(drawn: list[Product]) -> None:
    roots = {p.category_id: f"root of {p.category_id}"[:-1] for p in drawn if p.category_id}
    items = list(fashion.pick(drawn, "m", roots))
    assert 8 <= len(items) <= 12
    assert {item.kind for item in items} == {"photo + title", "photo only", "title only", "broken photo + title"}
    assert len({item.root for item in items}) >= 3
    assert all((item.photo is None) == (item.kind == "title only") for item in items)
    assert all(item.fields["model"] == "m" for item in items)
    with pytest.raises(DemoError, match="0 of 60"):
        list(fashion.pick(drawn, "m", {"nothing": "nothing"}))


def test_groceries_are_asked_in_russian_about_branches_of_the_tree() -> None:
    items = groceries.grocery_items("shop", {f"{top}0": top for top in SHELVES})
    assert {item.root for item in items} == set(SHELVES)
    assert all(item.fields == {"title": item.title, "model": "shop"} and item.photo is None for item in items)
    with pytest.raises(DemoError, match=r"'shop' has no top-level category 1021, .*expected .* --grocery"):
        groceries.grocery_items("shop", {top: top for top in SHELVES if top != "1021"})


@pytest.mark.data
def test_the_expected_branches_are_those_of_the_public_set() -> None:
    """Titles that begin with the same word stand in that branch there, and none of the demo's is among them."""
    folder = DATA / "perekrestok_ru"
    if not (folder / "train.parquet").is_file():
        pytest.skip(f"{folder} is not there; set MULTIMODAL_DATA to the folder of public data")
    tree = read_tree(folder / "categories_tree.csv")
    table = pq.read_table(folder / "train.parquet", columns=["title", "category_id"]).drop_null().to_pydict()
    tops: dict[str, list[str]] = {}
    for title, leaf in zip(table["title"], table["category_id"], strict=True):
        tops.setdefault(title.split()[0].casefold(), []).append(tree.path(str(leaf))[0].id)
    for title, root in groceries.TITLES:
        found = tops[title.split()[0].casefold()]
        assert found.count(root) >= 0.85 * len(found) >= 20, f"{title}: {Counter(found)}"
    assert not {title for title, _ in groceries.TITLES} & set(table["title"])


def test_hits_are_answers_of_the_model_asked_under_the_expected_root() -> None:
    item = Item("title only", "x", None, "1", "m")
    category = {"path": [{"id": "1"}, {"id": "12"}]}
    other = {"path": [{"id": "2"}]}

    def reply(status: int, category: object, suggestions: list[object], model: str = "m") -> Reply:
        return Reply(status, {"model": {"name": model}, "category": category, "suggestions": suggestions}, 1.0, {})

    assert is_hit(item, reply(200, category, [other]))
    assert is_hit(item, reply(200, None, [category]))
    assert not is_hit(item, reply(200, category, [other], model="n"))
    assert not is_hit(item, reply(200, other, [category]))
    assert not is_hit(item, reply(422, category, []))
