"""`/metrics`: each number moves by what was done, and by no more; and there are no more series than routes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics_of
from prometheus_client.parser import text_string_to_metric_families as metrics_of

from deedbook.web.api_description import OPERATIONS
from deedbook.web.metered import SECONDS, Distribution
from deedbook.web.metrics import COUNTERS, GAUGES
from tests.docs.markdown import ROOT, table
from tests.faults.ledger import wait_for
from tests.faults.test_unknown_event import insert_from_the_future
from tests.support.release import ALWAYS_APART, held, release
from tests.support.server import Server, serving
from tests.support.sse import telling
from tests.support.websocket import bearer, following, refusal
from tests.web.api.callers import CALL, Tenant
from tests.web.api.conformance import asking

Labels = dict[str, str]


class Scraped:
    """What `/metrics` told, once."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        self.families = {family.name: family for family in metrics_of(answer.text)}
        self.series = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """Return a value; 0 where nothing was counted yet."""
        return self.series.get((f"deedbook_{name}", tuple(sorted(labels.items()))), 0.0)


class Scene:
    """A server, and what it tells of itself."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self.server = server
        self.tenant = Tenant(http, server.key)
        self.admin = self.tenant.admin

    def scrape(self) -> Scraped:
        """Ask as Prometheus does: without a key."""
        return Scraped(httpx.get(f"{self.server.address}/metrics", timeout=60))

    def until(self, holds: Callable[[Scraped], bool], what: str) -> None:
        """Ask until something holds."""
        wait_for(lambda: holds(self.scrape()), what)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A server that only this module asks, since it counts."""
    with (
        serving(tmp_path_factory.mktemp("metrics"), DEEDBOOK_STREAMS_PER_KEY="3", DEEDBOOK_QUEUE="9000") as server,
        asking(server) as http,
    ):
        yield Scene(server, http)


ACTION = "/api/audit/v1/action"
ONE = f"{ACTION}/{{uuid}}"

#: What may be asked: method, path, and under which labels it is counted.
ASKED: list[tuple[str, str, tuple[str, str, str]]] = [
    ("POST", "/action/", (ACTION, "POST", "201")),
    ("POST", "/acme/action", (ACTION, "POST", "201")),
    ("GET", "/action/", (ACTION, "GET", "200")),
    ("HEAD", "/action/", (ACTION, "HEAD", "200")),
    ("GET", "/action/?limit=0", (ACTION, "GET", "400")),
    ("DELETE", "/action/", (ACTION, "DELETE", "405")),
    ("GET", "/action/00000000-0000-4000-8000-000000000001/", (ONE, "GET", "404")),
    ("GET", "/action/nonsense/", (ONE, "GET", "404")),
    ("GET", "/nowhere/at/all/", ("other", "GET", "404")),
    ("PROPFIND", "/action/", (ACTION, "other", "405")),
]


@given(st.lists(st.sampled_from(ASKED), min_size=1, max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_counted_is_what_was_asked(scene: Scene, asked: list[tuple[str, str, tuple[str, str, str]]]) -> None:
    """Of each path, method and status exactly as many as were sent, whatever came in whatever order; nothing else."""
    scene.scrape()
    before = scene.scrape()
    with scene.server.client() as client:
        for method, path, (_, _, status) in asked:
            answer = client.request(method, path, json=CALL if method == "POST" else None)
            assert str(answer.status_code) == status
    after = scene.scrape()
    moved: dict[tuple[str, str, str], float] = {}
    for name, labels in after.series:
        if name == "deedbook_http_requests_total":
            told = dict(labels)
            delta = after.series[name, labels] - before.series.get((name, labels), 0)
            if delta:
                moved[told["path"], told["method"], told["status"]] = delta
    assert moved.pop(("/metrics", "GET", "200")) == 1
    assert moved == {labels: sum(one[2] == labels for one in asked) for labels in {one[2] for one in asked}}
    recorded = sum(one[0] == "POST" for one in asked)
    assert after("events_recorded_total") - before("events_recorded_total") == recorded
    assert after("commit_commands_sum") - before("commit_commands_sum") == recorded
    assert after("log_position") - before("log_position") == recorded


def test_durations_are_of_the_same_requests(scene: Scene) -> None:
    """A histogram counts what its counter does in buckets that grow."""
    scene.admin.record()
    told = scene.scrape()
    for (name, labels), count in told.series.items():
        if name != "deedbook_http_request_duration_seconds_count":
            continue
        same = dict(labels)
        counted = sum(
            value
            for (other, theirs), value in told.series.items()
            if other == "deedbook_http_requests_total" and same.items() <= dict(theirs).items()
        )
        bounds = (*map(str, SECONDS), "+Inf")
        buckets = [told("http_request_duration_seconds_bucket", **same, le=bound) for bound in bounds]
        assert (counted, buckets[-1], sorted(buckets)) == (count, count, buckets)
    assert told("http_request_duration_seconds_sum", path=ACTION, method="POST") > 0


@given(st.lists(st.floats(0, 10), max_size=50))
def test_a_distribution_is_that_of_its_values(values: list[float]) -> None:
    """Each bucket has as many values as are no greater than its bound; parts make the whole."""
    halves = Distribution(SECONDS), Distribution(SECONDS)
    for number, value in enumerate(values):
        halves[number % 2].add(value)
    whole = Distribution.of(SECONDS, halves)
    assert [count for _, count in whole.buckets()] == [
        *(sum(value <= bound for value in values) for bound in SECONDS),
        len(values),
    ]
    assert whole.count == len(values)
    assert whole.total == pytest.approx(sum(values))


def test_a_batch_is_one_request_and_its_lines_share_commits(scene: Scene) -> None:
    """Three lines are three commands and three events, of one request and one commit."""
    before = scene.scrape()
    scene.admin.batch({}, {}, {})
    after = scene.scrape()

    def moved(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert moved("http_requests_total", path=ACTION, method="POST", status="200") == 1
    assert (moved("commit_commands_count"), moved("commit_commands_sum")) == (1, 3)
    assert moved("commit_commands_bucket", le="1.0") + moved("commit_commands_bucket", le="1") == 0
    assert (moved("commit_duration_seconds_count"), moved("commit_turn_wait_seconds_count")) == (1, 1)
    assert moved("commit_duration_seconds_sum") >= moved("commit_turn_wait_seconds_sum") >= 0


def test_followers_are_counted_while_they_follow(scene: Scene) -> None:
    """Each by its transport; and one too many is a refusal with its reason, over HTTP and WebSocket."""
    auditor = scene.tenant.auditor
    scene.until(lambda told: told("followers", transport="websocket") == 0, "nobody to follow")
    before = scene.scrape()
    url = f"{scene.server.stream}/events/"
    with (
        following(url, bearer(auditor.key)),
        following(url, bearer(auditor.key)),
        telling(f"{scene.server.api}/events/", auditor.key),
    ):
        told = scene.scrape()
        assert (told("followers", transport="websocket"), told("followers", transport="sse")) == (2, 1)
        assert refusal(url, bearer(auditor.key)).status == 429
        assert auditor.get("/events/", headers={"accept": "text/event-stream"}).status_code == 429
    scene.until(lambda told: told("followers", transport="websocket") + told("followers", transport="sse") == 0, "ends")
    after = scene.scrape()
    many = {"status": "429", "reason": "too_many_streams"}
    assert after("refusals_total", **many) - before("refusals_total", **many) == 2
    events = "/api/audit/v1/events"
    opened = {"path": events, "method": "GET", "status": "101"}
    assert after("http_requests_total", **opened) - before("http_requests_total", **opened) == 2


def test_a_revoked_follower_is_a_dropped_one(scene: Scene) -> None:
    """It is counted once, however long its client takes to go."""
    before = scene.scrape()("followers_dropped_total", reason="revoked")
    key = scene.tenant.issue("mallory", "auditor")
    with following(f"{scene.server.stream}/events/", bearer(key.key)) as stream:
        listed = scene.admin.get("/key/").json()["objects"]
        (theirs,) = (one for one in listed if one["user"] == "mallory")
        assert scene.admin.delete(f"/key/{theirs['id']}/").status_code == 200
        stream.rest()
    assert scene.scrape()("followers_dropped_total", reason="revoked") == before + 1


def test_wrong_keys_are_refusals(scene: Scene) -> None:
    """The 401s of wrong keys are none, the 429s behind them are."""
    wrong = {"status": "429", "reason": "too_many_wrong_keys"}
    transport = httpx.HTTPTransport(local_address="127.0.0.9")
    with httpx.Client(base_url=scene.server.api, auth=("me", "wrong"), transport=transport, timeout=60) as client:
        statuses = [client.get("/action/").status_code for _ in range(35)]
    assert scene.scrape()("refusals_total", **wrong) == statuses.count(429) == 5


def test_a_full_queue_is_a_refusal(tmp_path: Path) -> None:
    """As many refusals as 503s, those of lines in batches too; and how many may wait."""
    with serving(tmp_path, DEEDBOOK_QUEUE="1") as server, closing(server.client()) as client:
        scene = Scene(server, client)
        lines = "\n".join(['{"action": "a", "method": "GET", "path": "/", "state": "Success"}'] * 1500)
        refused = 0
        with httpx.Client(base_url=server.api, auth=("me", server.key), timeout=60) as other:

            def post(_: int) -> int:
                answer = other.post("/action/", content=lines, headers={"content-type": "application/x-ndjson"})
                return answer.text.count('"status":503')

            with ThreadPoolExecutor(8) as pool:
                for _ in range(20):
                    refused += sum(pool.map(post, range(8)))
                    if refused:
                        break
        told = scene.scrape()
        assert refused > 0
        assert told("refusals_total", status="503", reason="queue_full") == refused
        assert told("queue_limit_commands") == 1


def test_views_that_stop_are_told(tmp_path: Path) -> None:
    """Position, lag and that they stand; the log's head goes on. Commands that meet the event are refusals."""
    with serving(tmp_path) as server, asking(server) as http:
        scene = Scene(server, http)
        scene.admin.record()
        scene.until(lambda told: told("views_lag_events") == 0, "the views to be there")
        told = scene.scrape()
        assert (told("views_stopped"), told("ready"), told("views_failing"), told("log_failing")) == (0, 1, 0, 0)
        assert told("views_position") == told("log_position") > 0
        position = insert_from_the_future(tmp_path / "log.db")
        scene.admin.record()
        scene.until(lambda told: told("views_stopped") == 1, "the views to stop")
        told = scene.scrape()
        assert (told("views_position"), told("views_lag_events")) == (position - 1, 2)
        assert told("log_position") == position + 1
        assert told("views_lag_seconds") > 0


def test_a_rebuild_is_told_while_it_runs(tmp_path: Path) -> None:
    """How far it is, of how many; afterwards that none runs, and that it did not fail."""
    go = tmp_path / "go"
    paths = release(tmp_path / "release", held(go), ALWAYS_APART)
    go.touch()
    with serving(tmp_path, PYTHONPATH=paths) as server, asking(server) as http:
        scene = Scene(server, http)
        scene.admin.record()
        go.unlink()
        assert scene.admin.post("/admin/rebuild/").status_code == 202
        scene.until(lambda told: told("rebuild_events_folded") == told("log_position"), "the build")
        told = scene.scrape()
        assert told("rebuild_running") == 1
        assert told("rebuild_events") == told("rebuild_events_folded")
        assert told("rebuild_elapsed_seconds") > 0
        go.touch()
        scene.until(lambda told: told("rebuild_running") == 0, "its end")
        assert scene.scrape()("rebuild_failed") == 0


def test_series_are_bounded_whatever_is_asked(scene: Scene) -> None:
    """Many paths, ids and namespaces make not one series more than a few."""

    def ask(number: int) -> None:
        with scene.server.client() as client:
            client.get(f"/action/{number:08}-0000-4000-8000-000000000000/")
            client.get(f"/ns{number}/action/")
            client.get(f"/nowhere/{number}")
            httpx.request("GET", f"{scene.server.address}/{number}")

    ask(0)
    before = set(scene.scrape().series)
    for number in range(1, 30):
        ask(number)
    after = scene.scrape().series
    assert set(after) == before
    paths = {dict(labels)["path"] for name, labels in after if name == "deedbook_http_requests_total"}
    described = {one.path.rstrip("/") for one in OPERATIONS}
    assert paths <= described | {"other", "/{path:path}"}


def test_both_formats_tell_the_same(scene: Scene) -> None:
    """Text for who says nothing, OpenMetrics for who wants it, with what belongs to each; both can be parsed."""
    address = f"{scene.server.address}/metrics"
    text = httpx.get(address, headers={"accept": "*/*"})
    opened = httpx.get(address, headers={"accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert text.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert opened.text.endswith("# EOF\n")
    names = {family.name for family in metrics_of(text.text)}
    # The parser says nothing of its types.
    assert {family.name for family in open_metrics_of(opened.text)} == names  # type: ignore[no-untyped-call]
    assert {"deedbook_build_info", "process_cpu_seconds", "process_open_fds"} <= names
    assert all(name.startswith(("deedbook_", "process_")) for name in names)


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=x",
        "application/openmetrics-text;version=",
        "text/plain;version=9.9.9",
        "é",
    ],
)
def test_whatever_accept_says_there_is_an_answer(scene: Scene, accept: str) -> None:
    """A version that is none, or one that nobody knows, is answered in a format that can be parsed."""
    answer = httpx.get(f"{scene.server.address}/metrics", headers=[(b"accept", accept.encode())])
    assert answer.status_code == 200
    assert "deedbook_ready 1.0" in answer.text


def test_the_readme_names_each_metric(scene: Scene) -> None:
    """Each has its place in the table, and no other."""
    scene.admin.record()
    wanted = {
        word.strip(" `") for names, *_ in table(ROOT / "web" / "README.md", "metric") for word in names.split(",")
    }
    found = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in scene.scrape().families.values()
        if family.name.startswith("deedbook_")
    }
    by_health = {f"deedbook_{one.name}" for one in GAUGES} | {f"deedbook_{one.name}_total" for one in COUNTERS}
    assert found | by_health == wanted


def test_it_takes_no_other_method(scene: Scene) -> None:
    """HEAD as GET, without the body; what else there is, is told."""
    address = f"{scene.server.address}/metrics"
    head = httpx.head(address)
    assert (head.status_code, head.content) == (200, b"")
    other = httpx.post(address)
    assert (other.status_code, other.headers["allow"]) == (405, "GET, HEAD")


def test_nothing_of_what_is_recorded_is_told(scene: Scene) -> None:
    """No namespace, user, object or operation: it is asked without a key."""
    scene.admin.record(object="/secret-object/", action="Secret Operation", user="secret-user")
    text = httpx.get(f"{scene.server.address}/metrics").text.lower()
    assert "secret" not in text
    assert scene.tenant.namespace not in text
