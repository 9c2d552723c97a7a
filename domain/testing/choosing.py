"""What the machine chooses from: the calls that it records, and what it asks of the list."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from deedbook.domain.commands import RecordAction
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.testing.driver import Question

OBJECTS = ["/a/", "/b/", "/c/"]
USERS = ["ann", "bob"]
OPERATIONS = ["Deploy", "Scale"]
METHODS = ["POST", "PUT"]
IPS = ["192.0.2.1", "192.0.2.2"]
#: Dates of the past, in seconds: many actions share one.
SECONDS = st.sampled_from([1_400_000_000, 1_400_000_001, 1_400_086_400])

URIS = st.sampled_from(OBJECTS)
#: Which of the two namespaces: mostly the first.
WHERE = st.sampled_from([0, 0, 0, 0, 1])
HAS_KEY = st.sampled_from([False, False, True])
HAS_MORE = st.booleans()
MOSTLY = st.sampled_from([True, True, False])
_NOBODY = UUID("00000000-0000-4000-8000-000000000000")


@st.composite
def recordings(draw: st.DrawFn) -> RecordAction:
    """Return a call to be recorded; namespace and id are to be filled in."""
    call = plain(
        draw(st.sampled_from([State.IN_PROGRESS, State.PENDING, State.PENDING, State.SUCCESS, State.FAILED])),
        draw(st.sampled_from(["/a/", "/a/", *OBJECTS, ""])),
    )
    if not draw(HAS_MORE):
        return call
    most = {State.PENDING: 0, State.IN_PROGRESS: 1}.get(call.state, 2)
    start, end = (*(second * 1_000_000 for second in sorted(draw(st.lists(SECONDS, max_size=most)))), None, None)[:2]
    return msgspec.structs.replace(
        call,
        action=draw(st.sampled_from(OPERATIONS)),
        method=draw(st.sampled_from(METHODS)),
        parents=tuple(draw(st.lists(URIS, max_size=2, unique=True))) if call.object else (),
        body=draw(st.sampled_from([None, "{}"])),
        user=draw(st.sampled_from(USERS)),
        ip=draw(st.sampled_from(IPS)),
        is_user_action=draw(MOSTLY),
        start=start,
        end=end,
        can_be_canceled=draw(MOSTLY),
        can_be_retried=draw(MOSTLY),
    )


@st.composite
def queues(draw: st.DrawFn) -> list[RecordAction]:
    """Return recordings of which one runs and others wait behind it."""
    uri = draw(URIS)
    waiting = draw(st.integers(1, 3))
    return [plain(State.IN_PROGRESS, uri), *[plain(State.PENDING, uri)] * waiting]


def plain(state: State, uri: str) -> RecordAction:
    """Return the plainest call on an object; namespace and id are to be filled in."""
    return RecordAction(
        id=_NOBODY, namespace="", by=Caller(), action=OPERATIONS[0], method=METHODS[0], path="/", state=state,
        object=uri, user=USERS[0], ip=IPS[0],
    )  # fmt: skip


def _some(values: Sequence[Any]) -> st.SearchStrategy[tuple[Any, ...]]:  # a filter's values are of its own type
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


def questions() -> st.SearchStrategy[Question]:
    """Return what the list can be asked, but for ids."""
    filters: dict[str, st.SearchStrategy[Any]] = {
        "states": _some(list(State)),
        "users": _some([*USERS, "nobody"]),
        "actions": _some(OPERATIONS),
        "methods": _some(METHODS),
        "ips": _some(IPS),
        "is_user_action": st.booleans(),
        "start_from": SECONDS,
        "start_to": SECONDS,
        "end_from": SECONDS,
        "end_to": SECONDS,
        "newest_first": st.booleans(),
    }
    near = st.fixed_dictionaries({"object": URIS, "include_related": st.booleans()})
    return st.builds(
        lambda given, narrowed: Question(**given, **narrowed),
        st.just({}) | near,
        st.lists(st.sampled_from(sorted(filters)), max_size=2, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: filters[name] for name in names})
        ),
    )
