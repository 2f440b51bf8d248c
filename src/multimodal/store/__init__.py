"""What is kept of answers and of what people say to them: SQLite in a file, or PostgreSQL by URL."""

from multimodal.store.database import Database, open_database

__all__ = ["Database", "open_database"]
