"""What answers look like, for the description of the API: a test holds every answer of a real server against them."""

from msgspec import UNSET, Struct, UnsetType

from deedbook.domain.keys import Role
from deedbook.domain.lifecycle import State
from deedbook.projections.progress import Outcome, Phase
from deedbook.projections.resource import ActionResource
from deedbook.projections.sharing import SharingReport
from deedbook.web.event_resource import EventResource


class ErrorAnswer(Struct):
    """Every error: one sentence in ASCII that says what to do."""

    error: str


class PageMeta(Struct):
    """Where a page is in its list; `next` and `previous` are relative URIs, null where there is none.

    The cursors lead to the same pages, and stay where they are while actions come. `total_is_exact` is only there where
    it is false: of free text, and of several filters that each find thousands, `total_count` is a lower bound.
    """

    limit: int
    offset: int
    next: str | None
    previous: str | None
    total_count: int
    next_cursor: str | None
    previous_cursor: str | None
    total_is_exact: bool | UnsetType = UNSET


class ActionList(Struct):
    """A page of the list; a `body` of more than 4 KiB is null here."""

    meta: PageMeta
    objects: list[ActionResource]


class BucketAnswer(Struct, rename={"start": "from", "end": "to"}):
    """A part of a timeline, from its first to its last microsecond: how many actions, and how many in each state."""

    start: str
    end: str
    total_count: int
    states: dict[State, int]


class TimelineAnswer(Struct, rename={"start": "from", "end": "to"}):
    """Actions over time; `width` is the buckets' as an ISO 8601 duration; null where there are none.

    `sampled` is the part of the log that was looked at: below 1, counts are estimates, but for those of rare states.
    """

    start: str | None
    end: str | None
    width: str | None
    sampled: float
    total_count: int
    buckets: list[BucketAnswer]


class RetriesAnswer(Struct):
    """What an action retries and what retries it, over several retries, oldest first; else not `is_whole`."""

    before: list[ActionResource]
    after: list[ActionResource]
    is_whole: bool


class UserPageMeta(Struct):
    """Where a page is among the users."""

    limit: int
    offset: int
    next: str | None
    previous: str | None
    total_count: int


class UserResource(Struct):
    """Whoever has actions in a namespace: how many, and the last in the order of the list."""

    namespace: str
    user: str
    actions: int
    last_date: str
    last_action: str


class UserList(Struct):
    """A page of the users, by name."""

    meta: UserPageMeta
    objects: list[UserResource]


class LaneAnswer(Struct):
    """What runs on an object and what waits for it, in order: how many, and at most 100 of each."""

    running_count: int
    running: list[ActionResource]
    waiting_count: int
    waiting: list[ActionResource]


class NodeAnswer(Struct):
    """An object on the way up or down, how many actions it has, and what hangs on it.

    One that hangs on several is told in full at the first of these, and `is_told_elsewhere` at the others.
    """

    namespace: str
    uri: str
    since: str
    until: str | None
    actions: int
    is_told_elsewhere: bool
    nodes: "list[NodeAnswer]"


class ObjectAnswer(Struct):
    """An object: actions on it, and on all related too; its lane; at most 200 relationships above, and below."""

    object: str
    actions: int
    related_actions: int
    lane: LaneAnswer
    above: list[NodeAnswer]
    above_is_whole: bool
    below: list[NodeAnswer]
    below_is_whole: bool


class SearchAnswer(Struct):
    """A search that was saved."""

    namespace: str
    name: str
    query: str


class SearchDeletedAnswer(Struct):
    """A search that was deleted."""

    namespace: str
    name: str


class SearchResource(SearchAnswer):
    """A saved search: filters of the list as a query string; who saved it last, and when."""

    user: str | None
    saved: str


class SearchList(Struct):
    """All saved searches, by name."""

    objects: list[SearchResource]


class EventPageMeta(Struct):
    """Where a page is in the log: its events stand behind `after`; `next` is null where it reached the `head`."""

    limit: int
    after: int
    next: str | None
    head: int


class EventPage(Struct):
    """A page of the log."""

    meta: EventPageMeta
    objects: list[EventResource]


class EventList(Struct):
    """Every event of an action."""

    objects: list[EventResource]


class BatchAnswer(Struct):
    """What became of one line of a batch: its action, or its error."""

    line: int
    status: int
    action: ActionResource | UnsetType = UNSET
    error: str | UnsetType = UNSET


class OutputAppended(Struct):
    """The number of the first line that was added, from 1, and how many were."""

    first: int
    count: int


class RelationshipAnswer(Struct):
    """A relationship that holds now, or that has ended."""

    parent: str
    child: str


class RelationshipEntry(Struct):
    """A relationship on the way up or down; in a tree, what hangs on it stands in `above` or `below`."""

    namespace: str
    uri: str
    parent: str
    child: str
    since: str
    until: str | None
    above: "list[RelationshipEntry] | UnsetType" = UNSET
    below: "list[RelationshipEntry] | UnsetType" = UNSET


class RelativesAnswer(Struct):
    """All that is or was above and below an object, nearest first."""

    object: str
    above: list[RelationshipEntry]
    below: list[RelationshipEntry]


class KeyResource(Struct):
    """An API key, but for its secret; `last_used` is a minute late at the most."""

    id: str
    user: str
    namespace: str
    role: Role
    created: str
    revoked: str | None
    last_used: str | None


class IssuedKey(KeyResource):
    """An API key and its secret, which is shown here and never again."""

    key: str


class KeyList(Struct):
    """Every API key that was ever issued."""

    objects: list[KeyResource]


class RebuildProgress(Struct):
    """A build of the views that runs.

    done, of: events folded, and events that there are; rate: events a second; seconds_left: until all are read, null
    where that can't be told.
    """

    generation: int
    pid: int
    because: str
    phase: Phase
    done: int
    of: int
    rate: float | None
    seconds: float
    seconds_left: float | None
    started: str


class RebuildEnded(Struct):
    """A build of the views that is over: how, and why where it came to nothing."""

    generation: int
    because: str
    outcome: Outcome
    reason: str | None
    done: int
    started: str
    ended: str


class RebuildReport(Struct):
    """The build of the views that runs, whoever asked for it, and how the last one ended; null where there is none."""

    running: RebuildProgress | None
    last: RebuildEnded | None


class LogHealth(Struct):
    """The log: its head, the commands that wait, and why it can't be asked."""

    position: int | None
    queued: int
    failure: str | None


class ViewsHealth(Struct):
    """The views: how far they are, why they are no further, and the version of each."""

    failure: str | None
    projected_here: bool
    position: int | UnsetType = UNSET
    behind: int | UnsetType | None = UNSET
    lag_seconds: float | UnsetType | None = UNSET
    stopped_at: int | UnsetType | None = UNSET
    reason: str | UnsetType | None = UNSET
    head: str | UnsetType | None = UNSET
    versions: dict[str, int] | UnsetType = UNSET


class HealthReport(Struct):
    """How the server is; the build of the views that runs, and why the last one came to nothing.

    snapshots: null where there is no folder of them.
    """

    live: bool
    ready: bool
    log: LogHealth
    views: ViewsHealth
    rebuild: RebuildProgress | None
    snapshots: SharingReport | None
    rebuild_failure: str | None
