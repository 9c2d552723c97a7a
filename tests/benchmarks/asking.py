"""GET requests a second, as wrk counts them."""

import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.benchmarks.filling import NAMESPACE
from tests.support.server import Server

#: Connections: enough that the server always has something to do, few enough that none waits long.
CONNECTIONS = 16


class Asking:
    """Asks a server, and its peers in the same way."""

    def __init__(self, server: Server, seconds: int) -> None:
        self._server = server
        self._seconds = seconds
        self._base = f"{server.api}/{NAMESPACE}"

    def size(self, path: str) -> int:
        """Return how many bytes an answer has; raises where it is none."""
        answer = httpx.get(f"{self._base}{path}", headers=self._server.headers(), timeout=60)
        answer.raise_for_status()
        return len(answer.content)

    def rate(self, *paths: str) -> float:
        """Return how many requests a second are answered, for each path in turn."""
        return self._wrk([f"/api/audit/v1/{NAMESPACE}{path}" for path in paths], self._server.address)

    def rate_at(self, url: str) -> float:
        """Return the same of a peer, for one URL."""
        found = httpx.URL(url)
        return self._wrk([found.raw_path.decode()], f"{found.scheme}://{found.netloc.decode()}")

    def _wrk(self, paths: list[str], address: str) -> float:
        with TemporaryDirectory() as name:
            script = Path(name) / "get.lua"
            script.write_text(_SCRIPT % (self._server.key, ",".join(f"[[{path}]]" for path in paths)))
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self._seconds}", "-s", str(script), address]
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
        if rate is None or "Non-2xx" in printed or "Socket errors" in printed:
            raise RuntimeError(printed)
        return float(rate[1])


_SCRIPT = """
wrk.headers['Authorization'] = 'Bearer %s'
local paths, requests, turn = {%s}, {}, 0
init = function()
  for place, path in ipairs(paths) do requests[place] = wrk.format('GET', path) end
end
request = function()
  turn = turn %% #requests + 1
  return requests[turn]
end
"""
