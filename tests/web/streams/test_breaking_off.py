"""What somebody wrote into the store: who follows a stream hears that it can't go on, and nobody waits for ever."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from deedbook.domain.errors import Undecodable
from deedbook.domain.lifecycle import State
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.web.tail import Tail
from tests.contract.giving import recorded, recording
from tests.faults.test_unknown_event import insert
from tests.support.server import Server
from tests.support.sse import telling
from tests.support.tampering import behind_its_back
from tests.support.websocket import Close
from tests.web.api.callers import Tenant
from tests.web.streams.listening import append, events, finish, head, output, running


def add_nonsense(path: Path) -> None:
    """Add a line of output to no action: what should be its id is none."""
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        connection.execute("INSERT INTO output SELECT max(sequence) + 1, x'00', 1, 1, '', x'' FROM output")
        connection.commit()


def test_lines_that_are_gone_are_told(own_server: Server, own_tenant: Tenant, tmp_path: Path) -> None:
    """An action ended with more lines than there are: those come, and then 1011 instead of a search without end."""
    action = running(own_tenant.recorder, "one", "two", "three")
    finish(own_tenant.recorder, action)
    own_server.stop()
    with behind_its_back(tmp_path / "log.db") as db:
        db.execute("DELETE FROM output WHERE line = 3")
    own_server.start()
    with output(own_server, own_tenant.auditor, action) as stream:
        frames, close = stream.rest()
    assert [frame["log"] for frame in frames] == ["one", "two"]
    assert close == Close(1011, "there is no line behind 2")


def test_what_nobody_expects_ends_every_stream(own_server: Server, own_tenant: Tenant, tmp_path: Path) -> None:
    """Each is told where to resume, the log of the server says why; and who comes back then is served."""
    action = running(own_tenant.recorder, "one")
    at = head(own_tenant.auditor)
    reason = "the log can't be read now; resume with after="
    with (
        output(own_server, own_tenant.auditor, action) as lines,
        events(own_server, own_tenant.auditor, f"after={at}") as frames,
        telling(f"{own_server.api}/events/?after={at}", own_tenant.auditor.key) as told,
    ):
        assert lines.frame()["log"] == "one"
        add_nonsense(tmp_path / "log.db")
        assert lines.rest() == ([], Close(1011, f"{reason}1"))
        assert frames.rest() == ([], Close(1011, f"{reason}{at}"))
        assert [one.json for one in told.rest()] == [{"error": f"The log{reason[7:]}{at}."}]
    assert "ValueError" in own_server.printed()
    with (
        output(own_server, own_tenant.auditor, action, "after=1") as lines,
        events(own_server, own_tenant.auditor) as frames,
    ):
        append(own_tenant.recorder, action, "two")
        assert lines.frame()["log"] == "two"
        finish(own_tenant.recorder, action)
        assert lines.rest() == ([], Close(1000, "the action has ended"))
        assert frames.frame()["state"] == "Success"


def test_an_event_that_can_t_be_read_ends_the_output_of_its_action(
    own_server: Server, own_tenant: Tenant, tmp_path: Path
) -> None:
    """Nobody can tell whether more lines come: 1011 that names the event, and not a word less."""
    action = running(own_tenant.recorder, "one")
    position = insert(tmp_path / "log.db", "action.blessed/1", b'{"at":1}', UUID(action["uuid"]), 2)
    with output(own_server, own_tenant.auditor, action) as stream:
        why = f"the event at position {position} can't be read here; resume with after=0"
        assert stream.rest() == ([], Close(1011, why))


def test_what_nobody_could_follow_is_not_read(tmp_path: Path) -> None:
    """A ring that could not be made is not kept, nor the log read on for it."""

    async def followed() -> int:
        tail = Tail(store.log, asyncio.get_running_loop())
        with pytest.raises(Undecodable):
            tail.follow_output(action)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1

    with closing(SqliteStore(tmp_path / "log.db")) as store:
        action = recorded(store, recording(State.IN_PROGRESS)).id
        insert(tmp_path / "log.db", "action.blessed/1", b'{"at":1}', action, 2)
        assert asyncio.run(followed()) == 0
