"""What can be asked of the action list; `page.py` answers it."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct


class Place(NamedTuple):
    """Where an action stands in the order of the list: its date, in microseconds since the epoch, and its position."""

    sort: int
    id: int


class ActionQuery(Struct, frozen=True, kw_only=True):
    """A question to the list; filters are combined with AND, the values of one with OR.

    namespace None is all of them. `equal` is by field of `terms.FIELDS`. Ranges are microseconds since the epoch, both
    ends included, None open. `include_related` widens `object` to all that is or was above or below it. `as_of` is a
    position: the list as it was when the log ended there; None is the present. `words` are looked for, without regard
    to case, in operation, object, user, agent and address: each must be in one of them. `beyond` is the place that a
    page goes on from, which is not on it: towards the end of the list, or, `backwards`, towards its beginning; a page's
    actions are in the list's order either way. `whole` asks for actions with their bodies, however long, and for no
    total. `look` is how many actions may be looked at one by one for a total that no counter tells.
    """

    namespace: str | None = None
    uuids: tuple[UUID, ...] = ()
    uuid_prefix: str | None = None
    equal: Mapping[str, tuple[str, ...]] = {}
    object: str | None = None
    include_related: bool = False
    start_from: int | None = None
    start_to: int | None = None
    end_from: int | None = None
    end_to: int | None = None
    words: tuple[str, ...] = ()
    as_of: int | None = None
    newest_first: bool = False
    limit: int = 25
    offset: int = 0
    beyond: Place | None = None
    backwards: bool = False
    whole: bool = False
    look: int = 40_000
