"""The page of one action: what it is, what happened to it, what can be done, and its output."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from deedbook.domain.commands import RequestCancel, Retry
from deedbook.domain.errors import (
    CancelForbidden,
    NotCancelable,
    NotRetriable,
    RetryForbidden,
    Undecodable,
    UnknownAction,
)
from deedbook.domain.lifecycle import FINAL, ON_CANCEL
from deedbook.domain.log import EventLog
from deedbook.domain.output import OutputLine
from deedbook.projections.dates import iso8601
from deedbook.projections.reader import PartMissing, Snapshot
from deedbook.projections.resource import ActionResource, decode
from deedbook.projections.retries import Retries
from deedbook.web.actions import action_of
from deedbook.web.as_of import Moments
from deedbook.web.call import Reply, digest_of, once
from deedbook.web.console.pretty import pretty
from deedbook.web.console.steps import Step, step_of
from deedbook.web.console.templating import HEADERS, HTML, Templates, see_other
from deedbook.web.console.visit import Visit
from deedbook.web.courier import Courier
from deedbook.web.course import Course
from deedbook.web.event_resource import told
from deedbook.web.problems import bad
from deedbook.web.views import CaughtUpViews

#: So many lines of output stand in the page itself, for who has no scripts, of about so many characters.
_LINES, _CHARACTERS = 200, 128 * 1024


class Life(NamedTuple):
    """What the log tells of an action; `failure` says why that is not all."""

    steps: Sequence[Step]
    failure: str | None = None


class Attempts(NamedTuple):
    """An action with those that it retries before it and those that retry it behind; else not `is_whole`."""

    actions: Sequence[ActionResource]
    is_whole: bool


class Written(NamedTuple):
    """The end of an action's output, the number of all its lines, and the time of the first (seconds)."""

    lines: Sequence[OutputLine]
    total: int
    began: int | None


class ActionPage(NamedTuple):
    """Answers the page of an action, and what is done there."""

    courier: Courier
    views: CaughtUpViews
    moments: Moments
    log: EventLog
    templates: Templates
    new_id: Callable[[], UUID]

    async def page(self, visit: Visit) -> Reply:
        """Show an action, now or as of a moment; to a script the part of the page that changes."""
        if unknown := visit.asked.keys() - {"as_of"}:
            raise bad(f"This page knows nothing of {min(unknown)}; it can be asked for as_of, a position or a date.")
        as_of = self.moments.asked(visit.asked)
        action, position, lag = await self._action(visit, as_of)
        # Who retried it later is no part of the past.
        attempts = Attempts((), is_whole=True) if as_of else await self._attempts(visit, action)
        life = await asyncio.to_thread(_life, self.log, visit.action, as_of)
        moment = None if as_of is None else iso8601(self.log.recorded(as_of) or 0)
        shown: dict[str, object] = {
            "visit": visit, "action": action, "life": life, "position": position, "lag": lag,
            "as_of": as_of, "moment": moment, "attempts": attempts,
        }  # fmt: skip
        if not visit.is_fragment:
            shown |= {
                "here": None,
                "title": f"{action.action} · {action.state}",
                "written": await asyncio.to_thread(_written, self.log, visit.action),
                "laid_out": None if action.body is None else pretty(action.body),
            }
        html = self.templates.html("action_life.html" if visit.is_fragment else "action.html", **shown)
        return Reply(200, html.encode(), position, HEADERS, HTML)

    async def ask_cancel(self, visit: Visit) -> Reply:
        """Ask whether to cancel, where no script does."""
        action, _, _ = await self._action(visit, None)
        if not action.can_be_canceled:
            raise NotCancelable(action.state) if action.state not in ON_CANCEL else CancelForbidden
        return self._asking(visit, action, "cancel")

    async def ask_retry(self, visit: Visit) -> Reply:
        """Ask whether to retry, where no script does."""
        action, _, _ = await self._action(visit, None)
        if not action.can_be_retried:
            raise NotRetriable(action.state) if action.state not in FINAL else RetryForbidden
        return self._asking(visit, action, "retry")

    async def cancel(self, visit: Visit) -> Reply:
        """Cancel an action, and go back to its page."""
        await visit.form()
        await self.courier.perform(RequestCancel(id=visit.action, namespace=visit.namespace, by=visit.caller))
        return _go_on(visit, visit.link(f"/action/{visit.action}"))

    async def retry(self, visit: Visit) -> Reply:
        """Retry an action, and go on to the page of the new one. A form that comes twice retries once."""
        fields = await visit.form()
        command = Retry(id=visit.action, namespace=visit.namespace, by=visit.caller, retry=self.new_id())
        key = fields.get("once") or str(self.new_id())
        safe = once(visit.home, f"console {key}"[:255], digest_of(b"console retry", visit.action))
        answer = await self.courier.perform(command, safe)
        return _go_on(visit, visit.link(f"/action/{action_of(answer).id}"))

    async def _action(self, visit: Visit, as_of: int | None) -> tuple[ActionResource, int, int | None]:
        action, namespace = visit.action, visit.namespace
        document, position, lag = await self.views.ask(
            lambda snapshot: snapshot.action(action, namespace, as_of), as_of
        )
        if document is None:
            raise UnknownAction(action)
        return decode(document), position, lag

    async def _attempts(self, visit: Visit, action: ActionResource) -> Attempts:
        id_, namespace = visit.action, visit.namespace

        def retries(snapshot: Snapshot) -> Retries:
            try:
                return snapshot.retries(id_, namespace)
            except PartMissing:
                # The page of an action is not kept back for views that are being built anew.
                return Retries([], [], is_whole=True)

        found, _, _ = await self.views.ask(retries)
        return Attempts([*map(decode, found.before), action, *map(decode, found.after)], found.is_whole)

    def _asking(self, visit: Visit, action: ActionResource, operation: str) -> Reply:
        return self.templates.reply(
            "action_confirm.html",
            visit=visit,
            here=None,
            title=f"{operation.capitalize()} {action.action}?",
            action=action,
            operation=operation,
            once=str(self.new_id()),
        )


def _go_on(visit: Visit, location: str) -> Reply:
    """Send the browser on; a script is told where, and does so where that is another page."""
    if visit.is_fragment:
        return Reply(200, b"", None, {**HEADERS, b"hx-redirect": location.encode("ascii", "ignore")}, HTML)
    return see_other(location)


def _life(log: EventLog, action: UUID, as_of: int | None) -> Life:
    steps: list[Step] = []
    course = Course(log)
    try:
        for happened in log.history(action):
            step = course.step(happened) if as_of is None or happened.position <= as_of else None
            if step is not None:
                steps.append(step_of(told(step)))
    except Undecodable as error:
        return Life(steps, str(error))
    return Life(steps)


def _written(log: EventLog, action: UUID) -> Written:
    count = log.output_end(action).lines
    first = log.output(action, 0, 1)
    lines: deque[OutputLine] = deque()
    left = _CHARACTERS
    for line in reversed(log.output(action, max(0, count - _LINES), _LINES)):
        left -= len(line.text)
        if left < 0 and lines:
            break
        lines.appendleft(line)
    return Written(lines, count, first[0].timestamp if first else None)
