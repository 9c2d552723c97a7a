"""An event that this version can't read: whoever is told of events hears of it, and nobody is led past it unawares."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.faults.test_unknown_event import insert_from_the_future
from tests.support.server import Server, serving
from tests.support.sse import telling
from tests.support.websocket import Close, bearer, following
from tests.web.api.callers import Json, Tenant
from tests.web.streams.listening import head


class Scene:
    """A server with an event of the future between two of today's."""

    def __init__(self, server: Server, http: httpx.Client, path: Path) -> None:
        self.server = server
        self.tenant = Tenant(http, server.key)
        self.key = self.tenant.auditor.key
        self.running = self.tenant.recorder.record(state="In progress")
        self.start = head(self.tenant.auditor)
        self.before = self.tenant.recorder.record()
        self.position = insert_from_the_future(path)
        self.after = self.tenant.recorder.record()

    def page(self, after: int) -> httpx.Response:
        """Return a page of the log."""
        return self.tenant.auditor.get(f"/event/?after={after}")

    @property
    def url(self) -> str:
        """Where server-sent events begin."""
        return f"{self.server.api}/events/?after={self.start}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The server."""
    folder = tmp_path_factory.mktemp("future")
    with serving(folder) as server, closing(httpx.Client(base_url=server.api, timeout=60)) as http:
        yield Scene(server, http, folder / "log.db")


def uris(objects: list[Json]) -> list[str]:
    """Return whose events these are."""
    return [one["resource_uri"] for one in objects]


def test_server_sent_events_stop_loudly(scene: Scene) -> None:
    """What is before it comes; then an event that says what can't be read, and the end. Resumed, it is said again."""
    sentence = (
        f"The event at position {scene.position} can't be read here; resume with after={scene.position - 1}."
    )  # fmt: skip
    with telling(scene.url, scene.key) as stream:
        assert stream.event()["resource_uri"] == scene.before["resource_uri"]
        assert [(one.event, one.json) for one in stream.rest()] == [("error", {"error": sentence})]
    with telling(scene.url, scene.key, stream.last_id) as stream:
        assert [one.json for one in stream.rest()] == [{"error": sentence}]


def test_the_websocket_stops_as_loudly(scene: Scene) -> None:
    """With 1011, and the same reason."""
    with following(f"{scene.server.stream}/events/?after={scene.start}", bearer(scene.key)) as stream:
        frames, close = stream.rest()
    assert uris(frames) == [scene.before["resource_uri"]]
    where = f"resume with after={scene.position - 1}"
    assert close == Close(1011, f"the event at position {scene.position} can't be read here; {where}")


def test_a_page_ends_before_it_and_the_next_is_an_error(scene: Scene) -> None:
    """503 that names the position: no page leads past it."""
    told = scene.page(scene.start).json()
    assert uris(told["objects"]) == [scene.before["resource_uri"]]
    assert f"after={scene.position - 1}&" in told["meta"]["next"]
    answer = scene.page(scene.position - 1)
    assert (answer.status_code, f"position {scene.position} " in answer.json()["error"]) == (503, True)


def test_who_knows_of_it_goes_on_behind_it(scene: Scene) -> None:
    """Asked for by its position, what comes behind it is told: by all three."""
    assert uris(scene.page(scene.position).json()["objects"]) == [scene.after["resource_uri"]]
    with telling(scene.url, scene.key, str(scene.position)) as stream:
        assert stream.event()["resource_uri"] == scene.after["resource_uri"]
        live = scene.tenant.operator.act(scene.running, "cancel")
        assert stream.event()["resource_uri"] == live["resource_uri"]


def test_a_history_does_not_care(scene: Scene) -> None:
    """An action that has no such event is told as ever."""
    answer = scene.tenant.auditor.get(f"/action/{scene.after['uuid']}/history/")
    assert uris(answer.json()["objects"]) == [scene.after["resource_uri"]]
