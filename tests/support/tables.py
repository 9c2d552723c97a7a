"""What is in an SQLite database, whoever made it."""

import sqlite3


def rows(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return all that is in a database, table by table."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}  # noqa: S608
