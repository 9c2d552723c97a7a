"""Two nodes on a cluster that is hurt while 32 connections record: nothing is lost, doubled, or told otherwise."""

import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.cluster.cluster import Cluster, wait_for
from tests.cluster.followers import Follower, followed
from tests.cluster.hurting import HURTS, Hurt
from tests.cluster.life import lines_of, states_of
from tests.cluster.lives import Lives
from tests.cluster.member import PASSWORD, TTL
from tests.cluster.reading import Readers
from tests.support.server import Server, deedbook
from tests.support.tables import rows

#: So many requests are acknowledged before anything is hurt, and again afterwards.
ENOUGH = 400

#: Seconds beyond the lease in which recording goes on.
GRACE = 10

pytestmark = pytest.mark.timeout(900)


class Story:
    """What happened to two nodes and their cluster, and what those who were there remember."""

    def __init__(self, name: str, cluster: Cluster, folder: Path) -> None:
        self.name = name
        self.cluster = cluster
        self.url = cluster.database(name)
        self.folders = [folder / "one", folder / "two"]
        first = Server(self.url, DEEDBOOK_VIEWS=str(self.folders[0]))
        self.servers = [first, Server(self.url, first.key, DEEDBOOK_VIEWS=str(self.folders[1]))]
        self.lives = Lives(self.servers)
        self.readers = Readers(self.servers)
        self.followers: list[Follower] = []
        #: When it began to be hurt, when that was done, and when recording had gone on.
        self.hurt_at = self.was_hurt_at = self.resumed_at = 0.0
        self.lost_leader = False

    def happen(self, hurt: "Callable[[Story], None]") -> None:
        """Record, be hurt, go on recording, and come to rest."""
        with followed(self.servers) as self.followers:
            with self.readers.reading(), self.lives.lived():
                self.more_is_recorded()
                self.hurt_at = time.monotonic()
                hurt(self)
                wait_for(lambda: self.lives.resumed(self.was_hurt_at) is not None, "recording to go on")
                self.resumed_at = self.lives.resumed(self.was_hurt_at) or 0.0
                self.more_is_recorded()
                self.cluster.mend()
                self.more_is_recorded()
            head = self.positions(of="action.")[-1]
            wait_for(lambda: all(one.position >= head for one in self.followers), "followers to hear of all")
        self.lives.close()

    def more_is_recorded(self) -> None:
        """Return when so many more requests were acknowledged."""
        enough = len(self.lives.steps("acknowledged")) + ENOUGH
        wait_for(lambda: len(self.lives.steps("acknowledged")) >= enough, "answers")

    def positions(self, of: str = "") -> list[int]:
        """Return the positions of all events in the database itself, or of those whose topic begins so."""
        with psycopg.connect(self.url) as connection:
            asked = "SELECT position FROM deedbook.events WHERE starts_with(topic, %s) ORDER BY position"
            return [position for (position,) in connection.execute(asked, [of])]

    def listed(self, node: int) -> list[dict[str, Any]]:
        """Return all actions that were recorded, by way of a node's list. Any: JSON."""
        found: list[dict[str, Any]] = []
        with self.servers[node].client() as client:
            while True:
                page = client.get("/acme/action/", params={"limit": 500, "offset": len(found)})
                assert page.status_code == 200, page.text
                found += page.json()["objects"]
                if not page.json()["meta"]["next"]:
                    return found

    def close(self) -> None:
        """End both nodes."""
        for server in self.servers:
            if server.process.poll() is None:
                server.kill()


def leader_is(hurt: Hurt) -> Callable[[Story], None]:
    """Return how a story's leader is hurt, until another leads."""

    def happen(story: Story) -> None:
        old = story.cluster.wait_for_leader()
        story.hurt_at = time.monotonic()
        HURTS[hurt](old)
        story.was_hurt_at = time.monotonic()
        story.cluster.wait_for_leader(other_than=old)
        story.lost_leader = True

    return happen


def node_is_killed(story: Story) -> None:
    """Kill one of the two nodes as a power cut would, and start it again."""
    story.servers[0].kill()
    story.was_hurt_at = time.monotonic()
    story.more_is_recorded()
    story.servers[0].start()


STORIES: Mapping[str, Callable[[Story], None]] = {
    "leader_killed": leader_is("killed"),
    "node_killed": node_is_killed,
    "leader_paused": leader_is("paused"),
}


@pytest.fixture(scope="module", params=STORIES)
def story(
    request: pytest.FixtureRequest, _running: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """Two nodes that went through something, and are at rest again."""
    _running.mend()
    story = Story(request.param, _running, tmp_path_factory.mktemp(request.param))
    try:
        story.happen(STORIES[request.param])
        yield story
    finally:
        story.close()


def test_something_was_cut_off(story: Story) -> None:
    """The story was what it is meant to be: some requests were not acknowledged, and were asked of both nodes."""
    assert story.lives.steps("refused") + story.lives.steps("unknown")
    assert len(story.lives.steps("acknowledged")) >= 3 * ENOUGH


def test_recording_went_on_within_the_lease_and_ten_seconds(story: Story) -> None:
    """From when something was hurt, it took no longer until a request that was sent since was acknowledged."""
    seconds = story.resumed_at - story.hurt_at
    sys.stderr.write(f"{story.name}: recording went on after {seconds:.1f} s\n")
    assert seconds <= TTL + GRACE


def test_every_answer_was_one_of_those_that_are_promised(story: Story) -> None:
    """A request was done, or answered 503 with Retry-After: never a fault, never something that was not asked."""
    assert not story.lives.wrong


def test_recording_was_refused_at_once_while_there_was_no_leader(story: Story) -> None:
    """Clients were told 503 and when to come back, all the time: not left to wait for who leads next."""
    if not story.lost_leader:
        pytest.skip("the leader was there all the time")
    told = [story.was_hurt_at, *(at for at in story.lives.turned_away if story.was_hurt_at < at < story.resumed_at)]
    # A frozen leader is given ten seconds to answer what it was asked before.
    assert max(after - before for before, after in pairwise([*told, story.resumed_at])) < TTL * 0.75


def test_reads_kept_answering(story: Story) -> None:
    """While there was no leader each node that lived answered its list, and said how far behind it might be."""
    if not story.lost_leader:
        pytest.skip("the leader was there all the time")
    for seen in story.readers.seen:
        others = [(one.at - story.was_hurt_at, story.resumed_at - one.at, one) for one in seen if one.status != 200]
        assert others == [], "so many seconds after it was hurt, and before recording went on"
        without = [one for one in seen if story.was_hurt_at < one.at < story.resumed_at]
        assert any(one.lag is not None for one in without)


def test_no_acknowledged_action_is_missing_or_double(story: Story) -> None:
    """Each is there under the id that was answered; what was refused is not there; nothing is there twice."""
    listed = story.listed(0)
    counted = Counter(one["action"] for one in listed)
    there = {one["action"]: one for one in listed}
    assert set(counted.values()) == {1}
    for life in story.lives.lives:
        match life.recorded.outcome:
            case "acknowledged":
                assert there[life.name]["uuid"] == life.recorded.answer["uuid"]
            case "refused":
                assert life.name not in there
            case "unknown":
                continue
    assert there.keys() <= {life.name for life in story.lives.lives}


def test_each_action_is_as_its_client_was_told(story: Story) -> None:
    """What was acknowledged was done to it, what was refused was not."""
    states = {one["action"]: one["state"] for one in story.listed(1)}
    for life in story.lives.lives:
        assert states.get(life.name) in states_of(life), life


def test_no_acknowledged_line_is_missing_or_double(story: Story) -> None:
    """Each append that was acknowledged is there once and whole, each that was refused is not."""
    with psycopg.connect(story.url) as connection:
        found = connection.execute("SELECT convert_from(text, 'UTF8') FROM deedbook.output").fetchall()
    there = Counter(text for (text,) in found)
    assert set(there.values()) == {1}
    for life in story.lives.lives:
        for step in life.steps:
            if step.what == "append":
                count = {line in there for line in lines_of(life)}
                assert len(count) == 1, "an append was torn"
                assert step.outcome == "unknown" or count == {step.outcome == "acknowledged"}, life


def test_positions_have_no_hole(story: Story) -> None:
    """The database itself has each position from 1 on."""
    positions = story.positions()
    assert positions == list(range(1, len(positions) + 1))


def test_every_follower_heard_of_everything_once_and_in_order(story: Story) -> None:
    """Each was told each event of an action, and came back to the right place however often it was cut off."""
    positions = story.positions(of="action.")
    for follower in story.followers:
        assert [told.position for told in follower.told] == positions
    assert len({tuple(follower.told) for follower in story.followers}) == 1


def test_no_password_is_ever_printed(story: Story) -> None:
    """Whatever a node had to say of its database, it said without the password in the URL, in either spelling."""
    for server in story.servers:
        assert PASSWORD not in server.printed()
        assert quote(PASSWORD) not in server.printed()


def test_the_views_of_both_nodes_are_equal(story: Story) -> None:
    """Row for row, with the same head, and as far as the log."""
    positions = story.positions()
    wait_for(lambda: all(views(server)["position"] == positions[-1] for server in story.servers), "views")
    assert len({views(server)["head"] for server in story.servers}) == 1
    for server in story.servers:
        server.stop()
    first, second = [rows_of(folder) for folder in story.folders]
    assert first == second
    for server in story.servers:
        server.start()


def test_verify_finds_nothing(story: Story) -> None:
    """Everything that can be derived is derived anew, and agrees; the views of each node too."""
    for folder in story.folders:
        done = deedbook(story.url, "verify", DEEDBOOK_VIEWS=str(folder))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "findings: 0" in done.stdout


def views(server: Server) -> dict[str, Any]:
    """Return what a node says of its views. Any: JSON."""
    with server.client() as client:
        found: dict[str, Any] = client.get(f"{server.address}/health").json()["views"]
    return found


def rows_of(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that is in a node's views."""
    (path,) = folder.glob("views-*.db")
    with closing(sqlite3.connect(path)) as connection:
        return rows(connection)
