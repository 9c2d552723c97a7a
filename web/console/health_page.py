"""Health: how far everything has come, and a rebuild of the views, which admins begin here."""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import UNSET

from deedbook.projections.generations import Generations
from deedbook.web.admin import told_end
from deedbook.web.answers import HealthReport, RebuildProgress
from deedbook.web.builder import Builder
from deedbook.web.call import Reply
from deedbook.web.console.templating import Templates, see_other
from deedbook.web.console.visit import Visit
from deedbook.web.health import Health

#: What each view is for.
ANSWERS: Mapping[str, str] = {
    "terms": "each value that can be filtered by, and how many actions have it",
    "relations": "what is above and below each object",
    "actions": "the list of actions, each as it is now",
    "past": "the list and each action as of any moment",
    "ranks": "how far down each list a date is",
    "searches": "the searches that a namespace keeps under a name",
    "head": "the Merkle root over the log",
}


class Verdict(NamedTuple):
    """What all figures come to, in one sentence; kind: the look of its notice."""

    kind: str
    sentence: str


class HealthPage(NamedTuple):
    """Shows what `/health` tells, and what an admin can do about it."""

    templates: Templates
    health: Health
    builder: Builder
    generations: Generations

    async def page(self, visit: Visit) -> Reply:
        """Show all figures; they follow by themselves where scripts run."""
        report, position = self.health.figures()
        views = report.views
        reply = self.templates.reply(
            "health.html",
            visit=visit,
            here="/system",
            title="Health",
            report=report,
            is_read=views.position is not UNSET,
            versions={} if views.versions is UNSET else views.versions,
            answers=ANSWERS,
            verdict=verdict(report),
            last=told_end(self.generations.builds().last),
        )
        reply.position = position
        return reply

    async def rebuild(self, visit: Visit) -> Reply:
        """Begin to build the views anew, beside those in use; while one is under way that is a 409."""
        await visit.form()
        await asyncio.to_thread(self.builder.start, f"{visit.key.user} asked for it")
        return see_other("/system")


def verdict(report: HealthReport) -> Verdict:
    """Return what the figures come to: the worst of it first, and what to do."""
    views = report.views
    if report.log.failure is not None:
        return Verdict("danger", f"The log can't be read, so nothing is recorded: {report.log.failure}")
    if views.position is UNSET:
        return Verdict("danger", f"Nothing can be listed: {views.failure}")
    if views.stopped_at is not UNSET and views.stopped_at is not None:
        return Verdict(
            "danger",
            f"The views stopped before event {views.stopped_at:,}, which this release can't read: {views.reason}"
            " Lists answer from before it. Start the release that wrote it.",
        )
    if views.failure is not None:
        return Verdict("danger", f"The views can't follow the log: {views.failure}")
    return Verdict(*_in_order(report.rebuild, views.behind or 0, views.lag_seconds or 0.0))


def _in_order(rebuild: RebuildProgress | None, behind: int, lag: float) -> tuple[str, str]:
    if rebuild is not None:
        return "info", "New views are being built beside those in use; all is answered meanwhile."
    if behind and lag >= 1:
        return "warning", f"The views are {behind:,} events behind the log. Lists wait for them, 2 s at the most."
    return "success", "All is well: the log can be read, and the views follow it."
