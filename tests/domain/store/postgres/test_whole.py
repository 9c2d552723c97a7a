"""What `verify` finds in a database: nothing where all is well, and each way of making it less append-only."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from deedbook.domain.finding import CODES, Finding
from deedbook.domain.store.places import place_of
from deedbook.web.settings import Settings
from deedbook.web.verifying import verify_store
from tests.contract.giving import recorded, recording
from tests.support.lives import SOME, Life
from tests.support.postgres import Server


def findings(url: str, folder: Path) -> Sequence[Finding]:
    """Check a store as `deedbook verify` does."""
    found = verify_store(Settings(url=url, views=folder), None, lambda _: None).findings
    assert {finding.code for finding in found} <= set(CODES)
    return found


def test_nothing_is_found_where_all_is_well(url: str, tmp_path: Path) -> None:
    """A store with some of everything in it is found to be as it must be."""
    with closing(place_of(url).open()) as store:
        Life(store.audit_log).go_on(SOME)
    assert findings(url, tmp_path) == []


def unguarded(table: str, statement: str) -> str:
    """Return a statement with the triggers of a table off meanwhile, and on again as they were."""
    on = "".join(f"; ALTER TABLE deedbook.{table} ENABLE ALWAYS TRIGGER {table}_{name}" for name in _GUARDS)
    return f"ALTER TABLE deedbook.{table} DISABLE TRIGGER ALL; {statement}{on}"


_GUARDS = ("append_only", "gapless")


def remade(trigger: str, when: str, how: str = "FOR EACH STATEMENT") -> str:
    """Return what makes a trigger of `events` anew: always on, with the function that it had, at another time."""
    function = {"append_only": "append_only", "gapless": "gapless_events"}[trigger]
    return (
        f"DROP TRIGGER events_{trigger} ON deedbook.events;"
        f" CREATE TRIGGER events_{trigger} {when} ON deedbook.events {how} EXECUTE FUNCTION deedbook.{function}();"
        f" ALTER TABLE deedbook.events ENABLE ALWAYS TRIGGER events_{trigger}"
    )


_ADDED = "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
_ALL = "BEFORE UPDATE OR DELETE OR TRUNCATE"
_NOTHING = "CREATE OR REPLACE FUNCTION deedbook.append_only() RETURNS trigger LANGUAGE plpgsql AS"
_THEIRS = "CREATE TRIGGER theirs BEFORE INSERT ON deedbook.events FOR EACH ROW EXECUTE FUNCTION deedbook.append_only()"
_DROP = "DROP INDEX deedbook.events_by_aggregate"
_PART = "CREATE UNIQUE INDEX events_by_aggregate ON deedbook.events (aggregate, version) WHERE position > 5"

#: What is done, and the code under which it is found.
TAMPERINGS = {
    "a trigger that is gone": ("DROP TRIGGER events_append_only ON deedbook.events", "trigger"),
    "a trigger that is off": ("ALTER TABLE deedbook.events DISABLE TRIGGER events_append_only", "trigger"),
    "a trigger that replicas skip": ("ALTER TABLE deedbook.events ENABLE TRIGGER events_append_only", "trigger"),
    "a trigger that does nothing": (f"{_NOTHING} 'BEGIN RETURN NULL; END'", "trigger"),
    "a trigger on fewer events": (remade("append_only", "BEFORE TRUNCATE"), "trigger"),
    "a trigger for each row": (remade("append_only", "BEFORE UPDATE OR DELETE", "FOR EACH ROW"), "trigger"),
    "a trigger that comes too late": (remade("append_only", _ALL.replace("BEFORE", "AFTER")), "trigger"),
    "a trigger on some columns": (remade("append_only", _ALL.replace("UPDATE", "UPDATE OF leaf")), "trigger"),
    "a trigger under a condition": (remade("append_only", _ALL, "FOR EACH STATEMENT WHEN (false)"), "trigger"),
    "a trigger that looks elsewhere": (
        remade("gapless", "AFTER INSERT", _ADDED.replace("added", "nothing")),
        "trigger",
    ),
    "a trigger of somebody else": (_THEIRS, "trigger"),
    "a rule": ("CREATE RULE theirs AS ON INSERT TO deedbook.events DO INSTEAD NOTHING", "trigger"),
    "an index that is gone": (_DROP, "schema"),
    "an index on part of it": (f"{_DROP}; {_PART}", "schema"),
    "another column": ("ALTER TABLE deedbook.output ADD COLUMN note text", "schema"),
    "a column that takes nothing": ("ALTER TABLE deedbook.events ALTER COLUMN leaf DROP NOT NULL", "schema"),
    "an event that was changed": (
        unguarded("events", "UPDATE deedbook.events SET recorded = recorded + 1 WHERE position = 2"),
        "leaf",
    ),
    "an event that was taken away": (unguarded("events", "DELETE FROM deedbook.events WHERE position = 2"), "hole"),
    "text that is none": (
        unguarded("output", "UPDATE deedbook.output SET text = '\\xff' WHERE line = 1"),
        "output",
    ),
}


@pytest.mark.parametrize("what", sorted(TAMPERINGS))
def test_each_tampering_is_found(filled: str, tmp_path: Path, server: Server, what: str) -> None:
    """Whatever somebody with the owner's rights does to the tables is found, under its code."""
    statements, code = TAMPERINGS[what]
    assert findings(filled, tmp_path) == []
    server.run(statements, url=filled)
    assert code in {finding.code for finding in findings(filled, tmp_path)}


def test_a_trigger_that_is_made_anew_as_it_was_is_no_finding(filled: str, tmp_path: Path, server: Server) -> None:
    """What counts is what the triggers do: in whatever order their events are named, and whoever made them."""
    again = (remade("append_only", "BEFORE TRUNCATE OR DELETE OR UPDATE"), remade("gapless", "AFTER INSERT", _ADDED))
    server.run(*again, url=filled)
    assert findings(filled, tmp_path) == []


def test_a_check_keeps_to_its_moment(filled: str) -> None:
    """What is recorded after it was opened is not in it, and nobody waits for it."""
    with closing(place_of(filled).whole()) as whole, closing(place_of(filled).open()) as store:
        before = whole.head()
        recorded(store, recording())
        assert (whole.head(), store.log.head()) == (before, before + 1)
        assert whole.is_true()
