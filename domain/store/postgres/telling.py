"""What PostgreSQL refuses, in one sentence that says what to do."""

from collections.abc import Mapping

import psycopg

#: By the code of an error (SQLSTATE), or its class: what it means here.
_MEANS: Mapping[str, str] = {
    "25006": "this server is a standby, or read-only; name the primary, or several hosts of which one is",
    "28": "it takes neither this user nor this password; see to the URL",
    "3D000": "there is no such database; make it with createdb, or name another one",
    "3F000": "its schema deedbook is gone; restore it",
    "42501": "this user lacks a right; let the database's owner be this user, or grant it",
    "42P01": "its tables are gone; restore them",
    "53100": "its disk is full; make room on the server and repeat",
    "53200": "it is out of memory; see to the server and repeat",
    "53300": "it takes no more connections; raise max_connections, or start fewer nodes",
    "55P03": "other nodes kept the writer's turn for too long; repeat in a second",
    "57014": "its statement_timeout ended this; raise it for this user, and repeat",
    "57P": "the server is starting or stopping; repeat in a second",
    "58": "it can't read or write its files; see to the server's disk and repeat",
    "XX": "it finds its own data broken; see to the server, and restore a backup",
}

#: What refuses a connection has no code in psycopg: by what is said, in the server's or the library's English.
_SAID: Mapping[str, str] = {
    "does not exist": _MEANS["3D000"],
    "authentication failed": _MEANS["28"],
    "no password supplied": _MEANS["28"],
    "no pg_hba.conf entry": "let its pg_hba.conf take this user from here",
    "too many": _MEANS["53300"],
    "remaining connection slots": _MEANS["53300"],
    "is starting up": _MEANS["57P"],
    "is shutting down": _MEANS["57P"],
    "session is read-only": _MEANS["25006"],
    "Connection refused": "nothing listens there; start the server, or see to host and port",
    "No such file or directory": "nothing listens there; start the server, or see to host and port",
    "could not translate host name": "there is no such host; see to the URL",
    "timeout expired": "the server does not answer; see to it, and to what stands in between",
}


def told(error: psycopg.Error) -> str:
    """Return what a database said, on one line, and what it means where that is known."""
    said, means = _said(error), meaning(error)
    return said if means is None else f"{said}: {means}"


def meaning(error: psycopg.Error) -> str | None:
    """Return what an error means, where that is known: nothing of where the server is, or what it is called."""
    state = error.sqlstate or ""
    if state:
        return next((_MEANS[state[:length]] for length in (5, 3, 2) if state[:length] in _MEANS), None)
    return next((what for words, what in _SAID.items() if words in _said(error)), None)


def _said(error: psycopg.Error) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def is_broken(error: BaseException, connection: psycopg.Connection[object]) -> bool:
    """Tell whether an error is the end of its connection, and not of one statement."""
    return isinstance(error, psycopg.Error) and (connection.closed or connection.broken)
