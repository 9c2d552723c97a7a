"""`/metrics`: what Prometheus asks for. Without a key, as `/health`: numbers alone, of no namespace, user or object.

Everything is counted or asked for elsewhere; here it gets its name and its format. Nothing is registered globally.
"""

import asyncio
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby
from typing import NamedTuple

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from starlette.types import Receive, Scope, Send

from deedbook.domain.audit_log import Tried
from deedbook.web.answers import HealthReport
from deedbook.web.call import Reply
from deedbook.web.channels import TRANSPORTS
from deedbook.web.followers import Followers
from deedbook.web.health import Health
from deedbook.web.metered import SECONDS, Distribution, Requests
from deedbook.web.problems import Refusals
from deedbook.web.resource import send_reply
from deedbook.web.settings import Settings

#: Upper bounds of what a batch holds, in commands, and of the time that it takes, in seconds.
COMMANDS = (1, 4, 16, 64, 256, 1024)
COMMITTED = (0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1)


class Commits:
    """Counts the batches that the writer commits; see `Tried`."""

    def __init__(self) -> None:
        self.commands = Distribution(COMMANDS)
        self.seconds = Distribution(COMMITTED)
        self.waited = Distribution(COMMITTED)
        self.events = 0
        self.failures = 0

    def note(self, tried: Tried) -> None:
        """Count a try; called from the writer's thread."""
        if tried.is_durable:
            self.commands.add(tried.commands)
            self.seconds.add(tried.seconds)
            self.waited.add(tried.waited)
            self.events += tried.events
        else:
            self.failures += 1


class Gauge(NamedTuple):
    """A number that `/health` tells too: `where` it stands there; of what is `said`, whether there is anything."""

    name: str
    about: str
    where: Sequence[str]
    said: bool = False


GAUGES = (
    Gauge("ready", "Whether the server can answer.", ["ready"]),
    Gauge("queue_commands", "Commands that wait to be recorded.", ["log", "queued"]),
    Gauge("log_position", "Position of the last event of the log.", ["log", "position"]),
    Gauge("log_failing", "Whether the log can't be asked.", ["log", "failure"], said=True),
    Gauge("views_position", "Position of the last event that the views have read.", ["views", "position"]),
    Gauge("views_lag_events", "Events that the views have yet to read.", ["views", "behind"]),
    Gauge("views_lag_seconds", "Age of the first event that the views have yet to read.", ["views", "lag_seconds"]),
    Gauge("views_stopped", "Whether the views stand before an event that can't be read.", ["views", "stopped_at"],
          said=True),
    Gauge("views_failing", "Whether the views can't be read, or be kept up with the log.", ["views", "failure"],
          said=True),
    Gauge("views_projected_here", "Whether this process keeps the views up with the log.",
          ["views", "projected_here"]),
    Gauge("rebuild_running", "Whether the views are being built, by whichever process.", ["rebuild"], said=True),
    Gauge("rebuild_events", "Events that the build that runs has to fold.", ["rebuild", "of"]),
    Gauge("rebuild_events_folded", "Events that the build that runs has folded.", ["rebuild", "done"]),
    Gauge("rebuild_elapsed_seconds", "For how long the build that runs has run.", ["rebuild", "seconds"]),
    Gauge("rebuild_failed", "Whether the last build that ended came to nothing.", ["rebuild_failure"], said=True),
    Gauge("snapshot_position", "Position of the newest snapshot that fits here.", ["snapshots", "position"]),
    Gauge("snapshot_age_seconds", "Age of the newest snapshot that fits here.", ["snapshots", "age_seconds"]),
    Gauge("snapshots_failing", "Whether no snapshot can be left.", ["snapshots", "failure"], said=True),
)  # fmt: skip


#: The same for what is counted since the process began.
COUNTERS = (
    Gauge("snapshots_left", "Snapshots that this process left.", ["snapshots", "left"]),
    Gauge("snapshots_taken", "Snapshots that this process took.", ["snapshots", "takes"]),
    Gauge("snapshots_refused", "Snapshots that were found to be wrong.", ["snapshots", "refusals"]),
)


class Metrics:
    """Answers GET and HEAD; as text, or as OpenMetrics where Accept names it."""

    def __init__(
        self, health: Health, followers: Followers, refusals: Refusals, commits: Commits, settings: Settings
    ) -> None:
        #: Where requests are counted.
        self.requests = Requests()
        self._health = health
        self._followers = followers
        self._refusals = refusals
        self._commits = commits
        self._settings = settings

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            reply = Reply(405, b'{"error":"This path takes GET, HEAD."}', headers={b"allow": b"GET, HEAD"})
        else:
            followers = self._followers.by_transport()
            # In a thread, since a log that is out of reach may be waited for.
            report, position = await asyncio.to_thread(self._health.figures)
            reply = self._told(report, followers, dict(scope["headers"]).get(b"accept", b""))
            reply.position = position
        await send_reply(send, reply)

    def _told(self, report: HealthReport, followers: Mapping[str, int], accept: bytes) -> Reply:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_Given([
            *_told_by_health(report),
            *_requests(self.requests),
            *_refusals(self._refusals),
            *_commits(self._commits),
            *_followers(followers, self._followers.dropped),
            *_constants(self._settings),
        ]))  # fmt: skip
        body, media = _encoded(registry, accept.decode("latin-1"))
        return Reply(200, body, content_type=media.encode("latin-1"))


def _encoded(registry: Collector, accept: str) -> tuple[bytes, str]:
    # Not `choose_encoder`, which fails at a version that is none.
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if "application/openmetrics-text" in kinds:
        text: bytes = openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # it has none
        return text, openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _Given(Collector):
    """Metrics that are known already, as a registry wants them."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def _told_by_health(report: HealthReport) -> Iterator[Metric]:
    told = msgspec.to_builtins(report)
    for kinds, family in ((GAUGES, GaugeMetricFamily), (COUNTERS, CounterMetricFamily)):
        for one in kinds:
            value = _found(told, one)
            if value is not None:
                yield family(f"deedbook_{one.name}", one.about, value)


def _found(told: object, gauge: Gauge) -> float | None:
    """Return the value of a gauge, None where there is nothing that could have it."""
    for name in gauge.where:
        if not isinstance(told, dict):
            return None
        told = told.get(name)
    if gauge.said:
        return float(told is not None)
    return float(told) if isinstance(told, int | float) else None


def _requests(requests: Requests) -> Iterator[Metric]:
    kinds = sorted(requests, key=lambda kind: kind[0])
    total = CounterMetricFamily(
        "deedbook_http_requests", "Requests and handshakes that were answered.", labels=["path", "method", "status"]
    )
    for (path, method, status), seconds in kinds:
        total.add_metric([path, method, str(status)], seconds.count)
    took = HistogramMetricFamily(
        "deedbook_http_request_duration_seconds", "Time until an answer began.", labels=["path", "method"]
    )
    for labels, same in groupby(kinds, lambda kind: kind[0][:2]):
        _add(took, labels, Distribution.of(SECONDS, (seconds for _, seconds in same)))
    yield total
    yield took


def _refusals(refusals: Refusals) -> Iterator[Metric]:
    total = CounterMetricFamily(
        "deedbook_refusals", "What was refused for now, lines of batches too.", labels=["status", "reason"]
    )
    for (status, reason), count in sorted(refusals):
        total.add_metric([str(status), reason], count)
    yield total


def _commits(commits: Commits) -> Iterator[Metric]:
    for name, about, values in (
        ("commands", "Commands that shared a commit.", commits.commands),
        ("duration_seconds", "Time that a commit took, from the writer's wait for its turn on.", commits.seconds),
        ("turn_wait_seconds", "Time that the writer waited for its turn.", commits.waited),
    ):
        family = HistogramMetricFamily(f"deedbook_commit_{name}", about)
        _add(family, (), values)
        yield family
    yield CounterMetricFamily("deedbook_commit_failures", "Tries to commit that came to nothing.", commits.failures)
    yield CounterMetricFamily("deedbook_events_recorded", "Events that this process recorded.", commits.events)


def _followers(followers: Mapping[str, int], dropped: Mapping[str, int]) -> Iterator[Metric]:
    open_now = GaugeMetricFamily("deedbook_followers", "Open streams of this process.", labels=["transport"])
    for transport in TRANSPORTS:
        open_now.add_metric([transport], followers.get(transport, 0))
    gone = CounterMetricFamily("deedbook_followers_dropped", "Streams that were hung up on.", labels=["reason"])
    for reason, count in dropped.items():
        gone.add_metric([reason], count)
    yield open_now
    yield gone


def _constants(settings: Settings) -> Iterator[Metric]:
    build = GaugeMetricFamily("deedbook_build_info", "What runs here.", labels=["version", "python", "store"])
    build.add_metric([version("deedbook"), platform.python_version(), settings.engine], 1)
    yield build
    yield GaugeMetricFamily("deedbook_queue_limit_commands", "Commands that may wait.", settings.queue)


def _add(family: HistogramMetricFamily, labels: Sequence[str], values: Distribution) -> None:
    family.add_metric(labels, values.buckets(), values.total)
