"""Every method of every path, and every parameter, as tables: what `openapi.py` makes the description from."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deedbook.domain.keys import Right
from deedbook.domain.lifecycle import State
from deedbook.projections.resource import ActionResource
from deedbook.web import answers, wire
from deedbook.web.event_resource import EventResource
from deedbook.web.list_query import LIMIT, MOST
from deedbook.web.output_stream import OutputEntry
from deedbook.web.paths import ROOT
from deedbook.web.timeline import BUCKETS
from deedbook.web.timeline import MOST as BUCKETS_AT_MOST

JSON = "application/json"
NDJSON = "application/x-ndjson"
TEXT = "text/plain"
CSV = "text/csv"
EVENT_STREAM = "text/event-stream"
OPENMETRICS = "application/openmetrics-text"


class Parameter(NamedTuple):
    """A parameter of a query. One whose schema is an array may come more than once; or it is a list with `commas`."""

    name: str
    says: str
    schema: Mapping[str, object]
    required: bool = False
    commas: bool = False
    place: str = "query"


class Operation(NamedTuple):
    """A method of a path.

    right: what its caller needs, None for no key at all. replies: for each status its media type and its type (none for
    a switch of protocols). body: for each media type its type; of NDJSON, that of a line. headers: of the answers that
    are no error.
    """

    path: str
    method: str
    name: str
    says: str
    right: Right | None
    replies: Mapping[int, Mapping[str, type]]
    errors: Sequence[int] = ()
    body: Mapping[str, type] = {}
    parameters: Sequence[Parameter] = ()
    headers: Sequence[str] = ()
    idempotent: bool = False


_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_STATES = {"type": "array", "items": {"type": "string", "enum": [str(state) for state in State]}}
_DATE = "RFC 1123 or ISO 8601, with any offset; without a fraction it names its whole second"

AS_OF = Parameter("as_of", "As it was then: a position of the log, or a date, which means the last one by then.", _TEXT)
FILTERS = (
    Parameter("uuid", "With one of these ids.", {"type": "array", "items": {"type": "string", "format": "uuid"}}),
    Parameter("uuid__startswith", "With an id that begins so.", {"type": "string", "pattern": "^[0-9A-Fa-f-]+$"}),
    Parameter("state", "In one of these states.", _STATES),
    Parameter("start_date__gte", f"Started then or later: {_DATE}.", _TEXT),
    Parameter("start_date__lte", f"Started then or earlier: {_DATE}.", _TEXT),
    Parameter("end_date__gte", f"Ended then or later: {_DATE}.", _TEXT),
    Parameter("end_date__lte", f"Ended then or earlier: {_DATE}.", _TEXT),
    Parameter("object", "On the object with this URI.", {"type": "string", "minLength": 1}),
    Parameter("include_related", "With `object`: also on all that is or was above or below it.", _FLAG),
    Parameter("user", "By one of these users.", _TEXTS),
    Parameter("action", "With one of these names of operations.", _TEXTS),
    Parameter("method", "With one of these HTTP methods.", _TEXTS),
    Parameter("ip", "From one of these addresses.", _TEXTS),
    Parameter("user_agent", "Sent by one of these agents.", _TEXTS),
    Parameter("is_user_action", "Triggered by a user, or by the system.", _FLAG),
    Parameter("q", "With each of these words somewhere in operation, object, user, agent or address, in any case.",
              {"type": "string", "minLength": 1}),
    AS_OF,
)  # fmt: skip
LIST = (
    *FILTERS,
    Parameter("order_by", "Oldest or newest first.", {"type": "string", "enum": ["start_date", "-start_date"]}),
    Parameter("limit", f"Actions on a page; more than {MOST} is taken as {MOST}.",
              {"type": "integer", "minimum": 1, "default": LIMIT}),
    Parameter("offset", "Actions before the page.", {**_COUNT, "default": 0}),
    Parameter("format", "As a page of JSON, or all as a file; it goes before Accept.",
              {"type": "string", "enum": ["json", "csv", "ndjson"], "default": "json"}),
    Parameter("cursor", "Instead of `offset`: `next_cursor` or `previous_cursor` of another page.", _TEXT),
)  # fmt: skip
TIMELINE = (
    *FILTERS,
    Parameter("from", f"Where the timeline begins, else with the first action that is found: {_DATE}.", _TEXT),
    Parameter("to", f"Where it ends, else with the last one: {_DATE}.", _TEXT),
    Parameter("buckets", f"Buckets at the most; more than {BUCKETS_AT_MOST} is taken as {BUCKETS_AT_MOST}.",
              {"type": "integer", "minimum": 1, "default": BUCKETS}),
    Parameter("exact", "Counts all, in up to 10 s, instead of estimating what takes long.",
              {**_FLAG, "default": False}),
)  # fmt: skip
USERS = (
    Parameter("q", "With each of these words in the name, in any case.", {"type": "string", "minLength": 1}),
    Parameter("limit", f"Users on a page; more than {MOST} is taken as {MOST}.",
              {"type": "integer", "minimum": 1, "default": LIMIT}),
    Parameter("offset", "Users before the page.", {**_COUNT, "default": 0}),
)  # fmt: skip
TOKEN = (
    Parameter("user", "The user, for clients that send no Authorization header on WebSockets.", _TEXT),
    Parameter("token", "The API key, for the same clients; on WebSockets only.", _TEXT),
)
OUTPUT_STREAM = (
    Parameter("tail", "Lines that come first, of those that there are: on WebSockets 300, else all.", _COUNT),
    Parameter(
        "follow", "On WebSockets only: whether new lines follow until the action has ended.", {**_FLAG, "default": True}
    ),
    Parameter("after", "Resumes behind the line with this number, instead of `tail`.", _COUNT),
    Parameter(
        "q",
        "Not on WebSockets: lines that hold this text, in any case, colours left aside.",
        {"type": "string", "minLength": 1},
    ),
    Parameter("timestamp__gte", f"Not on WebSockets: lines of then or later: {_DATE}.", _TEXT),
    Parameter("limit", "Not on WebSockets: so many lines at the most.", {"type": "integer", "minimum": 1}),
    *TOKEN,
)
EVENTS = (
    Parameter("type", "`action` or `relationship`; a WebSocket has no other than `action`.", _TEXTS, commas=True),
    Parameter("object", "URIs, each of an object or of an action.", _TEXTS, commas=True),
    Parameter("parent", "URIs of the object or of what is above it.", _TEXTS, commas=True),
    Parameter("parents", "The same as `parent`.", _TEXTS, commas=True),
    Parameter("after", "Goes on behind this position; one beyond the log's head is a 400.", _COUNT),
)
EVENT_PAGE = (
    *EVENTS,
    Parameter("limit", f"Events on a page; more than {MOST} is taken as {MOST}. A page may have fewer, also none.",
              {"type": "integer", "minimum": 1, "default": LIMIT}),
)  # fmt: skip
LIVE_EVENTS = (
    *EVENTS,
    Parameter("Last-Event-ID", "Of server-sent events: goes on behind this position; goes before `after`.", _COUNT,
              place="header"),
    *TOKEN,
)  # fmt: skip
_LINK = tuple(Parameter(end, f"The URI of the {end}.", _TEXT, required=True) for end in ("parent", "child"))
RELATIVES = (
    Parameter("object", "The URI of the object.", _TEXT, required=True),
    Parameter("form", "`tree` nests what hangs on what.",
              {"type": "string", "enum": ["flat", "tree"], "default": "flat"}),
)  # fmt: skip

_ACTION = f"{ROOT}/action/{{uuid}}"
_RESOURCE = {JSON: ActionResource}
_URI = ("X-DockerCloud-Action-URI",)
_LAG = ("Deedbook-Lag",)
_REFUSED = (400, 403, 413, 415, 422)

OPERATIONS = (
    Operation(f"{ROOT}/action/", "get", "listActions", "The actions, oldest first, page by page; or all as a file.",
              Right.READ, {200: {JSON: answers.ActionList, CSV: str, NDJSON: ActionResource}}, (400,), parameters=LIST,
              headers=_LAG),
    Operation(f"{ROOT}/action/", "post", "recordAction",
              "Records an action: 201 where it has ended, 202 where it is still to do; or, as NDJSON, one a line: 200"
              " with a line for each, in order.", Right.RECORD,
              {200: {NDJSON: answers.BatchAnswer}, 201: _RESOURCE, 202: _RESOURCE}, (*_REFUSED, 409),
              {JSON: wire.RecordRequest, NDJSON: wire.BatchLine}, headers=_URI, idempotent=True),
    Operation(f"{ROOT}/action/timeline/", "get", "getTimeline",
              "How many of the actions that the list finds were when, by state, in round buckets.", Right.READ,
              {200: {JSON: answers.TimelineAnswer}}, (400,), parameters=TIMELINE, headers=_LAG),
    Operation(f"{_ACTION}/", "get", "getAction", "One action.", Right.READ, {200: _RESOURCE},
              (400,), parameters=(AS_OF,), headers=_LAG),
    Operation(f"{_ACTION}/cancel/", "post", "cancelAction", "Cancels an action that is Pending or In progress.",
              Right.CANCEL, {202: _RESOURCE}, (400, 403, 409, 413, 422), headers=_URI, idempotent=True),
    Operation(f"{_ACTION}/retry/", "post", "retryAction",
              "Retries an action that has ended, as a new one, which is the answer.",
              Right.RETRY, {202: _RESOURCE}, (400, 403, 409, 413, 422), headers=_URI, idempotent=True),
    Operation(f"{_ACTION}/finish/", "post", "finishAction", "Reports how a running action ended.", Right.FINISH,
              {200: _RESOURCE}, (*_REFUSED, 409), {JSON: wire.FinishRequest}, headers=_URI, idempotent=True),
    Operation(f"{_ACTION}/logs/", "get", "followOutput",
              "The action's output: the lines that there are, as text or NDJSON; or a WebSocket: a LogFrame for each"
              " line, then close 1000.", Right.READ,
              {101: {}, 200: {TEXT: str, NDJSON: OutputEntry}}, (400,), parameters=OUTPUT_STREAM),
    Operation(f"{_ACTION}/logs/", "post", "appendOutput", "Appends lines to a running action's output, all or none.",
              Right.APPEND, {200: {JSON: answers.OutputAppended}}, (*_REFUSED, 409),
              {JSON: wire.OutputRequest, NDJSON: wire.OutputLineRequest}, idempotent=True),
    Operation(f"{ROOT}/events/", "get", "followEvents",
              "Events as they come: as server-sent events where Accept names them; or a WebSocket: an EventFrame for"
              " each change of an action's life.", Right.READ,
              {101: {}, 200: {EVENT_STREAM: EventResource}}, (400, 426), parameters=LIVE_EVENTS),
    Operation(f"{ROOT}/event/", "get", "listEvents", "The log, page by page.", Right.READ,
              {200: {JSON: answers.EventPage, NDJSON: EventResource}}, (400,), parameters=EVENT_PAGE,
              headers=("Link",)),
    Operation(f"{_ACTION}/history/", "get", "getHistory", "Every event of an action, oldest first.", Right.READ,
              {200: {JSON: answers.EventList}}, (400,)),
    Operation(f"{_ACTION}/retries/", "get", "getRetries", "What an action retries, and what retries it.", Right.READ,
              {200: {JSON: answers.RetriesAnswer}}, (400,), headers=_LAG),
    Operation(f"{ROOT}/user/", "get", "listUsers", "Who has actions, by name.", Right.READ,
              {200: {JSON: answers.UserList}}, (400,), parameters=USERS, headers=_LAG),
    Operation(f"{ROOT}/object/", "get", "getObject", "An object: its lane, and the tree above and below it.",
              Right.READ, {200: {JSON: answers.ObjectAnswer}}, (400,), parameters=RELATIVES[:1], headers=_LAG),
    Operation(f"{ROOT}/relationship/", "get", "getRelationships", "What is and was above and below an object.",
              Right.READ, {200: {JSON: answers.RelativesAnswer}}, (400,), parameters=RELATIVES, headers=_LAG),
    Operation(f"{ROOT}/relationship/", "post", "stateRelationship",
              "States that one object is directly below another: 201, or 200 where it was already.", Right.RELATE,
              {200: {JSON: answers.RelationshipAnswer}, 201: {JSON: answers.RelationshipAnswer}}, (*_REFUSED, 409),
              {JSON: wire.RelationshipRequest}, idempotent=True),
    Operation(f"{ROOT}/relationship/", "delete", "endRelationship", "States that it no longer is.", Right.RELATE,
              {200: {JSON: answers.RelationshipAnswer}}, (400, 403), parameters=_LINK),
    Operation(f"{ROOT}/search/", "get", "listSearches", "What the namespace keeps: filters of the list, by name.",
              Right.READ, {200: {JSON: answers.SearchList}}, (400,), headers=_LAG),
    Operation(f"{ROOT}/search/", "post", "saveSearch",
              "Keeps filters of the list under a name: 201, or 200 where they replace others.", Right.SAVE,
              {200: {JSON: answers.SearchAnswer}, 201: {JSON: answers.SearchAnswer}}, _REFUSED,
              {JSON: wire.SearchRequest}, idempotent=True),
    Operation(f"{ROOT}/search/", "delete", "deleteSearch", "Keeps nothing under a name any more.", Right.SAVE,
              {200: {JSON: answers.SearchDeletedAnswer}}, (400, 403),
              parameters=(Parameter("name", "The name of the search.", _TEXT, required=True),)),
    Operation(f"{ROOT}/key/", "get", "listKeys", "Every API key that was ever issued.", Right.ADMINISTER,
              {200: {JSON: answers.KeyList}}, (403,)),
    Operation(f"{ROOT}/key/", "post", "issueKey", "Issues an API key.", Right.ADMINISTER,
              {201: {JSON: answers.IssuedKey}}, (400, 403, 413, 415), {JSON: wire.KeyRequest}),
    Operation(f"{ROOT}/key/{{id}}/", "delete", "revokeKey", "Revokes an API key, at once and for ever.",
              Right.ADMINISTER, {200: {JSON: answers.KeyResource}}, (403,)),
    Operation(f"{ROOT}/admin/rebuild/", "get", "getRebuild",
              "How the rebuild of the views comes on that runs, and how the last one ended.", Right.ADMINISTER,
              {200: {JSON: answers.RebuildReport}}, (403,)),
    Operation(f"{ROOT}/admin/rebuild/", "post", "rebuild",
              "Begins to build the views anew from the log, beside those in use; 409 while a build runs.",
              Right.ADMINISTER, {202: {JSON: answers.RebuildReport}}, (400, 403, 409, 413)),
    Operation("/health", "get", "health", "Whether the server can answer (503: it can't), and how far all is.", None,
              {200: {JSON: answers.HealthReport}, 503: {JSON: answers.HealthReport}}, (400,),
              parameters=(Parameter("of", "Whether it answers at all, can answer reads, or can record too.",
                                    {"type": "string", "enum": ["live", "reads", "all"], "default": "all"}),)),
    Operation("/metrics", "get", "metrics", "Metrics for Prometheus, as text, or as OpenMetrics where Accept names it.",
              None, {200: {TEXT: str, OPENMETRICS: str}}),
    Operation("/openapi.json", "get", "describe", "This description.", None, {200: {JSON: dict}}),
)  # fmt: skip
