"""The action list: its tables and its fold; its queries are in `action_query.py`.

`actions` is narrow, numbers only, and indexed for every filter; `documents` holds each action's JSON, ready to be sent;
`bodies` those too long to be listed. `listed` has each action under every object that is or was above its own, so that
everything below an object is one range of one index; `listed_totals` counts it. `past` has what actions were before
(`past.py`).

For questions about the past, `changed` is the position of the event that made an action what it is now, and `sorted`
that of the one that gave it its place in the order: a start moves an action that waited. A row of `listed` stands there
`since` a position.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter

from sqlite_utils import Database

from deedbook.domain.lifecycle import FINAL, State
from deedbook.projections import ends, kinds, past, ranks, retries
from deedbook.projections.kinds import Kinds
from deedbook.projections.past import Left
from deedbook.projections.prepared import CANCEL, RETRY, Begun, Life, Move, Part, Term
from deedbook.projections.ranks import Ranks, Standing, Taken
from deedbook.projections.relations import Relations
from deedbook.projections.resource import decode, encode, move
from deedbook.projections.rows import insert_rows
from deedbook.projections.terms import FIELDS, Terms

#: The columns in the order in which they are filled: those that never move first, then from `state` on.
_COLUMNS = ("id", "uuid", "kind", *FIELDS, "sort", "start", "end", "permits", "changed", "sorted")
_SORT = _COLUMNS.index("sort")

#: At the most so many actions that may still move are kept in memory, with their documents.
RECENT = 10_000

#: Up to so many actions that came below an object at once are ranked there one by one.
_ONE_BY_ONE = 1000


class _Row(Life, gc=False):
    """An action that is in the table, and may move: where it stands, and what its document is made from.

    object, term and kind: the numbers of its object, its state and its kind; document: as it was at some point of its
    life; sort_before and sorted_before: its place in the order as the table has it, and the event that gave it that;
    term_before and end_before: the state and the end that the table has.
    """

    action: bytes
    namespace: str
    object: int | None
    term: int
    kind: int
    permits: int
    document: bytes
    sort_before: int
    sorted_before: int
    term_before: int
    end_before: int | None


class Actions:
    """The fold of action events. In `bulk`, what SQL does better is left until `finish`."""

    def __init__(self, db: Database, terms: Terms, relations: Relations, *, bulk: bool = False) -> None:
        self._db = db
        self._terms = terms
        self._relations = relations
        self._kinds = Kinds(db)
        self._ranks = Ranks(db)
        self._bulk = bulk
        #: The last actions that may still move, by their UUIDs' bytes, so that most need not be read again.
        self._recent: dict[bytes, _Row] = {}
        #: In bulk there is no index by uuid yet: the ids of all actions that may still move.
        self._open: dict[bytes, int] = {}
        #: Of the part that is being folded: what moves, and what it leaves.
        self._moved: dict[bytes, _Row] = {}
        self._left: list[Left] = []

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
        kinds.create(db)
        past.create(db)
        ranks.create(db)
        retries.create(db)

    @staticmethod
    def create_indexes(db: Database) -> None:
        """Make the indexes that the queries need: each ends with the row's id, which breaks ties."""
        db.table("actions").create_index(["uuid"], "actions_by_uuid", unique=True)
        for field in FIELDS:
            db.table("actions").create_index([field, "sort", *_behind(field)], f"actions_by_{field}")
        db.table("actions").create_index(["sort"], "actions_by_sort")
        kinds.create_index(db)
        ends.create_indexes(db)
        db.execute("CREATE INDEX actions_unstarted ON actions (sort) WHERE start IS NULL")
        past.create_indexes(db)

    def fold(self, part: Part) -> None:
        """Write what happened to actions in a part, with its terms, in the transaction that is open."""
        numbers = self._follow(part.terms, part.moves)
        self._terms.count({number: part.totals[place] for place, number in enumerate(numbers) if place in part.totals})
        self._terms.flush()
        terms = [numbers[place] for place in part.begun.terms]
        of_kinds = self._kinds.numbers(zip(*(terms[place :: len(FIELDS)] for place in _KIND), strict=True))
        self._kinds.count(zip(of_kinds, terms[_STATE :: len(FIELDS)], strict=True))
        self._kinds.flush()
        if part.begun.ids:
            self._write_begun(part.begun, terms, of_kinds)
        if self._moved:
            self._write_moved()
        past.insert(self._db, sorted([*(_numbered(left, numbers) for left in part.left), *self._left]))
        if not self._bulk:
            self._list(part.begun, terms[_OBJECT :: len(FIELDS)])
            self._rank(part.begun, numbers)
        self._remember(part, numbers, of_kinds)
        self._clear()

    def list_below(self, pairs: Sequence[tuple[int, int]], since: int) -> None:
        """List the actions of objects that came below others: `pairs` of terms (below, above)."""
        if self._bulk:
            return
        added: Counter[int] = Counter()
        for below, above in pairs:
            added[above] += self._db.execute(
                "INSERT INTO listed SELECT ?, sort, id, max(sorted, ?) FROM actions WHERE object = ?",
                (above, since, below),
            ).rowcount
            self._rank_below(below, above)
        self._count_listed(added)

    def finish(self) -> None:
        """After a bulk fold: make the indexes, and the lists below each object."""
        self.create_indexes(self._db)
        self._db.execute(
            "INSERT INTO listed SELECT above, sort, id, max(sorted, since)"
            " FROM ancestry JOIN actions ON object = below ORDER BY 1, 2, 3"
        )
        self._db.execute("INSERT INTO listed_totals SELECT term, count(*) FROM listed GROUP BY term")
        ranks.fill(self._db)

    def forget(self) -> None:
        """Drop what is in memory: the transaction that it was read or written in was undone."""
        self._clear()
        self._recent.clear()
        self._kinds.forget()
        self._ranks.forget()

    def _follow(self, terms: Sequence[Term], moves: Sequence[Move]) -> list[int]:
        """Take in all that moves what was there before; return the numbers of the part's terms, each in its place.

        New ones are numbered in the order in which events name them, however the log is cut into parts.
        """
        numbers = [0]
        for one in moves:
            numbers += self._numbers(terms[len(numbers) - 1 : bisect_left(terms, (one.position,))])
            self._move(one)
        return numbers + self._numbers(terms[len(numbers) - 1 :])

    def _numbers(self, terms: Sequence[Term]) -> list[int]:
        return [self._terms.number(term.namespace, term.field, term.value) for term in terms]

    def _move(self, one: Move) -> None:
        row = self._moved[one.action] = (
            self._moved.get(one.action) or self._recent.get(one.action) or self._load(one.action)
        )
        self._terms.count({row.term: -1})
        before = row.term
        self._left.append(row.move(one.position, one.change, before))
        row.term = self._terms.number(row.namespace, "state", row.state)
        self._terms.count({row.term: 1})
        self._kinds.move(row.kind, before, row.term)

    def _write_begun(self, begun: Begun, numbers: Sequence[int], of_kinds: Sequence[int]) -> None:
        terms = [number or None for number in numbers]
        rows: list[tuple[object, ...]] = list(zip(
            begun.ids, begun.uuids, of_kinds, *(terms[place :: len(FIELDS)] for place in range(len(FIELDS))),
            begun.sorts, begun.starts, begun.ends, begun.permits, begun.changed, begun.sorted, strict=True,
        ))  # fmt: skip
        if not self._bulk:
            # In the order of the indexes, those that follow each other go to the same pages: measured, of what comes
            # in no order of time, four fifths of the time.
            rows.sort(key=itemgetter(_SORT))
        insert_rows(self._db, "actions", rows)
        insert_rows(self._db, "documents", list(zip(begun.ids, begun.documents, strict=True)))
        insert_rows(self._db, "bodies", begun.bodies)
        retries.insert(self._db, begun.retries)

    def _write_moved(self) -> None:
        rows = self._moved.values()
        execute = self._db.conn.executemany
        execute(
            "UPDATE documents SET json = ? WHERE id = ?",
            [(moved_to(row.document, row.state, row.start, row.end, row.permits), row.id) for row in rows],
        )
        execute(
            'UPDATE actions SET state = ?, sort = ?, start = ?, "end" = ?, changed = ?, sorted = ? WHERE id = ?',
            [(row.term, row.sort, row.start, row.end, row.changed, row.sorted, row.id) for row in rows],
        )

    def _remember(self, part: Part, numbers: Sequence[int], of_kinds: Sequence[int]) -> None:
        if len(self._recent) > RECENT:
            self._recent.clear()
        for action, row in self._moved.items():
            if row.state in FINAL:
                self._recent.pop(action, None)
                self._open.pop(action, None)
            else:
                row.sort_before, row.sorted_before = row.sort, row.sorted
                row.term_before, row.end_before = row.term, row.end
                self._recent[action] = row
        for row in _opened(part, numbers, of_kinds):
            self._recent[row.action] = row
            if self._bulk:
                self._open[row.action] = row.id

    def _clear(self) -> None:
        self._moved.clear()
        self._left.clear()

    def _load(self, action: bytes) -> _Row:
        by, key = ("actions.id", self._open[action]) if self._bulk else ("uuid", action)
        found = self._db.execute(
            'SELECT actions.id, scope.namespace, object, state, kind, now.value, sort, start, "end", permits, changed,'
            " sorted, json FROM actions JOIN documents USING (id) JOIN terms AS scope ON scope.id = actions.namespace"
            f" JOIN terms AS now ON now.id = actions.state WHERE {by} = ?",
            (key,),
        ).fetchone()
        number, namespace, uri, term, kind, state, sort, start, end, permits, changed, placed, document = found
        return _Row(
            number, State(state), sort, start, end, changed, placed,
            action, namespace, uri, term, kind, permits, document, sort, placed, term, end,
        )  # fmt: skip

    def _list(self, begun: Begun, objects: Sequence[int]) -> None:
        """Keep the lists below each object above an action's own: those that were sorted anew change their place."""
        resorted = [row for row in self._moved.values() if row.sorted != row.sorted_before]
        new = [
            (above, sort, number, placed)
            for object_, sort, number, placed in zip(objects, begun.sorts, begun.ids, begun.sorted, strict=True)
            for above in self._above(object_)
        ]
        # What is above an object was so before its action came to where it stands.
        again = [(above, row.sort, row.id, row.sorted) for row in resorted for above in self._above(row.object)]
        gone = [(above, row.sort_before, row.id) for row in resorted for above in self._above(row.object)]
        if new or again:
            self._db.conn.executemany("DELETE FROM listed WHERE term = ? AND sort = ? AND id = ?", gone)
            self._db.conn.executemany("INSERT INTO listed VALUES (?, ?, ?, ?)", new + again)
            self._count_listed(Counter(above for above, *_ in new))

    def _rank(self, begun: Begun, numbers: Sequence[int]) -> None:
        """Keep the ranks: of what is new, of what was sorted anew, and of what has another state."""
        come = Taken()
        for sort, number, at in sorted(zip(begun.sorts, begun.ids, range(len(begun.ids)), strict=True)):
            if not self._ranks.is_behind_all(sort, number):
                terms = [numbers[place] for place in begun.terms[at * len(FIELDS) : (at + 1) * len(FIELDS)]]
                come.take_all(terms, self._above(terms[_OBJECT]), sort, number)
        gone: list[Standing] = []
        for row in self._moved.values():
            before, now = (row.term_before, row.sort_before), (row.term, row.sort)
            if before == now or all(self._ranks.is_behind_all(sort, row.id) for _, sort in (before, now)):
                continue
            others: Sequence[int | None] = [None] * _STATE
            if row.sort != row.sort_before:
                columns = ", ".join(FIELDS[:_STATE])
                others = self._db.execute(f"SELECT {columns} FROM actions WHERE id = ?", (row.id,)).fetchone()
            gone += self._standings([*others, row.term_before], row.sort_before, row.id)
            for standing in self._standings([*others, row.term], row.sort, row.id):
                come.take(standing)
        for standing in self._ended(begun, numbers):
            come.take(standing)
        self._end_anew(gone, come)
        if gone or come.places:
            self._ranks.change(gone, come)

    def _ended(self, begun: Begun, numbers: Sequence[int]) -> Iterator[Standing]:
        """Return where new actions that have ended stand among those that ended."""
        namespaces = (numbers[place] for place in begun.terms[_NAMESPACE :: len(FIELDS)])
        for namespace, end, number in zip(namespaces, begun.ends, begun.ids, strict=True):
            if end is not None:
                place = Standing(ranks.order_of_ends(namespace), end, number)
                if not self._ranks.is_behind(place):
                    yield place

    def _end_anew(self, gone: list[Standing], come: Taken) -> None:
        """Tell where actions stood that have another end now, and where they stand; an import may end what goes on."""
        for row in self._moved.values():
            if row.end == row.end_before:
                continue
            order = ranks.order_of_ends(self._terms.number(row.namespace, "namespace", ""))
            before, now = (end if end is None else Standing(order, end, row.id) for end in (row.end_before, row.end))
            if before is not None:
                gone.append(before)
            if now is not None and (before is not None or not self._ranks.is_behind(now)):
                come.take(now)

    def _standings(self, terms: Sequence[int | None], sort: int, number: int) -> list[Standing]:
        return ranks.standings(terms, self._above(terms[_OBJECT]), sort, number)

    def _rank_below(self, below: int, above: int) -> None:
        """Keep the ranks of what is listed below an object by now; of much, all of it is told anew."""
        order = ranks.order_below(above)
        places = self._db.execute(
            "SELECT sort, id FROM actions WHERE object = ? LIMIT ?", (below, _ONE_BY_ONE + 1)
        ).fetchall()
        if len(places) > _ONE_BY_ONE:
            self._ranks.refill(order)
        elif places:
            come = Taken()
            for place in places:
                come.take(Standing(order, *place))
            self._ranks.change([], come)

    def _above(self, term: int | None) -> Sequence[int]:
        return self._relations.above(term) if term else ()

    def _count_listed(self, added: Counter[int]) -> None:
        self._db.conn.executemany(
            "INSERT INTO listed_totals VALUES (?, ?) ON CONFLICT (term) DO UPDATE SET total = total + excluded.total",
            [(term, by) for term, by in added.items() if by],
        )


def _behind(field: str) -> Sequence[str]:
    """Return what stands behind the order in a field's index, so that other filters are checked there, and in no row.

    Of what is in a state every filter is asked. What never moves costs the other indexes a few bytes: where a filter
    finds tens of thousands of actions, and another one next to none of these, it is a quarter of the time to find out.
    """
    if field == "state":
        return ["kind", *(other for other in FIELDS if other != field)]
    if field in kinds.BESIDE:
        return [*(other for other in kinds.BESIDE if other != field), "kind"]
    return kinds.BESIDE if field in ("action", "agent") else []


_NAMESPACE, _OBJECT, _STATE = (FIELDS.index(field) for field in ("namespace", "object", "state"))
_KIND = [FIELDS.index(field) for field in kinds.FIELDS]


def _numbered(left: Left, numbers: Sequence[int]) -> Left:
    until, action, since, place, span, sort, start, end = left
    return Left(until, action, since, numbers[place], span, sort, start, end)


def _opened(part: Part, numbers: Sequence[int], of_kinds: Sequence[int]) -> Iterator[_Row]:
    """Return the actions that began in a part and may still move, as they are in the table now."""
    begun = part.begun
    for at in begun.open:
        terms = begun.terms[at * len(FIELDS) : (at + 1) * len(FIELDS)]
        state = terms[_STATE]
        sort, placed = begun.sorts[at], begun.sorted[at]
        yield _Row(
            begun.ids[at], State(part.terms[state - 1].value), sort, begun.starts[at], begun.ends[at],
            begun.changed[at], placed, begun.uuids[at], part.terms[state - 1].namespace,
            numbers[terms[_OBJECT]] or None, numbers[state], of_kinds[at], begun.permits[at], begun.documents[at],
            sort, placed, numbers[state], begun.ends[at],
        )  # fmt: skip


def moved_to(document: bytes, state: State, start: int | None, end: int | None, permits: int) -> bytes:
    """Return the JSON of an action at another point of its life."""
    resource = decode(document)
    move(resource, state, start, end, cancel=bool(permits & CANCEL), retry=bool(permits & RETRY))
    return encode(resource)
