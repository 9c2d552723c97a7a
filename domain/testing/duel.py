"""A log and its model are given the same, act by act: the answers must be the same, and then the lists.

Acts can be done again in another duel, some of them left out: that is how the smallest story is found.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

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
from deedbook.domain.events import Caller
from deedbook.domain.lifecycle import State
from deedbook.domain.results import Command
from deedbook.domain.testing.driver import Answer, Driver, Outcome, Question, request_of
from deedbook.domain.testing.looking import Looking, first_difference
from deedbook.domain.testing.model import REPORTS, ModelAction
from deedbook.domain.testing.story import answered

_REFUSALS = (Outcome.UNKNOWN, Outcome.REFUSED, Outcome.MISMATCH)


class Ref(NamedTuple):
    """An action, as one of those that an act recorded: so it is the same one in another duel."""

    act: int
    place: int


class Act(NamedTuple):
    """Something that is done: a method of `Duel` and what it is given; `number` is its own for ever."""

    number: int
    name: str
    given: dict[str, Any]  # Any: each method takes its own


class NotThere(Exception):
    """An act is about something that was left out of this duel."""


class Asked(NamedTuple):
    """A command that succeeded under a key, and its answer, which is to be given again."""

    where: int
    command: Command
    key: str
    answer: Answer


class Duel(Looking):
    """A log and its model. `do` is how acts are done; `Broken` is raised where the two differ."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver)
        self.by = Caller(driver.user)
        self.acts: list[Act] = []
        self.steps = 0
        self.refs: dict[Ref, tuple[int, UUID]] = {}
        self.keyed: list[Asked] = []
        self._has_changed = False
        self._names: dict[UUID, Ref] = {}

    def do(self, act: Act) -> list[Ref]:
        """Do an act, then compare the lists of both namespaces where it changed something; return what it recorded."""
        self.acts.append(act)
        method: Callable[..., list[UUID] | None] = getattr(self, act.name)
        found = [Ref(act.number, place) for place in range(len(method(**act.given) or ()))]
        if self._has_changed:
            self._has_changed = False
            for where in (0, 1):
                self.check_list(where, Question())
        return found

    def waiting(self) -> list[Ref]:
        """Return the actions that should be Pending."""
        return [self._names[one.id] for one in self._actions() if one.state is State.PENDING]

    def running(self) -> list[Ref]:
        """Return the actions that should be running."""
        return [self._names[one.id] for one in self._actions() if one.state in REPORTS]

    def retriable(self) -> list[Ref]:
        """Return the actions that can be retried."""
        return [self._names[one.id] for one in self._actions() if one.can_be_retried]

    def holding(self) -> list[tuple[int, str, str]]:
        """Return the relationships that hold: where, parent and child."""
        holds = [(where, self.models[where].holds) for where in (0, 1)]
        return [(where, parent, child) for where, of in holds for child, parents in of.items() for parent in parents]

    def record(self, where: int, call: RecordAction, key: str | None) -> list[UUID]:
        """Record an action."""
        return self._perform(where, self._filled(where, call), key)

    def record_batch(self, where: int, lines: Sequence[tuple[RecordAction, str | None]]) -> list[UUID]:
        """Record a batch of actions."""
        batch = [(self._filled(where, call), key) for call, key in lines]
        with self.asking("Recording a batch"):
            answers = self.driver.perform_all(batch)
        if len(answers) != len(batch):
            told = f"A batch of {len(batch)} lines had {len(answers)} answers."
            self.fail(told, f"{len(batch)} answers", f"{len(answers)}")
        found = []
        for number, ((command, key), answer) in enumerate(zip(batch, answers, strict=True), 1):
            sentence = f"In a batch, as line {number}, {self._sentence(where, command, key)}"
            found += self._judge(where, command, key, answer, sentence)
        return found

    def cancel(self, ref: Ref, key: str | None) -> None:
        """Cancel an action."""
        where, uuid = self._find(ref)
        self._perform(where, RequestCancel(id=uuid, namespace=self.namespaces[where], by=self.by), key)

    def finish(self, ref: Ref, state: State, key: str | None) -> None:
        """Report an action's end."""
        where, uuid = self._find(ref)
        self._perform(where, Finish(id=uuid, namespace=self.namespaces[where], by=self.by, state=state), key)

    def retry(self, ref: Ref, key: str | None) -> list[UUID]:
        """Retry an action, and read what happened to it."""
        where, uuid = self._find(ref)
        command = Retry(id=uuid, namespace=self.namespaces[where], by=self.by, retry=uuid4())
        found = self._perform(where, command, key)
        self.check_history(where, uuid)
        return found

    def append(self, ref: Ref, texts: Sequence[str], key: str | None) -> None:
        """Add lines to an action's output, and read it."""
        where, uuid = self._find(ref)
        lines = tuple(Line(text) for text in texts)
        self._perform(where, AppendOutput(id=uuid, namespace=self.namespaces[where], lines=lines), key)
        self.check_output(where, uuid)

    def relate(self, where: int, parent: str, child: str, key: str | None) -> None:
        """Put one object below another."""
        command = StateParent(namespace=self.namespaces[where], parent=parent, child=child, by=self.by)
        self._perform(where, command, key)

    def unrelate(self, where: int, parent: str, child: str) -> None:
        """End a relationship, and look at what was related."""
        self._perform(where, EndParent(namespace=self.namespaces[where], parent=parent, child=child, by=self.by), None)
        for uri in (parent, child):
            self.check_list(where, Question(object=uri, include_related=True))

    def repeat(self, key: str, other: RecordAction | None) -> None:
        """Ask the same again under the same key, or something else."""
        before = next((one for one in self.keyed if one.key == key), None)
        if before is None:
            raise NotThere
        command = before.command if other is None else self._filled(before.where, other)
        self._perform(before.where, command, key)

    def trespass(self, ref: Ref) -> None:
        """Cancel and read an action from the other namespace."""
        where, uuid = self._find(ref)
        other = 1 - where
        self._perform(other, RequestCancel(id=uuid, namespace=self.namespaces[other], by=self.by), None)
        self.check_hidden(other, uuid)

    def read(self, ref: Ref) -> None:
        """Read one action in every way."""
        where, uuid = self._find(ref)
        self.check_one(where, uuid)
        self.check_list(where, Question(ids=(uuid,)))
        self.check_list(where, Question(prefix=uuid.hex[:9]))
        self.check_output(where, uuid)
        self.check_history(where, uuid)

    def look(self, where: int, question: Question) -> None:
        """Ask the list."""
        self.check_list(where, question)

    def leaf_through(self, where: int, question: Question, size: int) -> None:
        """Ask the list page by page."""
        for offset in range(0, len(self.models[where].listed(question)) + 1, size):
            self.check_list(where, msgspec.structs.replace(question, limit=size, offset=offset))

    def _actions(self) -> list[ModelAction]:
        return [action for model in self.models for action in model.actions.values()]

    def _find(self, ref: Ref) -> tuple[int, UUID]:
        if ref not in self.refs:
            raise NotThere
        return self.refs[ref]

    def _filled(self, where: int, call: RecordAction) -> RecordAction:
        return msgspec.structs.replace(call, id=uuid4(), namespace=self.namespaces[where], by=self.by)

    def _sentence(self, where: int, command: Command, key: str | None) -> str:
        names_action = isinstance(command, RequestCancel | Finish | Retry | AppendOutput)
        trespasses = names_action and getattr(command, "id", None) in self.models[1 - where].actions
        place = " from another namespace" if trespasses else " in another namespace"
        is_said = trespasses or (where and not names_action)
        under = "" if key is None else f", under the key {key}"
        if key is not None and any(one.key == key for one in self.keyed):
            under = f", again under the key {key}"
        return f"{self.story.asks(command)}{place if is_said else ''}{under}"

    def _perform(self, where: int, command: Command, key: str | None) -> list[UUID]:
        sentence = self._sentence(where, command, key)
        with self.asking(sentence):
            answer = self.driver.perform(command, key)
        return self._judge(where, command, key, answer, sentence)

    def _judge(self, where: int, command: Command, key: str | None, answer: Answer, sentence: str) -> list[UUID]:
        """Compare an answer with the model, which then does the same; return the ids of new actions."""
        self.steps += 1
        told = answered(sentence, answer.words)
        before = next((one for one in self.keyed if (one.where, one.key) == (where, key)), None)
        if before is not None:
            self._judge_repeat(before, command, answer, told)
            return []
        verdict = self.models[where].expect(command)
        if answer.outcome is not verdict.outcome:
            word = self.driver.word(verdict.outcome)
            self.fail(f"{told}; the lifecycle says {word}, {verdict.why}.", word, answer.words)
        if verdict.outcome in _REFUSALS:
            self.story.tell(f"{told}.")
            return []
        return self._follow(where, command, answer, told, verdict.why, key)

    def _follow(self, where: int, command: Command, answer: Answer, told: str, why: str, key: str | None) -> list[UUID]:
        """Let the model do what the log did, and compare what the answer shows."""
        is_new = isinstance(command, RecordAction | Retry)
        shown = answer.action
        if is_new and (shown is None or any(shown.id in one.actions for one in self.models)):
            self.fail(f"{told}, with no new action.", "a new action", "none, or one that was there before")
        action = self.models[where].apply(command, None if shown is None else shown.id)
        self._has_changed = True
        if shown is not None and action is not None:
            if shown.id != action.id:
                self.fail(f"{told}, with another action.", f"{action.id}", f"{shown.id}")
            self.compare(where, shown, told, why if isinstance(command, RecordAction) else "")
        if isinstance(command, AppendOutput) and action is not None:
            first = len(action.lines) - len(command.lines) + 1
            if answer.first != first:
                self.fail(f"{told}, as line {answer.first}; it is line {first}.", f"{first}", f"{answer.first}")
        self.story.tell(f"{told}.")
        if key is not None:
            self.keyed.append(Asked(where, command, key, answer))
        if not is_new or action is None:
            return []
        self.story.introduce(action.id)
        self._introduce(where, action.id)
        return [action.id]

    def _introduce(self, where: int, uuid: UUID) -> None:
        number = self.acts[-1].number
        ref = Ref(number, sum(one.act == number for one in self.refs))
        self.refs[ref] = (where, uuid)
        self._names[uuid] = ref

    def _judge_repeat(self, before: Asked, command: Command, answer: Answer, told: str) -> None:
        first = before.answer
        if request_of(before.command) != request_of(command):
            if answer.outcome is not Outcome.MISMATCH:
                word = self.driver.word(Outcome.MISMATCH)
                why = "since the key stands for another request"
                self.fail(f"{told}; it should be {word}, {why}.", word, answer.words)
        elif (answer.outcome, answer.action, answer.first) != (first.outcome, first.action, first.first):
            other = first_difference(first.action, answer.action)
            again = "the same key has to give the first answer again"
            self.fail(f"{told}{other}; {again}.", first.words, f"{answer.words}{other}")
        self.story.tell(f"{told}.")
