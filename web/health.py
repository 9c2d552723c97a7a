"""`/health`: whether the process lives, whether it can answer, and how far everything has come. Asked without a key."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qs

import msgspec
from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from deedbook.domain.errors import DeedbookError
from deedbook.domain.log import EventLog
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from deedbook.projections.runner import Runner
from deedbook.projections.sharing import Sharing
from deedbook.projections.view import Tracking
from deedbook.web.admin import told_progress
from deedbook.web.answers import HealthReport, LogHealth, ViewsHealth
from deedbook.web.call import Reply
from deedbook.web.problems import body_of
from deedbook.web.resource import send_reply


class _Seen(NamedTuple):
    """How far the views are, the head of the log up to there (of an old generation: None), and their versions."""

    tracking: Tracking
    head: str | None
    versions: Mapping[str, int]


def _answers(views: ViewsHealth) -> bool:
    """Tell whether lists are answered: not where views can't be read, nor where they can't be kept up with a log ahead.

    Those that stopped at an event answer from there, and so do all while nobody knows how far the log is.
    """
    if views.position is msgspec.UNSET:
        return False
    return views.failure is None or views.stopped_at is not None or not views.behind


#: What `of=` may ask, and when that is a 200: that a database is gone is no reason to restart what still answers
#: reads, nor to send readers elsewhere.
_IS_WELL: Mapping[str, Callable[[HealthReport], bool]] = {
    "live": lambda report: report.live,
    "reads": lambda report: _answers(report.views),
    "all": lambda report: report.ready,
}


class Health:
    """Tells how the server is: 200 when it can answer (also when its views are only behind), else 503.

    `of=live` asks only whether the process answers, `of=reads` whether it can answer what its views know.
    """

    def __init__(
        self,
        log: EventLog,
        queued: Callable[[], int],
        reader: Reader,
        runner: Runner,
        generations: Generations,
        sharing: Sharing | None,
    ) -> None:
        self.log = log
        self.queued = queued
        self.reader = reader
        self.runner = runner
        self.generations = generations
        self.sharing = sharing

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer GET and HEAD; every other method is told so."""
        if scope["method"] not in ("GET", "HEAD"):
            reply = Reply(405, b'{"error":"This path takes GET, HEAD."}', headers={b"allow": b"GET, HEAD"})
        else:
            reply = self._reply(parse_qs(scope["query_string"].decode("latin-1")).get("of", ["all"])[-1])
        await send_reply(send, reply)

    def _reply(self, asked: str) -> Reply:
        is_well = _IS_WELL.get(asked)
        if is_well is None:
            return Reply(400, body_of(f"of is live, reads or all, not {asked!r}."))
        figures, position = self.figures()
        return Reply(200 if is_well(figures) else 503, msgspec.json.encode(figures), position)

    def figures(self) -> tuple[HealthReport, int]:
        """Return how the server is, and the position of its views."""
        log, head = _asked(self.log.head)
        unread, seen = _asked(self._seen)
        views = ViewsHealth(unread or self.runner.failure, self.runner.leads)
        if seen is not None:
            views = self._told(views, seen, head)
        builds = self.generations.builds()
        report = HealthReport(
            live=True,
            ready=head is not None and _answers(views),
            log=LogHealth(head, self.queued(), log),
            views=views,
            rebuild=told_progress(builds.running),
            snapshots=None if self.sharing is None else self.sharing.report(),
            rebuild_failure=None if builds.last is None else builds.last.reason,
        )
        return report, seen.tracking.position if seen else 0

    def _seen(self) -> _Seen:
        with self.reader.snapshot() as snapshot:
            head = snapshot.head
            return _Seen(snapshot.tracking, None if head is None else str(head), snapshot.versions)

    def _told(self, views: ViewsHealth, seen: _Seen, head: int | None) -> ViewsHealth:
        tracking = seen.tracking
        return replace(
            views,
            position=tracking.position,
            behind=None if head is None else max(0, head - tracking.position),
            lag_seconds=self._lag(tracking, head),
            stopped_at=tracking.stopped_at,
            reason=tracking.reason,
            head=seen.head,
            versions=dict(seen.versions),
        )

    def _lag(self, tracking: Tracking, head: int | None) -> float | None:
        if head is None or head <= tracking.position:
            return None if head is None else 0.0
        since = self.log.recorded(tracking.position + 1) or tracking.recorded
        return round(max(0.0, time.time() - since / 1_000_000), 3)


Found = TypeVar("Found")


def _asked(question: Callable[[], Found]) -> tuple[str | None, Found | None]:
    """Return why a question failed and None, or None and its answer."""
    try:
        return None, question()
    except DeedbookError as error:
        return str(error), None
