"""Where a PostgreSQL database is: its URL, and what may be told of it."""

from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deedbook.domain.errors import StoreUnusable

#: The URLs that libpq reads.
SCHEMES = ("postgresql", "postgres")

#: What a URL leaves out. A server that does not answer must not hold up those who wait: seconds, and milliseconds.
_DEFAULTS = {
    "connect_timeout": "5",
    "application_name": "deedbook",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
}


class Address(NamedTuple):
    """`conninfo` is what libpq connects with, a password included; `told` is what anybody may read."""

    conninfo: str
    told: str

    def __repr__(self) -> str:
        return f"Address({self.told!r})"


def address_of(url: str, setting: str = "DEEDBOOK_URL", session: str = "read-write") -> Address:
    """Return the address in a URL as libpq reads it; raises `StoreUnusable`, never showing a password.

    `setting` is where it was given; `session`: which of several hosts is taken, unless the URL says it.
    """
    # What libpq says of a wrong URL quotes it: where a password has an @ in it, that is half of the password.
    if url.partition("://")[2].partition("/")[0].count("@") > 1:
        raise StoreUnusable(f"{setting} has more than one @ before the host; write one in a password as %40.")
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except (psycopg.Error, ValueError):
        raise StoreUnusable(
            f"{setting} is no URL that PostgreSQL's library reads; write postgresql://user@host:5432/database, with"
            " what is special in a password or a name as %XX."
        ) from None
    if _is_torn(given):
        raise StoreUnusable(
            f"{setting} has a port that is no number, or an @ in the name of its database: write / as %2F and @ as %40"
            " in a password."
        )
    if "," in given.get("host", ""):
        given.setdefault("target_session_attrs", session)
    return Address(make_conninfo("", **{**_DEFAULTS, **given}), _told(given))


def _is_torn(given: dict[str, str]) -> bool:
    """Tell whether a / in a password cut it in two: libpq then takes one part as a port, the other as the database."""
    return "@" in given.get("dbname", "") or not all(
        port.isdecimal() for port in given.get("port", "").split(",") if port
    )


def _told(given: dict[str, str]) -> str:
    user = f"{given['user']}@" if "user" in given else ""
    hosts = given.get("host", "").split(",")
    ports = given.get("port", "").split(",")
    if len(ports) < len(hosts):
        ports = ports[:1] * len(hosts)
    where = ",".join(f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=False))
    return f"postgresql://{user}{where}/{given.get('dbname', '')}"
