"""The lifecycle, said a second time and as naively as possible: what the real thing is compared with.

It answers every request with the status that HTTP would have; nothing is stored, nothing is fast.
"""

from dataclasses import dataclass, field

FINAL = ("Success", "Failed", "Canceled")


@dataclass
class ModelAction:
    """An action in the model; `order` is its place among all recorded."""

    order: int
    object: str
    state: str
    user: str
    operation: str
    parents: list[str]
    cancelable: bool = True
    retriable: bool = True
    retry_of: str | None = None
    lines: list[str] = field(default_factory=list)


class Model:
    """What one namespace should hold."""

    def __init__(self) -> None:
        self.actions: dict[str, ModelAction] = {}
        self.waiting: dict[str, list[str]] = {}
        self.holds: dict[str, list[str]] = {}
        self.ever: set[tuple[str, str]] = set()

    def above(self, uri: str, holds: dict[str, list[str]] | None = None) -> list[str]:
        """Return all that is above an object, nearest first."""
        holds = self.holds if holds is None else holds
        found: list[str] = []
        ring = holds.get(uri, [])
        while ring:
            found += [parent for parent in dict.fromkeys(ring) if parent not in found]
            ring = [up for parent in ring for up in holds.get(parent, []) if up not in found]
        return found

    def starts_as(self, wanted: str, uri: str) -> str:
        """Return the state that an action recorded as `wanted` is found in."""
        if wanted != "Pending" or not uri:
            return "In progress" if wanted == "Pending" else wanted
        return "Pending" if self.busy(uri) or self.waiting.get(uri) else "In progress"

    def busy(self, uri: str) -> bool:
        """Tell whether anything runs on an object."""
        return any(a.object == uri and a.state in ("In progress", "Canceling") for a in self.actions.values())

    def record(self, identifier: str, action: ModelAction) -> int:
        """Record an action that the store gave this id."""
        self.actions[identifier] = action
        if action.state == "Pending":
            self.waiting.setdefault(action.object, []).append(identifier)
        return 201 if action.state in FINAL else 202

    def cancel(self, identifier: str) -> int:
        """Cancel an action."""
        action = self.actions[identifier]
        if action.state not in ("Pending", "In progress") or not action.cancelable:
            return 409
        if action.state == "Pending":
            action.state = "Canceled"
            self.waiting[action.object].remove(identifier)
        else:
            action.state = "Canceling"
        return 202

    def finish(self, identifier: str, state: str) -> int:
        """Report the end of an action; the first that waits behind it starts."""
        action = self.actions[identifier]
        allowed = {"In progress": ("Success", "Failed"), "Canceling": FINAL}.get(action.state, ())
        if state not in allowed:
            return 409
        action.state = state
        queue = self.waiting.get(action.object, [])
        if action.object and queue and not self.busy(action.object):
            self.actions[queue.pop(0)].state = "In progress"
        return 200

    def may_retry(self, identifier: str) -> bool:
        """Tell whether an action can be retried."""
        action = self.actions[identifier]
        return action.state in FINAL and action.retriable

    def append(self, identifier: str, lines: list[str]) -> int:
        """Add lines to an action's output."""
        action = self.actions[identifier]
        if action.state in (*FINAL, "Pending"):
            return 409
        action.lines += lines
        return 200

    def relate(self, parent: str, child: str) -> int:
        """Put one object below another."""
        if parent in self.holds.get(child, []):
            return 200
        if parent == child or child in self.above(parent):
            return 409
        self.holds.setdefault(child, []).append(parent)
        self.ever.add((child, parent))
        return 201

    def unrelate(self, parent: str, child: str) -> int:
        """End a relationship."""
        if parent not in self.holds.get(child, []):
            return 404
        self.holds[child].remove(parent)
        return 200

    def related(self, uri: str) -> set[str]:
        """Return the object, all that is or was above it, all that is or was below it."""
        up: dict[str, list[str]] = {}
        down: dict[str, list[str]] = {}
        for child, parent in self.ever:
            up.setdefault(child, []).append(parent)
            down.setdefault(parent, []).append(child)
        return {uri, *self.above(uri, up), *self.above(uri, down)}
