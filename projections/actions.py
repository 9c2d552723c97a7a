"""The action list: its tables and its fold; its queries are in `action_query.py`.

`actions` is narrow, numbers only, and indexed for every filter; `documents` holds each action's JSON, ready to be sent;
`bodies` those too long to be listed. `listed` has each action under every object that is or was above its own, so that
everything below an object is one range of one index; `listed_totals` counts it. `past` has what actions were before
(`past.py`).

For questions about the past, `changed` is the position of the event that made an action what it is now, and `sorted`
that of the one that gave it its place in the order: a start moves an action that waited. A row of `listed` stands there
`since` a position.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct
from sqlite_utils import Database

from deedbook.domain.action import Action, live
from deedbook.domain.events import (
    ActionEnded,
    ActionRecorded,
    ActionRetried,
    ActionStarted,
    CancelRequested,
    Event,
)
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.log import Happened
from deedbook.projections import past, retries
from deedbook.projections.past import Left
from deedbook.projections.relations import Relations
from deedbook.projections.resource import decode, encode, is_long, move, resource_of
from deedbook.projections.rows import insert_rows
from deedbook.projections.terms import FIELDS, Terms

#: The columns in the order in which `_Row` fills them: those that never move first, then from `state` on.
_COLUMNS = ("id", "uuid", *FIELDS, "sort", "start", "end", "permits", "changed", "sorted")

#: At the most so many actions that may still move are kept in memory, with what they were recorded with.
RECENT = 10_000

#: The bits of `permits`: what the recorder did not forbid.
CANCEL, RETRY = 1, 2


class _Row(Struct, gc=False):
    """An action that the batch touches: where it stands, and what its document is made from.

    terms: the numbers of those of its terms that never move, in the order of `FIELDS`; term: that of its state.
    recorded: as its first event has it, where that was seen; document: of one that was read from the table.
    sort_before: its place in the order as the table has it, None where it is not in there yet;
    is_resorted: whether it got another one since, be it the same date.
    """

    id: int
    uuid: UUID
    namespace: str
    terms: Sequence[int | None]
    state: State
    term: int
    sort: int
    start: int | None
    end: int | None
    permits: int
    changed: int
    sorted: int
    recorded: ActionRecorded | None = None
    document: bytes = b""
    sort_before: int | None = None
    is_resorted: bool = False

    @property
    def object(self) -> int | None:
        """The term of its object."""
        return self.terms[_OBJECT]


_OBJECT = FIELDS.index("object")


class Actions:
    """The fold of action events. In `bulk`, what SQL does better is left until `finish`."""

    def __init__(self, db: Database, terms: Terms, relations: Relations, *, bulk: bool = False) -> None:
        self._db = db
        self._terms = terms
        self._relations = relations
        self._bulk = bulk
        self._rows: dict[UUID, _Row] = {}
        #: The last actions that may still move, so that most of them need not be read again.
        self._recent: dict[UUID, _Row] = {}
        #: In bulk there is no index by uuid yet: the ids of all actions that may still move.
        self._open: dict[UUID, int] = {}
        self._left: list[Left] = []
        #: Of the totals: terms that new actions have, or moved ones got, and those that were left.
        self._gained: list[int] = []

    @staticmethod
    def create(db: Database) -> None:
        """Make the tables, without their indexes."""
        types = dict.fromkeys(_COLUMNS, int) | {"uuid": bytes}
        nullable = {"object", "user", "ip", "agent", "start", "end"}
        db.create_table("actions", types, pk="id", not_null=set(_COLUMNS) - nullable, strict=True)
        db.create_table("documents", {"id": int, "json": bytes}, pk="id", not_null={"json"}, strict=True)
        db.create_table("bodies", {"id": int, "body": str}, pk="id", not_null={"body"}, strict=True)
        db.execute(
            "CREATE TABLE listed (term INTEGER, sort INTEGER, id INTEGER, since INTEGER NOT NULL,"
            " PRIMARY KEY (term, sort, id)) STRICT, WITHOUT ROWID"
        )
        db.create_table("listed_totals", {"term": int, "total": int}, pk="term", not_null={"total"}, strict=True)
        past.create(db)
        retries.create(db)

    @staticmethod
    def create_indexes(db: Database) -> None:
        """Make the indexes that the queries need: each ends with the row's id, which breaks ties."""
        db.table("actions").create_index(["uuid"], "actions_by_uuid", unique=True)
        for field in FIELDS:
            db.table("actions").create_index([field, "sort"], f"actions_by_{field}")
        db.table("actions").create_index(["sort"], "actions_by_sort")
        db.table("actions").create_index(["namespace", "end"], "actions_by_end")
        db.execute("CREATE INDEX actions_unstarted ON actions (sort) WHERE start IS NULL")
        past.create_indexes(db)

    @property
    def folds(self) -> Mapping[type[Event], Callable[[Happened], None]]:
        """What takes in one event of each type; written at the next `flush`."""
        return {
            ActionRecorded: self._begin,
            ActionStarted: self._go_on,
            CancelRequested: self._go_on,
            ActionEnded: self._go_on,
            # The old action stays as it ended; the new one has an event of its own.
            ActionRetried: lambda _: None,
        }

    def list_below(self, pairs: Sequence[tuple[int, int]], since: int) -> None:
        """List the actions of objects that came below others: `pairs` of terms (below, above), after a `flush`."""
        if self._bulk:
            return
        added: Counter[int] = Counter()
        for below, above in pairs:
            added[above] += self._db.execute(
                "INSERT INTO listed SELECT ?, sort, id, max(sorted, ?) FROM actions WHERE object = ?",
                (above, since, below),
            ).rowcount
        self._count_listed(added)

    def flush(self) -> None:
        """Write what was folded since the last flush, with its terms, in the transaction that is open."""
        rows = self._rows.values()
        new = [row for row in rows if row.sort_before is None]
        moved = [row for row in rows if row.sort_before is not None]
        self._terms.count(self._gained, [left.state for left in self._left])
        self._terms.flush()
        if not rows:
            return
        self._write_new(new)
        self._write_moved(moved)
        past.insert(self._db, self._left)
        if not self._bulk:
            self._list(new, [row for row in moved if row.is_resorted])
        self._remember()
        self._clear()

    def finish(self) -> None:
        """After a bulk fold: make the indexes, and the lists below each object."""
        self.create_indexes(self._db)
        self._db.execute(
            "INSERT INTO listed SELECT above, sort, id, max(sorted, since)"
            " FROM ancestry JOIN actions ON object = below ORDER BY 1, 2, 3"
        )
        self._db.execute("INSERT INTO listed_totals SELECT term, count(*) FROM listed GROUP BY term")

    def forget(self) -> None:
        """Drop what is in memory: the transaction that it was read or written in was undone."""
        self._clear()
        self._recent.clear()

    def _begin(self, happened: Happened) -> None:
        event = happened.event
        assert isinstance(event, ActionRecorded)  # noqa: S101  # `folds` says so
        position = happened.position
        *terms, term = self._terms.numbers(
            event.namespace,
            ("", event.object or None, event.user, event.action, event.method, event.ip,
             event.user_agent, "true" if event.is_user_action else "false", event.state),
        )  # fmt: skip
        self._rows[happened.aggregate] = _Row(
            position,
            happened.aggregate,
            event.namespace,
            terms,
            event.state,
            term or 0,
            event.created if event.start is None else event.start,
            event.start,
            event.end,
            CANCEL * event.can_be_canceled + RETRY * event.can_be_retried,
            position,
            position,
            event,
        )
        self._gained += [number for number in terms if number is not None]
        self._gained.append(term or 0)

    def _go_on(self, happened: Happened) -> None:
        position, event = happened.position, happened.event
        row = self._rows.get(happened.aggregate) or self._known(happened.aggregate)
        span = (position - row.changed).bit_length()
        self._left.append(Left(position, row.id, row.changed, row.term, span, row.sort, row.start, row.end))
        row.state, row.start, row.end = live(row.state, row.start, row.end, event)  # type: ignore[arg-type]  # as `folds` says
        row.term = self._terms.number(row.namespace, "state", row.state)
        row.changed = position
        self._gained.append(row.term)
        if isinstance(event, ActionStarted):
            row.sort, row.sorted, row.is_resorted = event.at, position, True

    def _write_new(self, rows: Sequence[_Row]) -> None:
        insert_rows(self._db, "actions", [
            (row.id, row.uuid.bytes, *row.terms, row.term, row.sort, row.start, row.end, row.permits, row.changed,
             row.sorted)
            for row in rows
        ])  # fmt: skip
        insert_rows(self._db, "documents", [(row.id, _document(row)) for row in rows])
        retries.insert(self._db, [
            (row.id, row.recorded.retry_of.bytes)
            for row in rows
            if row.recorded is not None and row.recorded.retry_of is not None
        ])  # fmt: skip
        insert_rows(self._db, "bodies", [
            (row.id, row.recorded.body)
            for row in rows
            if row.recorded is not None and row.recorded.body is not None and is_long(row.recorded.body)
        ])  # fmt: skip

    def _write_moved(self, rows: Sequence[_Row]) -> None:
        execute = self._db.conn.executemany
        execute("UPDATE documents SET json = ? WHERE id = ?", [(_document(row), row.id) for row in rows])
        execute(
            'UPDATE actions SET state = ?, sort = ?, start = ?, "end" = ?, changed = ?, sorted = ? WHERE id = ?',
            [(row.term, row.sort, row.start, row.end, row.changed, row.sorted, row.id) for row in rows],
        )

    def _remember(self) -> None:
        if len(self._recent) > RECENT:
            self._recent.clear()
        for action, row in self._rows.items():
            if row.state in FINAL:
                if row.sort_before is not None:
                    self._recent.pop(action, None)
                    self._open.pop(action, None)
            else:
                row.sort_before, row.is_resorted = row.sort, False
                self._recent[action] = row
                if self._bulk:
                    self._open[action] = row.id

    def _clear(self) -> None:
        self._rows.clear()
        self._left.clear()
        self._gained.clear()

    def _known(self, action: UUID) -> _Row:
        row = self._rows[action] = self._recent.get(action) or self._load(action)
        return row

    def _load(self, action: UUID) -> _Row:
        by, key = ("actions.id", self._open[action]) if self._bulk else ("uuid", action.bytes)
        number, namespace, uri, term, state, sort, start, end, permits, changed, placed, document = self._db.execute(
            'SELECT actions.id, scope.namespace, object, state, now.value, sort, start, "end", permits, changed,'
            " sorted, json FROM actions JOIN documents USING (id) JOIN terms AS scope ON scope.id = actions.namespace"
            f" JOIN terms AS now ON now.id = actions.state WHERE {by} = ?",
            (key,),
        ).fetchone()
        return _Row(
            number, action, namespace, (None, uri), State(state), term, sort, start, end, permits, changed, placed,
            None, document, sort,
        )  # fmt: skip

    def _list(self, new: Sequence[_Row], resorted: Sequence[_Row]) -> None:
        """Keep the lists below each object above an action's own: `resorted` ones change their place."""
        # What is above an object was so before its action came to where it stands.
        places = [(above, row.sort, row.id, row.sorted) for row in (*new, *resorted) for above in self._above(row)]
        gone = [(above, row.sort_before, row.id) for row in resorted for above in self._above(row)]
        self._db.conn.executemany("DELETE FROM listed WHERE term = ? AND sort = ? AND id = ?", gone)
        self._db.conn.executemany("INSERT INTO listed VALUES (?, ?, ?, ?)", places)
        self._count_listed(Counter(above for row in new for above in self._above(row)))

    def _above(self, row: _Row) -> Sequence[int]:
        return () if row.object is None else self._relations.above(row.object)

    def _count_listed(self, added: Counter[int]) -> None:
        self._db.conn.executemany(
            "INSERT INTO listed_totals VALUES (?, ?) ON CONFLICT (term) DO UPDATE SET total = total + excluded.total",
            [(term, by) for term, by in added.items() if by],
        )


def _document(row: _Row) -> bytes:
    """Return the JSON of an action, as lists have it."""
    recorded = row.recorded
    if recorded is None:
        return moved_to(row.document, row.state, row.start, row.end, row.permits)
    resource = resource_of(Action(row.uuid, recorded, row.state, row.start, row.end))
    if resource.body is not None and is_long(resource.body):
        resource.body = None
    return encode(resource)


def moved_to(document: bytes, state: State, start: int | None, end: int | None, permits: int) -> bytes:
    """Return the JSON of an action at another point of its life."""
    resource = decode(document)
    move(resource, state, start, end, cancel=bool(permits & CANCEL), retry=bool(permits & RETRY))
    return encode(resource)
