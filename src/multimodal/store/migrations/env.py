"""Runs migrations over the connection that it is given; see ``multimodal.store.database``."""

from __future__ import annotations

from alembic import context

from multimodal.store.tables import Base

connection = context.config.attributes["connection"]
# Columns of SQLite are changed by copying the table: it has no ALTER COLUMN.
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
