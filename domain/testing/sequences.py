"""Commands in a row: what people, workers and imports do to some objects in two namespaces."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from hypothesis import strategies as st
from msgspec import Struct

from deedbook.domain.audit_log import AuditLog
from deedbook.domain.commands import (
    AppendOutput,
    DeleteSearch,
    EndParent,
    Finish,
    ImportAction,
    Line,
    RecordAction,
    RequestCancel,
    Retry,
    SaveSearch,
    StateParent,
)
from deedbook.domain.errors import Refused
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import FINAL, State
from deedbook.domain.results import Command

NAMESPACES = ["acme", "globex"]
OBJECTS = ["/a/", "/b/", "/c/", "/d/"]
USERS = [None, "ann", "bob"]
OPERATIONS = ["Deploy", "Scale"]
METHODS = ["GET", "POST"]
IPS = [None, "10.0.0.1", "10.0.0.2"]
AGENTS = [None, "curl/8.5", "Größenwahn/1.0"]
SEARCHES = ["mine", "Größte"]
#: Seconds of one minute, and microseconds in one of them: many actions share a date.
DATES = st.integers(0, 3).map(lambda second: 1_400_000_000_000_000 + second * 1_000_000) | st.integers(
    1_400_000_000_000_000, 1_400_000_000_000_003
)
BY = Caller("root", "192.0.2.1", "tests")


class Step(Struct, frozen=True):
    """A command that may name an earlier action: `target` is its place among those recorded, from the newest."""

    kind: type
    fields: dict[str, object]
    target: int = 0


def _recorded(kind: type, **more: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    common = {
        "namespace": st.sampled_from([NAMESPACES[0], *NAMESPACES]),
        "by": st.just(BY),
        "action": st.sampled_from(OPERATIONS),
        "method": st.sampled_from(METHODS),
        "path": st.just("/"),
        "object": st.sampled_from(["", OBJECTS[0], *OBJECTS]),
        "user": st.sampled_from(USERS),
        "ip": st.sampled_from(IPS),
        "user_agent": st.sampled_from(AGENTS),
        "is_user_action": st.booleans(),
        "can_be_canceled": st.booleans(),
        "body": st.sampled_from([None, "{}", "x" * 5000]),
        **more,
    }
    return st.builds(Step, st.just(kind), st.fixed_dictionaries(common))


def _on_action(kind: type, **more: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    fields = {"namespace": st.none(), "by": st.just(BY), **more}
    return st.builds(Step, st.just(kind), st.fixed_dictionaries(fields), st.integers(0, 9))


def _on_objects(kind: type) -> st.SearchStrategy[Step]:
    uris = st.sampled_from(OBJECTS)
    fields = {"namespace": st.sampled_from(NAMESPACES), "parent": uris, "child": uris, "by": st.just(BY)}
    return st.builds(Step, st.just(kind), st.fixed_dictionaries(fields))


def _on_searches(kind: type, **more: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    fields = {"namespace": st.sampled_from(NAMESPACES), "name": st.sampled_from(SEARCHES), "by": st.just(BY), **more}
    return st.builds(Step, st.just(kind), st.fixed_dictionaries(fields))


_FINISH = _on_action(Finish, state=st.sampled_from(sorted(FINAL)))
_OPEN = _recorded(RecordAction, state=st.sampled_from([State.IN_PROGRESS, State.PENDING]))
_STEPS = [
    _recorded(RecordAction, state=st.sampled_from([State.SUCCESS, State.FAILED]), start=DATES),
    _OPEN,
    _OPEN,
    _recorded(
        ImportAction,
        state=st.sampled_from(list(State)),
        created=DATES,
        start=st.none() | DATES,
        end=st.none() | DATES,
        parents=st.lists(st.sampled_from(OBJECTS), max_size=2, unique=True).map(tuple),
        lines=st.sampled_from([(), (Line("it came"), Line("it went", 1_400_000_000))]),
    ),
    _on_action(RequestCancel),
    _FINISH,
    _FINISH,
    _on_action(Retry),
    _on_objects(StateParent),
    _on_objects(EndParent),
    _on_searches(SaveSearch, query=st.sampled_from(["", "state=Failed", "q=deploy&user=ann"]))
    | _on_searches(DeleteSearch),
]
_APPEND = st.builds(
    Step,
    st.just(AppendOutput),
    st.fixed_dictionaries({"namespace": st.none(), "lines": st.just((Line("ready", 1_400_000_000), Line("")))}),
    st.integers(0, 9),
)


#: One step, of any kind.
STEPS = st.one_of(*_STEPS, _APPEND)


def _queue(namespace: str, uri: str, states: list[State], end: State) -> list[Step]:
    """Return a run of steps in which one action runs, others wait behind it or not, and it ends."""
    fields: dict[str, object] = {"namespace": namespace, "by": BY, "action": "Deploy", "method": "POST", "path": "/"}
    recorded = [Step(RecordAction, {**fields, "object": uri, "state": state}) for state in (State.IN_PROGRESS, *states)]
    return [*recorded, Step(Finish, {"namespace": None, "by": BY, "state": end}, len(states))]


#: By chance alone hardly any sequence has an end that lets another action start.
_QUEUE = st.builds(
    _queue,
    st.sampled_from(NAMESPACES),
    st.sampled_from(OBJECTS),
    st.lists(st.sampled_from([State.PENDING, State.IN_PROGRESS]), min_size=1, max_size=3),
    st.sampled_from([State.SUCCESS, State.FAILED]),
)


def command_sequences(*, max_size: int = 30, output: bool = False) -> st.SearchStrategy[list[Command]]:
    """Return commands in a row, of which a log takes some and refuses others; `output`: some append lines.

    Each recording has an id of its own, and what follows names one of them: so the commands are about each other.
    """
    return step_sequences(max_size=max_size, output=output).map(named)


def step_sequences(*, max_size: int = 30, output: bool = False) -> st.SearchStrategy[list[Step]]:
    """Return the same before its recordings are given ids, to be put together with other steps; see `named`."""
    one = st.one_of(*_STEPS, *([_APPEND] if output else [])).map(lambda step: [step])
    # Left alone, lists are about six long.
    short, long = (
        st.lists(one | one | one | _QUEUE, min_size=least, max_size=max_size) for least in (1, max_size // 2)
    )
    return (short | long).map(lambda parts: [step for part in parts for step in part][:max_size])


def live(audit_log: AuditLog, sequence: Iterable[Command]) -> None:
    """Give commands one after the other; those that the log refuses leave no trace."""
    for command in sequence:
        try:
            audit_log.perform(command)
        except Refused:
            continue


def named(steps: Sequence[Step]) -> list[Command]:
    """Return steps as commands, each recording with an id of its own."""
    recorded: list[UUID] = []
    found = (command_of(step, number, recorded) for number, step in enumerate(steps, 1))
    return [command for command in found if command is not None]


def command_of(step: Step, number: int, recorded: list[UUID]) -> Command | None:
    """Return a step as the command with this number: `recorded` are the ids so far, which it may name and adds to.

    None where it would name one and there is none.
    """
    fields = dict(step.fields)
    fresh = UUID(int=number << 64 | 0x4000 << 64 | 0x8000000000000000)
    if step.kind in (RecordAction, ImportAction):
        recorded.append(fresh)
        fields["id"] = fresh
        if fields.get("parents") and not fields["object"]:
            fields["parents"] = ()
    elif step.kind in (RequestCancel, Finish, Retry, AppendOutput):
        if not recorded:
            return None
        fields["id"] = recorded[-1 - step.target % len(recorded)]
        if step.kind is Retry:
            fields["retry"] = fresh
            recorded.append(fresh)
    command: Command = step.kind(**fields)
    return command
