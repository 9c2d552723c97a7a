"""Values to choose from, while a filter is typed: those of the dictionary that most actions have."""

from sqlite_utils import Database

from deedbook.projections.terms import fold


def suggestions(db: Database, namespace: str | None, field: str, part: str, limit: int) -> list[str]:
    """Return values of a field that hold `part`, whatever the case, in one namespace or (None) all, commonest first."""
    scope = "" if namespace is None else " AND namespace = :namespace"
    rows = db.execute(
        f"SELECT value FROM terms WHERE field = :field{scope} AND total > 0 AND value <> ''"
        " AND instr(coalesce(folded, lower(value)), :part)"
        " GROUP BY value ORDER BY sum(total) DESC, value LIMIT :limit",
        {"namespace": namespace, "field": field, "part": fold(part), "limit": limit},
    )
    return [value for (value,) in rows]
