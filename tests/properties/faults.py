"""Audit logs with one fault each: broken decisions in the place of real ones, or drivers that break what they carry.

Each is broken in one place, as a change of the code by mistake would do it; the rest is the real log.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from deedbook.domain import action as actions
from deedbook.domain import decisions, lane, lifecycle, relationship
from deedbook.domain.action import Action, Facts
from deedbook.domain.commands import EndParent, RecordAction, RequestCancel, Retry
from deedbook.domain.errors import NotRetriable, UnknownAction
from deedbook.domain.events import (
    ActionEnded,
    ActionEvent,
    ActionRecorded,
    ActionRetried,
    CancelRequested,
    LaneEvent,
    LaneLeft,
    LaneStarted,
)
from deedbook.domain.lane import Lane
from deedbook.domain.lifecycle import FINAL, RUNNING, State
from deedbook.domain.results import Command, Recorded
from deedbook.domain.session import Batch, Session
from deedbook.domain.testing import Answer, Driver, Outcome, Page, Question, Seen

Patch = pytest.MonkeyPatch


class Carrier:
    """Carries everything as it is; each fault changes one thing."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.user = driver.user

    def fresh(self) -> tuple[str, str]:
        """See `Driver.fresh`."""
        return self.driver.fresh()

    def perform(self, command: Command, key: str | None = None) -> Answer:
        """See `Driver.perform`."""
        return self.driver.perform(command, key)

    def perform_all(self, commands: Sequence[tuple[RecordAction, str | None]]) -> Sequence[Answer]:
        """See `Driver.perform_all`."""
        return self.driver.perform_all(commands)

    def one(self, namespace: str, action: UUID) -> Seen | None:
        """See `Driver.one`."""
        return self.driver.one(namespace, action)

    def page(self, namespace: str, question: Question) -> Page:
        """See `Driver.page`."""
        return self.driver.page(namespace, question)

    def output(self, namespace: str, action: UUID) -> Sequence[str]:
        """See `Driver.output`."""
        return self.driver.output(namespace, action)

    def history(self, namespace: str, action: UUID) -> Sequence[str] | None:
        """See `Driver.history`."""
        return self.driver.history(namespace, action)

    def word(self, outcome: Outcome) -> str:
        """See `Driver.word`."""
        return self.driver.word(outcome)


class ListLags(Carrier):
    """The list is that of the question before."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.before: dict[tuple[str, Question], Page] = {}

    def page(self, namespace: str, question: Question) -> Page:
        """Return what the same question was answered last time."""
        now = super().page(namespace, question)
        before = self.before.get((namespace, question), Page([], 0, has_more=False))
        self.before[namespace, question] = now
        return before


class TotalDrifts(Carrier):
    """Retried actions are counted twice."""

    def page(self, namespace: str, question: Question) -> Page:
        """Return the page, with a total that is too high."""
        page = super().page(namespace, question)
        return page._replace(total=page.total + sum(one.retry_of is not None for one in page.actions))


class ForgetsPastRelations(Carrier):
    """What is no longer related never was."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.ended: set[str] = set()

    def perform(self, command: Command, key: str | None = None) -> Answer:
        """Note which objects a relationship ended of."""
        if isinstance(command, EndParent):
            self.ended |= {command.namespace + command.parent, command.namespace + command.child}
        return super().perform(command, key)

    def page(self, namespace: str, question: Question) -> Page:
        """Leave out what was related."""
        if question.object is not None and namespace + question.object in self.ended:
            question = msgspec.structs.replace(question, include_related=False)
        return super().page(namespace, question)


class PagingRepeats(Carrier):
    """A page begins with the last action of the one before."""

    def page(self, namespace: str, question: Question) -> Page:
        """Return a page that begins one too early."""
        early = msgspec.structs.replace(question, offset=max(0, question.offset - 1))
        return (
            super()
            .page(namespace, early)
            ._replace(
                has_more=super().page(namespace, question).has_more,
            )
        )


class OutputReordered(Carrier):
    """Lines come in another order."""

    def output(self, namespace: str, action: UUID) -> Sequence[str]:
        """Return the lines sorted."""
        return sorted(super().output(namespace, action))


class KeyForgotten(Carrier):
    """An idempotency key means nothing."""

    def perform(self, command: Command, key: str | None = None) -> Answer:  # noqa: ARG002  # that is the fault
        """Give the command as if it had no key."""
        return super().perform(command)


class HistoryForgetsRetries(Carrier):
    """Who retried is not told."""

    def history(self, namespace: str, action: UUID) -> Sequence[str] | None:
        """Leave the retries out."""
        return [name for name in super().history(namespace, action) or () if name != "action.retried"]


class OrderOfDays(Carrier):
    """Actions of one day come in the other order: by ids or seconds, chance would tell whether it shows."""

    def page(self, namespace: str, question: Question) -> Page:
        """Return the page in another order."""
        page = super().page(namespace, question)
        turned = reversed(page.actions)
        return page._replace(
            actions=sorted(turned, key=lambda one: (one.start or one.created) // 86_400, reverse=question.newest_first)
        )


class ReadLeaks(Carrier):
    """One action is read whosever it is."""

    def fresh(self) -> tuple[str, str]:
        """Note the namespaces."""
        self.both = super().fresh()
        return self.both

    def one(self, namespace: str, action: UUID) -> Seen | None:
        """Look in the other namespace as well."""
        other = self.both[self.both[0] == namespace]
        return super().one(namespace, action) or super().one(other, action)


def _lost_event(patch: Patch) -> None:
    merge = Batch.merge

    def losing(batch: Batch, session: Session) -> int:
        session.events = [new for new in session.events if not isinstance(new.event, CancelRequested)]
        return merge(batch, session)

    patch.setattr(Batch, "merge", losing)


def _double_start(patch: Patch) -> None:
    patch.setattr(Lane, "is_free", property(lambda _lane: True))


def _two_start_at_once(patch: Patch) -> None:
    def leave(lane_: Lane, action: UUID, now: int) -> list[LaneLeft | LaneStarted]:
        left: list[LaneLeft | LaneStarted] = [LaneLeft(at=now, action=action)]
        after = lane.evolve(lane_, action, left[0])
        return left + [LaneStarted(at=now, action=one) for one in after.waiting[: 2 * (not after.running)]]

    patch.setattr(lane, "leave", leave)


def _cancel_after_end(patch: Patch) -> None:
    decide = actions.decide

    def lenient(action: Action, command: actions.ActionCommand, facts: Facts) -> list[ActionEvent]:
        if isinstance(command, RequestCancel) and action.state is State.SUCCESS:
            return [CancelRequested(at=facts.now, by=command.by)]
        return decide(action, command, facts)

    patch.setattr(actions, "decide", lenient)


def _retry_reopens(patch: Patch) -> None:
    def retry(session: Session, command: Retry) -> Recorded:
        action = session.action(command.id)
        if action is None or action.state not in FINAL:
            raise NotRetriable(State.PENDING)
        again = ActionRetried(at=session.now, by=command.by, retry=command.retry)
        reopened = ActionEnded(at=session.now, by=command.by, state=State.IN_PROGRESS)
        return Recorded(session.add_to_action(command.id, again, reopened))

    # Any: the table's own type.
    table: dict[Any, Any] = decisions._DECISIONS  # noqa: SLF001  # a fault is planted where mistakes are made
    patch.setitem(table, Retry, retry)


def _cycle_accepted(patch: Patch) -> None:
    patch.setattr(relationship, "refuse_cycle", lambda *_: None)


def _finish_while_pending(patch: Patch) -> None:
    patch.setattr(actions, "RUNNING", RUNNING | {State.PENDING})
    patch.setattr(actions, "allows", lambda before, after: lifecycle.allows(before, after) or before is State.PENDING)


def _lane_forgets_waiting(patch: Patch) -> None:
    evolve = lane.evolve

    def forgetting(before: Lane | None, aggregate: UUID, event: LaneEvent) -> Lane:
        after = evolve(before, aggregate, event)
        gone = isinstance(event, LaneLeft) and before is not None and event.action in before.waiting
        return Lane(after.running, ()) if gone else after

    patch.setattr(lane, "evolve", forgetting)


def _namespace_leaks(patch: Patch) -> None:
    def visible(session: Session, action: UUID, _namespace: str | None) -> Action:
        found = session.action(action)
        if found is None:
            raise UnknownAction(action)
        return found

    patch.setattr(decisions, "_visible", visible)


def _dates_go_back(patch: Patch) -> None:
    record, count = actions.record, [0]

    def earlier(command: RecordAction, facts: Facts) -> ActionRecorded:
        count[0] += 1
        return record(command, msgspec.structs.replace(facts, now=facts.now - count[0] * 10_000_000))

    patch.setattr(actions, "record", earlier)


def _forbidden_is_forgotten(patch: Patch) -> None:
    again = actions.again

    def allowing(action: Action, command: Retry) -> RecordAction:
        return msgspec.structs.replace(again(action, command), can_be_canceled=True)

    patch.setattr(actions, "again", allowing)


class Fault(NamedTuple):
    """A fault: how it is planted, by a patch or a carrier, and what the last sentences of the story have to say."""

    story: tuple[str, ...]
    patch: Callable[[Patch], None] = lambda _patch: None
    carrier: type[Carrier] = Carrier


FAULTS = {
    "a lost event": Fault(
        ("Canceling", "was answered begun, Canceling.", "state is In progress; the lifecycle says Canceling"),
        _lost_event,
    ),
    "a double start in a lane": Fault(
        ("as In progress", "state is In progress; the lifecycle says Pending"), _double_start
    ),
    "two that wait start at once": Fault(
        ("Finishing", "state is In progress; the lifecycle says Pending"), _two_start_at_once
    ),
    "a cancel accepted after the end": Fault(
        ("Canceling", "was answered begun, Canceling; the lifecycle says refused, since it had ended (Success)"),
        _cancel_after_end,
    ),
    "a retry that reopens": Fault(("Retrying", "was answered begun, In progress, with no new action"), _retry_reopens),
    "a list that lags": Fault(("the list of all actions", "is read: it lacks"), carrier=ListLags),
    "a total that drifts": Fault(("Retrying", "its total is ", "; there are "), carrier=TotalDrifts),
    "include_related forgets a past relation": Fault(
        ("away from below", "all related objects", "is read"), carrier=ForgetsPastRelations
    ),
    "a cycle accepted": Fault(("below", "the lifecycle says refused, since", "or above it"), _cycle_accepted),
    "output reordered": Fault(("Appending", "it is not what was appended"), carrier=OutputReordered),
    "an idempotency key that records twice": Fault(
        ("under the key key-", ", again under the key key-"), carrier=KeyForgotten
    ),
    "a finish accepted while Pending": Fault(
        ("Finishing", "was answered done", "the lifecycle says refused, since it was Pending"),
        _finish_while_pending,
    ),
    "a lane that forgets who waits when one is canceled": Fault(
        ("Canceling", "state is Pending; the lifecycle says In progress"), _lane_forgets_waiting
    ),
    "paging that repeats an action": Fault(("behind the first ", "does not belong there"), carrier=PagingRepeats),
    "a namespace that leaks commands": Fault(
        ("from another namespace", "the lifecycle says unknown"), _namespace_leaks
    ),
    "a namespace that leaks what is read": Fault(("from another namespace shows it",), carrier=ReadLeaks),
    "dates that go back": Fault(("date of the call is", "the lifecycle says"), _dates_go_back),
    "a history that forgets": Fault(("Retrying", "history", "it is not what happened"), carrier=HistoryForgetsRetries),
    "an order that changes": Fault(("its order is wrong",), carrier=OrderOfDays),
    "a retry that forgets what was forbidden": Fault(
        ("never to be", "can_be_canceled is true; the lifecycle says false"), _forbidden_is_forgotten
    ),
}
