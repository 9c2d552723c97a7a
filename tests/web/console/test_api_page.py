"""The page of the API: all of the description is there, and its examples work as they are."""

import html
import re
import subprocess
from pathlib import Path

import httpx

from tests.support.server import Server, issue_key, serving
from tests.web.api.callers import CALL
from tests.web.console.visitors import Visitor

_COMMAND = re.compile(r'<article[^>]* id="(\w+)".*?<pre><code>(curl .*?)</code></pre>', re.DOTALL)


def examples(visitor: Visitor, path: str = "/api") -> dict[str, str]:
    """Return the command of each operation on the page."""
    return {name: html.unescape(command) for name, command in _COMMAND.findall(visitor.get(path).text)}


def test_page_has_all_of_the_description(server: Server, admin: Visitor) -> None:
    """Every operation with its path, its parameters and its statuses, and every schema with its fields."""
    page = html.unescape(admin.get("/api").text)
    document = httpx.get(f"{server.address}/openapi.json").json()
    for path, methods in document["paths"].items():
        for one in (told for method, told in methods.items() if method != "parameters"):
            part = page[page.index(f'id="{one["operationId"]}"') :].partition("</article>")[0]
            named = [parameter["name"] for parameter in one["parameters"] if "name" in parameter]
            assert not [text for text in (path, *named, *one["responses"]) if text not in part]
    for name, schema in document["components"]["schemas"].items():
        part = page[page.index(f'id="schema-{name}"') :].partition("</article>")[0]
        assert not [field for field in schema.get("properties", {}) if f"<code>{field}</code>" not in part]


#: What changes something, in an order in which each one is possible.
_IN_ORDER = (
    "appendOutput", "cancelAction", "finishAction", "retryAction", "stateRelationship", "endRelationship", "saveSearch",
    "deleteSearch", "issueKey", "revokeKey", "rebuild",
)  # fmt: skip


def _status(server: Server, command: str) -> int:
    """Return the status that a command is answered with, typed into a shell that knows the two variables."""
    with server.client() as client:
        (key,) = [one["id"] for one in client.get("/key/").json()["objects"] if one["user"] == "gone"]
    # Only a stream does not end by itself.
    patience = 3 if "text/event-stream" in command else 60
    typed = f"{command} --max-time {patience} -o /dev/null -w '%{{http_code}}'"
    variables = {"KEY": server.key, "KEY_ID": key, "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(["bash", "-c", typed], env=variables, capture_output=True, text=True, timeout=100, check=False)
    return int(ran.stdout)


def test_every_example_works_as_it_is(tmp_path: Path) -> None:
    """Copied into a shell, each one is answered with success: reading, and then what changes something, in order."""
    with serving(tmp_path) as server:
        issue_key(server.url, "gone")
        visitor = Visitor(server)
        assert _status(server, examples(visitor)["recordAction"]) == 202
        found = examples(visitor)
        reading = [name for name, command in found.items() if " -X " not in command]
        others = set(found) - {*reading, *_IN_ORDER, "recordAction"}
        for name in (*reading, *others, *_IN_ORDER):
            assert (name, _status(server, found[name]) // 100) == (name, 2), found[name]


def test_examples_are_the_readers_own(server: Server, auditor: Visitor) -> None:
    """They ask as the reader, where the reader has the server; what can't be known is a variable, never the key."""
    (command,) = {command for name, command in examples(auditor).items() if name == "listActions"}
    assert command == f"curl -sS -u anna:\"$KEY\" '{server.address}/api/audit/v1/action/?state=Failed&limit=5'"


def test_user_that_a_shell_would_run_is_quoted(server: Server) -> None:
    """Whatever a user is called, the shell that an example is copied into takes it as a name."""
    hostile = "$(touch /tmp/x); `id` 'a\""
    visitor = Visitor(server, hostile, issue_key(server.url, hostile, role="auditor"))
    command = examples(visitor)["listActions"].replace("curl", "printf '%s\\n'", 1)
    ran = subprocess.run(["bash", "-c", command], env={"KEY": "k"}, capture_output=True, text=True, check=True)
    assert f"{hostile}:k" in ran.stdout.splitlines()


def test_admin_who_looks_at_a_namespace_asks_there(admin: Visitor) -> None:
    """The examples carry the namespace that was chosen."""
    assert "/api/audit/v1/acme/action/" in examples(admin, "/api?namespace=acme")["listActions"]


def test_description_is_kept_but_what_is_newest_is_not(tmp_path: Path) -> None:
    """Asked again, the page names the action that is the newest now; another reader's page names that reader."""
    with serving(tmp_path) as server:
        visitor = Visitor(server)
        with server.client() as client:
            for _ in range(2):
                recorded = client.post("/action/", json={**CALL, "state": "Success"}).json()["uuid"]
                assert f"/action/{recorded}/" in examples(visitor)["getAction"]
        other = Visitor(server, "anna", issue_key(server.url, "anna", role="auditor"))
        assert "-u anna:" in examples(other)["getAction"]
        assert "-u me:" in examples(visitor)["getAction"]
