"""The action list: its tables and its fold; its queries are in `action_query.py`.

`actions` is narrow, numbers only, and indexed for every filter; `documents` holds each action's JSON, ready to be sent;
`bodies` those too long to be listed. `listed` has each action under every object that is or was above its own, so that
everything below an object is one range of one index; `listed_totals` counts it.
"""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlite_utils import Database

from deedbook.domain.action import Action, live
from deedbook.domain.events import ActionEvent, ActionRecorded, ActionRetried
from deedbook.domain.lifecycle import FINAL
from deedbook.domain.log import Happened
from deedbook.projections.relations import Relations
from deedbook.projections.resource import LISTED_BODY, ActionResource, decode, encode, move, resource_of
from deedbook.projections.terms import FIELDS, Terms

#: The columns in the order in which `_Row` fills them: those that never move first, then from `state` on.
_COLUMNS = ("id", "uuid", *FIELDS, "sort", "start", "end", "permits")
_INSERT = f"INSERT INTO actions VALUES ({', '.join('?' * len(_COLUMNS))})"
_CANCEL, _RETRY = 1, 2


class _Row:
    """An action that the batch touches: where it stands in the order, and its document."""

    __slots__ = (
        "document",
        "end",
        "fixed",
        "id",
        "namespace",
        "object",
        "permits",
        "sort",
        "sort_before",
        "start",
        "state",
    )

    def __init__(self, number: int, namespace: str, uri: int | None, document: ActionResource) -> None:
        self.id = number
        self.namespace = namespace
        self.object = uri
        self.document = document
        self.state = 0
        self.start: int | None = None
        self.end: int | None = None
        self.sort = 0
        self.permits = 0
        #: The columns of a new row that will never move; none where the row is in the table already.
        self.fixed: tuple[object, ...] = ()
        self.sort_before = 0


class Actions:
    """The fold of action events. In `bulk`, what SQL does better is left until `finish`."""

    def __init__(self, db: Database, terms: Terms, relations: Relations, *, bulk: bool = False) -> None:
        self._db = db
        self._terms = terms
        self._relations = relations
        self._bulk = bulk
        self._rows: dict[UUID, _Row] = {}
        #: In bulk there is no index by uuid yet: the rows of all actions that may still move.
        self._open: dict[UUID, int] = {}
        self._bodies: list[tuple[int, str]] = []

    @staticmethod
    def create(db: Database) -> None:
        """Make the tables, without their indexes."""
        types = dict.fromkeys(_COLUMNS, int) | {"uuid": bytes}
        nullable = {"object", "user", "ip", "start", "end"}
        db.create_table("actions", types, pk="id", not_null=set(_COLUMNS) - nullable, strict=True)
        db.create_table("documents", {"id": int, "json": bytes}, pk="id", not_null={"json"}, strict=True)
        db.create_table("bodies", {"id": int, "body": str}, pk="id", not_null={"body"}, strict=True)
        db.execute(
            "CREATE TABLE listed (term INTEGER, sort INTEGER, id INTEGER, PRIMARY KEY (term, sort, id))"
            " STRICT, WITHOUT ROWID"
        )
        db.create_table("listed_totals", {"term": int, "total": int}, pk="term", not_null={"total"}, strict=True)

    @staticmethod
    def create_indexes(db: Database) -> None:
        """Make the indexes that the queries need: each ends with the row's id, which breaks ties."""
        db.table("actions").create_index(["uuid"], "actions_by_uuid", unique=True)
        for field in FIELDS:
            db.table("actions").create_index([field, "sort"], f"actions_by_{field}")
        db.table("actions").create_index(["sort"], "actions_by_sort")
        db.table("actions").create_index(["end"], "actions_by_end")

    def fold(self, happened: Happened, event: ActionEvent) -> None:
        """Take in one event; written at the next `flush`."""
        if isinstance(event, ActionRecorded):
            self._begin(happened, event)
        elif not isinstance(event, ActionRetried):
            self._go_on(self._rows.get(happened.aggregate) or self._load(happened.aggregate), event)

    def list_below(self, pairs: Sequence[tuple[int, int]]) -> None:
        """List the actions of objects that came below others: `pairs` of terms (below, above), after a `flush`."""
        if self._bulk:
            return
        added: Counter[int] = Counter()
        for below, above in pairs:
            added[above] += self._db.execute(
                "INSERT INTO listed SELECT ?, sort, id FROM actions WHERE object = ?", (above, below)
            ).rowcount
        self._count_listed(added)

    def flush(self) -> None:
        """Write what was folded since the last flush, with its terms, in the transaction that is open."""
        self._terms.flush()
        if not self._rows:
            return
        rows = list(self._rows.values())
        new = [row for row in rows if row.fixed]
        moved = [row for row in rows if not row.fixed]
        execute = self._db.conn.executemany
        execute(_INSERT, [(*row.fixed, row.state, row.sort, row.start, row.end, row.permits) for row in new])
        execute("INSERT INTO bodies VALUES (?, ?)", self._bodies)
        execute("INSERT INTO documents VALUES (?, ?)", [(row.id, encode(row.document)) for row in new])
        execute("UPDATE documents SET json = ? WHERE id = ?", [(encode(row.document), row.id) for row in moved])
        execute(
            'UPDATE actions SET state = ?, sort = ?, start = ?, "end" = ? WHERE id = ?',
            [(row.state, row.sort, row.start, row.end, row.id) for row in moved],
        )
        if self._bulk:
            self._remember_open()
        else:
            self._list(new, [row for row in moved if row.sort != row.sort_before])
        self.forget()

    def finish(self) -> None:
        """After a bulk fold: make the indexes, the lists below each object, and the totals."""
        self.create_indexes(self._db)
        self._db.execute(
            "INSERT INTO listed SELECT above, sort, id FROM ancestry JOIN actions ON object = below ORDER BY 1, 2, 3"
        )
        self._db.execute("INSERT INTO listed_totals SELECT term, count(*) FROM listed GROUP BY term")
        for field in FIELDS:
            self._db.execute(
                "UPDATE terms SET total = counted.total FROM"
                f" (SELECT {field} AS id, count(*) AS total FROM actions GROUP BY {field}) AS counted"
                " WHERE terms.id = counted.id"
            )

    def forget(self) -> None:
        """Drop what was folded and not written."""
        self._rows.clear()
        self._bodies.clear()

    def _begin(self, happened: Happened, event: ActionRecorded) -> None:
        document = resource_of(Action(happened.aggregate, event, event.state, event.start, event.end))
        if event.body is not None and len(event.body.encode()) > LISTED_BODY:
            self._bodies.append((happened.position, event.body))
            document.body = None
        initiator = "true" if event.is_user_action else "false"
        *terms, state = self._terms.numbers(
            event.namespace,
            ("", event.object or None, event.user, event.action, event.method, event.ip, initiator, event.state),
        )
        row = self._rows[happened.aggregate] = _Row(happened.position, event.namespace, terms[1], document)
        row.fixed = (happened.position, happened.aggregate.bytes, *terms)
        row.state = state or 0
        row.start, row.end = event.start, event.end
        row.sort = event.created if event.start is None else event.start
        row.permits = _CANCEL * event.can_be_canceled + _RETRY * event.can_be_retried

    def _go_on(self, row: _Row, event: ActionEvent) -> None:
        state, row.start, row.end = live(row.document.state, row.start, row.end, event)
        self._terms.count(row.state, -1)
        row.state = self._terms.number(row.namespace, "state", state)
        self._terms.count(row.state, 1)
        row.sort = row.sort if row.start is None else row.start
        move(
            row.document, state, row.start, row.end,
            cancel=bool(row.permits & _CANCEL), retry=bool(row.permits & _RETRY),
        )  # fmt: skip

    def _remember_open(self) -> None:
        for action, row in self._rows.items():
            if row.document.state in FINAL:
                self._open.pop(action, None)
            else:
                self._open[action] = row.id

    def _load(self, action: UUID) -> _Row:
        by, key = ("actions.id", self._open[action]) if self._bulk else ("uuid", action.bytes)
        number, namespace, uri, state, sort, start, end, permits, document = self._db.execute(
            'SELECT actions.id, scope.namespace, object, state, sort, start, "end", permits, json FROM actions'
            f" JOIN documents USING (id) JOIN terms AS scope ON scope.id = actions.namespace WHERE {by} = ?",
            (key,),
        ).fetchone()
        row = self._rows[action] = _Row(number, namespace, uri, decode(document))
        row.state, row.start, row.end, row.permits = state, start, end, permits
        row.sort = row.sort_before = sort
        return row

    def _list(self, new: Sequence[_Row], resorted: Sequence[_Row]) -> None:
        """Keep the lists below each object above an action's own: `resorted` ones change their place."""
        places = [(above, row) for row in (*new, *resorted) for above in self._above(row)]
        gone = [(above, row.sort_before, row.id) for row in resorted for above in self._above(row)]
        self._db.conn.executemany("DELETE FROM listed WHERE term = ? AND sort = ? AND id = ?", gone)
        self._db.conn.executemany(
            "INSERT INTO listed VALUES (?, ?, ?)", [(above, row.sort, row.id) for above, row in places]
        )
        self._count_listed(Counter(above for row in new for above in self._above(row)))

    def _above(self, row: _Row) -> tuple[int, ...]:
        return () if row.object is None else self._relations.above(row.object)

    def _count_listed(self, added: Counter[int]) -> None:
        self._db.conn.executemany(
            "INSERT INTO listed_totals VALUES (?, ?) ON CONFLICT (term) DO UPDATE SET total = total + excluded.total",
            [(term, by) for term, by in added.items() if by],
        )
