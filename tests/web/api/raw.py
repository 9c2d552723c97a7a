"""Requests byte by byte, for what no HTTP client would send, or would not show."""

import socket
from typing import NamedTuple

import msgspec

from tests.support.server import Server
from tests.web.api.callers import Caller, Json


class Raw(NamedTuple):
    """An answer as it came: its status line, its header lines, its body."""

    status_line: str
    headers: list[str]
    body: bytes

    @property
    def status(self) -> int:
        """The status."""
        return int(self.status_line.split()[1])

    @property
    def document(self) -> Json:
        """The body as JSON."""
        return msgspec.json.decode(self.body, type=Json)

    def header(self, name: str) -> str:
        """Return the value of the one header with a name, in any case."""
        (line,) = (line for line in self.headers if line.lower().startswith(f"{name}:"))
        return line.partition(":")[2].strip()


def sent(server: Server, data: bytes, *, goes: bool = False) -> bytes:
    """Send bytes, and return all that the server says until it hangs up; who `goes` says that no more will come."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(data)
        if goes:
            connection.shutdown(socket.SHUT_WR)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def answer_to(server: Server, data: bytes) -> Raw:
    """Return the answer to bytes, which must be one."""
    head, _, body = sent(server, data).partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    return Raw(status, headers, body)


def request(caller: Caller, line: str, *headers: str, body: bytes = b"", root: str = "/api/audit/v1") -> bytes:
    """Return the bytes of a request; `line` is method and path below the root."""
    method, path = line.split(" ", 1)
    lines = [
        f"{method} {root}{path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: ApiKey {caller.user}:{caller.key}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
