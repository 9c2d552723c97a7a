"""The tables are made once, whoever starts at once; what is no store of ours, or no server for one, is not touched."""

from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from deedbook.domain.errors import StoreUnusable
from deedbook.domain.store.places import place_of
from deedbook.domain.store.postgres.address import address_of
from deedbook.domain.store.postgres.listening import Listener
from deedbook.domain.store.postgres.recording import Recording
from deedbook.domain.store.postgres.schema import SCHEMA_VERSION, exists, prepare
from tests.contract.giving import recording
from tests.support.postgres import Server


def refusal(url: str) -> str:
    """Return why a store can't be opened: one line, without a password."""
    with pytest.raises(StoreUnusable) as caught:
        place_of(url).open()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def open_and_record(url: str) -> int:
    """Open a store, which may not be there yet, and record; return the position."""
    with closing(place_of(url).open()) as store:
        return store.audit_log.perform(recording()).position


def test_nodes_that_start_together_make_one_store(server: Server) -> None:
    """However many processes open a store that is not there, it is made once, and each records in it."""
    processes: Executor
    with ProcessPoolExecutor(3, get_context("spawn")) as processes:
        for _ in range(5):
            urls = [server.database()] * 3
            assert sorted(processes.map(open_and_record, urls)) == [1, 2, 3]


def test_opening_changes_nothing_where_a_store_is(filled: str, server: Server) -> None:
    """A store that is there is only looked at, but for the mark of who records."""
    question = "SELECT string_agg(oid::text || relname, ',' ORDER BY oid) FROM pg_class WHERE relname !~ '^pg_toast'"
    before = server.run(question, url=filled)
    prepare(address_of(filled))
    assert server.run(question, url=filled) == before
    assert exists(address_of(filled))


def test_a_look_makes_nothing(url: str, server: Server) -> None:
    """Whether there is a store can be asked without making one."""
    assert not exists(address_of(url))
    assert server.run("SELECT to_regnamespace('deedbook')", url=url) == [(None,)]


def test_a_store_of_a_newer_version_is_not_touched(filled: str, server: Server) -> None:
    """Both versions are told, and what to do."""
    server.run("UPDATE deedbook.store SET version = version + 1", url=filled)
    told = refusal(filled)
    assert f"schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}" in told
    assert "upgrade Deedbook" in told
    with pytest.raises(StoreUnusable, match="upgrade"):
        place_of(filled).whole()


def test_somebody_elses_tables_are_not_touched(url: str, server: Server) -> None:
    """A schema of our name with other tables is refused, and left as it is."""
    server.run("CREATE SCHEMA deedbook", "CREATE TABLE deedbook.events (number int)", url=url)
    assert "no Deedbook store" in refusal(url)
    assert server.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'deedbook'", url=url) == [(1,)]


def test_a_schema_that_an_administrator_made_will_do(url: str, server: Server) -> None:
    """A user who may not make schemas uses one that was made for it, and records in it."""
    server.run("DROP ROLE IF EXISTS humble", "CREATE ROLE humble LOGIN")
    name = url.partition("?")[0].rpartition("/")[2]
    assert "this user lacks a right" in refusal(server.url(name, "humble"))
    server.run("CREATE SCHEMA deedbook AUTHORIZATION humble", url=url)
    assert open_and_record(server.url(name, "humble")) == 1


def test_a_user_who_may_not_write_is_told_so(filled: str, server: Server) -> None:
    """A store that may only be read by this user is refused where something is recorded."""
    server.run("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
    server.run(
        "GRANT USAGE ON SCHEMA deedbook TO reader", "GRANT SELECT ON ALL TABLES IN SCHEMA deedbook TO reader",
        url=filled,
    )  # fmt: skip
    name = filled.partition("?")[0].rpartition("/")[2]
    with closing(place_of(server.url(name, "reader")).open()) as store, pytest.raises(Exception, match="lacks a right"):
        store.audit_log.perform(recording())


def test_what_is_no_server_for_a_store(server: Server, url: str) -> None:
    """A missing database, another encoding, a read-only one, nobody there: each is said in a sentence."""
    assert "there is no such database" in refusal(server.url("nowhere"))
    assert "nothing listens there" in refusal("postgresql://me:secret@127.0.0.1:1/nothing")
    server.run("DROP DATABASE IF EXISTS latin", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    assert "LATIN1; make a database with UTF8" in refusal(server.url("latin"))
    name = url.partition("?")[0].rpartition("/")[2]
    server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "is read-only; name the primary" in refusal(url)
    server.run("DROP ROLE IF EXISTS nobody", "CREATE ROLE nobody LOGIN CONNECTION LIMIT 0")
    assert "takes no more connections" in refusal(server.url("postgres", "nobody"))


PASSWORDS = [
    "postgresql://me:h%20dden@127.0.0.1:1/log",
    "postgresql://me:hidden@127.0.0.1:1/log",
    "postgresql://me@127.0.0.1:1/log?password=hidden",
    "postgresql://me:hid@den@127.0.0.1:1/log",
    "postgresql://me:hidden@127.0.0.1:notaport/log",
    "postgresql://me:hidden@127.0.0.1:1/log?hidden=1",
    "postgresql://me:hidden@[::1/log",
    "postgresql:me:hidden",
    "postgres://me:hidden@127.0.0.1:1/log",
    "mysql://me:hidden@127.0.0.1:1/log",
    "sqlite://me:hidden@host/log.db",
    "postgresql://me:hid/den@127.0.0.1:1/log",
    "postgresql://me:123/hidden@127.0.0.1:1/log",
    "postgresql://me:hid@c/den@127.0.0.1:1/log",
    "postgresql://me:/hidden@127.0.0.1:1/log?sslmode=disable",
    "postgresql://me:hid,den/hidden@127.0.0.1:1/log",
    "postgresql://me:hidden/log",
    "hidden",
]


@pytest.mark.parametrize("url", PASSWORDS)
def test_a_password_is_never_told(url: str) -> None:
    """Wherever it stands, and whatever else is wrong with the URL, no part of it is in what is told."""
    told = refusal(url)
    for part in ("hidden", "hid", "den@", "dden"):
        assert part not in told


@given(
    password=st.text(st.characters(codec="utf-8", exclude_characters="\0?"), min_size=1), place=st.integers(min_value=0)
)
def test_a_password_with_a_slash_is_refused_as_any_other(password: str, place: int) -> None:
    """What is said of it says what to write, and is the same whatever the password is: nothing of it is in there."""
    place %= len(password) + 1
    with pytest.raises(StoreUnusable) as caught:
        address_of(f"postgresql://me:{password[:place]}/{password[place:]}@127.0.0.1/log")
    assert str(caught.value) in {
        refusal("postgresql://me:1/2@127.0.0.1/log"),
        refusal("postgresql://me:1@2@127.0.0.1/log"),
        refusal("postgresql://me:%@127.0.0.1/log"),
    }


def test_who_has_a_slash_in_a_password_is_told_what_to_write() -> None:
    """The sentence names the setting, and how both that a URL takes for its own are written."""
    told = refusal("postgresql://me:hid/den@127.0.0.1/log")
    assert told.startswith("DEEDBOOK_URL ")
    assert "/ as %2F" in told
    assert "@ as %40" in told


@given(password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_password_that_is_written_as_a_url_asks_is_taken_whole(password: str) -> None:
    """Whatever it is, it is what libpq gets, and nothing of it is told."""
    address = address_of(f"postgresql://me:{quote(password, safe='')}@127.0.0.1:5432,127.0.0.2/log")
    assert conninfo_to_dict(address.conninfo)["password"] == password
    assert address.told == "postgresql://me@127.0.0.1:5432,127.0.0.2/log"


@pytest.mark.parametrize("durable", ["off", "local", "remote_write"])
def test_a_role_can_not_make_commits_less_durable(url: str, server: Server, durable: str) -> None:
    """Whatever the database's default is, what is recorded is committed with synchronous_commit on."""
    name = url.partition("?")[0].rpartition("/")[2]
    server.run(f"ALTER DATABASE {name} SET synchronous_commit = {durable}")
    server.run(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    question = "SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')"
    listener = Listener(address_of(url))
    prepare(address_of(url))
    with closing(Recording(address_of(url), listener)) as session, session.turn() as (told, _):
        assert told.all(question) == [("on", "read committed")]
