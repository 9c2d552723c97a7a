"""Giving commands: short ways to say them, and to hear what each came to."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any
from uuid import UUID, uuid4

from deedbook.domain.action import Action
from deedbook.domain.audit_log import Order
from deedbook.domain.commands import AppendOutput, Finish, Line, Once, RecordAction, RequestCancel
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Answer, Command, Recorded
from tests.contract.engines import Store

NAMESPACE = "acme"
BY = Caller("ann", "192.0.2.1", "tests")


def recording(state: State = State.SUCCESS, uri: str = "", **more: Any) -> RecordAction:  # noqa: ANN401  # any field
    """Return the command to record an action on an object."""
    fields = {"id": uuid4(), "namespace": NAMESPACE, "action": "Scale", "method": "POST", "path": "/", **more}
    return RecordAction(by=BY, state=state, object=uri, **fields)


def finish(action: UUID, state: State = State.SUCCESS) -> Finish:
    """Return the command to report the end of an action."""
    return Finish(id=action, namespace=NAMESPACE, by=BY, state=state)


def cancel(action: UUID) -> RequestCancel:
    """Return the command to cancel an action."""
    return RequestCancel(id=action, namespace=NAMESPACE, by=BY)


def append(action: UUID, *lines: str) -> AppendOutput:
    """Return the command to add lines of now to an action's output."""
    return AppendOutput(id=action, namespace=NAMESPACE, lines=tuple(Line(line) for line in lines))


def once(key: str, request: bytes = b"a request", namespace: str = NAMESPACE) -> Once:
    """Return what makes a command safe to repeat."""
    return Once(namespace, key, request)


def together(store: Store, commands: Iterable[Command | tuple[Command, Once]]) -> list[Answer | Exception]:
    """Give commands that share a transaction; return what each came to, in order."""
    return [future.result(60) for future in given(store, commands)]


def given(store: Store, commands: Iterable[Command | tuple[Command, Once]]) -> Sequence[Future[Answer | Exception]]:
    """Give commands that share a transaction, and wait for nothing."""
    orders: list[Order] = []
    futures: list[Future[Answer | Exception]] = []
    for one in commands:
        command, repeatable = one if isinstance(one, tuple) else (one, None)
        futures.append(Future())
        orders.append(Order(command, futures[-1].set_result, repeatable))
    store.audit_log.submit(orders)
    return futures


def recorded(store: Store, command: Command) -> Action:
    """Give a command about an action, and return the action as it is then."""
    result = store.audit_log.perform(command).result
    assert isinstance(result, Recorded)
    return result.action
