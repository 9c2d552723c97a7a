"""Alerts and dashboard: what they ask Prometheus for is what a server tells it."""

import re
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.markdown import table
from tests.support.server import Server, serving
from tests.web.deploy.deployment import DEPLOY, ROOT, alerts, expressions, manifest, panels

#: Metrics that are told only while a build runs, or once there is a snapshot: the README's table has them.
_SOMETIMES = {"deedbook_rebuild_events", "deedbook_rebuild_events_folded", "deedbook_snapshot_age_seconds"}

#: Metrics of Prometheus itself, which it makes up for each that it asks.
_ITS_OWN = {"up"}

README = ROOT / "web" / "README.md"

_NAMES = re.compile(r"\b((?:deedbook|process)_\w+|up)(?=[{\s\[)]|$)")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that tells all that one can tell: it leaves snapshots too, and was asked for something."""
    folder = tmp_path_factory.mktemp("watched")
    with serving(folder / "store", DEEDBOOK_SNAPSHOTS=str(folder / "snapshots")) as server:
        with server.client() as client:
            client.post("/action/", json={"action": "a", "method": "POST", "path": "/", "state": "Success"})
        yield server


@pytest.fixture(scope="module")
def told(server: Server) -> set[str]:
    """The names of all samples that it tells, and of those that it tells at times."""
    families = list(text_string_to_metric_families(httpx.get(f"{server.address}/metrics").text))
    # A counter that has labels tells nothing before it counts.
    names = {sample.name for family in families for sample in family.samples}
    names |= {f"{family.name}_total" for family in families if family.type == "counter"}
    described = {name for row in table(README, "metric") for name in re.findall(r"`(\w+)`", row[0])}
    return names | _SOMETIMES & described


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_every_metric_that_is_asked_for_is_told(told: set[str], expression: str) -> None:
    """A metric that nobody tells would be a silent alert, and an empty panel."""
    names = set(_NAMES.findall(expression))
    assert names
    assert names - _ITS_OWN <= told


def test_what_the_issue_asks_for_has_its_alert() -> None:
    """Lag, refused recordings, and a stopped view, each with a sentence for whoever is woken by it."""
    asked = " ".join(alert["expr"] for alert in alerts())
    assert all(name in asked for name in ("views_lag_seconds", "refusals_total", "views_stopped"))
    for alert in alerts():
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert all(len(alert["annotations"][what]) > 20 for what in ("summary", "description"))


def test_panels_do_not_lie_on_each_other() -> None:
    """Each has a place of its own, within the 24 columns, and a title of its own."""
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert len({panel["title"] for panel in panels()}) == len(panels())


def test_every_probe_is_answered(server: Server) -> None:
    """A server that is well answers 200 on the path of each probe, and where Prometheus asks."""
    container = manifest("StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    probes = [container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")]
    assert {probe["port"] for probe in probes} == {container["ports"][0]["name"]}
    asked = [probe["path"] for probe in probes]
    asked += re.findall(r"^  metrics_path: (\S+)", (DEPLOY / "prometheus" / "scrape.yaml").read_text(), re.MULTILINE)
    assert {path: httpx.get(f"{server.address}{path}").status_code for path in asked} == dict.fromkeys(asked, 200)
