"""`/health`: whether the process lives, whether it can answer, and how far everything has come. Asked without a key."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive, Scope, Send

from deedbook.domain.errors import DeedbookError
from deedbook.domain.log import EventLog
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from deedbook.projections.runner import Runner
from deedbook.projections.sharing import Sharing
from deedbook.projections.view import Tracking
from deedbook.web.admin import told_progress
from deedbook.web.call import Reply
from deedbook.web.resource import send_reply

# Any: a JSON document.
Report = dict[str, Any]


class Health:
    """Tells how the server is: 200 when it can answer (also when its views are behind), else 503."""

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
            reply = self._reply()
        await send_reply(send, reply)

    def _reply(self) -> Reply:
        told = self.report()
        position = told["views"].get("position", 0)
        return Reply(200 if told["ready"] else 503, msgspec.json.encode(told), position)

    def report(self) -> Report:
        """Return how everything is, as an `answers.HealthReport`; from any thread."""
        log, head = _asked(self.log.head)
        views, seen = _asked(self._seen)
        tracking = seen and seen[0]
        builds = self.generations.builds()
        return {
            "live": True,
            "ready": head is not None and tracking is not None,
            "log": {"position": head, "queued": self.queued(), "failure": log},
            "views": {"failure": views or self.runner.failure, "projected_here": self.runner.leads}
            | ({} if seen is None else {**self._told(seen[0], head), "head": seen[1]}),
            "rebuild": told_progress(builds.running),
            "snapshots": self.sharing and self.sharing.report(),
            "rebuild_failure": None if builds.last is None else builds.last.reason,
        }

    def _seen(self) -> tuple[Tracking, str | None]:
        """Return how far the views are, and the head of the log up to there (of an old generation: None)."""
        with self.reader.snapshot() as snapshot:
            head = snapshot.head
            return snapshot.tracking, None if head is None else str(head)

    def _told(self, tracking: Tracking, head: int | None) -> dict[str, object]:
        return {
            "position": tracking.position,
            "behind": None if head is None else max(0, head - tracking.position),
            "lag_seconds": self._lag(tracking, head),
            "stopped_at": tracking.stopped_at,
            "reason": tracking.reason,
        }

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
