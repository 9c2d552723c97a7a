"""The users of a namespace: how many actions each has, and the last one; from the dictionary of terms."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlite_utils import Database


class User(NamedTuple):
    """Whoever has actions in a namespace; `date` and `action` are of the last in the order of the list."""

    namespace: str
    name: str
    actions: int
    date: int
    action: UUID


class Users(NamedTuple):
    """Some users, by name, and how many there are in all."""

    total: int
    found: Sequence[User]


def users(db: Database, namespace: str | None, words: Sequence[str], limit: int, offset: int) -> Users:
    """Return the users in whose name each word stands, in any case: of one namespace, or (None) of all."""
    conditions = ["field = 'user'", "total > 0", *["instr(coalesce(folded, value), ?)"] * len(words)]
    parameters: list[object] = [*words]
    if namespace is not None:
        conditions.append("namespace = ?")
        parameters.append(namespace)
    condition = " AND ".join(conditions)
    (total,) = db.execute(f"SELECT count(*) FROM terms WHERE {condition}", parameters).fetchone()
    rows = db.execute(
        "WITH page AS MATERIALIZED"
        f" (SELECT * FROM terms WHERE {condition} ORDER BY value, namespace LIMIT ? OFFSET ?)"
        " SELECT page.namespace, value, total, sort, uuid FROM page JOIN actions AS a ON a.id ="
        " (SELECT id FROM actions WHERE user = page.id ORDER BY sort DESC, id DESC LIMIT 1) ORDER BY value, 1",
        [*parameters, limit, offset],
    )
    return Users(total, [User(scope, name, actions, date, UUID(bytes=id_)) for scope, name, actions, date, id_ in rows])
