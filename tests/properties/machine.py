"""Commands in any order, given to a store and to the model: they must find the same."""

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from tests.properties.model import FINAL, Model, ModelAction

OBJECTS = ["", "/a/", "/b/", "/c/", "/d/"]
URIS = st.sampled_from(OBJECTS[1:])
USERS = ["ann", "bob"]
OPERATIONS = ["Deploy", "Scale"]


class Machine(RuleBasedStateMachine):
    """Drives a store; subclasses say how it is reached."""

    # Any: the two drivers have more than the machine asks for.
    driver: ClassVar[Any]
    recorded = Bundle("recorded")

    def fresh(self) -> None:
        """Begin with an empty namespace."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        """Start a run."""
        self.fresh()
        self.model = Model()

    @rule(
        target=recorded,
        state=st.sampled_from(["Success", "Failed", "In progress", "Pending", "Pending"]),
        uri=st.sampled_from(OBJECTS),
        user=st.sampled_from(USERS),
        operation=st.sampled_from(OPERATIONS),
        parents=st.lists(URIS, max_size=2, unique=True),
        cancelable=st.booleans() | st.just(value=True),
        retriable=st.booleans() | st.just(value=True),
    )
    def record(  # what a recording holds
        self,
        state: str,
        uri: str,
        user: str,
        operation: str,
        parents: list[str],
        *,
        cancelable: bool,
        retriable: bool,
    ) -> Any:  # noqa: ANN401  # Hypothesis's multiple
        """Record an action."""
        parents = parents if uri else []
        status, identifier = self.driver.record({
            "state": state, "object": uri, "user": user, "action": operation, "parents": parents,
            "can_be_canceled": cancelable, "can_be_retried": retriable,
        })  # fmt: skip
        if any(uri == parent or uri in self.model.above(parent) for parent in parents):
            assert status == 409
            return multiple()
        for parent in parents:
            self.model.relate(parent, uri)
        action = ModelAction(
            len(self.model.actions), uri, self.model.starts_as(state, uri), user, operation,
            self.model.above(uri), cancelable, retriable,
        )  # fmt: skip
        assert identifier is not None
        assert status == self.model.record(identifier, action)
        return identifier

    @rule(identifier=recorded)
    def cancel(self, identifier: str) -> None:
        """Cancel an action."""
        assert self.driver.act(identifier, "cancel", {})[0] == self.model.cancel(identifier)

    @rule(identifier=recorded, state=st.sampled_from(FINAL))
    def finish(self, identifier: str, state: str) -> None:
        """Report an action's end."""
        assert self.driver.act(identifier, "finish", {"state": state})[0] == self.model.finish(identifier, state)

    @rule(target=recorded, identifier=recorded)
    def retry(self, identifier: str) -> Any:  # noqa: ANN401  # Hypothesis's multiple
        """Retry an action."""
        status, new = self.driver.act(identifier, "retry", {})
        if not self.model.may_retry(identifier):
            assert status == 409
            return multiple()
        assert status == 202
        assert new is not None
        old = self.model.actions[identifier]
        state = self.model.starts_as("Pending", old.object)
        self.model.record(new, ModelAction(
            len(self.model.actions), old.object, state, "me", old.operation, self.model.above(old.object),
            old.cancelable, old.retriable, retry_of=identifier,
        ))  # fmt: skip
        return new

    @rule(identifier=recorded, lines=st.lists(st.text("ab ", max_size=3), min_size=1, max_size=3))
    def append(self, identifier: str, lines: list[str]) -> None:
        """Add lines to an action's output."""
        status = self.driver.act(identifier, "logs", {"lines": lines})[0]
        assert status == self.model.append(identifier, lines)
        assert self.driver.output(identifier) == self.model.actions[identifier].lines

    @rule(parent=URIS, child=URIS)
    def relate(self, parent: str, child: str) -> None:
        """Put one object below another."""
        assert self.driver.relate(parent, child) == self.model.relate(parent, child)

    @rule(parent=URIS, child=URIS)
    def unrelate(self, parent: str, child: str) -> None:
        """End a relationship."""
        assert self.driver.unrelate(parent, child) == self.model.unrelate(parent, child)

    @rule(uri=URIS)
    def look_around(self, uri: str) -> None:
        """The actions of related objects are those of the naive walk, each once."""
        found = [one["uuid"] for one in self.driver.actions(object=uri, include_related="true")]
        related = self.model.related(uri)
        expected = {name for name, action in self.model.actions.items() if action.object in related}
        assert set(found) == expected
        assert len(found) == len(expected)

    @rule(
        state=st.sampled_from(["Pending", "In progress", *FINAL]),
        user=st.sampled_from([None, *USERS, "me"]),
        operation=st.sampled_from([None, *OPERATIONS]),
        uri=st.sampled_from([None, *OBJECTS[1:]]),
    )
    def filter(self, state: str, user: str | None, operation: str | None, uri: str | None) -> None:
        """Filters combine with AND."""
        asked = {"state": state, "user": user, "action": operation, "object": uri}
        found = [one["uuid"] for one in self.driver.actions(**{k: v for k, v in asked.items() if v is not None})]
        expected = [
            name
            for name, action in self.model.actions.items()
            if action.state == state
            and user in (None, action.user)
            and operation in (None, action.operation)
            and uri in (None, action.object)
        ]
        assert sorted(found) == sorted(expected)

    @invariant()
    def the_list_is_the_model(self) -> None:
        """Every action is listed once, as the model has it."""
        if not hasattr(self, "model"):
            return
        listed = self.driver.actions()
        told = {
            one["uuid"]: (
                one["object"], one["state"], one["user"], one["action"], one["parents"],
                one["can_be_canceled"], one["can_be_retried"], (one["retry_of"] or "")[-37:-1] or None,
            )
            for one in listed
        }  # fmt: skip
        assert told == {
            name: (
                a.object, a.state, a.user, a.operation, a.parents,
                a.cancelable and a.state in ("Pending", "In progress"), a.retriable and a.state in FINAL, a.retry_of,
            )
            for name, a in self.model.actions.items()
        }  # fmt: skip
        assert len(listed) == len(told)
        for one in listed:
            assert (one["start_date"] is None) == (one["state"] == "Pending" or self._never_started(one))
            assert (one["end_date"] is None) == (one["state"] not in FINAL)

    def _never_started(self, one: dict[str, Any]) -> bool:
        """An action that was canceled while it waited has no start."""
        return one["state"] == "Canceled" and one["duration"] is None
