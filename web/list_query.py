"""The filters of a list request, from its query string to what the views are asked; raises the 400 of each."""

import string
from collections.abc import Callable, Mapping
from uuid import UUID

from deedbook.domain.lifecycle import State
from deedbook.projections.action_query import ActionQuery
from deedbook.projections.search import words_of
from deedbook.web.call import parameters_of
from deedbook.web.cursors import Cursor, cursor_of
from deedbook.web.dates import parse_range
from deedbook.web.problems import bad
from deedbook.web.remembering import remembered
from deedbook.web.views import Cost

#: The number of actions on a page: unless said otherwise, and at the most.
LIMIT = 25
MOST = 500

#: An offset beyond this is no position in any log.
FURTHEST = 2**53

#: Up to here a page's first row is found, and its rows are sent, in about a millisecond.
_SHALLOW = 1000
_SHORT = 100

#: Actions that may be looked at one by one for a total of several filters: half a millisecond, and 20 for a person.
LOOK, PATIENT_LOOK = 2000, 40_000

#: Filters of equality that may come more than once, with their fields: any of the values counts.
REPEATABLE = {name: name for name in ("state", "user", "action", "method", "ip")} | {"user_agent": "agent"}
_ONCE = (
    "uuid__startswith", "start_date__gte", "start_date__lte", "end_date__gte", "end_date__lte",
    "object", "include_related", "is_user_action", "q", "as_of", "limit", "offset", "cursor",
    "order_by", "format",
)  # fmt: skip
#: What free text may have, of characters and of words.
_TEXT, _WORDS = 512, 16

_STATES = frozenset(str(state) for state in State)
_KNOWN = frozenset({"uuid", *REPEATABLE, *_ONCE})

Parameters = Mapping[str, list[str]]


@remembered
def page_asked(text: bytes, namespace: str | None, as_of: int | None, newest_first: bool) -> ActionQuery:  # noqa: FBT001  # the setting, handed on
    """Return what a query string asks for as a page of the list; see `parse`."""
    return parse(parameters_of(text), namespace, as_of, newest_first=newest_first, look=LOOK)


def parse(
    parameters: Parameters,
    namespace: str | None,
    as_of: int | None = None,
    *,
    newest_first: bool,
    look: int = PATIENT_LOOK,
) -> ActionQuery:
    """Return what a list request asks for, as of a position or (None) now; `look` as in `ActionQuery`."""
    for name in parameters:
        if name not in _KNOWN:
            raise bad(f"There is no filter {name}; known are {', '.join(sorted(_KNOWN))}.")
    one = {name: single(name, values) for name, values in parameters.items() if name in _ONCE}
    uri = one.get("object")
    if "include_related" in one and uri is None:
        raise bad("include_related needs an object that the others are related to: give `object`.")
    equal = {field: tuple(dict.fromkeys(parameters[name])) for name, field in REPEATABLE.items() if name in parameters}
    _check_states(equal.get("state", ()))
    if "is_user_action" in one:
        equal["is_user_action"] = (str(flag("is_user_action", one["is_user_action"])).lower(),)
    cursor = _cursor(one)
    return ActionQuery(
        namespace=namespace,
        uuids=tuple(_uuid(text) for text in parameters.get("uuid", ())),
        uuid_prefix=_prefix(one.get("uuid__startswith")),
        equal=equal,
        object=_uri(uri),
        include_related=flag("include_related", one.get("include_related", "false")),
        start_from=date("start_date__gte", one, 0),
        start_to=date("start_date__lte", one, 1),
        end_from=date("end_date__gte", one, 0),
        end_to=date("end_date__lte", one, 1),
        words=words(one.get("q")),
        as_of=as_of,
        newest_first=_newest_first(one.get("order_by"), newest_first),
        limit=number("limit", one.get("limit"), LIMIT, 1, MOST),
        offset=number("offset", one.get("offset"), 0, 0, FURTHEST),
        beyond=None if cursor is None else cursor.place,
        backwards=cursor is not None and cursor.backwards,
        look=look,
    )


def cost(query: ActionQuery) -> Cost:
    """Return what an answer may take."""
    if query.words or query.limit > _SHORT:
        return Cost.LONG
    filters = len(query.equal) + (query.object is not None)
    has_range = (query.start_from, query.start_to, query.end_from, query.end_to) != (None,) * 4
    is_flat = filters <= 1 and not has_range and query.uuid_prefix is None and query.as_of is None
    return Cost.FLAT if is_flat and query.offset <= _SHALLOW else Cost.UNKNOWN


def single(name: str, values: list[str]) -> str:
    """Return the value of a parameter that may come once only."""
    if len(values) > 1:
        raise bad(f"The filter {name} can be given once only.")
    return values[0]


def _check_states(states: tuple[str, ...]) -> None:
    for state in states:
        if state not in _STATES:
            raise bad(f"state {state!r} is unknown; an action is {', '.join(State)}.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise bad(f"uuid {text!r} is none; for the beginning of one take uuid__startswith.") from None


def _prefix(text: str | None) -> str | None:
    if text is None:
        return None
    digits = text.replace("-", "")
    if not digits or len(digits) > 32 or not set(digits) <= set(string.hexdigits):  # noqa: PLR2004  # a UUID's digits
        raise bad(f"uuid__startswith {text!r} is not the beginning of a uuid.")
    return digits


def _uri(text: str | None) -> str | None:
    if text == "":
        raise bad("object is empty; give the URI of one.")
    return text


def words(text: str | None) -> tuple[str, ...]:
    """Return the words of free text; raises the 400 where there are none, or too many."""
    if text is None:
        return ()
    found = words_of(text)
    if not found:
        raise bad("q is empty; give words to look for, or leave it out.")
    if len(text) > _TEXT or len(found) > _WORDS:
        raise bad(f"q takes {_WORDS} words and {_TEXT} characters at the most.")
    return found


def _cursor(one: Mapping[str, str]) -> Cursor | None:
    if "cursor" not in one:
        return None
    if "offset" in one:
        raise bad("cursor and offset exclude each other: a cursor is the place of its page.")
    return cursor_of(one["cursor"])


def flag(name: str, text: str) -> bool:
    """Return what a parameter says that is true or false."""
    if text.lower() not in ("true", "false"):
        raise bad(f"{name} is true or false, not {text!r}.")
    return text.lower() == "true"


def date(name: str, one: Mapping[str, str], end: int) -> int | None:
    """Return the first (`end` 0) or last (1) microsecond that a parameter names, None where it is not given."""
    if name not in one:
        return None
    return _parsed(lambda: parse_range(one[name])[end], name)


def _parsed(parse_it: Callable[[], int], name: str) -> int:
    try:
        return parse_it()
    except ValueError as error:
        raise bad(f"{name}: {error}") from None


def _newest_first(order: str | None, default: bool) -> bool:  # noqa: FBT001  # the setting, handed on
    if order is None:
        return default
    if order not in ("start_date", "-start_date"):
        raise bad(f"order_by is start_date or -start_date, not {order!r}.")
    return order.startswith("-")


def number(name: str, text: str | None, default: int, least: int, most: int) -> int:
    """Return the whole number that a parameter names, at the most `most`."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < least:  # noqa: PLR2004  # 64 bits
        raise bad(f"{name} is a whole number from {least} on, not {text!r}.")
    return min(int(text), most)
