"""Two ways to drive the same store: through the application in this process, and over HTTP."""

import time
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import httpx
import msgspec

from deedbook.domain.commands import (
    AppendOutput,
    EndParent,
    Finish,
    Line,
    RecordAction,
    RequestCancel,
    Retry,
    StateParent,
)
from deedbook.domain.errors import DeedbookError
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command, Recorded, Related
from deedbook.domain.store.sqlite import SqliteStore
from deedbook.projections.generations import Generations
from deedbook.projections.reader import Reader
from deedbook.projections.runner import Runner
from deedbook.web.list_query import parse
from deedbook.web.problems import problem_of

BY = Caller("me", "127.0.0.1", "tests")

#: A status, and the id of the action that the answer holds.
Outcome = tuple[int, str | None]


class Driver(Protocol):
    """How the machine gives commands and looks at what they did."""

    def record(self, fields: dict[str, Any]) -> Outcome:
        """Record an action."""

    def act(self, identifier: str, operation: str, body: dict[str, Any]) -> Outcome:
        """Cancel, retry or finish an action, or append to its output (`logs`)."""

    def relate(self, parent: str, child: str) -> int:
        """Put one object below another."""

    def unrelate(self, parent: str, child: str) -> int:
        """End a relationship."""

    def actions(self, **filters: str) -> list[dict[str, Any]]:
        """Return every action in the list that matches, in order."""

    def output(self, identifier: str) -> list[str]:
        """Return an action's output."""


class InProcess:
    """Gives commands to the application, and reads the views that a runner keeps."""

    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder / "log.db")
        generations = Generations(folder)
        self.runner = Runner(self.store.log, generations)
        self.reader = Reader(generations)
        self.runner.start()
        self.namespace = str(uuid4())

    def close(self) -> None:
        """Close everything."""
        self.store.close()
        self.runner.close()
        self.reader.close()

    def _perform(self, command: Command, status: int | None = None) -> Outcome:
        try:
            result = self.store.audit_log.perform(command).result
        except DeedbookError as error:
            return problem_of(error).status, None
        if isinstance(result, Recorded):
            ended = result.action.state in ("Success", "Failed", "Canceled")
            return status or (201 if ended else 202), str(result.action.id)
        if isinstance(result, Related):
            return (200 if result.held else 201), None
        return 200, None

    def record(self, fields: dict[str, Any]) -> Outcome:
        """See `Driver.record`."""
        state = State(fields["state"])
        parents = tuple(fields.get("parents", ()))
        rest = {name: fields[name] for name in ("action", "object", "user", "can_be_canceled", "can_be_retried")}
        return self._perform(
            RecordAction(id=uuid4(), namespace=self.namespace, by=BY, method="POST", path="/", state=state,
                         parents=parents, **rest)
        )  # fmt: skip

    def act(self, identifier: str, operation: str, body: dict[str, Any]) -> Outcome:
        """See `Driver.act`."""
        action = UUID(identifier)
        if operation == "finish":
            state = State(body["state"])
            return self._perform(Finish(id=action, namespace=self.namespace, by=BY, state=state), 200)
        if operation == "cancel":
            return self._perform(RequestCancel(id=action, namespace=self.namespace, by=BY), 202)
        if operation == "retry":
            return self._perform(Retry(id=action, namespace=self.namespace, by=BY, retry=uuid4()), 202)
        lines = tuple(Line(text) for text in body["lines"])
        return self._perform(AppendOutput(id=action, namespace=self.namespace, lines=lines))

    def relate(self, parent: str, child: str) -> int:
        """See `Driver.relate`."""
        return self._perform(StateParent(namespace=self.namespace, parent=parent, child=child, by=BY))[0]

    def unrelate(self, parent: str, child: str) -> int:
        """See `Driver.unrelate`."""
        return self._perform(EndParent(namespace=self.namespace, parent=parent, child=child, by=BY))[0]

    def actions(self, **filters: str) -> list[dict[str, Any]]:
        """See `Driver.actions`."""
        deadline = time.monotonic() + 20
        head = self.store.log.head()
        query = parse({name: [value] for name, value in filters.items()} | {"limit": ["500"]}, self.namespace,
                      newest_first=False)  # fmt: skip
        while True:
            assert time.monotonic() < deadline, f"the views do not come: {self.runner.failure}"
            self.runner.wake()
            try:
                with self.reader.snapshot() as snapshot:
                    if snapshot.tracking.position >= head:
                        page = snapshot.actions(query)
                        assert page.total == len(page.documents)
                        return [msgspec.json.decode(document) for document in page.documents]
            except DeedbookError:
                continue

    def output(self, identifier: str) -> list[str]:
        """See `Driver.output`."""
        return [line.text for line in self.store.log.output(UUID(identifier), 0, 10_000)]


class OverHttp:
    """Gives commands over HTTP, in a namespace of its own."""

    def __init__(self, client: httpx.Client, lines_of: Any) -> None:  # noqa: ANN401  # a function of the fixture
        self.client = client
        self.lines_of = lines_of

    @staticmethod
    def _told(answer: httpx.Response) -> Outcome:
        assert answer.status_code < 500, answer.text
        return answer.status_code, answer.json().get("uuid")

    def record(self, fields: dict[str, Any]) -> Outcome:
        """See `Driver.record`."""
        return self._told(self.client.post("/action/", json={"method": "POST", "path": "/", **fields}))

    def act(self, identifier: str, operation: str, body: dict[str, Any]) -> Outcome:
        """See `Driver.act`."""
        return self._told(self.client.post(f"/action/{identifier}/{operation}/", json=body))

    def relate(self, parent: str, child: str) -> int:
        """See `Driver.relate`."""
        return self._told(self.client.post("/relationship/", json={"parent": parent, "child": child}))[0]

    def unrelate(self, parent: str, child: str) -> int:
        """See `Driver.unrelate`."""
        return self._told(self.client.delete("/relationship/", params={"parent": parent, "child": child}))[0]

    def actions(self, **filters: str) -> list[dict[str, Any]]:
        """See `Driver.actions`."""
        answer = self.client.get("/action/", params={**filters, "limit": "500"})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["meta"]["total_count"] == len(page["objects"])
        return list(page["objects"])

    def output(self, identifier: str) -> list[str]:
        """See `Driver.output`."""
        return list(self.lines_of(identifier))
