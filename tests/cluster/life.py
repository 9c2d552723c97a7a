"""One action as its client knows it: what was asked, what came of it, and how the action may stand after that."""

from typing import Any, Literal, NamedTuple

#: What became of a request: it was done, it was not, or nobody said.
Outcome = Literal["acknowledged", "refused", "unknown"]


class Step(NamedTuple):
    """A request of a life, when it was first sent, and what became of it. Any: JSON."""

    what: str
    outcome: Outcome
    answer: dict[str, Any]
    sent: float
    answered: float


class Life(NamedTuple):
    """All that a client did to an action; `name` is the action's, and no other's."""

    name: str
    steps: list[Step]

    @property
    def recorded(self) -> Step:
        """How it began."""
        return self.steps[0]


def lines_of(life: Life) -> list[str]:
    """Return what a life appends to its output."""
    return [f"{life.name} first", f"{life.name} second"]


def states_of(life: Life) -> set[str | None]:
    """Return the states that an action may be in after all that its client was told (None: it is not there)."""
    possible: set[str | None] = {None}
    for step in life.steps:
        if step.what == "append":
            continue
        then = {step.answer["state"]} if step.outcome == "acknowledged" else _AFTER[step.what]
        # What waited may have been let in since.
        then = then | ({"In progress"} if "Pending" in then else set())
        match step.outcome:
            case "acknowledged":
                possible = set(then)
            case "unknown":
                possible |= then
            case "refused":
                continue
    return possible


#: Where a step may have led whose answer is not known.
_AFTER: dict[str, set[str]] = {
    "record": {"Success", "In progress", "Pending"},
    "cancel": {"Canceling", "Canceled"},
    "finish": {"Canceled", "Success"},
}
