"""Opening the database: which one, its tables brought up to date, its errors in words that help."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from multimodal.errors import MissingExtraError, MultimodalError

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_214_403
"""Of PostgreSQL's advisory locks: workers that start together bring the tables up to date one after the other."""


_PATIENCE = 10
"""Seconds that one connection to SQLite waits for another."""


class StoreError(MultimodalError):
    """The database cannot be opened or used."""

    code = "store_failed"


class Database:
    """An open database with the newest tables. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def shown(self) -> str:
        """Its URL without the password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back on an error.

        Raises:
            StoreError: whatever the database says.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise StoreError(f"{self.shown}: {_told(error)}") from error

    def close(self) -> None:
        """Gives its connections back."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Opens a database and brings its tables up to date.

    Args:
        url: SQLAlchemy's, as ``sqlite:///multimodal.db`` or ``postgresql://user:password@host/name``.

    Raises:
        StoreError: no such database, or tables of a newer release.
        MissingExtraError: PostgreSQL without its driver.
    """
    engine = _engine(_parsed(url))
    try:
        with engine.connect() as connection:
            _migrate(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(
            f"{engine.url.render_as_string(hide_password=True)}: {_told(error)}. Check that it is there and may be "
            "written to."
        ) from error
    return Database(engine)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # it is not quoted: a password may stand in it
        raise StoreError(
            "got a database that is no URL, expected one such as sqlite:///multimodal.db or "
            "postgresql://user:password@host/name"
        ) from None
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername in ("postgresql", "postgres") else parsed


def _engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except ImportError as error:  # the driver, or the library that it stands on
        raise MissingExtraError("catalog", feature=f"A database at {url.drivername}") from error
    except NoSuchModuleError:
        raise StoreError(f"got a database of the kind {url.drivername!r}, expected sqlite or postgresql") from None
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _sqlite_ready)
    return engine


def _sqlite_ready(connection: DBAPIConnection, _record: object) -> None:
    """Readers and one writer at once, and a writer that waits for another rather than fail."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA busy_timeout=0")  # it waits by itself
        _write_ahead(cursor)
        cursor.execute(f"PRAGMA busy_timeout={1000 * _PATIENCE}")
        cursor.execute("PRAGMA synchronous=NORMAL")


def _write_ahead(cursor: DBAPICursor) -> None:
    """Switches to a write-ahead log; workers that start together on a new file want to at the same moment.

    SQLite fails such a switch at once, whatever the time it may wait: two that wait to write for each other's reading
    to end would wait forever (sqlite3_busy_handler).
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        shown = connection.engine.url.render_as_string(hide_password=True)
        raise StoreError(
            f"{shown}: its tables are not of this release ({error}); use the release that made them, or another "
            "database"
        ) from error
    connection.commit()


def _told(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
