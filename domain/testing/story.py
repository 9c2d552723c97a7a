"""What was done and answered, told as numbered sentences; and the end of a story that shows a broken rule."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from deedbook.domain.commands import AppendOutput, EndParent, Finish, RecordAction, RequestCancel, Retry, StateParent
from deedbook.domain.results import Command
from deedbook.domain.testing.driver import Question


class Broken(AssertionError):
    """The log did something else than the lifecycle says; as text, the whole story."""

    def __init__(self, steps: list[str], expected: str, seen: str) -> None:
        super().__init__(steps, expected, seen)
        self.steps = tuple(steps)
        self.expected = expected
        self.seen = seen

    def __str__(self) -> str:
        told = (f"{number}. {step}" for number, step in enumerate(self.steps, 1))
        return "\n".join([*told, "", f"Expected: {self.expected}", f"Seen:     {self.seen}"])


class Story:
    """The sentences so far, and by which of them each action is known."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._known: dict[UUID, int] = {}
        self._it: UUID | None = None

    def tell(self, sentence: str) -> None:
        """Add a step."""
        self.steps.append(sentence)

    def broken(self, sentence: str, expected: str, seen: str) -> Broken:
        """Return the end of the story: its last step, what was expected there and what was seen."""
        return Broken([*self.steps, sentence], expected, seen)

    def introduce(self, action: UUID) -> None:
        """Say that an action was recorded by the last step."""
        self._known[action] = len(self.steps)
        self._it = action

    def name(self, action: UUID) -> str:
        """Return what an action is called now: "it" where it was the last that was spoken of."""
        if action == self._it:
            return "it"
        self._it = action
        if action not in self._known:
            return "an action that was never recorded here"
        return f"the action of step {self._known[action]}"

    def number(self, action: UUID) -> str:
        """Return the number of the step that recorded an action."""
        return str(self._known.get(action, "?"))

    def asks(self, command: Command) -> str:
        """Return a command as the beginning of a sentence."""
        return _ASKED[type(command)](self, command)


def answered(sentence: str, words: str) -> str:
    """Return the sentence of what was asked and answered."""
    return f"{sentence} was answered {words}" if " records " not in sentence else f"{sentence}: the answer was {words}"


def asked(question: Question, story: Story) -> str:
    """Return what a question to the list looks for."""
    parts = [
        *_any("in state", question.states),
        *_any("by", question.users),
        *_any("called", [f'"{one}"' for one in question.actions]),
        *_any("by method", question.methods),
        *_any("from", question.ips),
        *_any("that are", [story.name(one) for one in question.ids]),
    ]
    if question.prefix is not None:
        parts.append(f"whose id begins with {question.prefix}")
    if question.is_user_action is not None:
        parts.append("of a user" if question.is_user_action else "of the system")
    if question.object is not None:
        parts.append(f"on {question.object}" + (" and all related objects" if question.include_related else ""))
    for name, low, high in (
        ("started", question.start_from, question.start_to),
        ("ended", question.end_from, question.end_to),
    ):
        parts += [f"that {name} from {date(low)} on"] if low is not None else []
        parts += [f"that {name} until {date(high)}"] if high is not None else []
    return "the actions " + ", ".join(parts) if parts else "all actions"


def date(seconds: int) -> str:
    """Return a date as a reader has it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _any(word: str, values: "tuple[object, ...] | list[str]") -> list[str]:
    return [f"{word} {' or '.join(str(value) for value in values)}"] if values else []


def _record(_story: Story, command: RecordAction) -> str:
    where = f" on {command.object}" if command.object else ""
    below = f", below {' and '.join(command.parents)}" if command.parents else ""
    started = f", started {date(command.start // 1_000_000)}" if command.start is not None else ""
    ended = f", ended {date(command.end // 1_000_000)}" if command.end is not None else ""
    forbidden = [
        word for word, may in (("canceled", command.can_be_canceled), ("retried", command.can_be_retried)) if not may
    ]
    never = f", never to be {' or '.join(forbidden)}" if forbidden else ""
    details = f"{where} as {command.state}{below}{started}{ended}{never}"
    return f'{command.user} records "{command.action}"{details}'


def _append(story: Story, command: AppendOutput) -> str:
    lines = ", ".join(f'"{line.text}"' for line in command.lines)
    name = story.name(command.id)
    return f"Appending {lines} to {'its output' if name == 'it' else f'the output of {name}'}"


# Any: each function takes the one command type that it stands under, which no type of a dict can say.
_ASKED: dict[type[Any], Callable[[Story, Any], str]] = {
    RecordAction: _record,
    RequestCancel: lambda story, command: f"Canceling {story.name(command.id)}",
    Finish: lambda story, command: f"Finishing {story.name(command.id)} as {command.state}",
    Retry: lambda story, command: f"Retrying {story.name(command.id)}",
    AppendOutput: _append,
    StateParent: lambda _story, command: f"Putting {command.child} below {command.parent}",
    EndParent: lambda _story, command: f"Taking {command.child} away from below {command.parent}",
}
