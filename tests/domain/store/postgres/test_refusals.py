"""A server that does not do what it is asked: each time a sentence, nothing lost, and on it goes when it can."""

import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deedbook.domain.errors import StoreFailed, StoreUnusable
from deedbook.domain.results import Answer
from deedbook.domain.store.postgres import PostgresStore, reading
from deedbook.domain.store.postgres.place import postgres_place
from deedbook.domain.store.postgres.reading import CONNECTIONS
from tests.contract.giving import given, recorded, recording, together
from tests.support.postgres import Server, own_server, standby_of, until


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    """A store."""
    with closing(postgres_place(url).open()) as store:
        recorded(store, recording())
        yield store


def test_when_all_connections_are_in_use_it_is_said(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds none free is told so, and the next one is answered."""
    monkeypatch.setattr(reading, "_WAITING", 0.2)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(store._reader._borrowed(60))  # noqa: SLF001  # to keep them all busy
        with pytest.raises(StoreFailed) as caught:
            store.log.head()
    assert str(caught.value) == f"All {CONNECTIONS} connections to PostgreSQL are in use; repeat in a second."
    assert store.log.head() == 1


def test_a_statement_timeout_ends_one_question_only(store: PostgresStore, server: Server, url: str) -> None:
    """What the server's statement_timeout ends is told as that, and the connection goes on."""
    name = url.partition("?")[0].rpartition("/")[2]
    server.run(f"ALTER DATABASE {name} SET statement_timeout = '1s'")
    with closing(postgres_place(url).open()) as other:
        with pytest.raises(StoreFailed, match="its statement_timeout ended this"):
            other._reader.all("SELECT pg_sleep(60)")  # noqa: SLF001  # a question that takes long
        assert other.log.head() == store.log.head() == 1


def test_waiting_for_the_turn_ends(store: PostgresStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others keep the turn for too long, that is said, and nothing is recorded; the next time it is."""
    monkeypatch.setattr("deedbook.domain.store.postgres.recording.TURN_SECONDS", 0.3)
    holder = postgres_place(url).open()
    with closing(holder), closing(postgres_place(url).open()) as waiting:
        with holder.recorder._recording.turn():  # noqa: SLF001  # somebody who takes long
            (outcome,) = together(waiting, [recording()])
        assert isinstance(outcome, StoreFailed)
        assert "other nodes kept the writer's turn for too long" in str(outcome)
        assert isinstance(together(waiting, [recording()])[0], Answer)
    assert store.log.head() == 2


def noise() -> str:
    """Return a body of 200 KB that nothing makes smaller."""
    return b64encode(os.urandom(150_000)).decode()


@contextmanager
def full(server: Server, url: str) -> Iterator[None]:
    """Put the table of events on a disk of 8 MiB that is full but for a little."""
    place = Path(mkdtemp(prefix="deedbook-small-"))
    name = url.partition("?")[0].rpartition("/")[2]
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], check=True, capture_output=True)
        stack.callback(lambda: subprocess.run(["umount", "-l", place], check=False))
        server.owns(place)
        server.run(f"CREATE TABLESPACE {name} LOCATION '{place}'")
        server.run(f"ALTER TABLE deedbook.events SET TABLESPACE {name}", url=url)
        (place / "filling").write_bytes(bytes(7 * 1024 * 1024))
        try:
            yield
        finally:
            (place / "filling").unlink()
            server.run("ALTER TABLE deedbook.events SET TABLESPACE pg_default", url=url)
            server.run(f"DROP TABLESPACE {name}")


def test_a_full_disk_on_the_server_is_said(store: PostgresStore, server: Server, url: str) -> None:
    """What does not fit is refused whole; what is there is read; with room again, recording goes on."""
    try:
        with full(server, url):
            outcomes = [together(store, [recording(body=noise())])[0] for _ in range(15)]
            refused = [outcome for outcome in outcomes if isinstance(outcome, StoreFailed)]
            assert refused
            assert all("its disk is full; make room on the server" in str(one) for one in refused)
            answered = [outcome.position for outcome in outcomes if isinstance(outcome, Answer)]
            assert store.log.head() == 1 + len(answered)
    except subprocess.CalledProcessError:
        pytest.skip("Only root may mount a disk of a few megabytes.")
    assert isinstance(together(store, [recording()])[0], Answer)


def test_a_standby_is_no_primary() -> None:
    """A standby alone is refused; of several hosts, the primary is found wherever it stands in the URL."""
    with own_server() as primary:
        url = primary.database()
        postgres_place(url).open().close()
        with standby_of(primary) as standby:
            name = url.partition("?")[0].rpartition("/")[2]
            until(lambda: (name,) in standby.run("SELECT datname FROM pg_database"))
            with pytest.raises(StoreUnusable, match="is a standby; name the primary"):
                postgres_place(f"postgresql://postgres@/{name}?host={standby.folder}").open()
            both = f"postgresql://postgres@/{name}?host={standby.folder},{primary.folder}&port=5432,5432"
            with closing(postgres_place(both).open()) as store:
                recorded(store, recording())
                assert store.log.head() == 1


def test_a_commit_that_gave_up_its_standby_is_not_answered() -> None:
    """Where somebody ends the wait for a standby, PostgreSQL calls it committed; nobody is told before that is so."""
    with own_server() as primary, closing(postgres_place(primary.database()).open()) as store:
        recorded(store, recording())
        primary.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
        until(lambda: primary.run("SHOW synchronous_standby_names") == [("nobody",)])
        # Who commits waits for a standby once the checkpointer has heard of it too.
        primary.run("CHECKPOINT")
        (future,) = given(store, [recording()])
        waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        until(lambda: primary.run(waiting) != [])
        until(lambda: primary.run("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'") != [])
        assert not future.done(), "it was told to be durable, and one machine has it"
        primary.run("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        outcome = future.result(60)
        assert isinstance(outcome, Answer)
        assert (outcome.position, store.log.head()) == (2, 2)
